// Every setting of spec/dms-settings.md §1, §2.1, §4 and §5 with its default and its bounds, typed from there. Where we decided
// otherwise than AWS's default document, the line says so.

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "core/settings/kafka_endpoint.h"
#include "core/settings/source_endpoint.h"
#include "core/settings/task_tables.h"
#include "core/settings/test_problems.h"

using namespace dmskafka;  // NOLINT(google-build-using-namespace)

namespace {

struct Listed {
  std::string_view name;
  std::string_view fallback;  // "": none
};

template <typename T>
void check_table(const FieldTable<T>& table, std::initializer_list<Listed> listed) {
  std::set<std::string_view> names;
  for (const Listed& entry : listed) {
    CAPTURE(std::string(entry.name));
    const auto* const field = table.find(entry.name);
    REQUIRE(field != nullptr);
    CHECK(field->fallback == entry.fallback);
    names.insert(entry.name);
  }
  for (const auto& field : table.fields) {
    CAPTURE(std::string(field.name));
    CHECK_MESSAGE(names.contains(field.name), "a setting that the list lacks");
  }
}

void check_group(std::string_view group, std::initializer_list<Listed> listed) {
  CAPTURE(std::string(group));
  const TaskTable* const table = find_task_table(group);
  REQUIRE(table != nullptr);
  check_table(*table, listed);
}

std::size_t task_errors(std::string_view group, std::string_view name, const std::string& value) {
  Problems problems;
  (void)read_task_settings("{\"" + std::string(group) + "\":{\"" + std::string(name) + "\":" + value + "}}",
                           MigrationType::kFullLoadAndCdc, problems);
  return problems.errors.size();
}

struct Bounded {
  std::string_view group;
  std::string_view name;
  std::vector<std::string> accepted;  // the bounds themselves
  std::vector<std::string> refused;   // one beyond each
};

}  // namespace

TEST_CASE("settings_list: KafkaSettings") {
  check_table(kafka_table(), {{"Broker", ""},
                              {"Topic", "kafka-default-topic"},
                              {"MessageFormat", "json"},
                              {"IncludeTransactionDetails", "false"},
                              {"IncludePartitionValue", "false"},
                              {"PartitionIncludeSchemaTable", "false"},
                              {"IncludeTableAlterOperations", "false"},
                              {"IncludeControlDetails", "false"},
                              {"IncludeNullAndEmpty", "false"},
                              {"MessageMaxBytes", "1000000"},
                              {"SecurityProtocol", "plaintext"},
                              {"SslClientCertificateArn", ""},
                              {"SslClientKeyArn", ""},
                              {"SslCaCertificateArn", ""},
                              {"SslClientKeyPassword", ""},
                              {"SaslUsername", ""},
                              {"SaslPassword", ""},
                              {"SaslMechanism", "scram-sha-512"},
                              {"SslEndpointIdentificationAlgorithm", "https"},
                              {"NoHexPrefix", "false"},
                              {"UseLargeIntegerValue", "false"},
                              {"StreamArn", ""},  // of Kinesis: refused with a hint
                              {"ServiceAccessRoleArn", ""}});
}

TEST_CASE("settings_list: PostgreSQLSettings") {
  check_table(postgres_table(), {{"ServerName", ""},
                                 {"Port", "5432"},
                                 {"Username", ""},
                                 {"Password", ""},
                                 {"DatabaseName", ""},
                                 {"AfterConnectScript", ""},
                                 {"CaptureDdls", "true"},
                                 {"DdlArtifactsSchema", "public"},
                                 {"ExecuteTimeout", "60"},
                                 {"FailTasksOnLobTruncation", "false"},
                                 {"HeartbeatEnable", "false"},
                                 {"HeartbeatSchema", "public"},
                                 {"HeartbeatFrequency", "5"},
                                 {"SlotName", ""},
                                 {"PluginName", "pglogical"},
                                 {"TrimSpaceInChar", "true"},
                                 {"MapBooleanAsBoolean", "false"},
                                 {"MapJsonbAsClob", "false"},
                                 {"MapLongVarcharAs", "wstring"},
                                 {"MapUnboundedNumericAsString", "false"},
                                 {"unboundedVarcharMaxSize", "8000"},
                                 {"fetchCacheSize", ""},
                                 {"consumeMonotonicEvents", ""},
                                 {"DisableUnicodeSourceFilter", "false"},
                                 {"MaxFileSize", "32768"},
                                 {"DatabaseMode", "default"},
                                 {"BabelfishDatabaseName", ""},
                                 {"SecretsManagerAccessRoleArn", ""},
                                 {"SecretsManagerSecretId", ""},
                                 {"ServiceAccessRoleArn", ""},
                                 {"AuthenticationMethod", "password"}});
}

TEST_CASE("settings_list: task settings") {
  check_group("TargetMetadata", {{"TargetSchema", ""},
                                 {"SupportLobs", "true"},
                                 {"FullLobMode", "false"},
                                 {"LimitedSizeLobMode", "false"},  // AWS: true; §0.11 cuts only on request
                                 {"LobMaxSize", "0"},              // AWS: 32; likewise
                                 {"LobChunkSize", "64"},
                                 {"InlineLobMaxSize", "0"},
                                 {"LoadMaxFileSize", "0"},
                                 {"ParallelLoadThreads", "0"},
                                 {"ParallelLoadBufferSize", "0"},
                                 {"ParallelLoadQueuesPerThread", "0"},
                                 {"ParallelApplyThreads", "0"},
                                 {"ParallelApplyBufferSize", "0"},
                                 {"ParallelApplyQueuesPerThread", "0"},
                                 {"BatchApplyEnabled", "false"},
                                 {"TaskRecoveryTableEnabled", "false"}});
  check_group("FullLoadSettings", {{"TargetTablePrepMode", "DROP_AND_CREATE"},
                                   {"CreatePkAfterFullLoad", "false"},
                                   {"StopTaskCachedChangesApplied", "false"},
                                   {"StopTaskCachedChangesNotApplied", "false"},
                                   {"MaxFullLoadSubTasks", "8"},
                                   {"TransactionConsistencyTimeout", "600"},
                                   {"CommitRate", "10000"},
                                   {"FullLoadEnabled", ""},  // of 2017
                                   {"ApplyChangesEnabled", ""},
                                   {"ResumeEnabled", ""},
                                   {"ResumeMinTableSize", ""},
                                   {"ResumeOnlyClusteredPKTables", ""}});
  check_group("Logging", {{"EnableLogging", "false"},
                          {"EnableLogContext", "false"},
                          {"LogComponents", ""},
                          {"DeleteTaskLogs", "false"},
                          {"CloudWatchLogGroup", ""},
                          {"CloudWatchLogStream", ""}});
  check_group("ControlTablesSettings", {{"ControlSchema", ""},
                                        {"HistoryTimeslotInMinutes", "5"},
                                        {"historyTimeslotInMinutes", "5"},
                                        {"HistoryTableEnabled", "false"},
                                        {"SuspendedTablesTableEnabled", "false"},
                                        {"StatusTableEnabled", "false"},
                                        {"FullLoadExceptionTableEnabled", "false"},
                                        {"CommitPositionTableEnabled", "false"}});
  check_group("StreamBufferSettings",
              {{"StreamBufferCount", "3"}, {"StreamBufferSizeInMB", "8"}, {"CtrlStreamBufferSizeInMB", "5"}});
  check_group("ChangeProcessingTuning", {{"BatchApplyPreserveTransaction", "true"},
                                         {"BatchApplyTimeoutMin", "1"},
                                         {"BatchApplyTimeoutMax", "30"},
                                         {"BatchApplyMemoryLimit", "500"},
                                         {"BatchSplitSize", "0"},
                                         {"MinTransactionSize", "1000"},
                                         {"CommitTimeout", "1"},
                                         {"MemoryLimitTotal", "1024"},
                                         {"MemoryKeepTime", "60"},
                                         {"StatementCacheSize", "50"},
                                         {"RecoveryTimeout", "-1"}});
  check_group("ChangeProcessingDdlHandlingPolicy", {{"HandleSourceTableDropped", "true"},
                                                    {"HandleSourceTableTruncated", "true"},
                                                    {"HandleSourceTableAltered", "true"}});
  check_group("ErrorBehavior", {{"DataErrorPolicy", "LOG_ERROR"},
                                {"DataTruncationErrorPolicy", "LOG_ERROR"},
                                {"DataErrorEscalationPolicy", "SUSPEND_TABLE"},
                                {"DataErrorEscalationCount", "0"},
                                {"DataMaskingErrorPolicy", "STOP_TASK"},
                                {"TableErrorPolicy", "SUSPEND_TABLE"},
                                {"TableErrorEscalationPolicy", "STOP_TASK"},
                                {"TableErrorEscalationCount", "0"},
                                {"RecoverableErrorCount", "-1"},
                                {"RecoverableErrorInterval", "5"},
                                {"RecoverableErrorThrottling", "true"},
                                {"RecoverableErrorThrottlingMax", "1800"},
                                {"RecoverableErrorStopRetryAfterThrottlingMax", "true"},
                                {"ApplyErrorDeletePolicy", "IGNORE_RECORD"},
                                {"ApplyErrorInsertPolicy", "LOG_ERROR"},
                                {"ApplyErrorUpdatePolicy", "LOG_ERROR"},
                                {"ApplyErrorEscalationPolicy", "LOG_ERROR"},
                                {"ApplyErrorEscalationCount", "0"},
                                {"ApplyErrorFailOnTruncationDdl", "false"},
                                {"FailOnNoTablesCaptured", "true"},
                                {"FailOnTransactionConsistencyBreached", "false"},
                                {"FullLoadIgnoreConflicts", "true"},
                                {"EventErrorPolicy", "IGNORE"}});
  check_group("ValidationSettings", {{"EnableValidation", "false"},
                                     {"ValidationMode", "ROW_LEVEL"},
                                     {"ThreadCount", "5"},
                                     {"PartitionSize", "10000"},
                                     {"FailureMaxCount", "10000"},
                                     {"TableFailureMaxCount", "1000"},
                                     {"RecordFailureDelayInMinutes", "5"},
                                     {"RecordFailureDelayLimitInMinutes", "0"},
                                     {"RecordSuspendDelayInMinutes", "30"},
                                     {"MaxKeyColumnSize", "8096"},
                                     {"ValidationOnly", "false"},
                                     {"HandleCollationDiff", "false"},
                                     {"SkipLobColumns", "false"},
                                     {"ValidationPartialLobSize", "0"},
                                     {"ValidationQueryCdcDelaySeconds", "0"}});
  check_group("BeforeImageSettings",
              {{"EnableBeforeImage", "false"}, {"FieldName", ""}, {"ColumnFilter", "pk-only"}});
  check_group("CharacterSetSettings", {{"CharacterReplacements", ""}, {"CharacterSetSupport", ""}});
  check_group("TTSettings", {{"EnableTT", "false"}, {"TTS3Settings", ""}, {"TTRecordSettings", ""}});
}

TEST_CASE("settings_list: DmskafkaSettings") {
  check_group("DmskafkaSettings", {{"Dialect", "dms"},
                                   {"Delivery", "at-least-once"},
                                   {"Partitioner", "murmur2_random"},
                                   {"UnchangedToast", "omit"},
                                   {"Topic", ""},
                                   {"KafkaProperties", ""},
                                   {"TaskControlRecords", "false"},
                                   {"TransactionRecordsMax", "1000000"},
                                   {"MaxThreads", "32"},
                                   {"MaxConnections", "32"},
                                   {"StallTimeout", "900"},  // of a full load
                                   {"LockTables", "true"},
                                   {"AllowPartialImages", "false"},
                                   {"ServerId", ""},
                                   {"DataErrorBytesMax", "1073741824"}});
}

TEST_CASE("settings_list: a task's bounds are accepted, and one beyond each is refused") {
  const std::vector<Bounded> all = {
      {"TargetMetadata", "ParallelLoadThreads", {"0", "32"}, {"-1", "33"}},
      {"TargetMetadata", "ParallelLoadBufferSize", {"0", "1", "1000"}, {"-1", "1001"}},
      {"TargetMetadata", "ParallelLoadQueuesPerThread", {"0", "1", "5", "512"}, {"-1", "2", "4", "513"}},
      {"TargetMetadata", "ParallelApplyThreads", {"0", "32"}, {"-1", "33"}},
      {"TargetMetadata", "ParallelApplyBufferSize", {"0", "1", "1000"}, {"-1", "1001"}},
      {"TargetMetadata", "ParallelApplyQueuesPerThread", {"0", "1", "512"}, {"-1", "513"}},
      {"TargetMetadata", "LobMaxSize", {"0", "1", "102400"}, {"-1", "102401"}},
      {"TargetMetadata", "SupportLobs", {"true", "false", "\"True\""}, {"1", "\"no\""}},
      {"TargetMetadata", "LimitedSizeLobMode", {"true", "false"}, {"0"}},
      {"FullLoadSettings", "MaxFullLoadSubTasks", {"1", "49"}, {"0", "50"}},
      {"FullLoadSettings", "CommitRate", {"1", "50000"}, {"0", "50001"}},
      {"FullLoadSettings",
       "TargetTablePrepMode",
       {"\"DO_NOTHING\"", "\"DROP_AND_CREATE\"", "\"TRUNCATE_BEFORE_LOAD\""},
       {"\"DROP\"", "1"}},
      {"ErrorBehavior",
       "DataErrorPolicy",
       {"\"IGNORE_RECORD\"", "\"LOG_ERROR\"", "\"SUSPEND_TABLE\"", "\"STOP_TASK\""},
       {"\"IGNORE\""}},
      {"ErrorBehavior",
       "DataTruncationErrorPolicy",
       {"\"IGNORE_RECORD\"", "\"LOG_ERROR\"", "\"SUSPEND_TABLE\"", "\"STOP_TASK\""},
       {"\"CUT\""}},
      {"ErrorBehavior", "TableErrorPolicy", {"\"SUSPEND_TABLE\"", "\"STOP_TASK\""}, {"\"LOG_ERROR\""}},
      {"ErrorBehavior", "DataErrorEscalationCount", {"0", "10000"}, {"-1", "10001"}},
      {"ErrorBehavior", "TableErrorEscalationCount", {"0", "10000"}, {"-1", "10001"}},
      {"BeforeImageSettings", "ColumnFilter", {"\"pk-only\"", "\"non-lob\"", "\"all\""}, {"\"lob\""}},
      {"DmskafkaSettings", "Dialect", {"\"dms\"", "\"dms-strict\"", "\"documented\""}, {"\"aws\""}},
      {"DmskafkaSettings", "Delivery", {"\"at-least-once\""}, {"\"at-most-once\""}},
      {"DmskafkaSettings", "Partitioner", {"\"murmur2_random\"", "\"consistent_random\""}, {"\"random\""}},
      {"DmskafkaSettings", "UnchangedToast", {"\"omit\"", "\"placeholder\"", "\"fetch\""}, {"\"null\""}},
      {"DmskafkaSettings", "TransactionRecordsMax", {"0", "1"}, {"-1"}},
      {"DmskafkaSettings", "MaxThreads", {"1", "512"}, {"0", "513"}},
      {"DmskafkaSettings", "MaxConnections", {"1", "512"}, {"0", "513"}},
      {"DmskafkaSettings", "StallTimeout", {"0", "31536000"}, {"-1", "31536001"}},
      {"DmskafkaSettings", "ServerId", {"1", "4294967295"}, {"0", "4294967296"}},
      {"DmskafkaSettings", "DataErrorBytesMax", {"1"}, {"0", "-1"}},
      {"DmskafkaSettings",
       "Topic",
       {"{\"Partitions\":1}", "{\"ReplicationFactor\":1}"},
       {"{\"Partitions\":0}", "{\"ReplicationFactor\":0}", "1"}},
  };
  for (const Bounded& setting : all) {
    for (const std::string& value : setting.accepted) {
      CAPTURE(std::string(setting.name) + " " + value);
      CHECK(task_errors(setting.group, setting.name, value) == 0);
    }
    for (const std::string& value : setting.refused) {
      CAPTURE(std::string(setting.name) + " " + value);
      CHECK(task_errors(setting.group, setting.name, value) == 1);
    }
  }
}

TEST_CASE("settings_list: an endpoint's bounds are accepted, and one beyond each is refused") {
  const auto target_errors = [](const std::string& member) {
    Problems problems;
    (void)read_target_settings("{\"Broker\":\"a:1\"," + member + "}", problems);
    return problems.errors.size();
  };
  CHECK(target_errors("\"MessageMaxBytes\":1") == 0);
  CHECK(target_errors("\"MessageMaxBytes\":1000000000") == 0);
  CHECK(target_errors("\"MessageMaxBytes\":0") == 1);
  CHECK(target_errors("\"MessageMaxBytes\":1000000001") == 1);
  CHECK(target_errors("\"MessageFormat\":\"JSON_UNFORMATTED\"") == 0);
  CHECK(target_errors("\"MessageFormat\":\"xml\"") == 1);
  CHECK(target_errors("\"SecurityProtocol\":\"sasl-plaintext\"") == 1);
  CHECK(target_errors("\"SaslMechanism\":\"scram-sha-256\"") == 1);
  CHECK(target_errors("\"StreamArn\":\"x\"") == 1);

  const auto source_errors = [](const std::string& member) {
    Problems problems;
    (void)read_source_settings("{\"ServerName\":\"h\",\"DatabaseName\":\"d\"," + member + "}", problems);
    return problems.errors.size();
  };
  CHECK(source_errors("\"Port\":1") == 0);
  CHECK(source_errors("\"Port\":65535") == 0);
  CHECK(source_errors("\"Port\":0") == 1);
  CHECK(source_errors("\"Port\":65536") == 1);
  CHECK(source_errors("\"ExecuteTimeout\":1") == 0);
  CHECK(source_errors("\"ExecuteTimeout\":0") == 1);
  CHECK(source_errors("\"unboundedVarcharMaxSize\":1") == 0);
  CHECK(source_errors("\"unboundedVarcharMaxSize\":10485760") == 0);
  CHECK(source_errors("\"unboundedVarcharMaxSize\":0") == 1);
  CHECK(source_errors("\"unboundedVarcharMaxSize\":10485761") == 1);
  for (const char* const value : {"wstring", "clob", "nclob"}) {
    CHECK(source_errors("\"MapLongVarcharAs\":\"" + std::string(value) + "\"") == 0);
  }
  CHECK(source_errors("\"MapLongVarcharAs\":\"text\"") == 1);
}

TEST_CASE("settings_list: the page's example of 128 threads asks for MaxThreads, and has it with it") {
  const std::string example =
      R"("TargetMetadata":{"ParallelApplyThreads":128,"ParallelApplyQueuesPerThread":64,"ParallelApplyBufferSize":50})";
  Problems refused;
  (void)read_task_settings("{" + example + "}", MigrationType::kFullLoad, refused);
  REQUIRE(refused.errors.size() == 1);
  CHECK(refused.errors[0].expectation() == "0 to 32; DmskafkaSettings.MaxThreads raises this bound");
  Problems accepted;
  const TaskSettings task = read_task_settings("{" + example + R"(,"DmskafkaSettings":{"MaxThreads":128}})",
                                               MigrationType::kFullLoad, accepted);
  CHECK(accepted.ok());
  CHECK(task.parallel_apply_threads == 128);
  CHECK(task.parallel_apply_queues_per_thread == 64);
  CHECK(task.parallel_apply_buffer_size == 50);
}

TEST_CASE("settings_list: FailTasksOnLobTruncation stops the task whatever the policy says") {
  Problems problems;
  const SourceSettings source = read_source_settings(
      R"({"ServerName":"h","DatabaseName":"d","FailTasksOnLobTruncation":true})", problems);
  TaskSettings task;
  task.data_truncation_error_policy = ErrorPolicy::kIgnoreRecord;
  check_settings_together(source, {}, task, MigrationType::kFullLoad, problems);
  CHECK(problems.ok());
  CHECK(task.data_truncation_error_policy == ErrorPolicy::kStopTask);
}

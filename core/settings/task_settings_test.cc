#include <doctest/doctest.h>

#include <string>

#include "core/settings/settings_reader.h"
#include "core/settings/test_problems.h"

using namespace dmskafka;  // NOLINT(google-build-using-namespace)
using Texts = std::vector<std::string>;

namespace {

TaskSettings good(std::string_view argument, MigrationType type = MigrationType::kFullLoad) {
  Problems problems;
  TaskSettings task = read_task_settings(argument, type, problems);
  CHECK(everything_said(problems) == "");
  return task;
}

Texts errors(std::string_view argument, MigrationType type = MigrationType::kFullLoad) {
  Problems problems;
  (void)read_task_settings(argument, type, problems);
  return texts_of(problems.errors);
}

Texts notices(std::string_view argument) {
  Problems problems;
  (void)read_task_settings(argument, MigrationType::kFullLoad, problems);
  CHECK(texts_of(problems.errors) == Texts{});
  Texts messages;
  for (const Error& notice : problems.notices) messages.push_back(notice.message());
  return messages;
}

// What describe-replication-tasks gives for a task that was made without settings (2024).
constexpr std::string_view kAwsDefault = R"({
  "Logging": {"EnableLogging": false, "EnableLogContext": false, "LogComponents": null, "CloudWatchLogGroup": null,
              "CloudWatchLogStream": null},
  "StreamBufferSettings": {"StreamBufferCount": 3, "CtrlStreamBufferSizeInMB": 5, "StreamBufferSizeInMB": 8},
  "ErrorBehavior": {"FailOnNoTablesCaptured": true, "ApplyErrorUpdatePolicy": "LOG_ERROR",
    "FailOnTransactionConsistencyBreached": false, "RecoverableErrorThrottlingMax": 1800,
    "DataErrorEscalationPolicy": "SUSPEND_TABLE", "ApplyErrorEscalationCount": 0, "RecoverableErrorStopRetryAfterThrottlingMax": true,
    "RecoverableErrorThrottling": true, "ApplyErrorFailOnTruncationDdl": false, "DataMaskingErrorPolicy": "STOP_TASK",
    "DataTruncationErrorPolicy": "LOG_ERROR", "ApplyErrorInsertPolicy": "LOG_ERROR", "EventErrorPolicy": "IGNORE",
    "ApplyErrorEscalationPolicy": "LOG_ERROR", "RecoverableErrorCount": -1, "DataErrorEscalationCount": 0,
    "TableErrorEscalationPolicy": "STOP_TASK", "RecoverableErrorInterval": 5, "ApplyErrorDeletePolicy": "IGNORE_RECORD",
    "TableErrorEscalationCount": 0, "FullLoadIgnoreConflicts": true, "DataErrorPolicy": "LOG_ERROR",
    "TableErrorPolicy": "SUSPEND_TABLE"},
  "TTSettings": {"TTS3Settings": null, "TTRecordSettings": null, "EnableTT": false},
  "FullLoadSettings": {"CommitRate": 10000, "StopTaskCachedChangesApplied": false, "StopTaskCachedChangesNotApplied": false,
    "MaxFullLoadSubTasks": 8, "TransactionConsistencyTimeout": 600, "CreatePkAfterFullLoad": false,
    "TargetTablePrepMode": "DO_NOTHING"},
  "TargetMetadata": {"ParallelApplyBufferSize": 0, "ParallelApplyQueuesPerThread": 0, "ParallelApplyThreads": 0,
    "TargetSchema": "", "InlineLobMaxSize": 0, "ParallelLoadQueuesPerThread": 0, "SupportLobs": true, "LobChunkSize": 64,
    "TaskRecoveryTableEnabled": false, "ParallelLoadThreads": 0, "LobMaxSize": 0, "BatchApplyEnabled": false,
    "FullLobMode": false, "LimitedSizeLobMode": false, "LoadMaxFileSize": 0, "ParallelLoadBufferSize": 0},
  "BeforeImageSettings": null,
  "ControlTablesSettings": {"historyTimeslotInMinutes": 5, "HistoryTimeslotInMinutes": 5, "StatusTableEnabled": false,
    "SuspendedTablesTableEnabled": false, "HistoryTableEnabled": false, "ControlSchema": "", "FullLoadExceptionTableEnabled": false,
    "CommitPositionTableEnabled": false},
  "LoopbackPreventionSettings": null,
  "CharacterSetSettings": null,
  "FailTaskWhenCleanTaskResourceFailed": false,
  "ChangeProcessingTuning": {"StatementCacheSize": 50, "CommitTimeout": 1, "RecoveryTimeout": -1, "BatchApplyPreserveTransaction": true,
    "BatchApplyTimeoutMin": 1, "BatchSplitSize": 0, "BatchApplyTimeoutMax": 30, "MinTransactionSize": 1000, "MemoryKeepTime": 60,
    "BatchApplyMemoryLimit": 500, "MemoryLimitTotal": 1024},
  "ChangeProcessingDdlHandlingPolicy": {"HandleSourceTableDropped": true, "HandleSourceTableTruncated": true,
    "HandleSourceTableAltered": true},
  "PostProcessingRules": null
})";

}  // namespace

TEST_CASE("task_settings: AWS's complete default document says nothing") {
  const TaskSettings task = good(kAwsDefault);
  CHECK(task.target_table_prep_mode == TargetTablePrepMode::kDoNothing);
  CHECK_FALSE(task.lob_max_kilobytes.has_value());
}

TEST_CASE("task_settings: defaults") {
  const TaskSettings task = good("");
  CHECK(task.target_table_prep_mode == TargetTablePrepMode::kDropAndCreate);
  CHECK(task.max_full_load_sub_tasks == 8);
  CHECK(task.data_error_policy == ErrorPolicy::kLogError);
  CHECK(task.table_error_policy == ErrorPolicy::kSuspendTable);
  CHECK(task.table_error_escalation_policy == ErrorPolicy::kStopTask);
  CHECK(task.fail_on_no_tables_captured);
  CHECK(task.dmskafka.partitioner == Partitioner::kMurmur2Random);
  CHECK(task.dmskafka.data_error_bytes_max == 1'073'741'824);
  CHECK_FALSE(task.dmskafka.stall_timeout_s.has_value());
}

TEST_CASE("task_settings: what a full load honours") {
  const TaskSettings task = good(R"({
    "TargetMetadata": {"TargetSchema": "crm"},
    "FullLoadSettings": {"TargetTablePrepMode": "truncate-before-load", "MaxFullLoadSubTasks": 49},
    "ErrorBehavior": {"DataErrorPolicy": "STOP_TASK", "DataErrorEscalationPolicy": "stop-task", "DataErrorEscalationCount": 3,
      "TableErrorPolicy": "STOP_TASK", "TableErrorEscalationPolicy": "SUSPEND_TABLE", "TableErrorEscalationCount": 4,
      "FailOnNoTablesCaptured": false},
    "DmskafkaSettings": {"Dialect": "dms", "Delivery": "at-least-once", "Partitioner": "consistent_random",
      "Topic": {"Partitions": 6, "ReplicationFactor": 3, "Config": {"cleanup.policy": "compact", "retention.ms": 1000}},
      "KafkaProperties": {"linger.ms": 5, "compression.type": "zstd", "socket.keepalive.enable": true},
      "MaxThreads": 64, "MaxConnections": 4, "StallTimeout": 0, "LockTables": false, "DataErrorBytesMax": 1000}})");
  CHECK(task.target_schema == "crm");
  CHECK(task.target_table_prep_mode == TargetTablePrepMode::kTruncateBeforeLoad);
  CHECK(task.max_full_load_sub_tasks == 49);
  CHECK(task.data_error_policy == ErrorPolicy::kStopTask);
  CHECK(task.data_error_escalation_policy == ErrorPolicy::kStopTask);
  CHECK(task.data_error_escalation_count == 3);
  CHECK(task.table_error_policy == ErrorPolicy::kStopTask);
  CHECK(task.table_error_escalation_policy == ErrorPolicy::kSuspendTable);
  CHECK(task.table_error_escalation_count == 4);
  CHECK_FALSE(task.fail_on_no_tables_captured);
  CHECK(task.dmskafka.partitioner == Partitioner::kConsistentRandom);
  CHECK(task.dmskafka.topic_partitions == 6);
  CHECK(task.dmskafka.topic_replication_factor == std::int16_t{3});
  CHECK(task.dmskafka.topic_config ==
        std::map<std::string, std::string>{{"cleanup.policy", "compact"}, {"retention.ms", "1000"}});
  CHECK(task.dmskafka.kafka_properties ==
        std::map<std::string, std::string>{
            {"compression.type", "zstd"}, {"linger.ms", "5"}, {"socket.keepalive.enable", "true"}});
  CHECK(task.dmskafka.max_threads == 64);
  CHECK(task.dmskafka.max_connections == 4);
  CHECK(task.dmskafka.stall_timeout_s == 0);
  CHECK_FALSE(task.dmskafka.lock_tables);
  CHECK(task.dmskafka.data_error_bytes_max == 1000);
}

TEST_CASE("task_settings: the shapes AWS's tools hold it in") {
  const char* const shapes[] = {
      R"({"FullLoadSettings": {"MaxFullLoadSubTasks": 5}})",
      R"({"ReplicationTaskIdentifier": "t", "MigrationType": "full-load", "TableMappings": "{}",
          "ReplicationTaskSettings": "{\"FullLoadSettings\": {\"MaxFullLoadSubTasks\": 5}}"})",
      R"({"ReplicationTasks": [{"ReplicationTaskSettings": "{\"FullLoadSettings\": {\"MaxFullLoadSubTasks\": 5}}"}]})",
      R"({"ReplicationTask": {"ReplicationTaskSettings": {"FullLoadSettings": {"MaxFullLoadSubTasks": 5}}}})",
      R"({"Type": "AWS::DMS::ReplicationTask", "Properties": {"ReplicationTaskSettings":
          "{\"FullLoadSettings\": {\"MaxFullLoadSubTasks\": \"5\"}}"}})",
  };
  for (const char* shape : shapes) {
    CAPTURE(shape);
    CHECK(good(shape).max_full_load_sub_tasks == 5);
  }
  CHECK(good(R"({"ReplicationTaskIdentifier": "t", "TableMappings": "{}"})").max_full_load_sub_tasks == 8);
}

TEST_CASE("task_settings: a problem inside a string tells where the string is") {
  CHECK(errors("{\n  \"ReplicationTaskSettings\": \"{\\\"FullLoadSettings\\\": {\\\"MaxFullLoadSubTasks\\\": "
               "50}}\"}") ==
        Texts{"--task-settings:2:30, in the string /ReplicationTaskSettings:1:46: "
              "/FullLoadSettings/MaxFullLoadSubTasks: "
              "MaxFullLoadSubTasks 50 is out of range\n"
              "    {\"FullLoadSettings\": {\"MaxFullLoadSubTasks\": 50}}\n"
              "                                                 ^ expected 1 to 49; AWS's bound"});
}

TEST_CASE("task_settings: unknown members, with the group they belong to") {
  CHECK(
      errors("{\"TargetMetadata\": {\n\"MaxFullLoadSubTasks\": 1,\n\"TargetShema\": "
             "\"x\"},\n\"FullLoadSetting\": {},\n"
             "\"LobMaxSize\": 1,\n\"VALIDATOR\": {}}") ==
      Texts{
          "--task-settings:2:1: /TargetMetadata/MaxFullLoadSubTasks: TargetMetadata has no setting "
          "\"MaxFullLoadSubTasks\"\n"
          "    \"MaxFullLoadSubTasks\": 1,\n"
          "    ^ expected it in FullLoadSettings: MaxFullLoadSubTasks belongs to FullLoadSettings",
          "--task-settings:3:1: /TargetMetadata/TargetShema: TargetMetadata has no setting \"TargetShema\"\n"
          "    \"TargetShema\": \"x\"},\n"
          "    ^ expected \"TargetSchema\"",
          "--task-settings:4:1: /FullLoadSetting: the task settings have no group \"FullLoadSetting\"\n"
          "    \"FullLoadSetting\": {},\n"
          "    ^ expected \"FullLoadSettings\"",
          "--task-settings:5:1: /LobMaxSize: the task settings have no group \"LobMaxSize\"\n"
          "    \"LobMaxSize\": 1,\n"
          "    ^ expected it in TargetMetadata: LobMaxSize belongs to TargetMetadata",
          "--task-settings:6:1: /VALIDATOR: the task settings have no group \"VALIDATOR\"\n"
          "    \"VALIDATOR\": {}}\n"
          "    ^"});
}

TEST_CASE("task_settings: ranges of the page are enforced") {
  const auto one = [](std::string_view group, std::string_view member) {
    return errors("{\"" + std::string(group) + "\": {" + std::string(member) + "}}").size();
  };
  for (const std::string_view refused :
       {R"("ParallelLoadThreads": 33)", R"("ParallelLoadThreads": -1)", R"("ParallelLoadBufferSize": 1001)",
        R"("ParallelLoadQueuesPerThread": 2)", R"("ParallelLoadQueuesPerThread": 4)",
        R"("ParallelLoadQueuesPerThread": 513)", R"("ParallelApplyThreads": 33)",
        R"("ParallelApplyBufferSize": 1001)", R"("ParallelApplyQueuesPerThread": 513)",
        R"("LobMaxSize": 102401)", R"("SupportLobs": "maybe")", R"("TargetSchema": 1)"}) {
    CAPTURE(refused);
    CHECK(one("TargetMetadata", refused) == 1);
  }
  for (const std::string_view accepted :
       {R"("ParallelLoadThreads": 32)", R"("ParallelLoadBufferSize": 1000)",
        R"("ParallelLoadQueuesPerThread": 1)", R"("ParallelLoadQueuesPerThread": 5)",
        R"("ParallelLoadQueuesPerThread": 512)", R"("ParallelApplyQueuesPerThread": 2)"}) {
    CAPTURE(accepted);
    CHECK(one("TargetMetadata", accepted) == 0);
  }
  CHECK(one("FullLoadSettings", R"("MaxFullLoadSubTasks": 0)") == 1);
  CHECK(one("FullLoadSettings", R"("MaxFullLoadSubTasks": 50)") == 1);
  CHECK(one("FullLoadSettings", R"("MaxFullLoadSubTasks": 8.5)") == 1);
  CHECK(one("FullLoadSettings", R"("MaxFullLoadSubTasks": 99999999999999999999)") == 1);
  CHECK(one("FullLoadSettings", R"("CommitRate": 50001)") == 1);
  CHECK(one("DmskafkaSettings", R"("MaxConnections": 0)") == 1);
  CHECK(one("DmskafkaSettings", R"("MaxConnections": 513)") == 1);
  CHECK(one("DmskafkaSettings", R"("Topic": {"Partitions": 0})") == 1);
  CHECK(one("DmskafkaSettings", R"("Topic": {"Partition": 1})") == 1);
}

TEST_CASE("task_settings: MaxThreads raises the bound of threads, wherever it stands") {
  CHECK(errors(R"({"TargetMetadata":{"ParallelApplyThreads":128}})") ==
        Texts{"--task-settings:1:43: /TargetMetadata/ParallelApplyThreads: ParallelApplyThreads 128 is out "
              "of range\n"
              "    {\"TargetMetadata\":{\"ParallelApplyThreads\":128}}\n"
              "                                              ^ expected 0 to 32; DmskafkaSettings.MaxThreads "
              "raises this bound"});
  CHECK(errors(R"({"TargetMetadata":{"ParallelApplyThreads":128},"DmskafkaSettings":{"MaxThreads":128}})") ==
        Texts{});
}

TEST_CASE("task_settings: what is accepted without being honoured is told") {
  CHECK(
      notices(R"({"TargetMetadata":{"ParallelLoadThreads":4,"LimitedSizeLobMode":true,"LobMaxSize":32}})") ==
      Texts{});
  CHECK(
      notices(
          R"({"FullLoadSettings":{"CommitRate":5,"FullLoadEnabled":true},"Logging":{"EnableLogContext":true}})") ==
      Texts{"FullLoadEnabled has no effect here: a member of 2017; the command says what is done",
            "EnableLogContext has no effect here: each line names its table or connection already"});
}

TEST_CASE("task_settings: buffers and queues without threads are told, not refused") {
  const auto first = [](const std::string& members) {
    const Texts said = notices("{\"TargetMetadata\":{" + members + "}}");
    return said.empty() ? std::string() : said.back();
  };
  CHECK(first("\"ParallelLoadBufferSize\":500") ==
        "ParallelLoadBufferSize has no effect without ParallelLoadThreads above 1");
  CHECK(first("\"ParallelLoadThreads\":1,\"ParallelLoadQueuesPerThread\":5") ==
        "ParallelLoadQueuesPerThread has no effect without ParallelLoadThreads above 1");
  CHECK(first("\"ParallelApplyQueuesPerThread\":\"5\"") ==
        "ParallelApplyQueuesPerThread has no effect without ParallelApplyThreads above 1");
  CHECK(first("\"ParallelLoadThreads\":2,\"ParallelLoadQueuesPerThread\":5,\"ParallelLoadBufferSize\":500")
            .empty());
  CHECK(first("\"ParallelLoadQueuesPerThread\":0,\"ParallelLoadBufferSize\":\"0\"").empty());
}

TEST_CASE("task_settings: LOB limits only where the file asks for them") {
  Problems problems;
  const auto limit = [&](std::string_view members) {
    const std::string text = "{\"TargetMetadata\":{" + std::string(members) + "}}";
    return read_task_settings(text, MigrationType::kFullLoad, problems).lob_max_kilobytes;
  };
  CHECK(limit("") == std::nullopt);
  CHECK(limit("\"LimitedSizeLobMode\":true") == 32);
  CHECK(limit("\"LobMaxSize\":64") == 64);
  CHECK(limit("\"LobMaxSize\":64,\"LimitedSizeLobMode\":true") == 64);
  CHECK(limit("\"LimitedSizeLobMode\":false,\"LobMaxSize\":64") == std::nullopt);
  CHECK(limit("\"FullLobMode\":true,\"LobMaxSize\":64") == std::nullopt);
  CHECK(problems.ok());
  REQUIRE(problems.warnings.size() == 1);
  CHECK(problems.warnings[0].message() ==
        "FullLobMode is not allowed for Kafka in DMS; here it means that values are not cut");
}

TEST_CASE(
    "task_settings: dms-strict brings DMS's partitioner and its 32 KB, unless the file says otherwise") {
  const TaskSettings strict = good(R"({"DmskafkaSettings":{"Dialect":"dms-strict"}})");
  CHECK(strict.dmskafka.dialect == Dialect::kDmsStrict);
  CHECK(strict.dmskafka.partitioner == Partitioner::kConsistentRandom);
  CHECK(strict.lob_max_kilobytes == 32);
  const TaskSettings chosen = good(
      R"({"DmskafkaSettings":{"Dialect":"dms-strict","Partitioner":"murmur2_random"},"TargetMetadata":{"LobMaxSize":7}})");
  CHECK(chosen.dmskafka.partitioner == Partitioner::kMurmur2Random);
  CHECK(chosen.lob_max_kilobytes == 7);
  const TaskSettings whole =
      good(R"({"DmskafkaSettings":{"Dialect":"dms-strict"},"TargetMetadata":{"LimitedSizeLobMode":false}})");
  CHECK_FALSE(whole.lob_max_kilobytes.has_value());
  for (const std::string_view dialect : {"dms", "documented"}) {
    const TaskSettings other = good("{\"DmskafkaSettings\":{\"Dialect\":\"" + std::string(dialect) + "\"}}");
    CHECK(other.dmskafka.partitioner == Partitioner::kMurmur2Random);
    CHECK_FALSE(other.lob_max_kilobytes.has_value());
  }
}

TEST_CASE("task_settings: what is not built is refused by name") {
  CHECK(errors(R"({"DmskafkaSettings":{"Delivery":"exactly-once"}})") ==
        Texts{"--task-settings:1:33: /DmskafkaSettings/Delivery: Delivery exactly-once is not built yet\n"
              "    {\"DmskafkaSettings\":{\"Delivery\":\"exactly-once\"}}\n"
              "                                    ^ expected at-least-once"});
  Problems problems;
  (void)read_task_settings(R"({"MigrationType":"cdc","ReplicationTaskSettings":"{}"})",
                           MigrationType::kFullLoad, problems);
  REQUIRE(problems.warnings.size() == 1);
  CHECK(problems.warnings[0].message() == "MigrationType cdc: this command does full-load");
  CHECK(errors(R"({"TTSettings":{"EnableTT":true}})").size() == 1);
  CHECK(errors(R"({"ValidationSettings":{"EnableValidation":true}})").size() == 1);
}

TEST_CASE("task_settings: before images") {
  constexpr std::string_view kEnabled =
      R"({"BeforeImageSettings":{"EnableBeforeImage":true,"FieldName":"before"}})";
  CHECK(errors(kEnabled) ==
        Texts{"--task-settings:1:24: /BeforeImageSettings: BeforeImageSettings are for following changes; "
              "this task only loads\n"
              "    {\"BeforeImageSettings\":{\"EnableBeforeImage\":true,\"FieldName\":\"before\"}}\n"
              "                           ^ expected EnableBeforeImage false, or no BeforeImageSettings"});
  CHECK(errors(kEnabled, MigrationType::kCdc) == Texts{});
  CHECK(errors(R"({"BeforeImageSettings":{"EnableBeforeImage":true}})", MigrationType::kCdc).size() == 1);
  CHECK(errors(R"({"BeforeImageSettings":{"FieldName":"metadata"}})", MigrationType::kCdc).size() == 1);
  CHECK(
      errors(
          R"({"BeforeImageSettings":{"EnableBeforeImage":false,"FieldName":"","ColumnFilter":"pk-only"}})") ==
      Texts{});
}

TEST_CASE("task_settings: BatchApplyEnabled is a warning") {
  Problems problems;
  (void)read_task_settings(R"({"TargetMetadata":{"BatchApplyEnabled":true}})", MigrationType::kFullLoad,
                           problems);
  CHECK(problems.ok());
  REQUIRE(problems.warnings.size() == 1);
  CHECK(problems.warnings[0].message() ==
        "BatchApplyEnabled loses data with Kafka in DMS; it is treated as false");
}

TEST_CASE("task_settings: Kafka properties that are ours are refused by name") {
  CHECK(
      errors(R"({"DmskafkaSettings":{"KafkaProperties":{"acks":1}}})") ==
      Texts{"--task-settings:1:48: /DmskafkaSettings/KafkaProperties/acks: KafkaProperties cannot set acks\n"
            "    {\"DmskafkaSettings\":{\"KafkaProperties\":{\"acks\":1}}}\n"
            "                                                   ^\n"
            "  dmskafka sets it so that nothing is lost or reordered; DmskafkaSettings.Delivery chooses"});
  Problems problems;
  TaskSettings task;
  task.dmskafka.kafka_properties["linger.ms"] = "1";
  apply_kafka_properties({{"linger.ms", "7"},
                          {"enable.idempotence", "false"},
                          {"bootstrap.servers", "x"},
                          {"transactional.id", "x"},
                          {"message.max.bytes", "1"},
                          {"message.timeout.ms", "1"},
                          {"max.in.flight", "1"},
                          {"partitioner", "x"},
                          {"security.protocol", "ssl"},
                          {"sasl.password", "hunter2"},
                          {"ssl.ca.location", "x"}},
                         task, problems);
  CHECK(task.dmskafka.kafka_properties == std::map<std::string, std::string>{{"linger.ms", "7"}});
  REQUIRE(problems.errors.size() == 10);
  CHECK(problems.errors[1].to_string() == "-X cannot set bootstrap.servers\n  use KafkaSettings.Broker");
  CHECK(problems.errors[8].to_string() == "-X cannot set sasl.password\n  use KafkaSettings.SaslPassword");
  CHECK(everything_said(problems).find("hunter2") == std::string::npos);
}

TEST_CASE("task_settings: the whole document is no object, or no JSON") {
  CHECK(errors("[]").at(0).find("the task settings are an array") != std::string::npos);
  CHECK(errors("{\"Logging\": 1}").at(0).find("Logging is a number") != std::string::npos);
  CHECK(errors("{").size() == 1);
  CHECK(errors("no-such-file.json") == Texts{"cannot read no-such-file.json: No such file or directory"});
  CHECK(errors("file://no-such-file.json") ==
        Texts{"cannot read no-such-file.json: No such file or directory"});
}

TEST_CASE("task_settings: the page's example of 128 threads asks for MaxThreads, and has it with it") {
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

TEST_CASE("task_settings: FailTasksOnLobTruncation stops the task whatever the policy says") {
  Problems problems;
  const SourceSettings source = read_source_settings(
      R"({"ServerName":"h","DatabaseName":"d","FailTasksOnLobTruncation":true})", problems);
  TaskSettings task;
  task.data_truncation_error_policy = ErrorPolicy::kIgnoreRecord;
  check_settings_together(source, {}, task, MigrationType::kFullLoad, problems);
  CHECK(problems.ok());
  CHECK(task.data_truncation_error_policy == ErrorPolicy::kStopTask);
}

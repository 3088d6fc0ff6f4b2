// Each setting that is honoured has a test in which another value of it makes something else happen. This is the list of them: it
// fails when a setting has none, and when a test that it names is gone or no longer speaks of the setting.

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "core/settings/endpoint_document.h"
#include "core/settings/kafka_endpoint.h"
#include "core/settings/source_endpoint.h"
#include "core/settings/task_tables.h"

using namespace dmskafka;  // NOLINT(google-build-using-namespace)

namespace {

struct Shown {
  std::string_view setting;
  std::string_view file;   ///< from the root
  std::string_view claim;  ///< the test's name, or its beginning; "": the whole file, of a golden test
  std::string_view word;   ///< what the test's text has of the setting; "": its name
};

constexpr std::string_view kTypes = "test/integration/postgres_types/test.py";
constexpr std::string_view kSettings = "test/integration/settings/test.py";
constexpr std::string_view kShapes = "test/integration/shapes/test.py";
constexpr std::string_view kSecurity = "test/integration/kafka_security/test.py";
constexpr std::string_view kTls = "test/integration/postgres_tls/test.py";
constexpr std::string_view kConnect = "sources/postgres/postgres_connect_test.cc";
constexpr std::string_view kLogSlots = "sources/postgres/postgres_log_slot_test.cc";
constexpr std::string_view kLogFlow = "sources/postgres/postgres_log_flow_test.cc";
constexpr std::string_view kSource = "core/settings/source_settings_test.cc";
constexpr std::string_view kEndpointSettings = "settings of the endpoint change values";
constexpr std::string_view kSslModes = "none is plain, require has TLS without looking";
constexpr std::string_view kKafkaTls = "plaintext, ssl-encryption and ssl-authentication";
constexpr std::string_view kKafkaSasl = "sasl-ssl with SaslMechanism plain and scram-sha-512";
constexpr std::string_view kDataErrors = "DataErrorPolicy, DataErrorEscalationCount";
constexpr std::string_view kTableErrors = "TableErrorPolicy, TableErrorEscalationCount";
constexpr std::string_view kRecovery = "core/task/cdc_recovery_test.cc";
constexpr std::string_view kThrottling = "cdc_recovery: RecoverableErrorThrottling";
constexpr std::string_view kChanges = "test/integration/cdc_records/test.py";
constexpr std::string_view kEngine = "core/task/cdc_test.cc";
constexpr std::string_view kStreamBuffers = "cdc: StreamBufferCount and StreamBufferSizeInMB";
constexpr std::string_view kStopAfterLoad = "StopTaskCachedChangesNotApplied ends with the load";
constexpr std::string_view kParallelApply = "ParallelApplyThreads, ParallelApplyQueuesPerThread";
constexpr std::string_view kPolicies = "test/golden/cdc_control_policies/task-settings.json";
constexpr std::string_view kLobs = "LOBs: whole by default";
constexpr std::string_view kPageExample = "the page's own example";

const std::vector<Shown> kKafka = {
    {"Broker", kSettings, "the AWS CLI's flags", ""},
    {"Topic", "mapping/table_mapping_test.cc", "table_mapping: TargetSchema and Topic are the plan's",
     "topic"},
    {"MessageFormat", "test/golden/sample_insert/settings.json", "", ""},
    {"IncludeTransactionDetails", "test/golden/sample_transaction_details/settings.json", "", ""},
    {"IncludeTableAlterOperations", "test/golden/cdc_control_plain/settings.json", "", ""},
    {"IncludePartitionValue", kShapes, "PartitionIncludeSchemaTable and IncludePartitionValue", ""},
    {"PartitionIncludeSchemaTable", kShapes, "PartitionIncludeSchemaTable and IncludePartitionValue", ""},
    {"IncludeControlDetails", "test/golden/control_details/settings.json", "", ""},
    {"IncludeNullAndEmpty", "test/golden/empty_strings_included/settings.json", "", ""},
    {"MessageMaxBytes", "test/integration/oversize/test.py", "over MessageMaxBytes", ""},
    {"SecurityProtocol", kSecurity, kKafkaTls, ""},
    {"SslClientCertificateArn", kSecurity, kKafkaTls, ""},
    {"SslClientKeyArn", kSecurity, kKafkaTls, ""},
    {"SslCaCertificateArn", kSecurity, kKafkaTls, ""},
    {"SslClientKeyPassword", kSecurity, kKafkaTls, ""},
    {"SaslUsername", kSecurity, kKafkaSasl, ""},
    {"SaslPassword", kSecurity, kKafkaSasl, ""},
    {"SaslMechanism", kSecurity, kKafkaSasl, ""},
    {"SslEndpointIdentificationAlgorithm", kSecurity, kKafkaTls, ""},
    {"NoHexPrefix", kTypes, kEndpointSettings, ""},
    {"UseLargeIntegerValue", "mapping/strict_value_test.cc", "strict_value: UseLargeIntegerValue", ""},
};

constexpr std::string_view kMysqlConnect = "sources/mysql/mysql_connect_test.cc";

const std::vector<Shown> kMysql = {
    {"ServerName", kMysqlConnect, "mysql_connect: an unknown host or a closed port", "host"},
    {"Port", kMysqlConnect, "mysql_connect: an unknown host or a closed port", "port"},
    {"Username", kMysqlConnect, "mysql_connect: an unknown database_name or username", "username"},
    {"Password", kMysqlConnect, "mysql_connect: a wrong password", "password"},
    {"DatabaseName", kMysqlConnect, "mysql_connect: an unknown database_name or username", "database_name"},
    {"AfterConnectScript", kMysqlConnect, "mysql_connect: after_connect_script runs", "after_connect_script"},
    {"ExecuteTimeout", kMysqlConnect, "mysql_connect: execute_timeout ends", "execute_timeout"},
    {"ConnectionTimeout", kMysqlConnect, "mysql_connect: a server that says nothing", "connection_timeout"},
};

const std::vector<Shown> kPostgres = {
    {"ServerName", kConnect, "postgres_connect: an unknown host or a closed port", "host"},
    {"Port", kConnect, "postgres_connect: an unknown host or a closed port", "port"},
    {"Username", kConnect, "postgres_connect: an unknown database or role", "username"},
    {"Password", kConnect, "postgres_connect: a wrong or missing password", "password"},
    {"DatabaseName", kConnect, "postgres_connect: an unknown database or role", "database_name"},
    {"AfterConnectScript", kSettings, "AfterConnectScript runs on every connection", ""},
    {"CaptureDdls", kChanges, "CaptureDdls and DdlArtifactsSchema", ""},
    {"DdlArtifactsSchema", kChanges, "CaptureDdls and DdlArtifactsSchema", ""},
    {"SlotName", kLogSlots, "postgres_log: SlotName names our slot", "slot_name"},
    {"HeartbeatEnable", kLogFlow, "postgres_log: the heartbeat writes into the log", "heartbeat_enable"},
    {"HeartbeatFrequency", kLogFlow, "postgres_log: the heartbeat writes into the log",
     "heartbeat_frequency_min"},
    {"ExecuteTimeout", kSettings, "ExecuteTimeout bounds what prepares the load", ""},
    {"TrimSpaceInChar", kTypes, kEndpointSettings, ""},
    {"MapBooleanAsBoolean", kTypes, kEndpointSettings, ""},
    {"MapUnboundedNumericAsString", kTypes, kEndpointSettings, ""},
    {"MapLongVarcharAs", kTypes, kEndpointSettings, ""},
    {"unboundedVarcharMaxSize", kSettings, "unboundedVarcharMaxSize is the length", ""},
    {"FailTasksOnLobTruncation", kSettings, kLobs, ""},
};

const std::vector<Shown> kEndpoint = {
    {"EngineName", kSource, "source_settings: a MySQL endpoint in every shape", ""},
    {"EndpointType", "core/settings/target_settings_test.cc", "target_settings: the wrong endpoint", ""},
    {"ServerName", kSource, "source_settings: the shapes AWS's tools hold it in", ""},
    {"Port", kSource, "source_settings: the shapes AWS's tools hold it in", ""},
    {"Username", kSource, "source_settings: the shapes AWS's tools hold it in", ""},
    {"Password", kSource, "source_settings: the shapes AWS's tools hold it in", ""},
    {"DatabaseName", kSource, "source_settings: the shapes AWS's tools hold it in", ""},
    {"SslMode", kTls, kSslModes, "verify-full"},
    {"CertificateArn", kTls, kSslModes, "ca="},
    {"ExtraConnectionAttributes", kSource, "source_settings: members and extra connection attributes", ""},
};

const std::vector<Shown> kTask = {
    {"TargetMetadata.TargetSchema", "test/golden/target_schema/task-settings.json", "", "TargetSchema"},
    {"TargetMetadata.SupportLobs", kTypes, "DataTruncationErrorPolicy says what becomes", "SupportLobs"},
    {"TargetMetadata.FullLobMode", kSettings, kLobs, "FullLobMode"},
    {"TargetMetadata.LimitedSizeLobMode", kSettings, kLobs, "LimitedSizeLobMode"},
    {"TargetMetadata.LobMaxSize", kSettings, kLobs, "LobMaxSize"},
    {"TargetMetadata.ParallelLoadThreads", kSettings, kPageExample, "Parallel{kind}Threads"},
    {"TargetMetadata.ParallelLoadBufferSize", kSettings, kPageExample, "Parallel{kind}BufferSize"},
    {"TargetMetadata.ParallelLoadQueuesPerThread", kSettings, kPageExample, "Parallel{kind}QueuesPerThread"},
    {"TargetMetadata.ParallelApplyThreads", kChanges, kParallelApply, "ParallelApplyThreads"},
    {"TargetMetadata.ParallelApplyBufferSize", kChanges, kParallelApply, "ParallelApplyBufferSize"},
    {"TargetMetadata.ParallelApplyQueuesPerThread", kChanges, kParallelApply, "ParallelApplyQueuesPerThread"},
    {"TargetMetadata.BatchApplyEnabled", "core/settings/task_settings_test.cc",
     "task_settings: BatchApplyEnabled is a warning", "BatchApplyEnabled"},
    {"FullLoadSettings.TargetTablePrepMode", kShapes, "an empty table sends its control records",
     "TargetTablePrepMode"},
    {"FullLoadSettings.MaxFullLoadSubTasks", kShapes, "with one subtask tables come in falling load-order",
     "MaxFullLoadSubTasks"},
    {"ErrorBehavior.DataErrorPolicy", kSettings, kDataErrors, "DataErrorPolicy"},
    {"ErrorBehavior.DataErrorEscalationPolicy", kSettings, kDataErrors, "DataErrorEscalationPolicy"},
    {"ErrorBehavior.DataErrorEscalationCount", kSettings, kDataErrors, "DataErrorEscalationCount"},
    {"ErrorBehavior.DataTruncationErrorPolicy", kTypes, "DataTruncationErrorPolicy says what becomes",
     "DataTruncationErrorPolicy"},
    {"ErrorBehavior.TableErrorPolicy", kSettings, kTableErrors, "TableErrorPolicy"},
    {"ErrorBehavior.TableErrorEscalationPolicy", kSettings, kTableErrors, "TableErrorEscalationPolicy"},
    {"ErrorBehavior.TableErrorEscalationCount", kSettings, kTableErrors, "TableErrorEscalationCount"},
    {"ErrorBehavior.RecoverableErrorCount", kRecovery, "cdc_recovery: RecoverableErrorCount",
     "recoverable_error_count"},
    {"ErrorBehavior.RecoverableErrorInterval", kRecovery, "cdc_recovery: RecoverableErrorInterval",
     "recoverable_error_interval"},
    {"ErrorBehavior.RecoverableErrorThrottling", kRecovery, kThrottling,
     "recoverable_error_throttling = false"},
    {"ErrorBehavior.RecoverableErrorThrottlingMax", kRecovery, kThrottling,
     "recoverable_error_throttling_max"},
    {"ErrorBehavior.RecoverableErrorStopRetryAfterThrottlingMax", kRecovery, kThrottling,
     "recoverable_error_stop_retry_after_throttling_max"},
    {"ChangeProcessingTuning.CommitTimeout", kChanges, "CommitTimeout: ", "CommitTimeout"},
    {"ErrorBehavior.FailOnNoTablesCaptured", "test/integration/errors/test.py",
     "a table that is not there: no tables are found", "FailOnNoTablesCaptured"},
    {"BeforeImageSettings.EnableBeforeImage", "test/golden/before_setting_key_dms/task-settings.json", "",
     "EnableBeforeImage"},
    {"BeforeImageSettings.FieldName", "test/golden/cdc_transformed/task-settings.json", "", "FieldName"},
    {"BeforeImageSettings.ColumnFilter", "test/golden/before_setting_all_dms/task-settings.json", "",
     "ColumnFilter"},
    {"ChangeProcessingDdlHandlingPolicy.HandleSourceTableDropped", kPolicies, "", "HandleSourceTableDropped"},
    {"ChangeProcessingDdlHandlingPolicy.HandleSourceTableTruncated", kPolicies, "",
     "HandleSourceTableTruncated"},
    {"ChangeProcessingDdlHandlingPolicy.HandleSourceTableAltered", kPolicies, "", "HandleSourceTableAltered"},
    {"DmskafkaSettings.UnchangedToast", kChanges, "UnchangedToast fetch asks", "UnchangedToast"},
    {"FullLoadSettings.CommitRate", "core/task/full_load_test.cc", "full_load: CommitRate bounds",
     "commit_rate"},
    {"FullLoadSettings.StopTaskCachedChangesApplied", kSettings, kStopAfterLoad,
     "StopTaskCachedChangesApplied"},
    {"FullLoadSettings.StopTaskCachedChangesNotApplied", kSettings, kStopAfterLoad,
     "StopTaskCachedChangesNotApplied"},
    {"FullLoadSettings.TransactionConsistencyTimeout", kSettings, "TransactionConsistencyTimeout bounds",
     "TransactionConsistencyTimeout"},
    {"ErrorBehavior.ApplyErrorFailOnTruncationDdl", kEngine, "cdc: apply_error_fail_on_truncation_ddl",
     "apply_error_fail_on_truncation_ddl"},
    {"StreamBufferSettings.StreamBufferCount", kEngine, kStreamBuffers, "stream_buffer_count"},
    {"StreamBufferSettings.StreamBufferSizeInMB", kEngine, kStreamBuffers, "stream_buffer_megabytes"},
    {"Logging.EnableLogging", kSettings, "Logging: EnableLogging with LogComponents", "EnableLogging"},
    {"Logging.LogComponents", kSettings, "Logging: EnableLogging with LogComponents", "LogComponents"},
    {"DmskafkaSettings.TaskControlRecords", kChanges, "task-start and task-resume", "TaskControlRecords"},
    {"DmskafkaSettings.Dialect", kTypes, "documented: the page's words and keys", "Dialect"},
    {"DmskafkaSettings.Delivery", "core/settings/task_settings_test.cc",
     "task_settings: what is not built is refused by name", "Delivery"},
    {"DmskafkaSettings.Partitioner", kSettings, "Partitioner: murmur2_random is Java's choice",
     "Partitioner"},
    {"DmskafkaSettings.Topic", kSettings, "Topic.Partitions, Topic.Config", "Topic"},
    {"DmskafkaSettings.KafkaProperties", kSettings, "-X and KafkaProperties reach librdkafka",
     "KafkaProperties"},
    {"DmskafkaSettings.MaxThreads", kSettings, kPageExample, "MaxThreads"},
    {"DmskafkaSettings.MaxConnections", kSettings, "AfterConnectScript runs on every connection",
     "MaxConnections"},
    {"DmskafkaSettings.StallTimeout", "sinks/kafka/kafka_sink_test.cc",
     "kafka_sink: nothing acknowledged for the stall timeout", "stall_timeout"},
    {"DmskafkaSettings.LockTables", "sources/postgres/postgres_source_test.cc",
     "postgres_source: without locks a truncated or rewritten table", "false"},
    {"DmskafkaSettings.AllowPartialImages", "sources/mysql/mysql_log_test.cc",
     "mysql_log: AllowPartialImages", "kTake"},
    {"DmskafkaSettings.ServerId", "sources/mysql/mysql_log_test.cc", "mysql_log: ServerId", "77'123"},
    {"DmskafkaSettings.DataErrorBytesMax", kSettings, "DataErrorBytesMax bounds what is kept",
     "DataErrorBytesMax"},
    {"DmskafkaSettings.Topic.Partitions", kSettings, "Topic.Partitions, Topic.Config", "Partitions"},
    {"DmskafkaSettings.Topic.ReplicationFactor", kSettings, "Topic.Partitions, Topic.Config",
     "ReplicationFactor"},
    {"DmskafkaSettings.Topic.Config", kSettings, "Topic.Partitions, Topic.Config", "Config"},
};

std::string content(std::string_view path) {
  std::ifstream file(std::string(DMSKAFKA_SOURCE_DIR "/") + std::string(path), std::ios::binary);
  REQUIRE_MESSAGE(file.good(), std::string(path));
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The text of one test, from its name to the next one.
std::string test_text(const Shown& shown) {
  const std::string text = content(shown.file);
  if (shown.claim.empty()) return text;
  const std::size_t begin = text.find(shown.claim);
  if (begin == std::string::npos) return "";
  const std::string_view next = shown.file.ends_with(".py") ? "\n@case(" : "\nTEST_CASE(";
  return text.substr(begin, text.find(next, begin) - begin);
}

template <typename T>
void check(const FieldTable<T>& table, const std::vector<Shown>& list, const std::string& prefix = "") {
  for (const auto& field : table.fields) {
    const std::string setting = prefix + std::string(field.name);
    const auto shown =
        std::find_if(list.begin(), list.end(), [&](const Shown& one) { return one.setting == setting; });
    CAPTURE(setting);
    const bool honoured = field.verdict == Verdict::kHonoured;
    CHECK_MESSAGE(honoured == (shown != list.end()),
                  "an honoured setting needs a line here that names its test; others have none");
    if (!honoured || shown == list.end()) continue;
    const std::string text = test_text(*shown);
    CHECK_MESSAGE(!text.empty(), "there is no such test");
    CHECK_MESSAGE(text.find(shown->word.empty() ? shown->setting : shown->word) != std::string::npos,
                  "the test does not speak of the setting");
  }
}

}  // namespace

TEST_CASE("honoured_settings: each has a test that shows what it does") {
  check(kafka_table(), kKafka);
  check(postgres_table(), kPostgres);
  check(mysql_table(), kMysql);
  check(endpoint_table(), kEndpoint);
  for (const TaskTable& table : task_tables()) check(table, kTask, std::string(table.name) + ".");
  check(topic_table(), kTask, std::string(topic_table().name) + ".");
  check(task_members_table(), {});
}

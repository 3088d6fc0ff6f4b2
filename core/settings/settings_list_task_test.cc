// Every task setting with its default, its bounds and one value beyond each, typed from AWS's documentation and, for our own
// group, from the design; not from our tables. A setting without a line here fails. Where we decided otherwise than AWS's
// default document, the line says so.

#include <doctest/doctest.h>

#include "core/settings/settings_list_for_test.h"
#include "core/settings/task_tables.h"

using namespace dmskafka;                 // NOLINT(google-build-using-namespace)
using namespace dmskafka::settings_list;  // NOLINT(google-build-using-namespace)

namespace {

std::size_t errors_in(std::string_view document) {
  Problems problems;
  (void)read_task_settings(document, MigrationType::kFullLoadAndCdc, problems);
  return problems.errors.size();
}

std::set<std::string_view>& groups_seen() {
  static std::set<std::string_view> seen;
  return seen;
}

void check_group(std::string_view group, const std::vector<Expected>& list) {
  const TaskTable* const table = find_task_table(group);
  REQUIRE(table != nullptr);
  groups_seen().insert(table->name);
  check(*table, list,
        [&](const std::string& member) { return errors_in("{" + quoted(group) + ":{" + member + "}}"); });
}

Expected policy(std::string_view name, std::string_view fallback) {
  return choice(name, fallback, {"IGNORE_RECORD", "LOG_ERROR", "SUSPEND_TABLE", "STOP_TASK", "stop-task"});
}

void check_load_groups() {
  check_group("TargetMetadata",
              {text("TargetSchema"),
               boolean("SupportLobs", "true"),
               boolean("FullLobMode", "false"),
               boolean("LimitedSizeLobMode", "false"),     // AWS: true; LOBs are cut only on request
               integer("LobMaxSize", "0", 0, 102'400),     // AWS: 32; likewise
               integer("LobChunkSize", "64", 0, 102'400),  // 0 in some replies
               integer("InlineLobMaxSize", "0", 0, 102'400),
               integer("LoadMaxFileSize", "0", 0, 100'000),
               integer("ParallelLoadThreads", "0", 0, 32),
               integer("ParallelLoadBufferSize", "0", 0, 1000),
               {"ParallelLoadQueuesPerThread", "0", {"0", "1", "5", "512"}, {"-1", "2", "4", "513", "true"}},
               integer("ParallelApplyThreads", "0", 0, 32),
               integer("ParallelApplyBufferSize", "0", 0, 1000),
               integer("ParallelApplyQueuesPerThread", "0", 0, 512),
               boolean("BatchApplyEnabled", "false"),
               boolean("TaskRecoveryTableEnabled", "false")});
  check_group(
      "FullLoadSettings",
      {choice("TargetTablePrepMode", "DROP_AND_CREATE",
              {"DROP_AND_CREATE", "DO_NOTHING", "TRUNCATE_BEFORE_LOAD"}),
       boolean("CreatePkAfterFullLoad", "false"), boolean("StopTaskCachedChangesApplied", "false"),
       boolean("StopTaskCachedChangesNotApplied", "false"), integer("MaxFullLoadSubTasks", "8", 1, 49),
       at_least("TransactionConsistencyTimeout", "600", 0), integer("CommitRate", "10000", 1, 50'000),
       boolean("FullLoadEnabled", ""),  // of 2017
       boolean("ApplyChangesEnabled", ""), boolean("ResumeEnabled", ""),
       at_least("ResumeMinTableSize", "", 0), boolean("ResumeOnlyClusteredPKTables", "")});
  check_group("Logging", {boolean("EnableLogging", "false"),
                          boolean("EnableLogContext", "false"),
                          {"LogComponents",
                           "",
                           {R"([])", R"([{"Id":"SORTER","Severity":"LOGGER_SEVERITY_DETAILED_DEBUG"},
                              {"Severity":"LOGGER_SEVERITY_DEFAULT","Id":"DATA_RESYNC"}])"},
                           {"{}", "[1]", R"([{"Id":"SORTING"}])", R"([{"Id":"SORTER","Severity":"DEBUG"}])",
                            R"([{"Level":"LOGGER_SEVERITY_DEBUG"}])"}},
                          boolean("DeleteTaskLogs", "false"),
                          text("CloudWatchLogGroup"),
                          text("CloudWatchLogStream")});
}

void check_change_groups() {
  check_group(
      "ControlTablesSettings",
      {text("ControlSchema"), at_least("HistoryTimeslotInMinutes", "5", 0),
       at_least("historyTimeslotInMinutes", "5", 0), boolean("HistoryTableEnabled", "false"),
       boolean("SuspendedTablesTableEnabled", "false"), boolean("StatusTableEnabled", "false"),
       boolean("FullLoadExceptionTableEnabled", "false"), boolean("CommitPositionTableEnabled", "false")});
  check_group("StreamBufferSettings",
              {at_least("StreamBufferCount", "3", 0), at_least("StreamBufferSizeInMB", "8", 0),
               integer("CtrlStreamBufferSizeInMB", "5", 1, 8)});
  check_group("ChangeProcessingTuning",
              {boolean("BatchApplyPreserveTransaction", "true"), at_least("BatchApplyTimeoutMin", "1", 0),
               at_least("BatchApplyTimeoutMax", "30", 0), at_least("BatchApplyMemoryLimit", "500", 0),
               at_least("BatchSplitSize", "0", 0), at_least("MinTransactionSize", "1000", 0),
               at_least("CommitTimeout", "1", 0), at_least("MemoryLimitTotal", "1024", 0),
               at_least("MemoryKeepTime", "60", 0), integer("StatementCacheSize", "50", 0, 200),
               at_least("RecoveryTimeout", "-1", -1)});
  check_group("ChangeProcessingDdlHandlingPolicy",
              {boolean("HandleSourceTableDropped", "true"), boolean("HandleSourceTableTruncated", "true"),
               boolean("HandleSourceTableAltered", "true")});
  check_group(
      "BeforeImageSettings",
      {{"EnableBeforeImage", "false", {"false", "null"}, {"true", "1"}},  // true needs a FieldName
       {"FieldName", "", {"\"before-image\"", "\"\""}, {"\"data\"", "\"metadata\"", "\"control\"", "1"}},
       choice("ColumnFilter", "pk-only", {"pk-only", "non-lob", "all"})});
  CHECK(errors_in(R"({"BeforeImageSettings":{"EnableBeforeImage":true,"FieldName":"b"}})") == 0);
  check_group("LoopbackPreventionSettings", {refused("EnableLoopbackPrevention", "false", "true"),
                                             text("SourceSchema"), text("TargetSchema")});
}

void check_error_behavior() {
  check_group("ErrorBehavior",
              {policy("DataErrorPolicy", "LOG_ERROR"),
               policy("DataTruncationErrorPolicy", "LOG_ERROR"),
               policy("DataErrorEscalationPolicy", "SUSPEND_TABLE"),
               integer("DataErrorEscalationCount", "0", 0, 10'000),
               policy("DataMaskingErrorPolicy", "STOP_TASK"),
               choice("TableErrorPolicy", "SUSPEND_TABLE", {"SUSPEND_TABLE", "STOP_TASK"}),
               choice("TableErrorEscalationPolicy", "STOP_TASK", {"SUSPEND_TABLE", "STOP_TASK"}),
               integer("TableErrorEscalationCount", "0", 0, 10'000),
               at_least("RecoverableErrorCount", "-1", -1),
               at_least("RecoverableErrorInterval", "5", 0),
               boolean("RecoverableErrorThrottling", "true"),
               at_least("RecoverableErrorThrottlingMax", "1800", 0),
               boolean("RecoverableErrorStopRetryAfterThrottlingMax", "true"),
               policy("ApplyErrorDeletePolicy", "IGNORE_RECORD"),
               choice("ApplyErrorInsertPolicy", "LOG_ERROR",
                      {"IGNORE_RECORD", "LOG_ERROR", "SUSPEND_TABLE", "STOP_TASK", "UPDATE_RECORD"}),
               choice("ApplyErrorUpdatePolicy", "LOG_ERROR",
                      {"IGNORE_RECORD", "LOG_ERROR", "SUSPEND_TABLE", "STOP_TASK", "INSERT_RECORD"}),
               policy("ApplyErrorEscalationPolicy", "LOG_ERROR"),
               at_least("ApplyErrorEscalationCount", "0", 0),
               boolean("ApplyErrorFailOnTruncationDdl", "false"),
               boolean("FailOnNoTablesCaptured", "true"),
               boolean("FailOnTransactionConsistencyBreached", "false"),
               boolean("FullLoadIgnoreConflicts", "true"),
               choice("EventErrorPolicy", "IGNORE", {"IGNORE", "STOP_TASK"})});
}

void check_service_groups() {
  check_group(
      "ValidationSettings",
      {refused("EnableValidation", "false", "true"), refused("ValidationOnly", "false", "true"),
       choice("ValidationMode", "ROW_LEVEL", {"ROW_LEVEL", "GROUP_LEVEL"}), at_least("ThreadCount", "5", 0),
       at_least("PartitionSize", "10000", 0), at_least("FailureMaxCount", "10000", 0),
       at_least("TableFailureMaxCount", "1000", 0), at_least("RecordFailureDelayInMinutes", "5", 0),
       at_least("RecordFailureDelayLimitInMinutes", "0", 0), at_least("RecordSuspendDelayInMinutes", "30", 0),
       at_least("MaxKeyColumnSize", "8096", 0), boolean("HandleCollationDiff", "false"),
       boolean("SkipLobColumns", "false"), at_least("ValidationPartialLobSize", "0", 0),
       at_least("ValidationQueryCdcDelaySeconds", "0", 0)});
  check_group("CharacterSetSettings",
              {refused("CharacterReplacements", "", "[{\"SourceCharacterCodePoint\":35}]"),
               refused("CharacterSetSupport", "", "{\"CharacterSet\":\"UTF16_PlatformEndian\"}")});
  check_group("TTSettings",
              {refused("EnableTT", "false", "true"), object("TTS3Settings"), object("TTRecordSettings")});
}

void check_our_groups() {
  check_group("DmskafkaSettings",
              {choice("Dialect", "dms", {"dms", "dms-strict", "documented"}),
               {"Delivery", "at-least-once", {"\"at-least-once\""}, {"\"at-most-once\"", "1"}},
               choice("Partitioner", "murmur2_random", {"murmur2_random", "consistent_random"}),
               choice("UnchangedToast", "omit", {"omit", "placeholder", "fetch"}),
               {"Topic", "", {"{}", "null"}, {"1", "{\"Partition\":1}"}},
               {"KafkaProperties",
                "",
                {"{}", R"({"linger.ms":5,"a":true,"b":"c"})"},
                {"1", R"({"acks":1})", R"({"linger.ms":[]})"}},
               boolean("TaskControlRecords", "false"),
               at_least("TransactionRecordsMax", "1000000", 0),
               integer("MaxThreads", "32", 1, 512),
               integer("MaxConnections", "32", 1, 512),
               integer("StallTimeout", "900", 0, 31'536'000),  // 900: of a full load; a year at most
               boolean("LockTables", "true"),
               boolean("AllowPartialImages", "false"),
               integer("ServerId", "", 1, 4'294'967'295),
               at_least("DataErrorBytesMax", "1073741824", 1)});
  check(topic_table(),
        {integer("Partitions", "the broker's", 1, 100'000),
         integer("ReplicationFactor", "the broker's", 1, 1'000),
         {"Config", "the broker's", {"{}", R"({"retention.ms":1,"cleanup.policy":"compact"})"}, {"1"}}},
        [](const std::string& member) {
          return errors_in("{\"DmskafkaSettings\":{\"Topic\":{" + member + "}}}");
        });
}

}  // namespace

TEST_CASE("settings_list: every group of the task settings") {
  check_load_groups();
  check_change_groups();
  check_error_behavior();
  check_service_groups();
  check_our_groups();
  for (const TaskTable& table : task_tables()) {
    CAPTURE(std::string(table.name));
    CHECK_MESSAGE(groups_seen().contains(table.name), "a group that the list lacks");
  }
}

TEST_CASE("settings_list: the members beside the groups") {
  check(task_members_table(),
        {boolean("FailTaskWhenCleanTaskResourceFailed", "false"),
         {"PostProcessingRules", "", {"null", "[]", "{}"}, {}}},
        [](const std::string& member) { return errors_in("{" + member + "}"); });
}

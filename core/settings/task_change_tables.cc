#include <fmt/format.h>

#include <array>

#include "core/settings/task_tables.h"

namespace dmskafka {
namespace {

using T = TaskSettings;

Field<T> cdc_field(std::string_view name, std::string_view type, std::string fallback,
                   std::string range = {}) {
  return unused_field<T>(name, type, std::move(fallback), std::move(range)).not_yet("change data capture");
}
Field<T> batch_field(std::string_view name, std::string_view type, std::string fallback) {
  return unused_field<T>(name, type, std::move(fallback))
      .no_effect("it belongs to BatchApplyEnabled, which Kafka cannot use");
}
Field<T> history_field(std::string_view name) {
  return unused_field<T>(name, "boolean", "false").not_yet("control tables as messages");
}

// SPEC FieldName: "When EnableBeforeImage is true, FieldName is required and can't be empty."
void read_field_name(FieldInput& input, T& into) {
  auto text = input.text();
  if (!text) return;
  if (*text == "data" || *text == "metadata" || *text == "control") {
    input.fail(input.problem(fmt::format("FieldName \"{}\" is a member every record has", *text))
                   .expected("another name"));
    return;
  }
  into.before_image.field_name = std::move(*text);
}

}  // namespace

TaskTable make_before_image_table() {
  static constexpr std::array<std::string_view, 3> kFilters = {"pk-only", "non-lob", "all"};
  return {"BeforeImageSettings",
          "The row before a change. An error in a task that only loads.",
          {
              boolean_field<T>("EnableBeforeImage", DMSKAFKA_MEMBER(before_image.enabled), "")
                  .not_yet("change data capture"),
              Field<T>{{"FieldName", "string", "", "not empty; not data, metadata or control",
                        Verdict::kNotYet, "change data capture"},
                       read_field_name},
              choice_field<T>("ColumnFilter", DMSKAFKA_MEMBER(before_image.column_filter), kFilters, "")
                  .not_yet("change data capture"),
          }};
}

TaskTable make_ddl_handling_table() {
  return {
      "ChangeProcessingDdlHandlingPolicy",
      "Which changes of tables become control records while following changes.",
      {
          boolean_field<T>("HandleSourceTableDropped", DMSKAFKA_MEMBER(handle_source_table_dropped), "")
              .not_yet("change data capture"),
          boolean_field<T>("HandleSourceTableTruncated", DMSKAFKA_MEMBER(handle_source_table_truncated), "")
              .not_yet("change data capture"),
          boolean_field<T>("HandleSourceTableAltered", DMSKAFKA_MEMBER(handle_source_table_altered), "")
              .not_yet("change data capture"),
      }};
}

TaskTable make_control_tables_table() {
  return {
      "ControlTablesSettings",
      "DMS's own tables about a task.",
      {
          unused_field<T>("ControlSchema", "string", "").not_yet("control tables as messages"),
          unused_field<T>("HistoryTimeslotInMinutes", "integer", "5").not_yet("control tables as messages"),
          unused_field<T>("historyTimeslotInMinutes", "integer", "5").not_yet("control tables as messages"),
          history_field("HistoryTableEnabled"),
          history_field("SuspendedTablesTableEnabled"),
          history_field("StatusTableEnabled"),
          history_field("FullLoadExceptionTableEnabled"),
          history_field("CommitPositionTableEnabled"),
      }};
}

TaskTable make_change_processing_tuning_table() {
  return {"ChangeProcessingTuning",
          "Buffers while following changes.",
          {
              batch_field("BatchApplyPreserveTransaction", "boolean", "true"),
              batch_field("BatchApplyTimeoutMin", "integer", "1"),
              batch_field("BatchApplyTimeoutMax", "integer", "30"),
              batch_field("BatchApplyMemoryLimit", "integer", "500"),
              batch_field("BatchSplitSize", "integer", "0"),
              cdc_field("MinTransactionSize", "integer", "1000"),
              integer_field<T>("CommitTimeout", DMSKAFKA_MEMBER(commit_timeout), {1, 3'600},
                               "seconds between two checkpoints while following changes; records go out at once"),
              cdc_field("MemoryLimitTotal", "integer", "1024", "MB"),
              cdc_field("MemoryKeepTime", "integer", "60", "seconds"),
              unused_field<T>("StatementCacheSize", "integer", "50")
                  .no_effect("no statements are run on the target"),
              unused_field<T>("RecoveryTimeout", "integer", "-1").no_effect("resuming has no bound in time"),
          }};
}

TaskTable make_stream_buffer_table() {
  return {"StreamBufferSettings",
          "DMS's internal buffers.",
          {
              cdc_field("StreamBufferCount", "integer", "3"),
              cdc_field("StreamBufferSizeInMB", "integer", "8"),
              cdc_field("CtrlStreamBufferSizeInMB", "integer", "5", "1 to 8"),
          }};
}

TaskTable make_loopback_table() {
  return {"LoopbackPreventionSettings",
          "Bidirectional replication, which a topic cannot be part of.",
          {
              refused_field<T>("EnableLoopbackPrevention", "boolean",
                               "a topic is never written back; leave it out", "false"),
              unused_field<T>("SourceSchema", "string", "").no_effect("a topic is never written back"),
              unused_field<T>("TargetSchema", "string", "").no_effect("a topic is never written back"),
          }};
}

}  // namespace dmskafka

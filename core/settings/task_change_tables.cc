#include <fmt/format.h>

#include <array>

#include "core/settings/task_tables.h"

namespace dmskafka {
namespace {

using T = TaskSettings;

constexpr std::string_view kBatch = "it belongs to BatchApplyEnabled, which Kafka cannot use";
constexpr std::string_view kControlTables = "control tables as messages";

constexpr std::string_view kNotCollected =
    "transactions are not collected here: the source hands them over in the order of their commits, and what "
    "is "
    "under way is bounded by StreamBufferSettings";

Field<T> memory_field(std::string_view name, std::string fallback, std::string_view unit) {
  return unused_integer<T>(name, std::move(fallback), {0, INT64_MAX, unit})
      .no_effect(std::string(kNotCollected));
}
Field<T> batch_field(std::string_view name, std::string fallback) {
  return unused_integer<T>(name, std::move(fallback), {0}).no_effect(std::string(kBatch));
}
Field<T> history_field(std::string_view name) {
  return unused_boolean<T>(name, "false").not_yet(std::string(kControlTables));
}
Field<T> timeslot_field(std::string_view name) {
  return unused_integer<T>(name, "5", {0, INT64_MAX, "minutes"}).not_yet(std::string(kControlTables));
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
  return {
      "BeforeImageSettings",
      "The row before a change. An error in a task that only loads.",
      {
          boolean_field<T>("EnableBeforeImage", DMSKAFKA_MEMBER(before_image.enabled),
                           "updates show the row before them, as far as the log has it (docs/messages.md)"),
          Field<T>{{"FieldName", "string", "", "not empty; not data, metadata or control", Verdict::kHonoured,
                    "the member beside data that holds it; required with EnableBeforeImage"},
                   read_field_name},
          choice_field<T>("ColumnFilter", DMSKAFKA_MEMBER(before_image.column_filter), kFilters,
                          "pk-only: the primary key; non-lob: every column but LOBs; all: LOBs too"),
      }};
}

TaskTable make_ddl_handling_table() {
  return {"ChangeProcessingDdlHandlingPolicy",
          "Which changes of tables become control records while following changes.",
          {
              boolean_field<T>("HandleSourceTableDropped", DMSKAFKA_MEMBER(handle_source_table_dropped),
                               "a DROP becomes drop-table, with IncludeTableAlterOperations"),
              boolean_field<T>("HandleSourceTableTruncated", DMSKAFKA_MEMBER(handle_source_table_truncated),
                               "a TRUNCATE becomes truncate-table, with IncludeTableAlterOperations"),
              boolean_field<T>("HandleSourceTableAltered", DMSKAFKA_MEMBER(handle_source_table_altered),
                               "an ALTER becomes add-column, drop-column, rename-column …, with "
                               "IncludeTableAlterOperations"),
          }};
}

TaskTable make_control_tables_table() {
  return {"ControlTablesSettings",
          "DMS's own tables about a task.",
          {
              unused_text<T>("ControlSchema", "").not_yet(std::string(kControlTables)),
              timeslot_field("HistoryTimeslotInMinutes"),
              timeslot_field("historyTimeslotInMinutes"),
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
              unused_boolean<T>("BatchApplyPreserveTransaction", "true").no_effect(std::string(kBatch)),
              batch_field("BatchApplyTimeoutMin", "1"),
              batch_field("BatchApplyTimeoutMax", "30"),
              batch_field("BatchApplyMemoryLimit", "500"),
              batch_field("BatchSplitSize", "0"),
              memory_field("MinTransactionSize", "1000", ""),
              integer_field<T>("CommitTimeout", DMSKAFKA_MEMBER(commit_timeout), {0, INT64_MAX, "seconds"},
                               "between two checkpoints while following changes; records go out at once"),
              memory_field("MemoryLimitTotal", "1024", "MB"),
              memory_field("MemoryKeepTime", "60", "seconds"),
              unused_integer<T>("StatementCacheSize", "50", {0, 200})
                  .no_effect("no statements are run on the target"),
              unused_integer<T>("RecoveryTimeout", "-1", {-1, INT64_MAX, "-1 is without bound"})
                  .no_effect("resuming has no bound in time"),
          }};
}

TaskTable make_stream_buffer_table() {
  return {"StreamBufferSettings",
          "The buffers through which changes go.",
          {
              integer_field<T>("StreamBufferCount", DMSKAFKA_MEMBER(stream_buffer_count), {0},
                               "batches of the log in memory at once, at least 2; AWS's default leaves the "
                               "choice to us: 8"),
              integer_field<T>("StreamBufferSizeInMB", DMSKAFKA_MEMBER(stream_buffer_megabytes), {0},
                               "the size of each of them, at least 1 and at most 1024; AWS's default leaves "
                               "the choice to us: 1"),
              unused_integer<T>("CtrlStreamBufferSizeInMB", "5", {1, 8})
                  .no_effect("control records have no buffer of their own"),
          }};
}

TaskTable make_loopback_table() {
  return {"LoopbackPreventionSettings",
          "Bidirectional replication, which a topic cannot be part of.",
          {
              refused_field<T>("EnableLoopbackPrevention", "boolean",
                               "a topic is never written back; leave it out", "false"),
              unused_text<T>("SourceSchema", "").no_effect("a topic is never written back"),
              unused_text<T>("TargetSchema", "").no_effect("a topic is never written back"),
          }};
}

}  // namespace dmskafka

#include <fmt/format.h>

#include <array>

#include "core/settings/task_tables.h"

namespace dmskafka {
namespace {

using T = TaskSettings;

constexpr std::array<std::string_view, 3> kPrepModes = {"DROP_AND_CREATE", "TRUNCATE_BEFORE_LOAD",
                                                        "DO_NOTHING"};
constexpr IntegerRange kLobKilobytes = {0, 102'400, "in KB"};

// Buffers and queues. SPEC ParallelLoadBufferSize: "valid only when there is more than one thread."
std::string only_with_threads(std::string_view meaning) {
  return fmt::format("{}; only with more than one thread", meaning);
}

/// What the settings of one kind of threads share.
struct ThreadsVerdict {
  Verdict verdict;
  std::string_view threads;  ///< FieldInfo::meaning of each of them
  std::string_view buffer;
  std::string_view queues;
};
constexpr ThreadsVerdict kLoad{
    Verdict::kHonoured,
    "threads that read, and threads that send, for each table; 0: as many readers as there are "
    "processors, and they send themselves",
    "records in each queue between readers and senders", "queues of each sending thread"};
constexpr ThreadsVerdict kApply{Verdict::kHonoured,
                                "threads that send changes, each key always through the same one; above 0 "
                                "the partition key is the primary key unless "
                                "the mapping says otherwise; 0: one thread, keyed by schema.table",
                                "changes in each queue of those threads", "queues of each of those threads"};

// SPEC ParallelLoadThreads: "The maximum value for an Apache Kafka target is 32. You can ask to have this maximum limit
// increased." Here MaxThreads raises it.
void read_threads(FieldInput& input, const T& settings, std::int64_t& into) {
  const auto threads = input.integer(0, 512);
  if (!threads) return;
  if (*threads > settings.dmskafka.max_threads) {
    input.fail(input.problem(fmt::format("{} {} is out of range", input.name(), *threads))
                   .expected(fmt::format("0 to {}; DmskafkaSettings.MaxThreads raises this bound",
                                         settings.dmskafka.max_threads)));
    return;
  }
  into = *threads;
}

template <typename Get>
Field<T> threads_field(std::string_view name, Get get, const ThreadsVerdict& of) {
  return Field<T>{{name, "integer", "0", "0 to 32, or to DmskafkaSettings.MaxThreads", of.verdict,
                   std::string(of.threads)},
                  [get](FieldInput& input, T& into) { read_threads(input, into, get(into)); }};
}

// Zero is AWS's "not set", and so is what its own default document holds without threads.
template <typename Get>
Field<T> buffer_field(std::string_view name, Get get, const ThreadsVerdict& of) {
  return Field<T>{{name, "integer", "0", "0 (not set) or 1 to 1000", of.verdict,
                   fmt::format("{}; 50 when not set", only_with_threads(of.buffer))},
                  [get](FieldInput& input, T& into) {
                    const auto records = input.integer(0, 1000, "1000 is AWS's bound for Kafka");
                    if (records && *records != 0) get(into) = *records;
                  }};
}

void read_load_queues(FieldInput& input, T& into) {
  const auto queues = input.integer(0, 512);
  if (!queues || *queues == 0) return;
  // SPEC ParallelLoadQueuesPerThread: "The default is 1. However, for Kafka targets of various payload sizes, the valid
  // range is 5–512 queues per thread."
  if (*queues > 1 && *queues < 5) {
    input.fail(input.problem(fmt::format("ParallelLoadQueuesPerThread {} is out of range", *queues))
                   .expected("1, or 5 to 512"));
    return;
  }
  into.parallel_load_queues_per_thread = *queues;
}

// LOBs are cut only where the file itself asks for it.
void read_limited_lob_mode(FieldInput& input, T& into) {
  const auto limited = input.boolean();
  if (!limited) return;
  if (*limited && !into.lob_max_kilobytes) into.lob_max_kilobytes = 32;
  if (!*limited) into.lob_max_kilobytes.reset();
}
void read_lob_max_size(FieldInput& input, T& into) {
  const auto kilobytes = input.integer(0, 102'400);
  if (kilobytes && *kilobytes != 0) into.lob_max_kilobytes = *kilobytes;
}
void read_full_lob_mode(FieldInput& input, T&) {
  if (input.boolean().value_or(false)) {
    input.problems().warnings.push_back(
        input.problem("FullLobMode is not allowed for Kafka in DMS; here it means that values are not cut"));
  }
}
void read_batch_apply(FieldInput& input, T&) {
  if (input.boolean().value_or(false)) {
    input.problems().warnings.push_back(
        input.problem("BatchApplyEnabled loses data with Kafka in DMS; it is treated as false"));
  }
}

}  // namespace

TaskTable make_target_metadata_table() {
  return {
      "TargetMetadata",
      "How tables, LOBs and threads are handled.",
      {
          text_field<T>("TargetSchema", DMSKAFKA_MEMBER(target_schema),
                        "the schema-name in messages; a rule that renames the schema wins"),
          boolean_field<T>("SupportLobs", DMSKAFKA_MEMBER(support_lobs),
                           "false leaves LOB columns out, of rows and of table definitions; a column of "
                           "the primary key stays"),
          Field<T>{{"FullLobMode", "boolean", "false", "", Verdict::kHonoured,
                    "true is not allowed for Kafka in DMS: a warning, and values are not cut"},
                   read_full_lob_mode},
          Field<T>{{"LimitedSizeLobMode", "boolean", "false", "", Verdict::kHonoured,
                    "true cuts LOBs at LobMaxSize (32 KB unless set); false: they are sent whole"},
                   read_limited_lob_mode},
          Field<T>{{"LobMaxSize", "integer", "0", "0 (not set) to 102400 (KB)", Verdict::kHonoured,
                    "longer LOBs are cut, text never within a character, and each cut is counted"},
                   read_lob_max_size},
          unused_integer<T>("LobChunkSize", "64", kLobKilobytes).no_effect("it belongs to FullLobMode"),
          unused_integer<T>("InlineLobMaxSize", "0", kLobKilobytes).no_effect("it belongs to FullLobMode"),
          unused_integer<T>("LoadMaxFileSize", "0", {0, 100'000, "in KB"})
              .no_effect("it bounds CSV files, which are not written here"),
          threads_field("ParallelLoadThreads", DMSKAFKA_MEMBER(parallel_load_threads), kLoad),
          buffer_field("ParallelLoadBufferSize", DMSKAFKA_MEMBER(parallel_load_buffer_size), kLoad),
          Field<T>{{"ParallelLoadQueuesPerThread", "integer", "0", "0 (not set), 1, or 5 to 512",
                    kLoad.verdict, only_with_threads(kLoad.queues)},
                   read_load_queues},
          threads_field("ParallelApplyThreads", DMSKAFKA_MEMBER(parallel_apply_threads), kApply),
          buffer_field("ParallelApplyBufferSize", DMSKAFKA_MEMBER(parallel_apply_buffer_size), kApply),
          Field<T>{{"ParallelApplyQueuesPerThread", "integer", "0", "0 (not set) or 1 to 512", kApply.verdict,
                    only_with_threads(kApply.queues)},
                   [](FieldInput& input, T& into) {
                     const auto queues = input.integer(0, 512);
                     if (queues && *queues != 0) into.parallel_apply_queues_per_thread = *queues;
                   }},
          Field<T>{{"BatchApplyEnabled", "boolean", "false", "", Verdict::kHonoured,
                    "true loses data with Kafka in DMS: a warning, and it is treated as false"},
                   read_batch_apply},
          unused_boolean<T>("TaskRecoveryTableEnabled", "false")
              .no_effect("the state file holds what is needed to resume"),
      }};
}

TaskTable make_full_load_table() {
  constexpr std::string_view kOld = "a member of 2017; the command says what is done";
  const auto old = [&](std::string_view name) {
    return unused_boolean<T>(name, "").no_effect(std::string(kOld));
  };
  return {
      "FullLoadSettings",
      "How existing rows are copied.",
      {
          choice_field<T>(
              "TargetTablePrepMode", DMSKAFKA_MEMBER(target_table_prep_mode), kPrepModes,
              "DROP_AND_CREATE sends control records drop-table and create-table before a table's rows; the "
              "others send none"),
          integer_field<T>("MaxFullLoadSubTasks", DMSKAFKA_MEMBER(max_full_load_sub_tasks),
                           {1, 49, "AWS's bound"}, "tables loaded at once"),
          integer_field<T>("CommitRate", DMSKAFKA_MEMBER(commit_rate), {1, 50'000},
                           "most records that a load reads and sends as one batch; at most 1000 are"),
          unused_boolean<T>("CreatePkAfterFullLoad", "false").no_effect("topics have no primary key"),
          boolean_field<T>("StopTaskCachedChangesApplied", DMSKAFKA_MEMBER(stop_task_cached_changes_applied),
                           "true: full-load --then-cdc ends when the changes made during the load are sent; "
                           "the next run goes on"),
          boolean_field<T>("StopTaskCachedChangesNotApplied",
                           DMSKAFKA_MEMBER(stop_task_cached_changes_not_applied),
                           "true: full-load --then-cdc ends with the load, as --prepare-cdc; the next run "
                           "sends the changes since"),
          integer_field<T>("TransactionConsistencyTimeout", DMSKAFKA_MEMBER(transaction_consistency_timeout),
                           {0, INT64_MAX, "seconds"},
                           "how long a new replication slot of PostgreSQL may wait for the transactions that "
                           "are under way; then the task ends and names them; 0: for ever"),
          old("FullLoadEnabled"),
          old("ApplyChangesEnabled"),
          old("ResumeEnabled"),
          unused_integer<T>("ResumeMinTableSize", "", {0}).no_effect(std::string(kOld)),
          old("ResumeOnlyClusteredPKTables"),
      }};
}

}  // namespace dmskafka

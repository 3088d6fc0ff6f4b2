#include "core/task/full_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <thread>
#include <utility>

#include "core/base/logging.h"
#include "core/task/cdc.h"
#include "core/task/change_log.h"
#include "core/task/delivery_accounts.h"
#include "core/task/load_choice.h"
#include "core/task/load_recovery.h"
#include "core/task/load_schedule.h"
#include "core/task/segment_planning.h"
#include "core/task/subtask.h"
#include "core/task/table_load.h"
#include "core/task/task_failure.h"

namespace dmskafka {
namespace {

using namespace std::chrono_literals;

// What is in flight gets so long to be acknowledged once the task ends; after a stop request a person waits for it.
constexpr std::chrono::milliseconds kCloseTimeout = 60s;
constexpr std::chrono::milliseconds kCloseTimeoutStopped = 10s;
// A kill repeats the ranges that were not saved as done yet; a load that is killed again and again must still get on.
constexpr std::chrono::milliseconds kRangesSavedEvery = 100ms;
constexpr std::chrono::milliseconds kCountersSavedEvery = 500ms;
constexpr std::chrono::milliseconds kTick = 20ms;

/// A source names the table in its errors; other texts get the name in front.
std::string named(const TableName& table, std::string text) {
  const std::string name = table.text();
  return text.find(name) == std::string::npos ? name + ": " + text : text;
}

/// What the attempts of one run share.
struct RunSoFar {
  LoadAttempt attempt = LoadAttempt::kFirst;
  // What stood before the first attempt.
  std::uint64_t tables_selected = 0;
  std::uint64_t tables_done_before = 0;
  std::uint64_t rows_before = 0;
  std::uint64_t bytes_before = 0;
  std::chrono::steady_clock::time_point started;  // of the first row; the epoch: none was read
  std::vector<std::string> notes;                 // of the last attempt
};

/// One attempt of a full load. Thread: the task's own, which owns the reading threads and ends the tables.
class FullLoad {
 public:
  FullLoad(const FullLoadTask& task, RunSoFar& run, std::stop_token stop)
      : task_(task), run_(run), failure_(std::move(stop)), accounts_(task.store, task.settings, failure_) {}

  Result<void> run(const SinkFactory& make_sink) {
    DMSKAFKA_ASSIGN(choice_, choose_load(task_, run_.attempt));
    note_before();
    for (const UndescribedTable& table : choice_.undescribed) DMSKAFKA_TRY(fail_undescribed(table));
    Result<void> loaded;
    if (!choice_.todo.empty()) {
      task_.progress.set_phase("connecting to the target");
      DMSKAFKA_ASSIGN(sink_, make_sink(accounts_));
      loaded = load();
      loaded = close_sink(std::move(loaded));
    }
    auto saved = save_unfinished();
    if (!loaded) return loaded;
    return saved;
  }

  /// A reader had its connection: what fails from then on may be worth another attempt.
  bool began() const {
    MutexLock lock(mutex_);
    return opened_ != 0;
  }
  /// What the next attempt does not have to do again.
  LoadRecovery::Gain gain() const {
    const bool something = std::ranges::any_of(choice_.todo, [](const auto& table) {
      return table->progress.state.load() == TableState::kTableCompleted ||
             std::ranges::any_of(table->segments, &SegmentLoad::saved);
    });
    return something ? LoadRecovery::Gain::kSomething : LoadRecovery::Gain::kNothing;
  }

 private:
  void note_before() {
    run_.notes.clear();
    if (run_.attempt == LoadAttempt::kAgain) return;
    run_.tables_selected = choice_.tables_selected;
    run_.tables_done_before = choice_.tables_done_before;
    run_.rows_before = choice_.rows_before;
    run_.bytes_before = choice_.bytes_before;
  }

  Result<void> fail_undescribed(const UndescribedTable& table) {
    table.progress->set_error(table.error.to_string());
    table.progress->state.store(TableState::kTableError);
    log_error(named(table.progress->name, table.error.to_string()));
    TableLoadRecord record;
    record.name = table.progress->name;
    record.state = TableState::kTableError;
    record.error = table.error.to_string();
    DMSKAFKA_TRY(task_.store.save_table(record));
    const std::string_view stopping = stopping_policy();
    if (stopping.empty()) return {};
    return table.error.while_doing(fmt::format("describing {}", table.progress->name.text()))
        .hint(fmt::format("{} is STOP_TASK", stopping));
  }

  /// The policy by which the task ends now that one more table is in error, "" when it goes on. SPEC
  /// TableErrorEscalationCount: a table that failed is not read again by the same run, so tables are counted.
  std::string_view stopping_policy() const {
    const TaskSettings& settings = task_.settings;
    if (settings.table_error_policy == ErrorPolicy::kStopTask) return "TableErrorPolicy";
    const auto in_error = std::ranges::count_if(task_.progress.tables(), [](const TableProgress& table) {
      return table.state.load() == TableState::kTableError;
    });
    const bool escalates =
        settings.table_error_escalation_count != 0 && in_error > settings.table_error_escalation_count;
    return escalates && settings.table_error_escalation_policy == ErrorPolicy::kStopTask
               ? "TableErrorEscalationPolicy"
               : "";
  }

  // --- before the first row ---

  Result<void> open_topics() {
    std::vector<TopicSpec> specs;
    std::vector<std::size_t> spec_of_table;
    for (const auto& table : choice_.todo) {
      const auto found = std::ranges::find(specs, table->plan->topic(), &TopicSpec::name);
      spec_of_table.push_back(static_cast<std::size_t>(found - specs.begin()));
      if (found != specs.end()) continue;
      const DmskafkaSettings& ours = task_.settings.dmskafka;
      specs.push_back(TopicSpec{table->plan->topic(), ours.topic_partitions, ours.topic_replication_factor,
                                ours.topic_config});
    }
    DMSKAFKA_ASSIGN(const std::vector<const Topic*> topics, sink_->open_topics(specs, failure_.token()));
    for (std::size_t i = 0; i < choice_.todo.size(); ++i) choice_.todo[i]->topic = topics[spec_of_table[i]];
    return {};
  }

  Result<void> open_snapshot() {
    task_.progress.set_phase("opening the snapshot");
    std::vector<const TableSchema*> schemas;
    for (const auto& table : choice_.todo) schemas.push_back(table->schema.get());
    const auto readers = static_cast<std::uint32_t>(std::max(std::size_t{1}, readers_wanted()));
    task_.source.expect(SnapshotUse{readers, !task_.rows_max_per_table});
    if (task_.change_log != nullptr) {
      DMSKAFKA_TRY(prepare_log());
    }
    if (!snapshot_) {
      DMSKAFKA_ASSIGN(snapshot_, task_.source.open_snapshot(schemas, failure_.token()));
    }
    DMSKAFKA_ASSIGN(const PlannedSegments planned,
                    plan_all_segments(choice_.todo, *snapshot_, task_.store,
                                      SegmentPlanningOptions{task_.rows_max_per_table.has_value()}));
    run_.notes = planned.notes;
    if (run_.attempt == LoadAttempt::kFirst) run_.rows_before += planned.rows_done_before;
    // Changes are to be followed from the first snapshot whose rows are kept.
    if (choice_.tables_done_before != 0 || planned.rows_done_before != 0) {
      const LogPosition& first = choice_.record.snapshot_position;
      run_.notes.push_back(
          fmt::format("this load spans two snapshots: what an earlier run had sent was read before{}",
                      first.empty() ? "" : fmt::format(" (at {})", first.text)));
      return {};
    }
    choice_.record.snapshot_position = snapshot_->position();
    return task_.store.save_task(choice_.record);
  }

  /// The position from which changes will be followed is stored before the first row is read. A load that goes on keeps the
  /// first one: what changed since is replayed over rows of a newer snapshot.
  Result<void> prepare_log() {
    DMSKAFKA_ASSIGN(const std::optional<CdcCheckpoint> stored, task_.store.load_checkpoint());
    if (stored) return add_to_log();
    DMSKAFKA_ASSIGN(const std::vector<SegmentPlanRecord> begun, task_.store.load_segment_plans());
    if (choice_.tables_done_before != 0 || !begun.empty()) {
      return Error(ErrorCode::kStateFile,
                   "this load began without keeping the source's log: what was changed since its first "
                   "snapshot "
                   "cannot be followed any more")
          .hint("finish it without following changes, or use --restart to load everything again");
    }
    std::vector<std::shared_ptr<const TableSchema>> tables;
    for (const auto& table : choice_.todo) {
      // So that nobody follows changes of a table whose load has not even begun.
      TableLoadRecord record;
      record.name = table->progress.name;
      record.control_records_sent = table->control_records_sent();
      DMSKAFKA_TRY(task_.store.save_table(record));
      tables.push_back(table->schema);
    }
    task_.progress.set_phase("preparing the source's log");
    DMSKAFKA_ASSIGN(
        ChangeLog::Prepared prepared,
        prepare_cdc(*task_.change_log, task_.store, tables, ChangeLog::WithSnapshot::kYes, failure_.token()));
    log_info(fmt::format("task {}: changes will be followed from {}", task_.task_id, prepared.start.text));
    snapshot_ = std::move(prepared.snapshot);
    return {};
  }

  /// Of a task whose log is kept already: before the snapshot, so that no change falls between the two.
  Result<void> add_to_log() {
    std::vector<const TableSchema*> tables;
    for (const auto& table : choice_.todo) {
      if (table->schema->kind == TableKind::kTable) tables.push_back(table->schema.get());
    }
    return task_.change_log->add_tables(tables, failure_.token());
  }

  // --- the load ---

  Result<void> load() {
    DMSKAFKA_TRY(open_topics());
    DMSKAFKA_TRY(open_snapshot());
    task_.progress.set_phase("");
    if (run_.started == std::chrono::steady_clock::time_point())
      run_.started = std::chrono::steady_clock::now();
    LoadSchedule schedule(choice_.todo, LoadSchedule::Limits{tables_at_once(), readers_per_table()});
    ProcessorTurns turns(processors());
    const SubtaskContext context{
        *snapshot_,
        schedule,
        turns,
        *sink_,
        accounts_,
        task_.store,
        failure_,
        task_.settings,
        MessageSender::Options{task_.settings.dmskafka.partitioner, task_.message_bytes_max, task_.clock,
                               task_.settings.data_truncation_error_policy},
        task_.rows_max_per_table};
    run_subtasks(context);
    snapshot_.reset();
    if (auto failed = failure_.get()) return *failed;
    if (failure_.token().stop_requested())
      return Error(ErrorCode::kCancelled, "stopped before the load was complete");
    return {};
  }

  std::size_t tables_at_once() const {
    // SPEC MaxFullLoadSubTasks: "the maximum number of source tables to load in parallel".
    return task_.rows_max_per_table ? 1 : static_cast<std::size_t>(task_.settings.max_full_load_sub_tasks);
  }

  std::size_t readers_per_table() const {
    // SPEC "DMS assigns each segment of a table to its own thread for loading."
    if (task_.settings.parallel_load_threads > 0) {
      return static_cast<std::size_t>(task_.settings.parallel_load_threads);
    }
    return processors();
  }

  static std::size_t processors() { return std::max(1U, std::thread::hardware_concurrency()); }

  /// As many as could work at once, if the tables have so many ranges.
  std::size_t readers_wanted() const {
    if (task_.rows_max_per_table) return 1;
    const std::size_t tables = std::min(choice_.todo.size(), tables_at_once());
    if (task_.settings.parallel_load_threads > 0) return tables * readers_per_table();
    return std::max(tables, readers_per_table());
  }

  /// As many as can work at once, within what the source grants.
  std::size_t reader_count() const {
    std::size_t ranges = 0;
    for (const auto& table : choice_.todo) ranges += std::min(table->segments.size(), readers_per_table());
    return std::max(std::size_t{1},
                    std::min({readers_wanted(), ranges, static_cast<std::size_t>(snapshot_->readers_max())}));
  }

  void run_subtasks(const SubtaskContext& context) {
    const std::size_t readers = reader_count();
    {
      MutexLock lock(mutex_);
      opening_ = active_ = readers;
    }
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < readers; ++i) {
      threads.emplace_back([this, &context] { run_subtask(context); });
    }
    tend_tables(context.schedule, readers);
    threads.clear();
    for (const auto& table : choice_.todo) table->lanes.reset();
  }

  /// A reading thread.
  void run_subtask(const SubtaskContext& context) noexcept {
    try {
      Subtask subtask(context);
      auto opened = subtask.open();
      if (go_on_after(opened)) {
        if (auto ended = subtask.run(); !ended) failure_.set(std::move(ended).error());
      }
    } catch (const std::exception& caught) {
      failure_.set(Error(ErrorCode::kInternal, fmt::format("in a reading thread: {}", caught.what())));
    }
    MutexLock lock(mutex_);
    --active_;
  }

  /// Where the server refuses a further connection, the load goes on with those it gave; without any it fails.
  bool go_on_after(const Result<void>& opened) {
    MutexLock lock(mutex_);
    --opening_;
    if (opened) {
      ++opened_;
      return true;
    }
    if (opened_ == 0 && opening_ == 0) {
      failure_.set(opened.error());
    } else {
      log_warning(fmt::format("one reading thread less: {}", opened.error().to_string()));
    }
    return false;
  }

  bool readers_ended() const {
    MutexLock lock(mutex_);
    return active_ == 0;
  }

  /// Ends tables whose rows are all reported and writes the progress, until every table has ended or the task stops.
  void tend_tables(const LoadSchedule& schedule, std::size_t readers) {
    std::vector<TableLoad*> open;
    for (const auto& table : choice_.todo) open.push_back(table.get());
    auto ranges_saved = std::chrono::steady_clock::now();
    auto counters_saved = ranges_saved;
    while (!open.empty()) {
      const bool ended = readers_ended();
      std::erase_if(open, [&](TableLoad* table) { return end_if_settled(*table, schedule); });
      if (open.empty()) break;
      if (failure_.token().stop_requested() && ended) break;
      if (auto failed = sink_->failure()) failure_.set(*failed);
      const auto now = std::chrono::steady_clock::now();
      if (now - ranges_saved >= kRangesSavedEvery) {
        ranges_saved = now;
        if (auto done = save_ranges(open); !done) failure_.set(std::move(done).error());
      }
      if (now - counters_saved >= kCountersSavedEvery) {
        counters_saved = now;
        if (auto done = save_counters(open, readers); !done) failure_.set(std::move(done).error());
      }
      wait_a_tick(open, schedule);
    }
    if (auto done = save_ranges(open); !done) failure_.set(std::move(done).error());
    if (auto done = save_counters(open, readers); !done) failure_.set(std::move(done).error());
  }

  /// Wakes at once when the last rows of the first read-through table are reported, so that small loads end quickly.
  void wait_a_tick(const std::vector<TableLoad*>& open, const LoadSchedule& schedule) {
    for (TableLoad* table : open) {
      if (!schedule.read_through(*table)) continue;
      for (const SegmentLoad& segment : table->segments) {
        if (segment.settled()) continue;
        // What its lanes have sent since may linger.
        if (!segment.unit.wait_settled(kTick, std::stop_token())) sink_->flush();
        return;
      }
    }
    std::this_thread::sleep_for(kTick / 4);
  }

  /// True when the table has ended, well or not.
  bool end_if_settled(TableLoad& table, const LoadSchedule& schedule) {
    const bool nothing_to_read = table.segments.empty();
    if (!nothing_to_read && (!schedule.read_through(table) || !table.settled())) return false;
    // A stop leaves ranges that were begun and not read to their end: they look settled, the table is not.
    if (!nothing_to_read && failure_.token().stop_requested()) return false;
    if (table.lanes) {
      add_lane_statistics(table.lanes->statistics());
      table.lanes.reset();
    }
    auto ended = end_table(table);
    if (!ended) failure_.set(std::move(ended).error());
    return true;
  }

  Result<void> end_table(TableLoad& table) {
    std::optional<Error> failed = table.failure();
    if (!failed && table.progress.suspended.load()) {
      failed = Error(ErrorCode::kTableUnreadable, table.progress.error());
    }
    if (!failed && !table.done()) {
      // Its own words say more, and what can be done about it.
      if (auto sink_failed = sink_->failure()) return *sink_failed;
      // The table stays unfinished, and the lost rows are sent by the next run.
      return Error(ErrorCode::kTargetUnavailable,
                   fmt::format("{}: messages were given up before they were acknowledged",
                               table.progress.name.text()));
    }
    if (!failed) return table.enter(TableState::kTableCompleted, task_.store);

    const std::string text = failed->to_string();
    if (table.progress.error().empty()) table.progress.set_error(text);
    log_error(named(table.progress.name, text));
    DMSKAFKA_TRY(table.save_settled_segments(task_.store));
    DMSKAFKA_TRY(table.enter(TableState::kTableError, task_.store));
    const std::string_view stopping = stopping_policy();
    if (stopping.empty()) return {};
    return failed->while_doing(fmt::format("loading {}", table.progress.name.text()))
        .hint(fmt::format("{} is STOP_TASK", stopping));
  }

  Result<void> save_ranges(const std::vector<TableLoad*>& open) {
    for (TableLoad* table : open) DMSKAFKA_TRY(table->save_settled_segments(task_.store));
    return {};
  }

  Result<void> save_counters(const std::vector<TableLoad*>& open, std::size_t readers) {
    for (TableLoad* table : open) {
      DMSKAFKA_TRY(table->save_counters(task_.store));
      if (table->progress.state.load() == TableState::kFullLoad && table->lanes) {
        add_lane_statistics(table->lanes->statistics());
      }
    }
    threads_.reader_threads = readers;
    return task_.store.save_threads(threads_);
  }

  void add_lane_statistics(const LanePool::Statistics& lanes) {
    threads_.sender_threads = lanes.threads;
    threads_.queues_per_thread = lanes.queues_per_thread;
    threads_.buffer_records = lanes.buffer_records;
    threads_.queue_records_high_water =
        std::max<std::uint64_t>(threads_.queue_records_high_water, lanes.records_high_water);
  }

  // --- after the last row ---

  /// Everything is reported when it returns; the first failure stays the first.
  Result<void> close_sink(Result<void> loaded) {
    task_.progress.set_phase("waiting for the last acknowledgements");
    auto closed = sink_->close(loaded ? kCloseTimeout : kCloseTimeoutStopped);
    if (auto failed = failure_.get(); failed && (loaded || loaded.error().code() == ErrorCode::kCancelled)) {
      return *failed;
    }
    // After a stop, what was not acknowledged in time belongs to ranges that are not done: they are sent again.
    return loaded ? closed : loaded;
  }

  Result<void> save_unfinished() {
    for (const auto& table : choice_.todo) {
      if (table->progress.state.load() != TableState::kFullLoad) continue;
      // Closing the sink has waited for what was on its way.
      DMSKAFKA_TRY(table->save_settled_segments(task_.store));
      DMSKAFKA_TRY(table->enter(TableState::kTableCancelled, task_.store));
    }
    return {};
  }

  const FullLoadTask& task_;
  RunSoFar& run_;
  TaskFailure failure_;
  DeliveryAccounts accounts_;
  LoadChoice choice_;
  std::unique_ptr<Sink> sink_;  // after choice_: its reports point into the tables
  std::unique_ptr<Snapshot> snapshot_;
  LoadThreadsRecord threads_;

  mutable Mutex mutex_;
  std::size_t opening_ GUARDED_BY(mutex_) = 0;  // reading threads that have no answer of the source yet
  std::size_t opened_ GUARDED_BY(mutex_) = 0;
  std::size_t active_ GUARDED_BY(mutex_) = 0;
};

void summarise(const TaskProgress& progress, const RunSoFar& run, FullLoadSummary& summary) {
  summary.tables_selected = run.tables_selected;
  summary.tables_done_before = run.tables_done_before;
  summary.notes = run.notes;
  for (const TableProgress& table : progress.tables()) {
    for (std::string& note : rule_notes(table)) summary.notes.push_back(std::move(note));
    summary.rows_delivered += table.rows_delivered.load();
    summary.bytes_delivered += table.bytes_delivered.load();
    summary.rows_failed += table.rows_failed.load();
    summary.control_records += table.control_records_delivered.load();
    summary.values_cut += table.values_cut.load();
    summary.characters_replaced += table.characters_replaced.load();
    summary.zero_dates += table.zero_dates.load();
    if (table.state.load() == TableState::kTableCompleted) ++summary.tables_completed;
    if (table.state.load() == TableState::kTableError) ++summary.tables_in_error;
  }
  summary.tables_completed -= summary.tables_done_before;
  summary.rows_delivered -= std::min(summary.rows_delivered, run.rows_before);
  summary.bytes_delivered -= std::min(summary.bytes_delivered, run.bytes_before);
  if (run.started != std::chrono::steady_clock::time_point()) {
    summary.elapsed =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - run.started);
  }
}

Result<void> verdict(const FullLoadSummary& summary) {
  if (summary.tables_in_error == 0 && summary.rows_failed == 0) return {};
  std::string text;
  if (summary.tables_in_error != 0) {
    text = fmt::format("{} of {} tables in error", summary.tables_in_error, summary.tables_selected);
  }
  if (summary.rows_failed != 0) {
    text += fmt::format("{}{} message{} not delivered", text.empty() ? "" : "; ", summary.rows_failed,
                        summary.rows_failed == 1 ? "" : "s");
  }
  return Error(ErrorCode::kTablesInError, std::move(text));
}

/// Attempts, until one succeeds or fails for good.
Result<void> run_attempts(const FullLoadTask& task, const SinkFactory& make_sink, RunSoFar& run,
                          LoadRecovery& recovery, const std::stop_token& stop) {
  for (;;) {
    FullLoad load(task, run, stop);
    auto ended = load.run(make_sink);
    const bool begun = run.attempt == LoadAttempt::kAgain || load.began();
    if (ended || !begun || task.rows_max_per_table) return ended;
    switch (recovery.decide(ended.error(), load.gain(), stop)) {
      case LoadRecovery::Verdict::kAgain: break;
      case LoadRecovery::Verdict::kFinal: return ended;
      case LoadRecovery::Verdict::kStopped:
        return Error(ErrorCode::kCancelled, "stopped before the load was complete");
    }
    run.attempt = LoadAttempt::kAgain;
  }
}

}  // namespace

Result<void> run_full_load(const FullLoadTask& task, const SinkFactory& make_sink, FullLoadSummary& summary,
                           std::stop_token stop) {
  RunSoFar run;
  LoadRecovery recovery(task.recovery_wait);
  auto ended = run_attempts(task, make_sink, run, recovery, stop);
  summarise(task.progress, run, summary);
  if (auto note = recovery.note()) summary.notes.push_back(*std::move(note));
  if (!ended) return ended;
  return verdict(summary);
}

}  // namespace dmskafka

#include "core/task/full_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <exception>
#include <thread>
#include <utility>

#include "core/base/logging.h"
#include "core/task/delivery_accounts.h"
#include "core/task/message_sender.h"
#include "core/task/table_load.h"
#include "core/task/task_failure.h"

namespace dmskafka {
namespace {

using namespace std::chrono_literals;

// What is in flight gets so long to be acknowledged once the task ends; after a stop request a person waits
// for it.
constexpr std::chrono::milliseconds kCloseTimeout = 60s;
constexpr std::chrono::milliseconds kCloseTimeoutStopped = 10s;
constexpr std::chrono::milliseconds kCountersSavedEvery = 1s;

/// The run of one full load. Thread: the task's own, which owns the subtask threads.
class FullLoad {
 public:
  FullLoad(const FullLoadTask& task, FullLoadSummary& summary, std::stop_token stop)
      : task_(task),
        summary_(summary),
        failure_(std::move(stop)),
        accounts_(task.store, task.settings, failure_) {}

  Result<void> run(const SinkFactory& make_sink) {
    DMSKAFKA_TRY(open_task_record());
    DMSKAFKA_TRY(choose_tables());
    for (const Undescribed& table : undescribed_) DMSKAFKA_TRY(fail_undescribed(table));
    Result<void> loaded;
    if (!todo_.empty()) {
      DMSKAFKA_TRY(open_sink(make_sink));
      loaded = load();
      loaded = close_sink(std::move(loaded));
    }
    auto saved = save_unfinished();
    summarise();
    if (!loaded) return loaded;
    DMSKAFKA_TRY(std::move(saved));
    return verdict();
  }

 private:
  /// A table that the source lists but could not describe.
  struct Undescribed {
    TableProgress* progress;
    Error error;
  };

  // --- what is to be done
  // ---------------------------------------------------------------------------------------

  /// Compares this run with what the state file knows, and refuses another task by name.
  Result<void> open_task_record() {
    DMSKAFKA_ASSIGN(const SourceIdentity source, task_.source.identity());
    if (task_.restart) DMSKAFKA_TRY(task_.store.discard_task());
    DMSKAFKA_ASSIGN(const std::optional<TaskRecord> before, task_.store.load_task());
    record_.task_id = task_.task_id;
    record_.source = source;
    record_.target = task_.target_name;
    record_.mapping_digest = task_.planner.digest();
    if (!before) return task_.store.save_task(record_);
    resumed_ = true;
    record_.snapshot_position = before->snapshot_position;
    return check_same_task(*before);
  }

  Result<void> check_same_task(const TaskRecord& before) const {
    const auto refuse = [](std::string_view what, std::string_view was, std::string_view is) {
      return Error(ErrorCode::kStateFile,
                   fmt::format("the state file belongs to another {}: it has {}, this run has {}", what, was,
                               is))
          .hint("use another --state file, or --restart to discard what it holds and load again");
    };
    if (before.task_id != record_.task_id) return refuse("task", before.task_id, record_.task_id);
    if (before.source != record_.source) {
      const auto text = [](const SourceIdentity& s) {
        return fmt::format("{} {} {}", s.kind, s.server, s.database);
      };
      return refuse("source", text(before.source), text(record_.source));
    }
    if (before.target != record_.target) return refuse("target", before.target, record_.target);
    if (before.mapping_digest != record_.mapping_digest) {
      return Error(ErrorCode::kStateFile,
                   "the table mapping or a setting that shapes messages changed since this task began; "
                   "the tables already loaded have the old shape")
          .hint("put the old mapping back, or use --restart to load everything again");
    }
    return {};
  }

  /// Catalogue → selection → plans; splits what an earlier run has done from what is to do.
  Result<void> choose_tables() {
    task_.progress.set_phase("reading the catalogue");
    DMSKAFKA_ASSIGN(const std::vector<CatalogTable> catalog, task_.source.list_tables());
    std::vector<SelectedTable> selected = task_.planner.select(catalog);
    if (!task_.only_tables.empty()) {
      std::erase_if(selected, [&](const SelectedTable& table) {
        return std::ranges::find(task_.only_tables, table.name) == task_.only_tables.end();
      });
    }
    summary_.tables_selected = selected.size();
    if (selected.empty()) return no_tables();

    std::vector<TableName> names;
    names.reserve(selected.size());
    for (const SelectedTable& table : selected) names.push_back(table.name);
    DMSKAFKA_ASSIGN(std::vector<Result<TableSchema>> schemas, task_.source.describe_tables(names));
    DMSKAFKA_ASSIGN(const std::vector<TableLoadRecord> done, task_.store.load_tables());
    for (std::size_t i = 0; i < selected.size(); ++i) {
      DMSKAFKA_TRY(add_table(selected[i], std::move(schemas[i]), done));
    }
    order_by_size(selected);
    task_.progress.ready.store(true);
    announce();
    return {};
  }

  Result<void> no_tables() const {
    // SPEC FailOnNoTablesCaptured: "set to true to cause a task to fail when the transformation rules defined
    // for a task find no tables when the task starts".
    if (!task_.settings.fail_on_no_tables_captured) return {};
    return Error(ErrorCode::kInvalidMapping,
                 "no tables were found: the selection rules match none of the source's tables, or the user "
                 "may see none")
        .hint("validate-mapping --source shows what each rule matches");
  }

  Result<void> add_table(const SelectedTable& selected, Result<TableSchema> schema,
                         const std::vector<TableLoadRecord>& records) {
    TableProgress& progress = task_.progress.add_table(selected.name);
    std::optional<TableLoadRecord> before;
    const auto found = std::ranges::find(records, selected.name, &TableLoadRecord::name);
    if (found != records.end()) before = *found;
    if (before && before->state == TableState::kTableCompleted) {
      progress.state.store(TableState::kTableCompleted);
      progress.rows_delivered.store(before->rows_delivered);
      progress.bytes_delivered.store(before->bytes_delivered);
      progress.rows_failed.store(before->rows_failed);
      ++summary_.tables_done_before;
      rows_before_ += before->rows_delivered;
      bytes_before_ += before->bytes_delivered;
      return {};
    }
    if (!schema) {
      if (schema.error().code() != ErrorCode::kTableUnreadable) return std::move(schema).error();
      undescribed_.push_back(Undescribed{&progress, schema.error()});
      return {};
    }
    auto table_schema = std::make_shared<const TableSchema>(std::move(schema).value());
    progress.rows_estimate = table_schema->rows_estimate.value_or(0);
    DMSKAFKA_ASSIGN(std::unique_ptr<const TablePlan> plan, task_.planner.plan(table_schema));
    todo_.push_back(std::make_unique<TableLoad>(std::move(table_schema), std::move(plan), progress, before));
    return {};
  }

  /// Within one load-order the largest first: the end of the load is then not one big table alone.
  void order_by_size(const std::vector<SelectedTable>& selected) {
    const auto load_order = [&](const std::unique_ptr<TableLoad>& table) {
      return std::ranges::find(selected, table->progress.name, &SelectedTable::name)->load_order;
    };
    if (task_.rows_max_per_table) return;  // a preview shows the tables by name
    std::vector<std::pair<std::int64_t, std::unique_ptr<TableLoad>>> keyed;
    for (auto& table : todo_) {
      const std::int64_t order = load_order(table);
      keyed.emplace_back(order, std::move(table));
    }
    std::ranges::stable_sort(keyed, [](const auto& a, const auto& b) {
      if (a.first != b.first) return a.first > b.first;
      return a.second->schema->bytes_estimate > b.second->schema->bytes_estimate;
    });
    for (std::size_t i = 0; i < keyed.size(); ++i) todo_[i] = std::move(keyed[i].second);
  }

  /// What this run does, and why, in one line.
  void announce() const {
    const std::size_t todo = todo_.size() + undescribed_.size();
    if (!resumed_) {
      log_info(fmt::format("task {}: new load of {} table{}", task_.task_id, todo, todo == 1 ? "" : "s"));
    } else if (todo == 0) {
      log_info(
          fmt::format("task {}: all {} tables were loaded before; nothing to do (--restart loads them again)",
                      task_.task_id, summary_.tables_done_before));
    } else {
      log_info(fmt::format(
          "task {}: resuming: {} of {} tables were loaded before and are not sent again; loading {}",
          task_.task_id, summary_.tables_done_before, summary_.tables_selected, todo));
    }
  }

  // --- doing it
  // -------------------------------------------------------------------------------------------------

  Result<void> open_sink(const SinkFactory& make_sink) {
    task_.progress.set_phase("connecting to the target");
    DMSKAFKA_ASSIGN(sink_, make_sink(accounts_));
    return {};
  }

  Result<void> open_topics() {
    std::vector<TopicSpec> specs;
    std::vector<std::size_t> spec_of_table;
    for (const auto& table : todo_) {
      const auto found = std::ranges::find(specs, table->plan->topic(), &TopicSpec::name);
      spec_of_table.push_back(static_cast<std::size_t>(found - specs.begin()));
      if (found != specs.end()) continue;
      const DmskafkaSettings& ours = task_.settings.dmskafka;
      specs.push_back(TopicSpec{table->plan->topic(), ours.topic_partitions, ours.topic_replication_factor,
                                ours.topic_config});
    }
    DMSKAFKA_ASSIGN(const std::vector<const Topic*> topics, sink_->open_topics(specs, failure_.token()));
    for (std::size_t i = 0; i < todo_.size(); ++i) todo_[i]->topic = topics[spec_of_table[i]];
    return {};
  }

  Result<void> open_snapshot() {
    task_.progress.set_phase("opening the snapshot");
    std::vector<const TableSchema*> schemas;
    for (const auto& table : todo_) schemas.push_back(table->schema.get());
    DMSKAFKA_ASSIGN(snapshot_, task_.source.open_snapshot(schemas, failure_.token()));
    if (summary_.tables_done_before != 0) {
      summary_.notes.push_back(
          fmt::format("this load spans two snapshots: {} tables were read by an earlier run{}",
                      summary_.tables_done_before,
                      record_.snapshot_position.empty()
                          ? ""
                          : fmt::format(" (log position {})", record_.snapshot_position.text)));
      return {};
    }
    record_.snapshot_position = snapshot_->position();
    return task_.store.save_task(record_);
  }

  Result<void> load() {
    DMSKAFKA_TRY(open_topics());
    DMSKAFKA_TRY(open_snapshot());
    task_.progress.set_phase("");
    started_ = std::chrono::steady_clock::now();
    const TableLoadContext context = table_context();
    DMSKAFKA_ASSIGN(const auto readers, open_readers());
    {
      MutexLock lock(mutex_);
      for (const auto& table : todo_) queue_.push_back(table.get());
      active_ = readers.size();
    }
    std::vector<std::jthread> threads;
    for (const auto& reader : readers) {
      threads.emplace_back([this, &context, &reader] { run_subtask(*reader, context); });
    }
    wait_for_subtasks();
    threads.clear();
    snapshot_.reset();
    if (auto failed = failure_.get()) return *failed;
    if (failure_.token().stop_requested())
      return Error(ErrorCode::kCancelled, "stopped before the load was complete");
    return {};
  }

  std::size_t subtask_count() const {
    if (task_.rows_max_per_table) return 1;  // a preview shows one table after the other
    const auto wanted = static_cast<std::size_t>(task_.settings.max_full_load_sub_tasks);
    return std::min({wanted, todo_.size(), static_cast<std::size_t>(std::max(1U, snapshot_->readers_max()))});
  }

  TableLoadContext table_context() {
    return TableLoadContext{*sink_, task_.store, failure_, task_.settings, task_.rows_max_per_table};
  }

  /// A table the source could not describe has no plan and no subtask: only its state is written.
  Result<void> fail_undescribed(const Undescribed& table) {
    table.progress->set_error(table.error.to_string());
    table.progress->state.store(TableState::kTableError);
    log_error(fmt::format("{}: {}", table.progress->name.text(), table.error.to_string()));
    TableLoadRecord record;
    record.name = table.progress->name;
    record.state = TableState::kTableError;
    record.error = table.error.to_string();
    DMSKAFKA_TRY(task_.store.save_table(record));
    if (task_.settings.table_error_policy != ErrorPolicy::kStopTask) return {};
    return table.error.while_doing(fmt::format("describing {}", table.progress->name.text()));
  }

  /// One for each subtask. The first must open; where the server refuses a further one, the load goes on with
  /// fewer.
  Result<std::vector<std::unique_ptr<SnapshotReader>>> open_readers() {
    std::vector<std::unique_ptr<SnapshotReader>> readers;
    const std::size_t wanted = subtask_count();
    while (readers.size() < wanted) {
      auto reader = snapshot_->open_reader(failure_.token());
      if (!reader) {
        if (readers.empty()) return std::move(reader).error();
        log_warning(fmt::format("loading with {} connections instead of {}: {}", readers.size(), wanted,
                                reader.error().to_string()));
        break;
      }
      readers.push_back(std::move(reader).value());
    }
    return readers;
  }

  /// A subtask thread: table after table until none is left.
  void run_subtask(SnapshotReader& reader, const TableLoadContext& context) noexcept {
    try {
      if (auto ended = load_tables(reader, context); !ended) failure_.set(std::move(ended).error());
    } catch (const std::exception& caught) {
      failure_.set(Error(ErrorCode::kInternal, fmt::format("in a subtask: {}", caught.what())));
    }
    MutexLock lock(mutex_);
    --active_;
    ended_.notify_all();
  }

  Result<void> load_tables(SnapshotReader& reader, const TableLoadContext& context) {
    MessageSender sender(
        *sink_, accounts_,
        MessageSender::Options{task_.settings.dmskafka.partitioner, task_.message_bytes_max, task_.clock});
    while (TableLoad* table = next_table()) {
      DMSKAFKA_TRY(load_table(*table, reader, sender, context));
    }
    return {};
  }

  TableLoad* next_table() {
    MutexLock lock(mutex_);
    if (queue_.empty() || failure_.token().stop_requested()) return nullptr;
    TableLoad* table = queue_.front();
    queue_.pop_front();
    return table;
  }

  /// Meanwhile the counters go to the state file, so that `status` shows a load in work.
  void wait_for_subtasks() {
    for (;;) {
      {
        MutexLock lock(mutex_);
        if (ended_.wait_for(mutex_, std::stop_token(), kCountersSavedEvery, [&] { return active_ == 0; }))
          return;
      }
      for (const auto& table : todo_) {
        if (auto saved = table->save_counters(task_.store); !saved) failure_.set(std::move(saved).error());
      }
      if (auto failed = sink_->failure()) failure_.set(*failed);
    }
  }

  // --- ending
  // ---------------------------------------------------------------------------------------------------

  /// Everything is reported when it returns; the first failure stays the first.
  Result<void> close_sink(Result<void> loaded) {
    task_.progress.set_phase("waiting for the last acknowledgements");
    auto closed = sink_->close(loaded ? kCloseTimeout : kCloseTimeoutStopped);
    if (auto failed = failure_.get(); failed && (loaded || loaded.error().code() == ErrorCode::kCancelled))
      return *failed;
    if (!loaded && loaded.error().code() != ErrorCode::kCancelled) return loaded;
    // After a stop, what was not acknowledged in time belongs to tables that are not done: they are sent
    // again.
    if (!loaded) return loaded;
    return closed;
  }

  Result<void> save_unfinished() {
    for (const auto& table : todo_) {
      const TableState state = table->progress.state.load();
      if (state != TableState::kFullLoad && state != TableState::kBeforeLoad) continue;
      if (state == TableState::kFullLoad)
        DMSKAFKA_TRY(table->enter(TableState::kTableCancelled, task_.store));
    }
    return {};
  }

  void summarise() {
    for (const TableProgress& table : task_.progress.tables()) {
      summary_.rows_delivered += table.rows_delivered.load();
      summary_.bytes_delivered += table.bytes_delivered.load();
      summary_.rows_failed += table.rows_failed.load();
      summary_.control_records += table.control_records_delivered.load();
      if (table.state.load() == TableState::kTableCompleted) ++summary_.tables_completed;
      if (table.state.load() == TableState::kTableError) ++summary_.tables_in_error;
    }
    summary_.tables_completed -= summary_.tables_done_before;
    summary_.rows_delivered -= rows_before_;
    summary_.bytes_delivered -= bytes_before_;
    if (started_ != std::chrono::steady_clock::time_point()) {
      summary_.elapsed =
          std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - started_);
    }
  }

  Result<void> verdict() const {
    if (summary_.tables_in_error == 0 && summary_.rows_failed == 0) return {};
    std::string text;
    if (summary_.tables_in_error != 0) {
      text = fmt::format("{} of {} tables in error", summary_.tables_in_error, summary_.tables_selected);
    }
    if (summary_.rows_failed != 0) {
      text +=
          fmt::format("{}{} message{} not delivered, kept in the state file's data_error table",
                      text.empty() ? "" : "; ", summary_.rows_failed, summary_.rows_failed == 1 ? "" : "s");
    }
    return Error(ErrorCode::kTablesInError, std::move(text));
  }

  const FullLoadTask& task_;
  FullLoadSummary& summary_;
  TaskFailure failure_;
  DeliveryAccounts accounts_;
  TaskRecord record_;
  bool resumed_ = false;
  std::uint64_t rows_before_ = 0;
  std::uint64_t bytes_before_ = 0;
  std::vector<std::unique_ptr<TableLoad>> todo_;
  std::unique_ptr<Sink> sink_;  // after todo_: its reports point into the tables
  std::unique_ptr<Snapshot> snapshot_;
  std::chrono::steady_clock::time_point started_;

  std::vector<Undescribed> undescribed_;
  Mutex mutex_;
  CondVar ended_;
  std::deque<TableLoad*> queue_ GUARDED_BY(mutex_);
  std::size_t active_ GUARDED_BY(mutex_) = 0;
};

}  // namespace

Result<void> run_full_load(const FullLoadTask& task, const SinkFactory& make_sink, FullLoadSummary& summary,
                           std::stop_token stop) {
  return FullLoad(task, summary, std::move(stop)).run(make_sink);
}

}  // namespace dmskafka

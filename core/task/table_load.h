#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "core/base/mutex.h"
#include "core/task/checkpoint_store.h"
#include "core/task/delivery_tracker.h"
#include "core/task/message_sender.h"
#include "core/task/planner.h"
#include "core/task/sink.h"
#include "core/task/source.h"
#include "core/task/task_failure.h"
#include "core/task/task_progress.h"

namespace dmskafka {

/// One table of a full load: what is to be done, and how far it is. Lives until the sink is closed, because
/// delivery reports point into it. Thread: the subtask that loads it; save() and the atomics from any.
class TableLoad {
 public:
  TableLoad(std::shared_ptr<const TableSchema> table_schema, std::unique_ptr<const TablePlan> table_plan,
            TableProgress& table_progress, const std::optional<TableLoadRecord>& before);

  const std::shared_ptr<const TableSchema> schema;
  const std::unique_ptr<const TablePlan> plan;
  TableProgress& progress;
  const Topic* topic = nullptr;  ///< set before the load begins

  bool control_records_sent() const { return control_records_sent_.load(); }
  void set_control_records_sent() { control_records_sent_.store(true); }

  /// The states of DMS, in their order. Durable when it returns.
  Result<void> enter(TableState state, CheckpointStore& store);
  /// Writes the counters of a table in work, for `status`; nothing when they did not move.
  Result<void> save_counters(CheckpointStore& store);
  /// What the state file keeps of it now.
  TableLoadRecord record() const;

  // What the delivery reports of this table point to.
  DeliveryUnit control_unit;
  DeliveryUnit rows_unit;
  DeliveryTicket control_ticket{&control_unit, &progress, MessageKind::kControl};
  DeliveryTicket rows_ticket{&rows_unit, &progress, MessageKind::kData};

 private:
  TableLoadRecord record_locked() const REQUIRES_LOCK(mutex_);

  std::atomic<bool> control_records_sent_{false};
  mutable Mutex
      mutex_;  // one writer of this table's row in the state file at a time, so that no older state wins
  std::int64_t started_us_ GUARDED_BY(mutex_) = 0;
  std::int64_t ended_us_ GUARDED_BY(mutex_) = 0;
  std::uint64_t rows_saved_ GUARDED_BY(mutex_) = 0;
};

/// What the load of a table needs of its task. References outlive it.
struct TableLoadContext {
  Sink& sink;
  CheckpointStore& store;
  TaskFailure& failure;
  const TaskSettings& settings;
  std::optional<std::uint64_t> rows_max;  ///< a preview stops there
};

/// Loads one table from start to end with one reader: control records, rows, wait for every report, state.
/// Errors: those that end the task. A failure of the table alone is put into its state, by TableErrorPolicy.
Result<void> load_table(TableLoad& table, SnapshotReader& reader, MessageSender& sender,
                        const TableLoadContext& context);

/// Puts a table into the error state and applies TableErrorPolicy. Errors: when the policy is to stop, and
/// kStateFile.
Result<void> fail_table(TableLoad& table, const Error& error, const TableLoadContext& context);

}  // namespace dmskafka

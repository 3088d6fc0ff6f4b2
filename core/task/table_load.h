#pragma once
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "core/base/mutex.h"
#include "core/task/checkpoint_store.h"
#include "core/task/delivery_tracker.h"
#include "core/task/lane_pool.h"
#include "core/task/planner.h"
#include "core/task/sink.h"
#include "core/task/source.h"
#include "core/task/task_progress.h"

namespace dmskafka {

/// One range of a table in work. Its unit lives as long as the table, because delivery reports point to it.
struct SegmentLoad {
  enum class State : std::uint8_t {
    kWaiting,
    kReading,
    kSent,     ///< read to its end, and everything handed on
    kAborted,  ///< left before its end: never done
  };

  SegmentLoad(Segment range, bool is_stored, TableProgress& progress)
      : segment(std::move(range)), stored(is_stored), ticket{&unit, &progress, MessageKind::kData} {}

  const Segment segment;
  const bool stored;  ///< part of the plan in the state file: marked done there once settled
  DeliveryUnit unit;
  DeliveryTicket ticket;
  std::atomic<State> state{State::kWaiting};
  std::uint64_t rows = 0;  ///< written by its reader before kSent, read after
  bool saved = false;      ///< by the task's thread alone: done in the state file

  /// Left by its reader, and every message of it reported.
  bool settled() const {
    const State now = state.load(std::memory_order_acquire);
    return (now == State::kSent || now == State::kAborted) && unit.settled();
  }
  /// Every row of it is delivered or kept.
  bool done() const {
    return state.load(std::memory_order_acquire) == State::kSent && unit.settled() && unit.intact();
  }
};

/// One table of a full load: what is to be done, and how far it is. Lives until the sink is closed.
/// Thread: as each member says.
class TableLoad {
 public:
  TableLoad(std::shared_ptr<const TableSchema> table_schema, std::unique_ptr<const TablePlan> table_plan,
            TableProgress& table_progress, const std::optional<TableLoadRecord>& before);

  // Constant once the load began.
  const std::shared_ptr<const TableSchema> schema;
  const std::unique_ptr<const TablePlan> plan;
  TableProgress& progress;
  const Topic* topic = nullptr;
  std::int64_t load_order = 0;
  std::deque<SegmentLoad> segments;

  /// The lanes of ParallelLoadThreads, between the table's opening and its end; null: the readers send themselves.
  std::unique_ptr<LanePool> lanes;

  bool control_records_sent() const { return control_records_sent_.load(); }
  void set_control_records_sent() { control_records_sent_.store(true); }

  /// The first failure of one of its readers; the table ends in error once the others have left it. Thread: any.
  void set_failure(const Error& error);
  std::optional<Error> failure() const;

  /// The states of DMS, in their order. Durable when it returns. Thread: any.
  Result<void> enter(TableState state, CheckpointStore& store);
  /// Writes the counters of a table in work, for `status`; nothing when they did not move. Thread: any.
  Result<void> save_counters(CheckpointStore& store);
  /// Marks the segments that became done since the last call in the state file. Thread: the task's.
  Result<void> save_settled_segments(CheckpointStore& store);
  bool settled() const;  ///< Every segment that was begun is settled. Thread: the task's.
  bool done() const;     ///< Every segment is done. Thread: the task's.

  // What the reports of its control records point to.
  DeliveryUnit control_unit;
  DeliveryTicket control_ticket{&control_unit, &progress, MessageKind::kControl};

 private:
  TableLoadRecord record_locked() const REQUIRES_LOCK(mutex_);

  std::atomic<bool> control_records_sent_{false};
  mutable Mutex
      mutex_;  // one writer of this table's row in the state file at a time, so that no older state wins
  std::optional<Error> failure_ GUARDED_BY(mutex_);
  std::int64_t started_us_ GUARDED_BY(mutex_) = 0;
  std::int64_t ended_us_ GUARDED_BY(mutex_) = 0;
  std::uint64_t rows_saved_ GUARDED_BY(mutex_) = 0;
};

}  // namespace dmskafka

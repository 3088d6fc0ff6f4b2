#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "core/base/table_schema.h"

namespace dmskafka {

/// DMS's table states (docs: "Table states"), as `status` prints them.
enum class TableState : std::uint8_t {
  kBeforeLoad,
  kFullLoad,
  kTableCompleted,
  kTableCancelled,
  kTableError,
};
std::string_view table_state_name(
    TableState state) noexcept;  ///< "Before load", "Full load", "Table completed", …

/// Live counters of one table. Written by readers and the report thread, read by the progress display.
/// Thread: any.
struct TableProgress {
  explicit TableProgress(TableName table_name) : name(std::move(table_name)) {}
  const TableName name;
  std::uint64_t rows_estimate = 0;  ///< constant once the load began; 0: unknown
  std::atomic<TableState> state{TableState::kBeforeLoad};
  std::atomic<std::uint64_t> rows_read{0};
  std::atomic<std::uint64_t> rows_delivered{0};
  std::atomic<std::uint64_t> bytes_delivered{0};  ///< keys and values
  std::atomic<std::uint64_t> rows_failed{0};      ///< kept in data_error
  std::atomic<std::uint64_t> rows_filtered{0};    ///< read, and left out by the mapping's filters
  std::atomic<std::uint64_t> characters_replaced{0};
  std::atomic<std::uint64_t> zero_dates{0};          ///< EncodedMessage::zero_dates
  std::atomic<std::uint64_t> expressions_failed{0};  ///< gave NULL instead of a value
  std::atomic<std::uint64_t> values_cut{0};          ///< LOBs longer than LobMaxSize, of records sent or not
  std::atomic<std::uint64_t> rows_unseen{
      0};  ///< updates left out that may have left the filters: Disposition::kLeaveOutUnseen
  std::atomic<std::uint64_t> keys_incomplete{0};  ///< EncodedMessage::incomplete_keys
  std::atomic<std::uint64_t> control_records_delivered{0};
  // Changes that were followed, up to what may be stored; DMS's own counters.
  std::atomic<std::uint64_t> inserts{0};
  std::atomic<std::uint64_t> updates{0};
  std::atomic<std::uint64_t> deletes{0};
  std::atomic<std::uint64_t> ddls{0};
  /// An error policy wants no more rows of this table; its reader looks between batches.
  std::atomic<bool> suspended{false};

  void set_error(std::string text) {
    MutexLock lock(mutex_);
    error_ = std::move(text);
  }
  std::string error() const {
    MutexLock lock(mutex_);
    return error_;
  }

 private:
  mutable Mutex mutex_;
  std::string error_ GUARDED_BY(mutex_);
};

/// What the mapping's rules did to rows of the table that a person must hear of, a line each.
std::vector<std::string> rule_notes(const TableProgress& table);

/// How far the following of a log is.
struct FollowingProgress {
  std::string checkpoint;  ///< the position stored last, for people
  WallTime checkpoint_time;
  std::uint64_t changes = 0;  ///< delivered by this run
  std::optional<std::uint64_t> lag_bytes;
  double lag_seconds =
      0;  ///< age of the newest delivered transaction while more is known to wait; 0: none waits
};

/// Live counters of a task: its tables, in load order. Tables are added before the load begins, or under table_list()'s
/// lock. Thread: any.
class TaskProgress {
 public:
  TableProgress& add_table(TableName name) {
    MutexLock lock(mutex_);
    return tables_.emplace_back(std::move(name));
  }
  /// The tables at this moment; they live as long as this.
  std::vector<const TableProgress*> table_list() const {
    MutexLock lock(mutex_);
    std::vector<const TableProgress*> list;
    for (const TableProgress& table : tables_) list.push_back(&table);
    return list;
  }
  std::vector<TableProgress*> table_list() {
    MutexLock lock(mutex_);
    std::vector<TableProgress*> list;
    for (TableProgress& table : tables_) list.push_back(&table);
    return list;
  }
  /// Thread: the task's own, or when it has ended.
  std::deque<TableProgress>& tables() { return tables_; }
  const std::deque<TableProgress>& tables() const { return tables_; }
  /// Tells what the task is doing now ("connecting to …"), for the progress line.
  void set_phase(std::string phase) {
    MutexLock lock(mutex_);
    phase_ = std::move(phase);
  }
  std::string phase() const {
    MutexLock lock(mutex_);
    return phase_;
  }
  void set_following(FollowingProgress following) {
    MutexLock lock(mutex_);
    following_ = std::move(following);
  }
  /// nullopt: no log is followed yet.
  std::optional<FollowingProgress> following() const {
    MutexLock lock(mutex_);
    return following_;
  }
  std::atomic<bool> ready{false};  ///< tables() may be read by other threads

 private:
  std::deque<TableProgress> tables_;
  mutable Mutex mutex_;
  std::string phase_ GUARDED_BY(mutex_);
  std::optional<FollowingProgress> following_ GUARDED_BY(mutex_);
};

}  // namespace dmskafka

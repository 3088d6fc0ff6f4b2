#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "core/base/mutex.h"
#include "core/task/table_load.h"

namespace dmskafka {

/// Which reader reads what next. At most `tables_max` tables are open at once (MaxFullLoadSubTasks), at most
/// `readers_per_table_max` readers read one of them; tables open in the order given. A reader stays with its table while
/// that has ranges left. Thread: any (locks itself).
class LoadSchedule {
 public:
  struct Limits {
    std::size_t tables_max = 8;
    std::size_t readers_per_table_max = 1;
  };
  /// A range to read.
  struct Work {
    TableLoad* table = nullptr;
    SegmentLoad* segment = nullptr;
    bool opens_table = false;  ///< this reader sends the control records first, then calls opened()
  };

  /// The tables outlive it.
  LoadSchedule(const std::vector<std::unique_ptr<TableLoad>>& tables, Limits limits);

  /// The next range for a reader that comes from `current` (null: from none). Waits while everything left belongs to tables
  /// that are being opened. nullopt: nothing is left, or a stop was requested.
  std::optional<Work> next(TableLoad* current, const std::stop_token& stop);
  /// The control records of the table are acknowledged: other readers may join.
  void opened(TableLoad& table);
  /// The reader is done with the range it got. One whose failure ends the task does not say so: its table is not read through.
  void left(TableLoad& table);
  /// The table has failed or is suspended: nobody gets a range of it any more.
  void abandon(TableLoad& table);

  /// Nobody reads the table now and nothing of it is left to read.
  bool read_through(const TableLoad& table) const;

 private:
  enum class Phase : std::uint8_t { kClosed, kOpening, kOpen };
  struct Entry {
    TableLoad* table = nullptr;
    std::size_t next_segment = 0;
    std::size_t readers = 0;
    Phase phase = Phase::kClosed;
    bool has_work() const { return next_segment < table->segments.size(); }
    bool in_work() const { return phase != Phase::kClosed && (readers != 0 || has_work()); }
  };
  Entry& entry(const TableLoad& table) REQUIRES_LOCK(mutex_);
  const Entry& entry(const TableLoad& table) const REQUIRES_LOCK(mutex_);
  Entry* choose(const TableLoad* current) REQUIRES_LOCK(mutex_);
  Work take(Entry& entry) REQUIRES_LOCK(mutex_);
  bool something_left() const REQUIRES_LOCK(mutex_);
  void tell_waiting() REQUIRES_LOCK(mutex_);

  const Limits limits_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<Entry> entries_ GUARDED_BY(mutex_);  // in the order in which they open
  std::size_t first_closed_ GUARDED_BY(mutex_) = 0;
  std::uint64_t changes_ GUARDED_BY(mutex_) = 0;  // so that a waiter knows that it was told
};

}  // namespace dmskafka

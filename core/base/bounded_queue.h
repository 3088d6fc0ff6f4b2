#pragma once
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <stop_token>
#include <utility>

#include "core/base/mutex.h"
#include "core/base/result.h"

namespace dmskafka {

/// A queue between threads, bounded by records and by bytes. Thread: any (locks itself).
/// A full queue blocks the producer: that is the back-pressure. close(Error) carries a consumer's failure
/// back to the producer; close() without one ends intake, and what is queued can still be taken.
template <typename T>
class BoundedQueue {
 public:
  struct Limits {
    std::size_t records_max;
    std::size_t bytes_max;  ///< An item that alone is larger is taken when the queue is empty.
  };
  /// Most that was ever queued, for `status --json`.
  struct HighWater {
    std::size_t records = 0;
    std::size_t bytes = 0;
  };

  explicit BoundedQueue(Limits limits) : limits_(limits) {}

  /// Blocks while the queue is full. Errors: kCancelled after a stop request; the error given to close().
  Result<void> push(T item, std::size_t records, std::size_t bytes, std::stop_token stop) {
    MutexLock lock(mutex_);
    while (!closed_ && !has_room(records, bytes)) {
      if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
      not_full_.wait_for(mutex_, stop, std::chrono::seconds(1),
                         [&]() REQUIRES_LOCK(mutex_) { return closed_ || has_room(records, bytes); });
    }
    if (error_) return *error_;
    if (closed_) return Error(ErrorCode::kInternal, "push to a closed queue");
    items_.push_back(Entry{std::move(item), records, bytes});
    records_ += records;
    bytes_ += bytes;
    high_water_.records = std::max(high_water_.records, records_);
    high_water_.bytes = std::max(high_water_.bytes, bytes_);
    not_empty_.notify_one();
    return {};
  }

  /// The next item; nullopt after `wait` without one, or when the queue is closed and empty (see finished()).
  std::optional<T> pop(std::chrono::nanoseconds wait, std::stop_token stop) {
    MutexLock lock(mutex_);
    not_empty_.wait_for(mutex_, stop, wait,
                        [&]() REQUIRES_LOCK(mutex_) { return closed_ || !items_.empty(); });
    if (items_.empty()) return std::nullopt;
    Entry entry = std::move(items_.front());
    items_.pop_front();
    records_ -= entry.records;
    bytes_ -= entry.bytes;
    not_full_.notify_all();
    return std::move(entry.item);
  }

  void close() { close_with(std::nullopt); }
  void close(Error error) { close_with(std::move(error)); }

  /// Closed, and everything was taken.
  bool finished() const {
    MutexLock lock(mutex_);
    return closed_ && items_.empty();
  }
  HighWater high_water() const {
    MutexLock lock(mutex_);
    return high_water_;
  }

 private:
  struct Entry {
    T item;
    std::size_t records;
    std::size_t bytes;
  };
  bool has_room(std::size_t records, std::size_t bytes) const REQUIRES_LOCK(mutex_) {
    return items_.empty() ||
           (records_ + records <= limits_.records_max && bytes_ + bytes <= limits_.bytes_max);
  }
  void close_with(std::optional<Error> error) {
    MutexLock lock(mutex_);
    closed_ = true;
    if (!error_) error_ = std::move(error);
    if (error_) {  // a failed consumer takes nothing more
      items_.clear();
      records_ = bytes_ = 0;
    }
    not_full_.notify_all();
    not_empty_.notify_all();
  }

  const Limits limits_;
  mutable Mutex mutex_;
  CondVar not_full_;
  CondVar not_empty_;
  std::deque<Entry> items_ GUARDED_BY(mutex_);
  std::size_t records_ GUARDED_BY(mutex_) = 0;
  std::size_t bytes_ GUARDED_BY(mutex_) = 0;
  HighWater high_water_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
  std::optional<Error> error_ GUARDED_BY(mutex_);
};

}  // namespace dmskafka

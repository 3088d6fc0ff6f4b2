#pragma once
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include "core/base/mutex.h"
#include "core/base/result.h"

namespace dmskafka {

/// The queues of one lane: several producers' ends, one consumer that empties them in turn. Each queue is bounded by
/// records (AWS's *BufferSize) and by bytes; what alone is larger is taken by an empty queue. Thread: any (locks itself).
template <typename T>
class LaneQueues {
 public:
  struct Limits {
    std::size_t records_max = 50;
    std::size_t bytes_max = 256 * 1024;
  };

  LaneQueues(std::size_t queues, Limits limits) : limits_(limits), queues_(queues) {}

  /// Blocks while that queue is full; on an error `item` is left as it was. Errors: kCancelled after a stop request or once
  /// the consumer has failed.
  Result<void> push(std::size_t queue, T& item, std::size_t records, std::size_t bytes,
                    const std::stop_token& stop) {
    {
      MutexLock lock(mutex_);
      Queue& target = queues_[queue];
      while (!closed_ && !has_room(target, records, bytes)) {
        if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
        not_full_.wait_for(mutex_, stop, std::chrono::seconds(1), [&]() REQUIRES_LOCK(mutex_) {
          return closed_ || has_room(target, records, bytes);
        });
      }
      if (closed_) return Error(ErrorCode::kCancelled, "the lane has ended");
      add(target, item, records, bytes);
    }
    not_empty_.notify_one();  // here and below without the lock: who wakes wants it at once
    return {};
  }

  /// Does not block: of a full queue the oldest entry is handed to the caller, who does the consumer's work on it, and `item` is
  /// left as it was. nullopt: `item` is queued. For entries whose order does not matter. Errors: as push().
  Result<std::optional<T>> push_or_take(std::size_t queue, T& item, std::size_t records, std::size_t bytes) {
    {
      MutexLock lock(mutex_);
      if (closed_) return Error(ErrorCode::kCancelled, "the lane has ended");
      Queue& target = queues_[queue];
      if (!has_room(target, records, bytes)) return std::optional<T>(remove_oldest(target));
      add(target, item, records, bytes);
    }
    not_empty_.notify_one();
    return std::optional<T>();
  }

  /// The oldest entry of the next queue that has one; nullopt after `wait` without one.
  std::optional<T> pop(std::chrono::nanoseconds wait, const std::stop_token& stop) {
    std::optional<T> taken = take(wait, stop);
    if (taken) not_full_.notify_all();
    return taken;
  }

  /// No push succeeds any more; what is queued can still be taken.
  void close() {
    MutexLock lock(mutex_);
    closed_ = true;
    not_full_.notify_all();
    not_empty_.notify_all();
  }
  bool finished() const {
    MutexLock lock(mutex_);
    return closed_ && entries_ == 0;
  }
  /// Most records that any one queue ever held.
  std::size_t records_high_water() const {
    MutexLock lock(mutex_);
    return high_water_;
  }

 private:
  struct Entry {
    T item;
    std::size_t records;
    std::size_t bytes;
  };
  struct Queue {
    std::deque<Entry> entries;
    std::size_t records = 0;
    std::size_t bytes = 0;
  };
  std::optional<T> take(std::chrono::nanoseconds wait, const std::stop_token& stop) {
    MutexLock lock(mutex_);
    if (entries_ == 0 && !closed_) {
      not_empty_.wait_for(mutex_, stop, wait,
                          [&]() REQUIRES_LOCK(mutex_) { return closed_ || entries_ != 0; });
    }
    if (entries_ == 0) return std::nullopt;
    while (queues_[turn_].entries.empty()) turn_ = (turn_ + 1) % queues_.size();
    Queue& queue = queues_[turn_];
    turn_ = (turn_ + 1) % queues_.size();
    return remove_oldest(queue);
  }
  void add(Queue& queue, T& item, std::size_t records, std::size_t bytes) REQUIRES_LOCK(mutex_) {
    queue.entries.push_back(Entry{std::move(item), records, bytes});
    queue.records += records;
    queue.bytes += bytes;
    high_water_ = std::max(high_water_, queue.records);
    ++entries_;
  }
  T remove_oldest(Queue& queue) REQUIRES_LOCK(mutex_) {
    Entry entry = std::move(queue.entries.front());
    queue.entries.pop_front();
    queue.records -= entry.records;
    queue.bytes -= entry.bytes;
    --entries_;
    return std::move(entry.item);
  }
  bool has_room(const Queue& queue, std::size_t records, std::size_t bytes) const REQUIRES_LOCK(mutex_) {
    return queue.entries.empty() ||
           (queue.records + records <= limits_.records_max && queue.bytes + bytes <= limits_.bytes_max);
  }

  const Limits limits_;
  mutable Mutex mutex_;
  CondVar not_full_;
  CondVar not_empty_;
  std::vector<Queue> queues_ GUARDED_BY(mutex_);
  std::size_t turn_ GUARDED_BY(mutex_) = 0;
  std::size_t entries_ GUARDED_BY(mutex_) = 0;
  std::size_t high_water_ GUARDED_BY(mutex_) = 0;
  bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace dmskafka

#pragma once
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <limits>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/mutex.h"
#include "core/base/result.h"

namespace dmskafka {

/// The queues between who hands over and the lanes that send. Each queue is bounded by records (AWS's *BufferSize) and by bytes; what
/// alone is larger is taken by an empty queue. What comes from one queue is held by one lane at a time, so it stays in order.
///
/// Lanes are threads of the user's, as many as were asked for. Only those are awake that the machine can run beside who hands over,
/// and no more than what waits is worth: a wake-up costs as much as some records do. Thread: any (locks itself).
template <typename T>
class LaneQueues {
 public:
  struct Options {
    std::size_t lanes = 1;   ///< threads that call next() until it returns false
    std::size_t queues = 1;  ///< all together
    std::size_t records_max = 50;
    std::size_t bytes_max = std::numeric_limits<std::size_t>::max();
    std::size_t awake_max = awake_by_processors();  ///< lanes at a time
  };
  struct Taken {
    T item;
    std::size_t queue;
  };

  explicit LaneQueues(const Options& options)
      : options_(options),
        awake_max_(std::clamp<std::size_t>(options.awake_max, 1, options.lanes)),
        worth_a_lane_(std::min(kRecordsOfLane, options.records_max)),
        queues_(options.queues),
        awake_(options.lanes) {}

  /// All but one, which has who hands over.
  static std::size_t awake_by_processors() { return std::max(2U, std::thread::hardware_concurrency()) - 1; }
  /// For next(): of what waits, an equal part for each lane that may be awake, and 64 records at least.
  static constexpr std::size_t kShare = std::numeric_limits<std::size_t>::max();

  /// Starts the lanes, which run `lane` until next() returns false. Where one cannot be started, those that began end.
  template <typename Lane>
  std::vector<std::jthread> start(const Lane& lane) {
    std::vector<std::jthread> threads;
    try {
      for (std::size_t i = 0; i < options_.lanes; ++i) threads.emplace_back(lane);
    } catch (...) {
      close();
      throw;
    }
    return threads;
  }

  /// Blocks while that queue is full; on an error `item` is left as it was. REQUIRES: `records` is not 0. Errors: kCancelled
  /// after a stop request or close().
  Result<void> push(std::size_t queue, T& item, std::size_t records, std::size_t bytes,
                    const std::stop_token& stop) {
    bool wake = false;
    {
      MutexLock lock(mutex_);
      Queue& target = queues_[queue];
      while (!closed_ && !has_room(target, records, bytes)) {
        if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
        not_full_.wait_for(mutex_, stop, std::chrono::seconds(1), [&]() REQUIRES_LOCK(mutex_) {
          return closed_ || has_room(target, records, bytes);
        });
      }
      if (closed_) return Error(ErrorCode::kCancelled, "the lanes have ended");
      wake = add(target, item, records, bytes);
    }
    if (wake) work_.notify_one();  // without the lock: who wakes wants it at once
    return {};
  }

  /// Does not block: false, and `item` as it was, where that queue is full. Otherwise as push().
  Result<bool> try_push(std::size_t queue, T& item, std::size_t records, std::size_t bytes) {
    bool wake = false;
    {
      MutexLock lock(mutex_);
      if (closed_) return Error(ErrorCode::kCancelled, "the lanes have ended");
      Queue& target = queues_[queue];
      if (!has_room(target, records, bytes)) return false;
      wake = add(target, item, records, bytes);
    }
    if (wake) work_.notify_one();
    return true;
  }

  /// Lets go of what `taken` holds, which is done; waits for work; and takes from the queues in turn, their oldest entries first,
  /// until it has so many records (one entry at least). Their queues are the caller's alone until its next call. False: closed,
  /// and nothing is left for the caller.
  bool next(std::vector<Taken>& taken, std::size_t records_wanted) {
    bool wake = false;
    {
      MutexLock lock(mutex_);
      for (const Taken& entry : taken) let_go(queues_[entry.queue]);
      taken.clear();
      while (free_records_ == 0 && !closed_) sleep();
      if (free_records_ == 0) return false;
      if (records_wanted == kShare) records_wanted = std::max(kRecordsOfLane, free_records_ / awake_max_);
      for (std::size_t records = 0; free_records_ != 0 && records < records_wanted;) {
        // What another lane could take meanwhile is left to it.
        if (records != 0 && awake_ < awake_max_ && free_records_ >= worth_a_lane_) break;
        records += take(records_wanted - records, taken);
      }
      wake = wake_another();
    }
    if (wake) work_.notify_one();
    not_full_.notify_all();
    return true;
  }

  /// No push succeeds any more; what is queued can still be taken.
  void close() {
    MutexLock lock(mutex_);
    closed_ = true;
    not_full_.notify_all();
    work_.notify_all();
  }
  /// Lanes that do not sleep.
  std::size_t awake() const {
    MutexLock lock(mutex_);
    return awake_;
  }
  /// Most records that any one queue ever held.
  std::size_t records_high_water() const {
    MutexLock lock(mutex_);
    return high_water_;
  }

 private:
  /// For so many records that wait, or a full queue, one lane is worth waking.
  static constexpr std::size_t kRecordsOfLane = 64;
  struct Entry {
    T item;
    std::size_t records;
    std::size_t bytes;
  };
  struct Queue {
    std::deque<Entry> entries;
    std::size_t records = 0;
    std::size_t bytes = 0;
    bool held = false;  // by a lane
  };

  /// True: a lane is to be woken.
  bool add(Queue& queue, T& item, std::size_t records, std::size_t bytes) REQUIRES_LOCK(mutex_) {
    queue.entries.push_back(Entry{std::move(item), records, bytes});
    queue.records += records;
    queue.bytes += bytes;
    high_water_ = std::max(high_water_, queue.records);
    if (queue.held) return false;  // who holds it comes back
    free_records_ += records;
    return wake_another();
  }
  bool wake_another() REQUIRES_LOCK(mutex_) {
    if (free_records_ == 0) return false;
    if (awake_ != 0 && (awake_ >= awake_max_ || free_records_ < (wakes_ + 1) * worth_a_lane_)) return false;
    ++awake_;
    ++wakes_;
    return true;
  }
  void sleep() REQUIRES_LOCK(mutex_) {
    --awake_;
    while (wakes_ == 0 && !closed_) {
      work_.wait_for(mutex_, std::stop_token(), std::chrono::hours(1),
                     [&]() REQUIRES_LOCK(mutex_) { return wakes_ != 0 || closed_; });
    }
    if (wakes_ == 0) {
      ++awake_;
    } else {
      --wakes_;
    }
  }
  std::size_t take(std::size_t records_wanted, std::vector<Taken>& taken) REQUIRES_LOCK(mutex_) {
    while (queues_[turn_].held || queues_[turn_].entries.empty()) turn_ = (turn_ + 1) % queues_.size();
    const std::size_t index = turn_;
    turn_ = (turn_ + 1) % queues_.size();
    Queue& queue = queues_[index];
    queue.held = true;
    free_records_ -= queue.records;
    std::size_t records = 0;
    while (!queue.entries.empty() && records < records_wanted) {
      Entry entry = std::move(queue.entries.front());
      queue.entries.pop_front();
      queue.records -= entry.records;
      queue.bytes -= entry.bytes;
      records += entry.records;
      taken.push_back({std::move(entry.item), index});
    }
    return records;
  }
  void let_go(Queue& queue) REQUIRES_LOCK(mutex_) {
    if (std::exchange(queue.held, false)) free_records_ += queue.records;
  }
  bool has_room(const Queue& queue, std::size_t records, std::size_t bytes) const REQUIRES_LOCK(mutex_) {
    return queue.entries.empty() ||
           (queue.records + records <= options_.records_max && queue.bytes + bytes <= options_.bytes_max);
  }

  const Options options_;
  const std::size_t awake_max_;
  const std::size_t worth_a_lane_;
  mutable Mutex mutex_;
  CondVar not_full_;
  CondVar work_;
  std::vector<Queue> queues_ GUARDED_BY(mutex_);
  std::size_t turn_ GUARDED_BY(mutex_) = 0;
  std::size_t free_records_ GUARDED_BY(mutex_) = 0;  // in queues that nobody holds
  std::size_t awake_
      GUARDED_BY(mutex_);  // lanes that do not sleep, or are being woken; and those not here yet
  std::size_t wakes_ GUARDED_BY(mutex_) = 0;  // that no lane has answered yet
  std::size_t high_water_ GUARDED_BY(mutex_) = 0;
  bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace dmskafka

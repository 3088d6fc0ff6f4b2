#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <thread>
#include <vector>

#include "core/base/change.h"
#include "core/task/cdc_portion.h"
#include "core/task/lane_queues.h"
#include "core/task/message_sender.h"
#include "core/task/task_failure.h"

namespace dmskafka {

/// Changes of one batch on their way to a lane, counted on their portion already.
struct ApplyBuffer {
  struct Entry {
    const Change* change;
    PortionShare* share;
  };
  std::vector<Entry> entries;
  SharedLogBatch* batch = nullptr;  ///< which this is a user of
};

/// Threads that encode and send changes: AWS's ParallelApplyThreads, ParallelApplyQueuesPerThread and
/// ParallelApplyBufferSize. Buffers of one queue are sent in the order of their push.
/// Thread: push() and take_buffer() from the router's; the rest from the thread that owns the task.
class ApplyLanes {
 public:
  struct Options {
    std::uint32_t threads = 1;
    std::uint32_t queues_per_thread = 1;
    std::uint32_t buffer_records = 1'000;  ///< of one buffer, and bound of each queue
    MessageSender::Options sender;
  };

  /// References outlive it. A lane's failure goes to `failure`, which stops the task.
  ApplyLanes(const Options& options, Sink& sink, DeliveryListener& listener, LogBatchPool& pool,
             TaskFailure& failure);
  ~ApplyLanes() { finish(); }
  ApplyLanes(const ApplyLanes&) = delete;
  ApplyLanes& operator=(const ApplyLanes&) = delete;

  std::size_t queue_count() const { return std::size_t{options_.threads} * options_.queues_per_thread; }
  std::size_t buffer_records() const { return options_.buffer_records; }
  std::unique_ptr<ApplyBuffer> take_buffer();
  /// Blocks while the queue is full. On an error its changes are lost to their portion. Errors: kCancelled.
  Result<void> push(std::size_t queue, std::unique_ptr<ApplyBuffer> buffer, const std::stop_token& stop);
  /// Ends intake and waits until everything queued is sent, or lost to its portion when the task has failed.
  void finish();
  std::size_t records_high_water() const { return queues_.records_high_water(); }

 private:
  using Queues = LaneQueues<std::unique_ptr<ApplyBuffer>>;
  struct Lane {
    MessageSender sender;
    std::vector<Queues::Taken> taken;
    std::vector<ApplyBuffer::Entry> entries;  // of one batch
  };
  void run_lane() noexcept;
  /// Sends what the lane took, and gives the buffers back.
  void send_taken(Lane& lane, const std::stop_token& stop);
  void give_back(std::unique_ptr<ApplyBuffer> buffer);

  const Options options_;
  Sink& sink_;
  DeliveryListener& listener_;
  LogBatchPool& pool_;
  TaskFailure& failure_;
  Queues queues_;  // locks itself
  Mutex free_mutex_;
  std::vector<std::unique_ptr<ApplyBuffer>> free_ GUARDED_BY(free_mutex_);
  std::vector<std::jthread> threads_;  // last: ends before what it uses
};

}  // namespace dmskafka

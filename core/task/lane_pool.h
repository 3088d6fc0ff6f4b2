#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <thread>
#include <vector>

#include "core/base/change.h"
#include "core/task/lane_queues.h"
#include "core/task/message_sender.h"
#include "core/task/task_failure.h"

namespace dmskafka {

/// Changes on their way to a lane: of one table and one unit, on which they are counted already.
struct LaneBuffer {
  std::unique_ptr<ChangeBatch> batch;
  const TablePlan* plan = nullptr;
  const Topic* topic = nullptr;
  DeliveryTicket* ticket = nullptr;
};

/// Threads that encode and send what readers hand over: AWS's ParallelLoadThreads, ParallelLoadQueuesPerThread and
/// ParallelLoadBufferSize.
/// Thread: push(), take_batch() and statistics() from any; the rest from the thread that owns the task.
class LanePool {
 public:
  struct Options {
    std::uint32_t threads = 1;
    std::uint32_t queues_per_thread = 1;
    std::uint32_t buffer_records = 50;  ///< bound of each queue, and size of the batches handed over
    /// Likewise. With the row that goes beyond it, it fits one block of a ChangeBatch (256 KB); two would double the memory.
    std::size_t buffer_bytes_max = 192 * 1024;
    MessageSender::Options sender;
  };
  /// What `status --json` shows.
  struct Statistics {
    std::uint32_t threads = 0;
    std::uint32_t queues_per_thread = 0;
    std::uint32_t buffer_records = 0;
    std::size_t records_high_water = 0;  ///< most that any one queue ever held
  };

  /// References outlive it. A lane's failure goes to `failure`, which stops the task.
  LanePool(const Options& options, Sink& sink, DeliveryListener& listener, TaskFailure& failure);
  ~LanePool() { finish(); }
  LanePool(const LanePool&) = delete;
  LanePool& operator=(const LanePool&) = delete;

  std::uint32_t queue_count() const { return options_.threads * options_.queues_per_thread; }
  /// An empty batch of the buffer's size; batches are reused, so that nothing is allocated in steady state.
  std::unique_ptr<ChangeBatch> take_batch();
  /// Hands a buffer to queue `queue % queue_count()`. Where that queue is full the caller does not wait for its lane but sends
  /// the buffer itself, through its own `sender`: where no processor is idle, waiting would only cost changes between threads,
  /// and what was just read is still in the processor's cache. On an error the buffer's changes are lost to their unit.
  /// Errors: kCancelled, those of MessageSender::send().
  Result<void> push(std::uint64_t queue, LaneBuffer buffer, MessageSender& sender,
                    const std::stop_token& stop);
  /// Ends intake and waits until everything queued is sent, or lost to its unit when the task has failed.
  void finish();
  Statistics statistics() const;

 private:
  using Queues = LaneQueues<LaneBuffer>;
  void run_lane() noexcept;
  Result<void> send(LaneBuffer buffer, MessageSender& sender, const std::stop_token& stop);
  void give_back(std::unique_ptr<ChangeBatch> batch);

  const Options options_;
  Sink& sink_;
  DeliveryListener& listener_;
  TaskFailure& failure_;
  Queues queues_;  // locks itself
  Mutex free_mutex_;
  std::vector<std::unique_ptr<ChangeBatch>> free_ GUARDED_BY(free_mutex_);
  std::vector<std::jthread> threads_;  // last: ends before what it uses
};

}  // namespace dmskafka

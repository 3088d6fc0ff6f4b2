#include "core/task/lane_pool.h"

#include <fmt/format.h>

#include <exception>
#include <utility>

namespace dmskafka {

LanePool::LanePool(const Options& options, Sink& sink, DeliveryListener& listener, TaskFailure& failure)
    : options_(options),
      sink_(sink),
      listener_(listener),
      failure_(failure),
      queues_({.lanes = options.threads,
               .queues = std::size_t{options.threads} * options.queues_per_thread,
               .records_max = options.buffer_records,
               .bytes_max = options.buffer_bytes_max}) {
  threads_ = queues_.start([this] { run_lane(); });
}

std::unique_ptr<ChangeBatch> LanePool::take_batch() {
  {
    MutexLock lock(free_mutex_);
    if (!free_.empty()) {
      auto batch = std::move(free_.back());
      free_.pop_back();
      return batch;
    }
  }
  return std::make_unique<ChangeBatch>(
      ChangeBatch::Limits{options_.buffer_records, options_.buffer_bytes_max});
}

void LanePool::give_back(std::unique_ptr<ChangeBatch> batch) {
  batch->clear();
  MutexLock lock(free_mutex_);
  free_.push_back(std::move(batch));
}

Result<void> LanePool::push(std::uint64_t queue, LaneBuffer buffer, MessageSender& sender,
                            const std::stop_token& stop) {
  const std::size_t chosen = static_cast<std::size_t>(queue % queue_count());
  const std::size_t records = buffer.batch->changes().size();
  const std::size_t bytes = buffer.batch->bytes();
  const auto queued = queues_.try_push(chosen, buffer, records, bytes);
  if (!queued) {
    buffer.ticket->unit->lost(records);
    return queued.error();
  }
  return *queued ? Result<void>() : send(std::move(buffer), sender, stop);
}

Result<void> LanePool::send(LaneBuffer buffer, MessageSender& sender, const std::stop_token& stop) {
  auto sent = sender.send(*buffer.plan, *buffer.topic, buffer.batch->changes(), *buffer.ticket, stop);
  give_back(std::move(buffer.batch));
  return sent;
}

void LanePool::run_lane() noexcept {
  const std::stop_token stop = failure_.token();
  try {
    MessageSender sender(sink_, listener_, options_.sender);
    std::vector<Queues::Taken> taken;
    // A stop does not end the lane: what is queued is given up one by one, until finish() closes the queues.
    while (queues_.next(taken, 1)) {
      const auto sent = send(std::move(taken.front().item), sender, stop);
      if (!sent) failure_.set(sent.error());
    }
  } catch (const std::exception& caught) {
    failure_.set(Error(ErrorCode::kInternal, fmt::format("in a sending thread: {}", caught.what())));
  }
}

void LanePool::finish() {
  queues_.close();
  threads_.clear();
}

LanePool::Statistics LanePool::statistics() const {
  return {options_.threads, options_.queues_per_thread, options_.buffer_records,
          queues_.records_high_water()};
}

}  // namespace dmskafka

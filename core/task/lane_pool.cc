#include "core/task/lane_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace dmskafka {

LanePool::LanePool(const Options& options, Sink& sink, DeliveryListener& listener, TaskFailure& failure)
    : options_(options), sink_(sink), listener_(listener), failure_(failure) {
  for (std::uint32_t i = 0; i < options_.threads; ++i) {
    lanes_.push_back(std::make_unique<Queues>(
        options_.queues_per_thread, Queues::Limits{options_.buffer_records, options_.buffer_bytes_max}));
  }
  for (const auto& lane : lanes_) {
    threads_.emplace_back([this, &queues = *lane] { run_lane(queues); });
  }
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
  const std::uint64_t chosen = queue % queue_count();
  const std::size_t records = buffer.batch->changes().size();
  const std::size_t bytes = buffer.batch->bytes();
  // Neighbouring queues belong to different lanes, so that a few queues already keep every lane busy.
  Queues& lane = *lanes_[chosen % options_.threads];
  while (true) {
    auto oldest =
        lane.push_or_take(static_cast<std::size_t>(chosen / options_.threads), buffer, records, bytes);
    if (oldest && !*oldest) return {};
    auto sent = oldest ? send(std::move(**oldest), sender, stop) : Result<void>(std::move(oldest).error());
    if (sent) continue;
    buffer.ticket->unit->lost(records);
    return sent;
  }
}

Result<void> LanePool::send(LaneBuffer buffer, MessageSender& sender, const std::stop_token& stop) {
  auto sent = sender.send(*buffer.plan, *buffer.topic, buffer.batch->changes(), *buffer.ticket, stop);
  give_back(std::move(buffer.batch));
  return sent;
}

void LanePool::run_lane(Queues& queues) noexcept {
  const std::stop_token stop = failure_.token();
  try {
    MessageSender sender(sink_, listener_, options_.sender);
    while (!queues.finished()) {
      // A stop does not end the lane: what is queued is given up one by one, until finish() closes the queues.
      std::optional<LaneBuffer> buffer = queues.pop(std::chrono::milliseconds(200), std::stop_token());
      if (!buffer) continue;
      const auto sent = send(std::move(*buffer), sender, stop);
      if (!sent) failure_.set(sent.error());
    }
  } catch (const std::exception& caught) {
    failure_.set(Error(ErrorCode::kInternal, fmt::format("in a sending thread: {}", caught.what())));
  }
}

void LanePool::finish() {
  for (const auto& lane : lanes_) lane->close();
  threads_.clear();
}

LanePool::Statistics LanePool::statistics() const {
  Statistics statistics{options_.threads, options_.queues_per_thread, options_.buffer_records, 0};
  for (const auto& lane : lanes_) {
    statistics.records_high_water = std::max(statistics.records_high_water, lane->records_high_water());
  }
  return statistics;
}

}  // namespace dmskafka

#include "core/task/apply_lanes.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <utility>

namespace dmskafka {

ApplyLanes::ApplyLanes(const Options& options, Sink& sink, DeliveryListener& listener, LogBatchPool& pool,
                       TaskFailure& failure)
    : options_(options), sink_(sink), listener_(listener), pool_(pool), failure_(failure) {
  for (std::uint32_t i = 0; i < options_.threads; ++i) {
    // The memory is bounded by the pool of batches, so the queues count records alone.
    lanes_.push_back(std::make_unique<Queues>(
        options_.queues_per_thread,
        Queues::Limits{options_.buffer_records, std::numeric_limits<std::size_t>::max()}));
  }
  for (const auto& lane : lanes_) {
    threads_.emplace_back([this, &queues = *lane] { run_lane(queues); });
  }
}

std::unique_ptr<ApplyBuffer> ApplyLanes::take_buffer() {
  {
    MutexLock lock(free_mutex_);
    if (!free_.empty()) {
      auto buffer = std::move(free_.back());
      free_.pop_back();
      return buffer;
    }
  }
  auto buffer = std::make_unique<ApplyBuffer>();
  buffer->entries.reserve(options_.buffer_records);
  return buffer;
}

void ApplyLanes::give_back(std::unique_ptr<ApplyBuffer> buffer) {
  pool_.release(*buffer->batch);
  buffer->batch = nullptr;
  buffer->entries.clear();
  MutexLock lock(free_mutex_);
  free_.push_back(std::move(buffer));
}

Result<void> ApplyLanes::push(std::size_t queue, std::unique_ptr<ApplyBuffer> buffer,
                              const std::stop_token& stop) {
  const std::size_t records = buffer->entries.size();
  // Neighbouring queues belong to different lanes, so that a few keys already keep every lane busy.
  Queues& lane = *lanes_[queue % options_.threads];
  auto pushed = lane.push(queue / options_.threads, buffer, records, 0, stop);
  if (!pushed) {
    for (const ApplyBuffer::Entry& entry : buffer->entries) entry.share->data.unit->lost(1);
    give_back(std::move(buffer));
  }
  return pushed;
}

void ApplyLanes::run_lane(Queues& queues) noexcept {
  const std::stop_token stop = failure_.token();
  try {
    MessageSender sender(sink_, listener_, options_.sender);
    while (!queues.finished()) {
      // A stop does not end the lane: what is queued is given up one by one, until finish() closes the queues.
      auto buffer = queues.pop(std::chrono::milliseconds(200), std::stop_token());
      if (!buffer) continue;
      send(sender, **buffer, stop);
      give_back(std::move(*buffer));
    }
  } catch (const std::exception& caught) {
    failure_.set(Error(ErrorCode::kInternal, fmt::format("in a sending thread: {}", caught.what())));
  }
}

void ApplyLanes::send(MessageSender& sender, const ApplyBuffer& buffer, const std::stop_token& stop) {
  for (std::size_t i = 0; i < buffer.entries.size(); ++i) {
    const auto& [change, share] = buffer.entries[i];
    const TableVersion& table = *share->version;
    const auto taken = sender.take_change(*table.plan, *table.topic, *change, share->data, stop);
    if (taken) continue;
    failure_.set(taken.error());
    // Nothing behind a lost change may be sent before it.
    for (std::size_t rest = i + 1; rest < buffer.entries.size(); ++rest) {
      buffer.entries[rest].share->data.unit->lost(1);
    }
    return;
  }
  if (const auto sent = sender.send_taken(stop); !sent) failure_.set(sent.error());
}

void ApplyLanes::finish() {
  for (const auto& lane : lanes_) lane->close();
  threads_.clear();
}

std::size_t ApplyLanes::records_high_water() const {
  std::size_t high = 0;
  for (const auto& lane : lanes_) high = std::max(high, lane->records_high_water());
  return high;
}

}  // namespace dmskafka

#include "core/task/apply_lanes.h"

#include <fmt/format.h>

#include <exception>
#include <utility>

namespace dmskafka {
namespace {
// What a lane takes from its queues at once: a portion of the sender.
constexpr std::size_t kRecordsTogether = 64;
}  // namespace

ApplyLanes::ApplyLanes(const Options& options, Sink& sink, DeliveryListener& listener, LogBatchPool& pool,
                       TaskFailure& failure)
    : options_(options),
      sink_(sink),
      listener_(listener),
      pool_(pool),
      failure_(failure),
      // The memory is bounded by the pool of batches, so the queues count records alone.
      queues_({.lanes = options.threads,
               .queues = std::size_t{options.threads} * options.queues_per_thread,
               .records_max = options.buffer_records}) {
  threads_ = queues_.start([this] { run_lane(); });
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
  auto pushed = queues_.push(queue, buffer, records, 0, stop);
  if (!pushed) {
    for (const ApplyBuffer::Entry& entry : buffer->entries) entry.share->data.unit->lost(1);
    give_back(std::move(buffer));
  }
  return pushed;
}

void ApplyLanes::run_lane() noexcept {
  const std::stop_token stop = failure_.token();
  try {
    MessageSender sender(sink_, listener_, options_.sender);
    std::vector<Queues::Taken> taken;
    // A stop does not end the lane: what is queued is given up one by one, until finish() closes the queues.
    while (queues_.next(taken, kRecordsTogether)) {
      send(sender, taken, stop);
      for (Queues::Taken& entry : taken) give_back(std::move(entry.item));
    }
  } catch (const std::exception& caught) {
    failure_.set(Error(ErrorCode::kInternal, fmt::format("in a sending thread: {}", caught.what())));
  }
}

void ApplyLanes::send(MessageSender& sender, std::span<const Queues::Taken> taken,
                      const std::stop_token& stop) {
  Result<void> sent;
  // Something may have been lost, and nothing behind a lost change may be sent before it.
  if (stop.stop_requested()) sent = Error(ErrorCode::kCancelled, "the task has failed");
  for (const Queues::Taken& entry : taken) {
    for (const auto& [change, share] : entry.item->entries) {
      const TableVersion& table = *share->version;
      if (sent) {
        sent = sender.take_change(*table.plan, *table.topic, *change, share->data, stop);
      } else {
        share->data.unit->lost(1);
      }
    }
  }
  if (sent) sent = sender.send_taken(stop);
  if (!sent) failure_.set(sent.error());
}

void ApplyLanes::finish() {
  queues_.close();
  threads_.clear();
}

}  // namespace dmskafka

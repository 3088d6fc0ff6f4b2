#include "core/task/apply_lanes.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <span>
#include <utility>

namespace dmskafka {
namespace {

using Entry = ApplyBuffer::Entry;

/// The changes of buffers of one batch, as the log has them: queue by queue the batch would be walked through over and over,
/// and not stay in the processor's cache.
template <typename Taken>
void gather(std::span<Taken> of_batch, std::vector<Entry>& entries) {
  entries.clear();
  for (const Taken& taken : of_batch) {
    entries.insert(entries.end(), taken.item->entries.begin(), taken.item->entries.end());
  }
  if (of_batch.size() > 1) std::ranges::sort(entries, std::less(), &Entry::change);
}

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
    Lane lane{MessageSender(sink_, listener_, options_.sender), {}, {}};
    // A stop does not end the lane: what is queued is given up one by one, until finish() closes the queues.
    while (queues_.next(lane.taken, Queues::kShare)) send_taken(lane, stop);
  } catch (const std::exception& caught) {
    failure_.set(Error(ErrorCode::kInternal, fmt::format("in a sending thread: {}", caught.what())));
  }
}

void ApplyLanes::send_taken(Lane& lane, const std::stop_token& stop) {
  const auto batch_number = [](const Queues::Taken& entry) { return entry.item->batch->number; };
  std::ranges::stable_sort(lane.taken, std::less(), batch_number);
  Result<void> sent;
  // Something may have been lost, and nothing behind a lost change may be sent before it.
  if (stop.stop_requested()) sent = Error(ErrorCode::kCancelled, "the task has failed");
  for (std::span taken(lane.taken); !taken.empty();) {
    const auto end = std::ranges::upper_bound(taken, batch_number(taken.front()), std::less(), batch_number);
    const auto of_batch = taken.first(static_cast<std::size_t>(end - taken.begin()));
    taken = taken.subspan(of_batch.size());
    gather(of_batch, lane.entries);
    for (const auto& [change, share] : lane.entries) {
      const TableVersion& table = *share->version;
      if (sent) {
        sent = lane.sender.take_change(*table.plan, *table.topic, *change, share->data, stop);
      } else {
        share->data.unit->lost(1);
      }
    }
    if (sent) sent = lane.sender.send_taken(stop);
    for (Queues::Taken& entry : of_batch) give_back(std::move(entry.item));
  }
  if (!sent) failure_.set(sent.error());
}

void ApplyLanes::finish() {
  queues_.close();
  threads_.clear();
}

}  // namespace dmskafka

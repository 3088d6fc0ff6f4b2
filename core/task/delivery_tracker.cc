#include "core/task/delivery_tracker.h"

#include <utility>

namespace dmskafka {

void DeliveryUnit::reported(std::uint64_t messages) noexcept {
  std::uint64_t outstanding = outstanding_.load(std::memory_order_relaxed);
  while (outstanding != messages) {
    if (outstanding_.compare_exchange_weak(outstanding, outstanding - messages, std::memory_order_acq_rel,
                                           std::memory_order_relaxed)) {
      return;
    }
  }
  // Perhaps the last report: under the lock, because whoever sees the unit settled may destroy it at once.
  MutexLock lock(mutex_);
  if (outstanding_.fetch_sub(messages, std::memory_order_acq_rel) == messages) settled_.notify_all();
}

bool DeliveryUnit::settled() const noexcept {
  if (outstanding_.load(std::memory_order_acquire) != 0) return false;
  MutexLock lock(mutex_);  // the last reporter has let go
  return true;
}

bool DeliveryUnit::wait_settled(std::chrono::nanoseconds wait, std::stop_token stop) const {
  MutexLock lock(mutex_);
  return settled_.wait_for(mutex_, std::move(stop), wait,
                           [&] { return outstanding_.load(std::memory_order_acquire) == 0; });
}

DeliveryUnit& DeliveryTracker::begin(LogPosition end_position) {
  MutexLock lock(mutex_);
  return *entries_.emplace_back(Entry{std::move(end_position), std::make_unique<DeliveryUnit>()}).unit;
}

std::optional<LogPosition> DeliveryTracker::safe_position() {
  MutexLock lock(mutex_);
  std::optional<LogPosition> safe;
  while (!entries_.empty() && entries_.front().unit->settled() && entries_.front().unit->intact()) {
    safe = std::move(entries_.front().end_position);
    entries_.pop_front();
  }
  return safe;
}

std::size_t DeliveryTracker::pending() const {
  MutexLock lock(mutex_);
  return entries_.size();
}

}  // namespace dmskafka

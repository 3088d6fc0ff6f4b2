#include "core/task/delivery_tracker.h"

#include <utility>

namespace dmskafka {

void DeliveryUnit::reported(std::uint64_t messages) noexcept {
  if (outstanding_.fetch_sub(messages, std::memory_order_acq_rel) != messages) return;
  // The lock orders this against a waiter between its check and its wait.
  MutexLock lock(mutex_);
  settled_.notify_all();
}

bool DeliveryUnit::wait_settled(std::chrono::nanoseconds wait, std::stop_token stop) const {
  MutexLock lock(mutex_);
  return settled_.wait_for(mutex_, std::move(stop), wait, [&] { return settled(); });
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

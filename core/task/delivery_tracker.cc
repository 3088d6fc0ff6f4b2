#include "core/task/delivery_tracker.h"

#include <cstddef>
#include <iterator>
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

void DeliveryTracker::add(std::shared_ptr<LogPortion> portion) {
  MutexLock lock(mutex_);
  portion->sequence = ++last_sequence_;
  portions_.push_back(std::move(portion));
}

void DeliveryTracker::look() {
  while (passed_ < portions_.size()) {
    const LogPortion& portion = *portions_[passed_];
    if (!portion.unit.settled() || !portion.unit.intact()) return;
    ++passed_;
    passed_sequence_ = portion.sequence;
  }
}

std::vector<std::shared_ptr<LogPortion>> DeliveryTracker::take_passed() {
  MutexLock lock(mutex_);
  look();
  const auto end = portions_.begin() + static_cast<std::ptrdiff_t>(passed_);
  std::vector<std::shared_ptr<LogPortion>> taken(std::make_move_iterator(portions_.begin()),
                                                 std::make_move_iterator(end));
  portions_.erase(portions_.begin(), end);
  passed_ = 0;
  return taken;
}

std::uint64_t DeliveryTracker::passed_sequence() {
  MutexLock lock(mutex_);
  look();
  return passed_sequence_;
}

bool DeliveryTracker::wait_passed(std::uint64_t sequence, std::chrono::nanoseconds wait,
                                  const std::stop_token& stop) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  for (;;) {
    std::shared_ptr<LogPortion> first;  // held, because the checkpoint thread may take it meanwhile
    {
      MutexLock lock(mutex_);
      look();
      if (passed_sequence_ >= sequence) return true;
      if (passed_ < portions_.size()) first = portions_[passed_];
    }
    const auto left = deadline - std::chrono::steady_clock::now();
    if (first == nullptr || left <= std::chrono::nanoseconds(0)) return false;
    if (!first->unit.wait_settled(left, stop) || !first->unit.intact()) return false;
  }
}

std::size_t DeliveryTracker::pending() const {
  MutexLock lock(mutex_);
  return portions_.size();
}

}  // namespace dmskafka

#include "sinks/in_flight_budget.h"

#include <utility>

namespace dmskafka {

bool InFlightBudget::try_take(std::uint64_t messages, std::int64_t bytes) noexcept {
  std::int64_t taken = bytes_.load();
  do {
    if (taken != 0 && taken + bytes > bytes_max_) return false;
  } while (!bytes_.compare_exchange_weak(taken, taken + bytes));
  if (messages_.load() == 0)
    moved_at_ = std::chrono::steady_clock::now();  // before it is seen to hold something
  messages_.fetch_add(messages);
  return true;
}

Result<void> InFlightBudget::acquire(std::uint64_t messages, std::size_t bytes, const std::stop_token& stop) {
  while (true) {
    DMSKAFKA_ASSIGN(const bool taken, acquire_within(std::chrono::seconds(1), messages, bytes, stop));
    if (taken) return {};
  }
}

Result<bool> InFlightBudget::acquire_within(std::chrono::nanoseconds wait, std::uint64_t messages,
                                            std::size_t bytes, const std::stop_token& stop) {
  const auto wanted = static_cast<std::int64_t>(bytes);
  if (!closed() && try_take(messages, wanted)) return true;
  MutexLock lock(mutex_);
  // Sequentially consistent against release(): either it sees the waiter, or the waiter sees the room.
  waiters_.fetch_add(1);
  const bool ended =
      changed_.wait_for(mutex_, stop, wait, [&] { return closed() || try_take(messages, wanted); });
  waiters_.fetch_sub(1);
  if (error_) return *error_;
  if (!ended && stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
  return ended;
}

void InFlightBudget::release(std::uint64_t messages, std::size_t bytes) noexcept {
  const auto given = static_cast<std::int64_t>(bytes);
  const std::int64_t left = bytes_.fetch_sub(given) - given;
  moved_at_ = std::chrono::steady_clock::now();
  const bool empty = messages_.fetch_sub(messages) == messages;
  // Waking a sender for each few bytes would cost more than it brings: a quarter of the room is free when it goes on.
  if (waiters_.load() == 0 || (left > bytes_max_ - bytes_max_ / 4 && !empty)) return;
  MutexLock lock(mutex_);
  changed_.notify_all();
}

bool InFlightBudget::stands_still() const noexcept {
  constexpr std::chrono::seconds kStill(1);
  return messages() != 0 && std::chrono::steady_clock::now() - moved_at_.load() > kStill;
}

void InFlightBudget::close(Error error) {
  MutexLock lock(mutex_);
  if (!error_) error_ = std::move(error);
  closed_.store(true);
  changed_.notify_all();
}

std::optional<Error> InFlightBudget::failure() const {
  MutexLock lock(mutex_);
  return error_;
}

bool InFlightBudget::wait_empty(std::chrono::nanoseconds wait, const std::stop_token& stop) {
  MutexLock lock(mutex_);
  waiters_.fetch_add(1);
  const bool empty = changed_.wait_for(mutex_, stop, wait, [&] { return messages() == 0; });
  waiters_.fetch_sub(1);
  return empty;
}

}  // namespace dmskafka

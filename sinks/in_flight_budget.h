#pragma once
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>

#include "core/base/mutex.h"
#include "core/base/result.h"

namespace dmskafka {

/// Bounds what a sink has taken and not yet reported, and carries the sink's failure to those who wait for room.
///
/// Invariant: messages() is 0 exactly when every message taken was reported: release() comes after the report.
/// Thread: any (locks itself).
class InFlightBudget {
 public:
  explicit InFlightBudget(std::size_t bytes_max) : bytes_max_(static_cast<std::int64_t>(bytes_max)) {}

  /// Takes room for messages of `bytes` together; blocks while there is none. What is larger than the whole budget is
  /// taken when nothing else is in flight. Errors: kCancelled; the error given to close().
  Result<void> acquire(std::uint64_t messages, std::size_t bytes, const std::stop_token& stop);
  /// The same; false after `wait` without room.
  Result<bool> acquire_within(std::chrono::nanoseconds wait, std::uint64_t messages, std::size_t bytes,
                              const std::stop_token& stop);
  /// Gives the room of `messages` messages back.
  void release(std::uint64_t messages, std::size_t bytes) noexcept;
  /// Ends intake: acquire() fails with the first error given. Does not count anything as reported.
  void close(Error error);

  std::optional<Error> failure() const;
  bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }
  std::uint64_t messages() const noexcept { return messages_.load(); }
  /// True when something is in flight, and for a second no room came back.
  bool stands_still() const noexcept;
  std::size_t bytes() const noexcept {
    return static_cast<std::size_t>(std::max<std::int64_t>(bytes_.load(), 0));
  }
  /// True when nothing is in flight; false after `wait` or a stop request.
  bool wait_empty(std::chrono::nanoseconds wait, const std::stop_token& stop);

 private:
  bool try_take(std::uint64_t messages, std::int64_t bytes) noexcept;

  const std::int64_t bytes_max_;
  std::atomic<std::int64_t> bytes_{0};
  std::atomic<std::uint64_t> messages_{0};
  std::atomic<std::chrono::steady_clock::time_point>
      moved_at_{};  // room came back, or the first message was taken
  std::atomic<std::uint32_t> waiters_{0};
  std::atomic<bool> closed_{false};
  mutable Mutex mutex_;
  CondVar changed_;
  std::optional<Error> error_ GUARDED_BY(mutex_);
};

}  // namespace dmskafka

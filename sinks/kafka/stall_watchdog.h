#pragma once
#include <chrono>
#include <cstdint>
#include <optional>

namespace dmskafka {

/// Notices that messages are in flight and none is reported. librdkafka itself retries without limit
/// (message.timeout.ms=0), because its own timeout would break the order of an idempotent producer.
/// Pure: the caller tells the time. Thread: one.
class StallWatchdog {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  enum class Verdict : std::uint8_t {
    kFine,
    kWaiting,  ///< Another ten seconds passed without a report: say so.
    kStalled,  ///< The limit is reached.
  };

  /// No `timeout`: never kStalled.
  explicit StallWatchdog(std::optional<std::chrono::seconds> timeout) : timeout_(timeout) {}

  /// `reported`: the total of messages reported so far.
  Verdict observe(TimePoint now, std::uint64_t in_flight, std::uint64_t reported) {
    if (in_flight == 0 || reported != reported_ || !since_) {
      reported_ = reported;
      since_ = now;
      next_warning_ = now + kWarningInterval;
      return Verdict::kFine;
    }
    if (timeout_ && now - *since_ >= *timeout_) return Verdict::kStalled;
    if (now < next_warning_) return Verdict::kFine;
    next_warning_ += kWarningInterval;
    return Verdict::kWaiting;
  }
  /// How long nothing was reported, as of the last observe().
  std::chrono::seconds waited(TimePoint now) const {
    return since_ ? std::chrono::duration_cast<std::chrono::seconds>(now - *since_) : std::chrono::seconds(0);
  }

 private:
  static constexpr std::chrono::seconds kWarningInterval{10};

  std::optional<std::chrono::seconds> timeout_;
  std::optional<TimePoint> since_;
  TimePoint next_warning_;
  std::uint64_t reported_ = 0;
};

}  // namespace dmskafka

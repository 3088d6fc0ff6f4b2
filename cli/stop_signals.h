#pragma once
#include <atomic>
#include <stop_token>
#include <thread>

namespace dmskafka {

/// Turns SIGINT and SIGTERM into a stop request. The first asks the task to stop, which saves what was delivered; a second
/// ends the process at once with 130 or 143. SIGPIPE is ignored, so that a closed pipe is an error of its write.
/// Construct it before any other thread starts: threads inherit the blocked signals.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  std::stop_source& source() noexcept { return source_; }
  std::stop_token token() const noexcept { return source_.get_token(); }
  /// The signal that asked for the stop, 0 when none did. Thread: any.
  int received() const noexcept { return received_.load(); }

 private:
  void run() noexcept;

  std::stop_source source_;
  std::atomic<int> received_{0};
  int signals_ = -1;  // signalfd
  int ended_ = -1;    // eventfd: the process ends on its own
  std::jthread thread_;
};

}  // namespace dmskafka

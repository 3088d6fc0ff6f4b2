#pragma once
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <thread>
#include <utility>

#include "core/base/mutex.h"
#include "sinks/in_flight_budget.h"

namespace dmskafka {

/// Sends what waits in batches instead of librdkafka's linger.ms, for what docs/decisions/we-linger-ourselves.md says of it: after
/// `linger` while little is on its way or nothing more comes, else after `linger_max`. While Kafka stands still it asks ever
/// less often. Thread: its own; taken() from any.
class LingerThread {
 public:
  struct Options {
    std::chrono::milliseconds linger;
    std::chrono::milliseconds linger_max;
    std::size_t little_bytes;
  };
  /// References outlive it.
  LingerThread(const Options& options, const InFlightBudget& budget, std::function<void()> send_now)
      : options_(options),
        budget_(budget),
        send_now_(std::move(send_now)),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}

  /// Messages were given to librdkafka.
  void taken() noexcept {
    portions_.fetch_add(1);
    if (!idle_.load()) return;
    MutexLock lock(mutex_);
    wake_.notify_one();
  }

 private:
  void run(const std::stop_token& stop) {
    auto sent_at = std::chrono::steady_clock::now();
    std::chrono::milliseconds pause{0};
    while (!stop.stop_requested()) {
      if (!budget_.stands_still()) pause = std::chrono::milliseconds(0);
      const std::uint64_t portions = portions_.load();
      if (!wait(stop, options_.linger + pause)) continue;
      const bool nothing_came = portions_.load() == portions;
      const bool little = budget_.bytes() < options_.little_bytes;
      const auto now = std::chrono::steady_clock::now();
      if (!nothing_came && !little && now - sent_at < options_.linger_max) continue;
      send_now_();
      sent_at = now;
      // All the requests that may be under way are: until one of them is answered, librdkafka's thread would spin in vain.
      if (budget_.stands_still()) pause = std::min(std::max(pause * 2, options_.linger), kPauseMax);
    }
  }
  /// False: nothing was on its way.
  bool wait(const std::stop_token& stop, std::chrono::milliseconds linger) {
    MutexLock lock(mutex_);
    // Sequentially consistent against taken(): either it sees us idle, or we see its messages.
    idle_.store(true);
    const bool some =
        wake_.wait_for(mutex_, stop, std::chrono::seconds(1), [&] { return budget_.messages() != 0; });
    idle_.store(false);
    if (some) wake_.wait_for(mutex_, stop, linger, [] { return false; });
    return some;
  }

  static constexpr std::chrono::milliseconds kPauseMax{250};
  const Options options_;
  const InFlightBudget& budget_;
  const std::function<void()> send_now_;
  std::atomic<std::uint64_t> portions_{0};
  std::atomic<bool> idle_{false};
  Mutex mutex_;
  CondVar wake_;
  std::jthread thread_;  // last: ends before what it uses
};

}  // namespace dmskafka

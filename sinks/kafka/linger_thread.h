#pragma once
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

/// Sends what waits in batches after so short a time, while little is on its way or nothing more comes; else the batches fill by
/// themselves. In place of a short linger.ms, for what KafkaSinkOptions::linger says of it. Thread: its own; taken() from any.
class LingerThread {
 public:
  struct Options {
    std::chrono::milliseconds linger;
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
    while (!stop.stop_requested()) {
      const std::uint64_t before = portions_.load();
      if (!wait(stop)) continue;
      if (budget_.bytes() < options_.little_bytes || portions_.load() == before) send_now_();
    }
  }
  /// False: nothing was on its way.
  bool wait(const std::stop_token& stop) {
    MutexLock lock(mutex_);
    // Sequentially consistent against taken(): either it sees us idle, or we see its messages.
    idle_.store(true);
    const bool some =
        wake_.wait_for(mutex_, stop, std::chrono::seconds(1), [&] { return budget_.messages() != 0; });
    idle_.store(false);
    if (some) wake_.wait_for(mutex_, stop, options_.linger, [] { return false; });
    return some;
  }

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

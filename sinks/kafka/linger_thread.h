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
/// `linger` while little is on its way or nothing more comes, else after `linger_max`. While Kafka answers nothing it asks ever less
/// often. Thread: its own; taken() from any.
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
    std::uint64_t sent_portions = portions_.load();
    std::uint64_t released = budget_.released();
    int requests = 0;  // that were not answered
    Pauses pauses;
    while (!stop.stop_requested()) {
      const std::uint64_t portions = portions_.load();
      if (!wait(stop, pauses, sent_portions)) continue;
      if (const std::uint64_t now_released = budget_.released(); now_released != released) {
        released = now_released;
        requests = 0;
        pauses = {};
      }
      const auto now = std::chrono::steady_clock::now();
      const std::uint64_t now_portions = portions_.load();
      const bool little = budget_.bytes() < options_.little_bytes;
      if (now_portions != portions && !little && now - sent_at < options_.linger_max) continue;
      send_now_();
      sent_at = now;
      const bool news = std::exchange(sent_portions, now_portions) != now_portions;
      if (news) ++requests;
      // No more requests than that are under way; until one of them is answered, librdkafka's thread would spin in vain.
      if (requests >= kRequestsMax) pauses.whatever_comes = longer(pauses.whatever_comes);
      pauses.until_news = news ? std::chrono::milliseconds(0) : longer(pauses.until_news);
    }
  }
  struct Pauses {
    std::chrono::milliseconds until_news{0};
    std::chrono::milliseconds whatever_comes{0};
  };
  std::chrono::milliseconds longer(std::chrono::milliseconds pause) const {
    return std::min(std::max(pause * 2, options_.linger), kPauseMax);
  }
  /// False: nothing was on its way.
  bool wait(const std::stop_token& stop, const Pauses& pauses, std::uint64_t sent_portions) {
    MutexLock lock(mutex_);
    // Sequentially consistent against taken(): either it sees us idle, or we see its messages.
    idle_.store(true);
    const bool some =
        wake_.wait_for(mutex_, stop, std::chrono::seconds(1), [&] { return budget_.messages() != 0; });
    if (some && pauses.until_news.count() != 0) {
      wake_.wait_for(mutex_, stop, pauses.until_news, [&] { return portions_.load() != sent_portions; });
    }
    idle_.store(false);
    if (some) wake_.wait_for(mutex_, stop, options_.linger + pauses.whatever_comes, [] { return false; });
    return some;
  }

  static constexpr int kRequestsMax = 5;
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

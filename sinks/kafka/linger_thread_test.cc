#include "sinks/kafka/linger_thread.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace dmskafka {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kLittle = 1'000;

/// Until that many calls were made, at most half a minute.
bool called(const std::atomic<int>& calls, int times) {
  for (int i = 0; i < 30'000 && calls.load() < times; ++i) std::this_thread::sleep_for(milliseconds(1));
  return calls.load() >= times;
}

TEST_CASE("linger_thread: what there is is sent, again and again while it is on its way") {
  InFlightBudget budget(1'000'000);
  std::atomic<int> calls{0};
  LingerThread linger({milliseconds(1), milliseconds(5), kLittle}, budget, [&calls] { calls.fetch_add(1); });
  REQUIRE(budget.acquire(1, 10, {}).ok());
  linger.taken();
  CHECK(called(calls, 3));
}

TEST_CASE(
    "linger_thread: much is sent when nothing more comes, and nothing asks for it once it has arrived") {
  InFlightBudget budget(1'000'000);
  std::atomic<int> calls{0};
  {
    LingerThread linger({milliseconds(1), milliseconds(5), kLittle}, budget, [&] {
      if (calls.fetch_add(1) == 0) budget.release(2, 2 * kLittle);  // acknowledged
    });
    REQUIRE(budget.acquire(2, 2 * kLittle, {}).ok());
    linger.taken();
    CHECK(called(calls, 1));
    REQUIRE(budget.wait_empty(std::chrono::seconds(30), {}));
    // It sleeps now, and is woken by the next message.
    REQUIRE(budget.acquire(1, 1, {}).ok());
    linger.taken();
    CHECK(called(calls, 2));
  }
  CHECK(calls.load() >= 2);
}

TEST_CASE("linger_thread: while Kafka answers nothing it asks ever less often, whatever comes") {
  InFlightBudget budget(1'000'000);
  std::atomic<int> calls{0};
  LingerThread linger({milliseconds(1), milliseconds(5), kLittle}, budget, [&calls] { calls.fetch_add(1); });
  std::jthread writer([&](const std::stop_token& stop) {
    while (!stop.stop_requested() && budget.acquire(1, 1, stop)) {
      linger.taken();
      std::this_thread::sleep_for(milliseconds(1));
    }
  });
  // For a second as ever, then after 1, 2, 4 … 128 ms more, and a quarter of a second each from there on.
  REQUIRE(called(calls, 20));
  std::this_thread::sleep_for(milliseconds(1'500));
  const int before = calls.load();
  std::this_thread::sleep_for(milliseconds(1'000));
  CHECK(calls.load() - before <= 6);
  // An answer ends that.
  budget.release(1, 1);
  CHECK(called(calls, before + 20));
}

TEST_CASE("linger_thread: much to which more comes is sent after the longest time all the same") {
  InFlightBudget budget(1'000'000);
  REQUIRE(budget.acquire(1, 2 * kLittle, {}).ok());
  std::atomic<int> calls{0};
  LingerThread linger({milliseconds(20), milliseconds(100), kLittle}, budget,
                      [&calls] { calls.fetch_add(1); });
  std::jthread writer([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      linger.taken();
      std::this_thread::sleep_for(milliseconds(1));
    }
  });
  CHECK(called(calls, 1));
}

TEST_CASE("linger_thread: much is left to fill its batches while more comes") {
  InFlightBudget budget(1'000'000);
  REQUIRE(budget.acquire(1, 2 * kLittle, {}).ok());
  std::atomic<int> calls{0};
  LingerThread linger({std::chrono::seconds(2), std::chrono::seconds(60), kLittle}, budget,
                      [&calls] { calls.fetch_add(1); });
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(3);
  while (std::chrono::steady_clock::now() < until) {
    linger.taken();
    std::this_thread::sleep_for(milliseconds(1));
  }
  CHECK(calls.load() == 0);
}

}  // namespace
}  // namespace dmskafka

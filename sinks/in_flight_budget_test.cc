#include "sinks/in_flight_budget.h"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

namespace dmskafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("in_flight_budget: a full budget blocks until room is given back") {
  InFlightBudget budget(100);
  REQUIRE(budget.acquire(1, 60, {}).ok());
  std::atomic<bool> taken{false};
  std::thread sender([&] {
    CHECK(budget.acquire(1, 50, {}).ok());
    taken = true;
  });
  CHECK_FALSE(budget.wait_empty(milliseconds(50), {}));
  CHECK_FALSE(taken);
  budget.release(1, 60);
  sender.join();
  CHECK(taken);
  CHECK(budget.messages() == 1);
}

TEST_CASE("in_flight_budget: a message larger than the budget goes alone") {
  InFlightBudget budget(100);
  REQUIRE(budget.acquire(1, 500, {}).ok());
  std::stop_source stop;
  std::thread sender([&] { CHECK(budget.acquire(1, 1, stop.get_token()).ok()); });
  budget.release(1, 500);
  sender.join();
  CHECK(budget.messages() == 1);
}

TEST_CASE("in_flight_budget: a stop request and a failure wake the sender") {
  InFlightBudget budget(10);
  REQUIRE(budget.acquire(1, 10, {}).ok());
  std::stop_source stop;
  std::thread stopped(
      [&] { CHECK(budget.acquire(1, 1, stop.get_token()).error().code() == ErrorCode::kCancelled); });
  stop.request_stop();
  stopped.join();
  std::thread failed(
      [&] { CHECK(budget.acquire(1, 1, {}).error().code() == ErrorCode::kTargetUnavailable); });
  budget.close(Error(ErrorCode::kTargetUnavailable, "gone"));
  failed.join();
  budget.release(1, 10);
  CHECK(budget.acquire(1, 1, {}).error().message() == "gone");
  budget.close(Error(ErrorCode::kInternal, "later"));
  CHECK(budget.failure()->message() == "gone");
}

TEST_CASE("in_flight_budget: many senders never pass the bound and none is forgotten") {
  constexpr std::size_t kBound = 1000;
  constexpr int kEach = 20'000;
  InFlightBudget budget(kBound);
  std::atomic<std::int64_t> held{0};
  std::atomic<std::int64_t> most{0};
  std::vector<std::thread> senders;
  for (int sender = 0; sender < 4; ++sender) {
    senders.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        if (!budget.acquire(1, 300, {})) return;
        const std::int64_t now = held.fetch_add(300) + 300;
        std::int64_t seen = most.load();
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        held.fetch_sub(300);
        budget.release(1, 300);
      }
    });
  }
  for (std::thread& sender : senders) sender.join();
  CHECK(budget.wait_empty(seconds(1), {}));
  CHECK(most.load() <= static_cast<std::int64_t>(kBound));
}

}  // namespace
}  // namespace dmskafka

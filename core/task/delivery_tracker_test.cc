#include "core/task/delivery_tracker.h"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/bounded_queue.h"
#include "test/support/random_rounds.h"

namespace dmskafka {
namespace {

using namespace std::chrono_literals;

LogPosition at(std::uint64_t number) {
  return LogPosition{std::to_string(number), std::to_string(number), 0, number};
}

DeliveryUnit& begin(DeliveryTracker& tracker, std::optional<LogPosition> end) {
  auto portion = std::make_shared<LogPortion>();
  portion->end = std::move(end);
  tracker.add(portion);
  return portion->unit;
}

std::optional<LogPosition> safe_position(DeliveryTracker& tracker) {
  std::optional<LogPosition> safe;
  for (const auto& portion : tracker.take_passed()) {
    if (portion->end) safe = portion->end;
  }
  return safe;
}

TEST_CASE("delivery_tracker: nothing is safe before the first unit is settled") {
  DeliveryTracker tracker;
  CHECK(!safe_position(tracker));
  DeliveryUnit& unit = begin(tracker, at(1));
  CHECK(!safe_position(tracker));
  unit.sent();
  unit.seal();
  CHECK(!safe_position(tracker));
  unit.reported(1);
  CHECK(safe_position(tracker) == at(1));
  CHECK(!safe_position(tracker));
  CHECK(tracker.pending() == 0);
}

TEST_CASE("delivery_tracker: a unit that is not sealed holds the position, though all it sent is reported") {
  DeliveryTracker tracker;
  DeliveryUnit& unit = begin(tracker, at(1));
  unit.sent(2);
  unit.reported(2);
  CHECK(!unit.settled());
  CHECK(!safe_position(tracker));
  unit.sent();
  unit.seal();
  CHECK(!safe_position(tracker));
  unit.reported(1);
  CHECK(safe_position(tracker) == at(1));
}

TEST_CASE("delivery_tracker: later units wait for the first, and are passed with it") {
  DeliveryTracker tracker;
  DeliveryUnit& first = begin(tracker, at(1));
  DeliveryUnit& second = begin(tracker, at(2));
  DeliveryUnit& third = begin(tracker, at(3));
  first.sent();
  first.seal();
  second.sent(5);
  second.seal();
  third.seal();
  second.reported(5);
  CHECK(!safe_position(tracker));
  CHECK(tracker.pending() == 3);
  first.reported(1);
  CHECK(safe_position(tracker) == at(3));
  CHECK(tracker.pending() == 0);
}

TEST_CASE("delivery_tracker: a unit without messages moves the position") {
  DeliveryTracker tracker;
  begin(tracker, at(7)).seal();
  CHECK(safe_position(tracker) == at(7));
}

TEST_CASE("delivery_tracker: a portion inside a transaction holds back, and moves nothing itself") {
  DeliveryTracker tracker;
  begin(tracker, at(1)).seal();
  DeliveryUnit& inside = begin(tracker, std::nullopt);
  begin(tracker, at(2)).seal();
  inside.sent();
  inside.seal();
  CHECK(safe_position(tracker) == at(1));
  inside.reported(1);
  CHECK(safe_position(tracker) == at(2));
  begin(tracker, std::nullopt).seal();
  CHECK(safe_position(tracker) == std::nullopt);
  CHECK(tracker.pending() == 0);
}

TEST_CASE(
    "delivery_tracker: waiting for a portion ends when it and all before it are settled, or one has lost "
    "something") {
  DeliveryTracker tracker;
  DeliveryUnit& first = begin(tracker, at(1));
  DeliveryUnit& second = begin(tracker, at(2));
  first.sent();
  first.seal();
  second.seal();
  CHECK(!tracker.wait_passed(2, 1ms, {}));
  std::jthread reporter([&] { first.reported(1); });
  CHECK(tracker.wait_passed(2, 60s, {}));
  CHECK(tracker.passed_sequence() == 2);
  CHECK(safe_position(tracker) == at(2));
  CHECK(tracker.wait_passed(2, 0ns, {}));
  DeliveryUnit& third = begin(tracker, at(3));
  third.sent();
  third.seal();
  std::jthread loser([&] { third.lost(1); });
  CHECK(!tracker.wait_passed(3, 60s, {}));
  CHECK(tracker.passed_sequence() == 2);
}

TEST_CASE("delivery_tracker: a lost message settles its unit, and holds the position back for ever") {
  DeliveryTracker tracker;
  begin(tracker, at(1)).seal();
  DeliveryUnit& unit = begin(tracker, at(2));
  unit.sent(2);
  unit.reported(1);
  unit.lost(1);
  CHECK(!unit.settled());
  unit.seal();
  CHECK(unit.settled());
  CHECK(!unit.intact());
  begin(tracker, at(3)).seal();
  CHECK(safe_position(tracker) == at(1));
  CHECK(safe_position(tracker) == std::nullopt);
}

TEST_CASE(
    "delivery_tracker: waiting for a unit ends when it is settled, after the time, or on a stop request") {
  DeliveryUnit unit;
  unit.sent();
  unit.seal();
  CHECK(!unit.wait_settled(1ms, {}));
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  CHECK(!unit.wait_settled(60s, stop.get_token()));
  std::jthread reporter([&] { unit.reported(1); });
  CHECK(unit.wait_settled(60s, {}));
  CHECK(unit.wait_settled(0ns, {}));
}

// The waiter may destroy the unit at once: whoever reported last must not touch it any more.
TEST_CASE("delivery_tracker: a unit can go as soon as its waiter has returned") {
  BoundedQueue<DeliveryUnit*> reports({1000, 1000});
  std::jthread reporter([&] {
    while (!reports.finished()) {
      if (auto unit = reports.pop(1s, {})) (*unit)->reported(1);
    }
  });
  for (int round = 0; round < random_rounds(20'000); ++round) {
    auto unit = std::make_unique<DeliveryUnit>();
    unit->sent();
    REQUIRE(reports.push(unit.get(), 1, 1, {}));
    unit->seal();
    if (round % 2 == 0) {
      REQUIRE(unit->wait_settled(60s, {}));
    } else {
      while (!unit->settled()) std::this_thread::yield();
    }
    unit.reset();
  }
  reports.close();
}

// What a unit should hold, kept beside the tracker and lowered before the tracker hears of a report.
struct Shadow {
  std::atomic<std::uint64_t> unreported{1};  // the seal's
};

struct Report {
  DeliveryUnit* unit;
  Shadow* shadow;
  std::uint64_t messages;
};

TEST_CASE(
    "delivery_tracker: under threads no position is given out before everything up to it was reported") {
  constexpr std::uint64_t kUnits = 20'000;
  constexpr int kReporters = 3;
  DeliveryTracker tracker;
  const auto shadows = std::make_unique<std::array<Shadow, kUnits + 1>>();
  std::vector<std::unique_ptr<BoundedQueue<Report>>> queues;
  std::vector<std::jthread> reporters;
  for (int i = 0; i < kReporters; ++i)
    queues.push_back(std::make_unique<BoundedQueue<Report>>(BoundedQueue<Report>::Limits{500, 500}));
  for (int i = 0; i < kReporters; ++i) {
    reporters.emplace_back([&queue = *queues[static_cast<std::size_t>(i)]] {
      while (!queue.finished()) {
        const auto report = queue.pop(1s, {});
        if (!report) continue;
        report->shadow->unreported.fetch_sub(report->messages);
        report->unit->reported(report->messages);
      }
    });
  }
  std::jthread reader([&] {
    std::mt19937 random(1);
    for (std::uint64_t number = 1; number <= kUnits; ++number) {
      DeliveryUnit& unit = begin(tracker, at(number));
      Shadow& shadow = (*shadows)[number];
      for (std::uint32_t sends = random() % 4; sends > 0; --sends) {
        const std::uint64_t messages = random() % 3 + 1;
        shadow.unreported.fetch_add(messages);
        unit.sent(messages);
        if (!queues[random() % kReporters]->push(Report{&unit, &shadow, messages}, 1, 1, {})) return;
      }
      shadow.unreported.fetch_sub(1);
      unit.seal();
    }
  });
  std::uint64_t passed = 0;
  std::uint64_t violations = 0;
  const auto limit = std::chrono::steady_clock::now() + 60s;
  while (passed < kUnits && std::chrono::steady_clock::now() < limit) {
    const auto safe = safe_position(tracker);
    if (!safe) {
      std::this_thread::yield();
      continue;
    }
    violations += safe->order_low <= passed;  // it never moves back
    for (std::uint64_t number = passed + 1; number <= safe->order_low; ++number) {
      violations += (*shadows)[number].unreported.load() != 0;
    }
    passed = safe->order_low;
  }
  for (auto& queue : queues) queue->close();
  CHECK(passed == kUnits);
  CHECK(violations == 0);
  CHECK(tracker.pending() == 0);
}

}  // namespace
}  // namespace dmskafka

#include "core/base/bounded_queue.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "test/support/eventually.h"

namespace dmskafka {
namespace {

using namespace std::chrono_literals;
using Queue = BoundedQueue<int>;

TEST_CASE("bounded_queue: items come out in the order they went in") {
  Queue queue({10, 100});
  for (int i = 0; i < 5; ++i) REQUIRE(queue.push(i, 1, 1, {}));
  for (int i = 0; i < 5; ++i) CHECK(queue.pop(0ns, {}) == i);
  CHECK(!queue.pop(1ms, {}));
  CHECK(!queue.finished());
}

TEST_CASE("bounded_queue: a push waits for room, by records and by bytes") {
  struct Case {
    Queue::Limits limits;
    std::size_t records;
    std::size_t bytes;
  };
  for (const Case& full : {Case{{2, 1000}, 1, 1}, Case{{1000, 20}, 1, 10}}) {
    Queue queue(full.limits);
    REQUIRE(queue.push(1, full.records, full.bytes, {}));
    REQUIRE(queue.push(2, full.records, full.bytes, {}));
    std::atomic<bool> pushed{false};
    std::jthread producer([&] {
      if (queue.push(3, full.records, full.bytes, {})) pushed = true;
    });
    std::this_thread::sleep_for(20ms);  // a push that did not wait would be through
    CHECK(!pushed);
    CHECK(queue.pop(0ns, {}) == 1);
    CHECK(eventually([&] { return pushed.load(); }));
    CHECK(queue.pop(0ns, {}) == 2);
    CHECK(queue.pop(0ns, {}) == 3);
  }
}

TEST_CASE("bounded_queue: an item larger than the bounds is taken when the queue is empty") {
  Queue queue({2, 10});
  REQUIRE(queue.push(1, 5, 1'000'000, {}));
  CHECK(queue.pop(0ns, {}) == 1);
  REQUIRE(queue.push(2, 1, 1, {}));
  CHECK(queue.pop(0ns, {}) == 2);
}

TEST_CASE("bounded_queue: what was most is remembered") {
  Queue queue({10, 100});
  REQUIRE(queue.push(1, 3, 30, {}));
  REQUIRE(queue.push(2, 4, 50, {}));
  queue.pop(0ns, {});
  queue.pop(0ns, {});
  REQUIRE(queue.push(3, 1, 1, {}));
  CHECK(queue.high_water().records == 7);
  CHECK(queue.high_water().bytes == 80);
}

TEST_CASE("bounded_queue: a stop request ends a waiting push and a waiting pop") {
  Queue queue({1, 1});
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  const auto begin = std::chrono::steady_clock::now();
  CHECK(!queue.pop(60s, stop.get_token()));
  REQUIRE(queue.push(1, 1, 1, {}));
  std::stop_source other;
  std::jthread other_stopper([&] { other.request_stop(); });
  const auto refused = queue.push(2, 1, 1, other.get_token());
  REQUIRE(!refused);
  CHECK(refused.error().code() == ErrorCode::kCancelled);
  CHECK(std::chrono::steady_clock::now() - begin < 30s);
  CHECK(queue.pop(0ns, {}) == 1);
}

TEST_CASE("bounded_queue: after close() the rest can be taken, nothing more be put in") {
  Queue queue({10, 100});
  REQUIRE(queue.push(1, 1, 1, {}));
  queue.close();
  CHECK(!queue.finished());
  CHECK(queue.push(2, 1, 1, {}).error().code() == ErrorCode::kInternal);
  CHECK(queue.pop(60s, {}) == 1);
  CHECK(queue.finished());
  CHECK(!queue.pop(60s, {}));  // returns at once
}

TEST_CASE("bounded_queue: close() with an error drops the rest and is told to every push") {
  Queue queue({1, 1});
  REQUIRE(queue.push(1, 1, 1, {}));
  Result<void> waiting;
  {
    std::jthread producer([&] { waiting = queue.push(2, 1, 1, {}); });
    queue.close(Error(ErrorCode::kTargetUnavailable, "no broker"));
  }
  REQUIRE(!waiting);
  CHECK(waiting.error().message() == "no broker");
  CHECK(queue.push(3, 1, 1, {}).error().code() == ErrorCode::kTargetUnavailable);
  queue.close(Error(ErrorCode::kInternal, "later"));
  CHECK(queue.push(3, 1, 1, {}).error().message() == "no broker");  // the first one counts
  CHECK(!queue.pop(60s, {}));
  CHECK(queue.finished());
}

TEST_CASE("bounded_queue: many producers and consumers lose nothing and repeat nothing") {
  constexpr int kItems = 20'000;
  constexpr int kProducers = 3;
  BoundedQueue<std::unique_ptr<int>> queue({7, 1000});
  std::vector<std::atomic<int>> seen(kItems * kProducers);
  {
    std::vector<std::jthread> consumers;
    for (int c = 0; c < 2; ++c) {
      consumers.emplace_back([&] {
        while (!queue.finished()) {
          if (auto item = queue.pop(1s, {})) seen[static_cast<std::size_t>(**item)].fetch_add(1);
        }
      });
    }
    std::vector<std::jthread> producers;
    for (int p = 0; p < kProducers; ++p) {
      producers.emplace_back([&, p] {
        for (int i = 0; i < kItems; ++i) {
          if (!queue.push(std::make_unique<int>(p * kItems + i), 1, 8, {})) return;
        }
      });
    }
    producers.clear();
    queue.close();
  }
  int wrong = 0;
  for (const std::atomic<int>& count : seen) wrong += count.load() != 1;
  CHECK(wrong == 0);
  CHECK(queue.high_water().records <= 7);
}

}  // namespace
}  // namespace dmskafka

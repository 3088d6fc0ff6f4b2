#include "core/task/lane_queues.h"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <latch>
#include <numeric>
#include <random>

#include "test/support/random_rounds.h"

namespace dmskafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Queues = LaneQueues<int>;

bool wait_until(const std::function<bool()>& reached) {
  for (int tries = 0; tries < 20'000; ++tries) {
    if (reached()) return true;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return false;
}

Result<void> push(Queues& queues, std::size_t queue, int item, std::size_t records = 1) {
  return queues.push(queue, item, records, 1, {});
}

std::vector<int> items(const std::vector<Queues::Taken>& taken) {
  std::vector<int> items;
  for (const auto& entry : taken) items.push_back(entry.item);
  return items;
}

TEST_CASE("lane_queues: as many records as wanted, from the queues in turn, the oldest first") {
  Queues queues({.queues = 3});
  for (const auto& [queue, item] : {std::pair{0U, 1}, {0U, 2}, {1U, 3}, {2U, 4}, {2U, 5}}) {
    REQUIRE(push(queues, queue, item, 10).ok());
  }
  CHECK(queues.records_high_water() == 20);
  std::vector<Queues::Taken> taken;
  REQUIRE(queues.next(taken, 30));
  CHECK(items(taken) == std::vector{1, 2, 3});
  REQUIRE(queues.next(taken, 1));
  CHECK(items(taken) == std::vector{4});
  REQUIRE(queues.next(taken, 100));
  CHECK(items(taken) == std::vector{5});
  queues.close();
  CHECK_FALSE(queues.next(taken, 1));
  CHECK(taken.empty());
}

TEST_CASE("lane_queues: an equal share of what waits for each lane that may be awake") {
  for (const auto& [awake_max, shares] :
       {std::pair{1U, std::vector{300}}, {2U, {180, 120}}, {8U, {120, 120, 60}}}) {
    Queues queues({.lanes = 8, .queues = 5, .records_max = 100, .awake_max = awake_max});
    for (std::size_t queue = 0; queue < 5; ++queue) REQUIRE(push(queues, queue, 60, 60).ok());
    std::vector<std::vector<Queues::Taken>> taken(shares.size());
    for (std::size_t i = 0; i < shares.size(); ++i) {
      REQUIRE(queues.next(taken[i], Queues::kShare));
      const auto records = items(taken[i]);
      CHECK(std::accumulate(records.begin(), records.end(), 0) == shares[i]);
    }
  }
}

TEST_CASE("lane_queues: a queue that a lane holds is nobody else's until that lane comes back") {
  Queues queues({.lanes = 2, .queues = 2});
  for (const int item : {1, 2}) REQUIRE(push(queues, 0, item).ok());
  REQUIRE(push(queues, 1, 3).ok());
  std::vector<Queues::Taken> first;
  std::vector<Queues::Taken> second;
  REQUIRE(queues.next(first, 1));
  CHECK(items(first) == std::vector{1});
  REQUIRE(queues.next(second, 10));
  CHECK(items(second) == std::vector{3});
  queues.close();
  CHECK_FALSE(queues.next(second, 10));  // what is left is the first lane's
  REQUIRE(queues.next(first, 10));
  CHECK(items(first) == std::vector{2});
  CHECK_FALSE(queues.next(first, 10));
}

TEST_CASE("lane_queues: a full queue waits for a lane, a stop request or the end; or says that it is full") {
  Queues queues({.queues = 2, .records_max = 10, .bytes_max = 100});
  int item = 1;
  REQUIRE(queues.push(0, item, 50, 500, {}).ok());  // alone it may be larger
  std::stop_source stop;
  stop.request_stop();
  item = 2;
  const auto stopped = queues.push(0, item, 1, 1, stop.get_token());
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code() == ErrorCode::kCancelled);
  CHECK(item == 2);
  CHECK_FALSE(queues.try_push(0, item, 6, 1).value());
  CHECK(item == 2);
  std::vector<Queues::Taken> taken;
  REQUIRE(queues.next(taken, 1));
  CHECK(items(taken) == std::vector{1});
  CHECK(queues.try_push(0, item, 6, 1).value());
  CHECK_FALSE(queues.try_push(0, item = 3, 4, 100).value());  // by its bytes
  CHECK(queues.try_push(0, item, 4, 99).value());

  std::atomic<bool> pushed{false};
  std::jthread pusher([&] { pushed = push(queues, 0, 5).ok(); });
  REQUIRE(queues.next(taken, 1));
  CHECK(items(taken) == std::vector{2});
  CHECK(wait_until([&] { return pushed.load(); }));

  std::atomic<bool> refused{false};
  std::jthread late([&] { refused = !push(queues, 0, 6, 10).ok(); });
  queues.close();
  CHECK(wait_until([&] { return refused.load(); }));
  CHECK_FALSE(queues.try_push(1, item, 1, 1));
  REQUIRE(queues.next(taken, 10));
  CHECK(items(taken) == std::vector{3, 5});
}

/// Threads that do `work` on what they take; they end with this.
struct Lanes {
  Lanes(Queues& of, int count, std::size_t records_wanted,
        const std::function<void(const std::vector<Queues::Taken>&)>& work)
      : queues(of) {
    for (int i = 0; i < count; ++i) {
      threads.emplace_back([this, records_wanted, work] {
        std::vector<Queues::Taken> taken;
        while (queues.next(taken, records_wanted)) work(taken);
      });
    }
  }
  ~Lanes() { queues.close(); }
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  Queues& queues;
  std::vector<std::jthread> threads;
};

TEST_CASE(
    "lane_queues: a lane that is busy is helped as soon as enough waits, and as many processors are left") {
  Queues queues({.lanes = 3, .queues = 4, .records_max = 1'000, .awake_max = 2});
  std::latch go_on(1);
  std::atomic<int> begun{0};
  std::atomic<int> ended{0};
  Lanes lanes(queues, 3, 1, [&](const auto&) {
    ++begun;
    go_on.wait();
    ++ended;
  });
  REQUIRE(wait_until([&] { return queues.awake() == 0; }));
  REQUIRE(push(queues, 0, 1, 10).ok());
  REQUIRE(wait_until([&] { return begun == 1; }));
  REQUIRE(push(queues, 1, 1, 63).ok());
  CHECK(queues.awake() == 1);  // not worth it
  REQUIRE(push(queues, 2, 1, 1).ok());
  CHECK(wait_until([&] { return begun == 2; }));
  REQUIRE(push(queues, 3, 1, 200).ok());
  CHECK(queues.awake() == 2);  // no processor
  go_on.count_down();
  CHECK(wait_until([&] { return ended == 4 && queues.awake() == 0; }));
}

TEST_CASE("lane_queues: a lane that sleeps hears of every push") {
  Queues queues({.lanes = 3, .queues = 8, .awake_max = 1});
  std::atomic<int> seen{0};
  Lanes lanes(queues, 3, 64, [&](const auto& taken) { seen += static_cast<int>(taken.size()); });
  for (int round = 0; round < random_rounds(20'000); ++round) {
    REQUIRE(push(queues, static_cast<std::size_t>(round) % 8, round).ok());
    for (int spins = 0; seen != round + 1 && spins < 10'000; ++spins) std::this_thread::yield();
    REQUIRE(wait_until([&] { return seen == round + 1; }));
  }
}

TEST_CASE("lane_queues: what comes from one queue stays in order, whichever lanes take it") {
  constexpr std::size_t kQueues = 16;
  Queues queues({.lanes = 4, .queues = kQueues, .records_max = 20, .awake_max = 4});
  std::array<std::atomic<int>, kQueues> last{};
  std::atomic<int> wrong{0};
  std::atomic<int> seen{0};
  Lanes lanes(queues, 4, 30, [&](const auto& taken) {
    for (const auto& entry : taken) {
      wrong += last[entry.queue].exchange(entry.item) >= entry.item ? 1 : 0;
      ++seen;
    }
  });
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same every time
  const int count = random_rounds(200'000);
  for (int item = 1; item <= count; ++item) {
    REQUIRE(push(queues, random() % kQueues, item, random() % 9 + 1).ok());
  }
  CHECK(wait_until([&] { return seen == count; }));
  CHECK(wrong == 0);
}

}  // namespace
}  // namespace dmskafka

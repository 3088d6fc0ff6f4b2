#include "core/task/load_schedule.h"

#include <doctest/doctest.h>

#include <future>
#include <thread>

namespace dmskafka {
namespace {

using namespace std::chrono_literals;

// Far below the bound of LoadSchedule's own wait, far above what a busy machine needs to wake a thread.
constexpr auto kLimit = 20s;

struct Tables {
  explicit Tables(std::size_t segments) {
    auto schema = std::make_shared<TableSchema>();
    schema->name = {"s", "t"};
    tables.push_back(
        std::make_unique<TableLoad>(schema, std::unique_ptr<const TablePlan>(), progress, std::nullopt));
    for (std::uint32_t i = 0; i < segments; ++i) {
      tables.front()->segments.emplace_back(Segment{schema.get(), i, "", nullptr}, false, progress);
    }
  }
  TableProgress progress{TableName{"s", "t"}};
  std::vector<std::unique_ptr<TableLoad>> tables;
  TableLoad& table() { return *tables.front(); }
};

/// What next() gives to another reader that is already waiting: true for a range.
std::future<bool> waiting_reader(LoadSchedule& schedule, const std::stop_token& stop = {}) {
  return std::async(std::launch::async,
                    [&schedule, stop] { return schedule.next(nullptr, stop).has_value(); });
}

TEST_CASE("load_schedule: a reader that waits for a table to open goes on as soon as it is open") {
  Tables tables(2);
  LoadSchedule schedule(tables.tables, {1, 2});
  const auto first = schedule.next(nullptr, {});
  REQUIRE(first.has_value());
  CHECK(first->opens_table);
  auto second = waiting_reader(schedule);
  REQUIRE(second.wait_for(50ms) == std::future_status::timeout);
  schedule.opened(tables.table());
  REQUIRE(second.wait_for(kLimit) == std::future_status::ready);
  CHECK(second.get());
}

TEST_CASE("load_schedule: a reader that waits for work ends as soon as the table is abandoned") {
  Tables tables(2);
  LoadSchedule schedule(tables.tables, {1, 2});
  REQUIRE(schedule.next(nullptr, {}).has_value());
  auto second = waiting_reader(schedule);
  REQUIRE(second.wait_for(50ms) == std::future_status::timeout);
  schedule.abandon(tables.table());
  REQUIRE(second.wait_for(kLimit) == std::future_status::ready);
  CHECK(!second.get());
}

TEST_CASE("load_schedule: a reader takes the place of one that left") {
  Tables tables(3);
  LoadSchedule schedule(tables.tables, {1, 1});
  REQUIRE(schedule.next(nullptr, {}).has_value());
  schedule.opened(tables.table());
  auto second = waiting_reader(schedule);
  REQUIRE(second.wait_for(50ms) == std::future_status::timeout);
  schedule.left(tables.table());
  REQUIRE(second.wait_for(kLimit) == std::future_status::ready);
  CHECK(second.get());
}

TEST_CASE("load_schedule: a stop ends the waiting") {
  Tables tables(2);
  LoadSchedule schedule(tables.tables, {1, 2});
  REQUIRE(schedule.next(nullptr, {}).has_value());
  std::stop_source stop;
  auto second = waiting_reader(schedule, stop.get_token());
  stop.request_stop();
  REQUIRE(second.wait_for(kLimit) == std::future_status::ready);
  CHECK(!second.get());
}

}  // namespace
}  // namespace dmskafka

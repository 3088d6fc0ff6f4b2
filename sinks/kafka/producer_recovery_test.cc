#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <thread>

#include "core/task/full_load.h"
#include "sinks/kafka/kafka_sink.h"
#include "sinks/testing/mock_kafka.h"
#include "test/support/fake_task.h"

namespace dmskafka {
namespace {

TEST_CASE("a producer that Kafka declares dead in the middle of a load is replaced, and every row arrives") {
  constexpr std::size_t kRows = 30'000;
  constexpr int kPartitions = 3;
  MockKafka cluster;
  cluster.make_topic("topic-1", kPartitions);
  KafkaSinkOptions options;
  options.kafka.brokers = {cluster.brokers()};

  fake::FakeSource source;
  fake::FakeTable table;
  table.name = {"s", "a"};
  for (std::size_t i = 0; i < kRows; ++i) table.rows.push_back(std::to_string(i));
  table.rows_per_segment = 500;
  source.tables.push_back(std::move(table));
  source.readers_max = 1;
  fake::FakeStateFile file;
  const auto done = [&] {
    const auto store = fake::make_fake_store(file);
    const auto plans = store->load_segment_plans().value();
    return plans.empty() ? 0 : std::ranges::count(plans.front().segments, true, &SegmentLoadRecord::done);
  };
  bool failed = false;
  source.before_row = [&](const TableName&, std::size_t row) {
    if (row != 15'000 || failed) return;
    failed = true;
    while (done() < 10) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    cluster.fail_produce({RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER});
  };

  int sinks_made = 0;
  const auto store = fake::make_fake_store(file);
  const fake::FakePlanner planner;
  const TaskSettings settings;
  TaskProgress progress;
  FullLoadSummary summary;
  const FullLoadTask task{source,
                          planner,
                          *store,
                          progress,
                          settings,
                          "TASK",
                          "fake:target",
                          1'000'000,
                          WallClock(WallTime{0}),
                          false,
                          std::nullopt,
                          {},
                          std::chrono::milliseconds(1)};
  const auto loaded = run_full_load(task,
                                    [&](DeliveryListener& listener) {
                                      ++sinks_made;
                                      return make_kafka_sink(options, listener);
                                    },
                                    summary, {});
  REQUIRE(loaded.ok());
  CHECK(sinks_made == 2);
  REQUIRE_FALSE(summary.notes.empty());
  CHECK(summary.notes.back().find(
            "the load began again once within this run, the last time after: the Kafka") == 0);
  std::multiset<std::string> keys;
  for (int partition = 0; partition < kPartitions; ++partition) {
    for (const auto& [key, value] : cluster.read_all("topic-1", partition)) keys.insert(key);
  }
  std::size_t missing = 0;
  for (std::size_t i = 0; i < kRows; ++i) {
    if (!keys.contains(std::to_string(i))) ++missing;
  }
  CHECK(missing == 0);
  CHECK(keys.size() < 2 * kRows);  // what was done did not come again
}

}  // namespace
}  // namespace dmskafka

#include "core/task/apply_lanes.h"

#include <doctest/doctest.h>

#include "test/support/plain_plan.h"

namespace dmskafka {
namespace {

/// Lanes, and batches of the log for them.
struct Fixture {
  Fixture() {
    auto table = std::make_shared<TableVersion>();
    table->plan = std::make_unique<PlainPlan>(schema);
    table->topic = &topic;
    table->progress = &progress;
    portion.shares.push_back(std::make_unique<PortionShare>(table, portion.unit));
    topic.partition_count = 3;
    sink.keep = true;
  }
  /// Pushes a buffer with these values, in a batch of its own.
  void push(std::size_t queue, const std::vector<std::string>& values) {
    SharedLogBatch* batch = pool.take(std::chrono::seconds(10), {});
    REQUIRE(batch != nullptr);
    auto buffer = lanes.take_buffer();
    buffer->batch = batch;
    for (const std::string& value : values) {
      ChangeBatch& rows = batch->batch.rows();
      const std::span<Value> row = rows.allocate_values(2);
      row[0] = Value::text(rows.store("key"));
      row[1] = Value::text(rows.store(value));
      Change& change = rows.add();
      change.table = &schema;
      change.operation = Operation::kInsert;
      change.after = row;
    }
    for (const Change& change : batch->batch.rows().changes()) {
      buffer->entries.push_back({&change, portion.shares.front().get()});
    }
    portion.unit.sent(values.size());
    (void)lanes.push(queue, std::move(buffer), failure.token());
  }
  void finish() {
    lanes.finish();
    portion.unit.seal();
  }

  TableSchema schema;
  Topic topic;
  TableProgress progress{TableName{"s", "t"}};
  CdcPortion portion;
  CountingSink sink;
  FailureListener listener;
  LogBatchPool pool{20, {}};
  TaskFailure failure{std::stop_token()};
  ApplyLanes lanes{{.threads = 3, .queues_per_thread = 2, .buffer_records = 1'000, .sender = {}},
                   sink,
                   listener,
                   pool,
                   failure};
};

TEST_CASE(
    "apply_lanes: what is pushed into one queue is sent in its order, and everything is sent at the end") {
  Fixture lanes;
  std::vector<std::string> expected;
  for (int i = 0; i < 20; ++i) {
    expected.push_back(std::to_string(i));
    lanes.push(4, {expected.back()});
  }
  lanes.finish();
  CHECK(lanes.sink.values == expected);
  CHECK(lanes.portion.unit.settled());
  CHECK(lanes.portion.unit.intact());
  CHECK_FALSE(lanes.failure.get());
}

TEST_CASE(
    "apply_lanes: once the task has failed nothing more is sent, and what was pushed is lost to its "
    "portion") {
  Fixture lanes;
  lanes.failure.set(Error(ErrorCode::kInternal, "elsewhere"));
  for (std::size_t queue = 0; queue < 6; ++queue) lanes.push(queue, {"a", "b"});
  lanes.finish();
  CHECK(lanes.sink.values.empty());
  CHECK(lanes.portion.unit.settled());
  CHECK_FALSE(lanes.portion.unit.intact());
}

}  // namespace
}  // namespace dmskafka

#include "core/task/apply_lanes.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <semaphore>

#include "test/support/plain_plan.h"

namespace dmskafka {
namespace {

/// Blocks in send() while it is shut.
class GatedSink final : public CountingSink {
 public:
  Result<void> send(const OutboundMessage& message, std::stop_token stop) override {
    if (shut) begun.release();
    shut.wait(true);
    return CountingSink::send(message, stop);
  }
  void open() {
    shut = false;
    shut.notify_all();
  }
  std::atomic<bool> shut{false};
  std::counting_semaphore<> begun{0};  ///< calls that found it shut
};

/// Lanes, and batches of the log for them.
struct Fixture {
  explicit Fixture(std::uint32_t threads = 3)
      : lanes({.threads = threads, .queues_per_thread = 2, .buffer_records = 1'000, .sender = {}}, sink,
              listener, pool, failure) {
    auto table = std::make_shared<TableVersion>();
    table->plan = std::make_unique<PlainPlan>(schema);
    table->topic = &topic;
    table->progress = &progress;
    portion.shares.push_back(std::make_unique<PortionShare>(table, portion.unit));
    topic.partition_count = 3;
    sink.keep = true;
  }
  ~Fixture() { sink.open(); }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;

  /// A batch with these values.
  SharedLogBatch& batch_of(const std::vector<std::string>& values) {
    SharedLogBatch* batch = pool.take(std::chrono::seconds(10), {});
    REQUIRE(batch != nullptr);
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
    return *batch;
  }
  /// Pushes the changes first, first + step, first + 2 step … of the batch.
  void push(std::size_t queue, SharedLogBatch& batch, std::size_t first = 0, std::size_t step = 1) {
    auto buffer = lanes.take_buffer();
    buffer->batch = &batch;
    const auto changes = batch.batch.rows().changes();
    for (std::size_t i = first; i < changes.size(); i += step) {
      buffer->entries.push_back({&changes[i], portion.shares.front().get()});
    }
    portion.unit.sent(buffer->entries.size());
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
  GatedSink sink;
  FailureListener listener;
  LogBatchPool pool{20, {}};
  TaskFailure failure{std::stop_token()};
  ApplyLanes lanes;
};

TEST_CASE(
    "apply_lanes: what is pushed into one queue is sent in its order, and everything is sent at the end") {
  Fixture lanes;
  std::vector<std::string> expected;
  for (int i = 0; i < 20; ++i) {
    expected.push_back(std::to_string(i));
    lanes.push(4, lanes.batch_of({expected.back()}));
  }
  lanes.finish();
  CHECK(lanes.sink.values == expected);
  CHECK(lanes.portion.unit.settled());
  CHECK(lanes.portion.unit.intact());
  CHECK_FALSE(lanes.failure.get());
}

TEST_CASE("apply_lanes: what one lane takes from several queues is sent as the log has it") {
  Fixture lanes(1);
  lanes.sink.shut = true;
  lanes.push(0, lanes.batch_of({"-"}));
  REQUIRE(lanes.sink.begun.try_acquire_for(
      std::chrono::seconds(20)));  // busy, the lane will find all of the rest together
  SharedLogBatch& first = lanes.batch_of({"0", "1", "2", "3", "4", "5"});
  first.users = 3;
  SharedLogBatch& second = lanes.batch_of({"6", "7", "8", "9"});
  second.users = 2;
  for (const std::size_t queue : {1U, 0U}) {
    lanes.push(queue, first, queue, 3);
    lanes.push(queue, second, queue, 2);
  }
  lanes.push(1, first, 2, 3);
  lanes.sink.open();
  lanes.finish();
  CHECK(lanes.sink.values == std::vector<std::string>{"-", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"});
  CHECK(lanes.portion.unit.settled());
}

TEST_CASE(
    "apply_lanes: once the task has failed nothing more is sent, and what was pushed is lost to its "
    "portion") {
  Fixture lanes;
  lanes.failure.set(Error(ErrorCode::kInternal, "elsewhere"));
  for (std::size_t queue = 0; queue < 6; ++queue) lanes.push(queue, lanes.batch_of({"a", "b"}));
  lanes.finish();
  CHECK(lanes.sink.values.empty());
  CHECK(lanes.portion.unit.settled());
  CHECK_FALSE(lanes.portion.unit.intact());
}

}  // namespace
}  // namespace dmskafka

#include "core/task/full_load.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <set>
#include <thread>
#include <tuple>

#include "test/support/fake_task.h"

using namespace dmskafka;
using namespace dmskafka::fake;

namespace {

/// A database, a target and a state file that outlive the runs of a test, as they do in life.
struct World {
  FakeSource source;
  FakeTarget target;
  FakeStateFile file;
  FakePlanner planner;
  TaskSettings settings;
  FullLoadSummary summary;
  std::unique_ptr<TaskProgress> progress;
  std::int64_t message_bytes_max = 1'000'000;
  std::string task_id = "TASK";
  bool restart = false;
  std::optional<std::uint64_t> rows_max;
  std::stop_source stop;

  void add_table(const std::string& name, std::size_t rows, std::uint64_t bytes_estimate = 0) {
    FakeTable table;
    table.name = {"s", name};
    for (std::size_t i = 0; i < rows; ++i) table.rows.push_back(name + "-" + std::to_string(i));
    table.bytes_estimate = bytes_estimate;
    source.tables.push_back(std::move(table));
  }
  FakeTable& table(const std::string& name) {
    return *std::ranges::find(source.tables, TableName{"s", name}, &FakeTable::name);
  }

  Result<void> run() {
    summary = {};
    progress = std::make_unique<TaskProgress>();
    const auto store = make_fake_store(file);
    FullLoadTask task{source,
                      planner,
                      *store,
                      *progress,
                      settings,
                      task_id,
                      "fake:target",
                      message_bytes_max,
                      WallClock(WallTime{0}),
                      restart,
                      rows_max,
                      {},
                      std::chrono::milliseconds(1)};
    return run_full_load(
        task, [this](DeliveryListener& listener) { return make_fake_sink(target, listener); }, summary,
        stop.get_token());
  }

  /// From a reader's thread: until the engine has ended that table, at most ten seconds.
  void wait_for(const std::string& name, TableState state) const {
    const auto& tables = progress->tables();
    const auto found = std::ranges::find(tables, TableName{"s", name}, &TableProgress::name);
    for (int i = 0; i < 2'000 && found->state.load() != state; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  TableLoadRecord record(const std::string& name) const {
    const auto found = std::ranges::find(file.tables, TableName{"s", name}, &TableLoadRecord::name);
    REQUIRE(found != file.tables.end());
    return *found;
  }
  std::multiset<std::string> values() {
    std::multiset<std::string> all;
    for (const SentMessage& message : target.messages()) all.insert(message.value);
    return all;
  }
};

}  // namespace

TEST_CASE("full_load: CommitRate bounds the batches that are read and sent (commit_rate)") {
  for (const std::int64_t rate : {7, 1'000, 50'000}) {
    World world;
    world.settings.commit_rate = rate;
    world.add_table("a", 20);
    REQUIRE(world.run());
    CHECK(world.source.batch_records_max.load() ==
          std::min<std::size_t>(1'000, static_cast<std::size_t>(rate)));
    CHECK(world.summary.rows_delivered == 20);
  }
}

TEST_CASE("full_load: every row of every table arrives once, behind its table's control records") {
  World world;
  for (const char* name : {"a", "b", "c", "d", "e"}) world.add_table(name, 2'500);
  REQUIRE(world.run().ok());
  const auto messages = world.target.messages();
  CHECK(messages.size() == 5 * 2'502);
  CHECK(world.values().count("b:b-2499") == 1);
  CHECK(world.values().count("drop-table") == 5);
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    const std::string prefix = std::string(name) + ":";
    std::vector<std::string> order;
    for (const SentMessage& message : messages) {
      if (message.key == "control." + std::string(name) || message.value.starts_with(prefix))
        order.push_back(message.value);
    }
    REQUIRE(order.size() == 2'502);
    CHECK(order[0] == "drop-table");
    CHECK(order[1] == "create-table");
    CHECK(world.record(name).state == TableState::kTableCompleted);
    CHECK(world.record(name).rows_delivered == 2'500);
  }
  CHECK(world.summary.tables_completed == 5);
  CHECK(world.summary.rows_delivered == 12'500);
  CHECK(world.summary.control_records == 10);
}

TEST_CASE("full_load: without DROP_AND_CREATE no control record is sent") {
  World world;
  world.add_table("a", 3);
  world.settings.target_table_prep_mode = TargetTablePrepMode::kDoNothing;
  REQUIRE(world.run().ok());
  CHECK(world.values() == std::multiset<std::string>{"a:a-0", "a:a-1", "a:a-2"});
}

TEST_CASE("full_load: a rerun sends no completed table again, --restart sends all") {
  World world;
  world.add_table("a", 3);
  world.add_table("b", 3);
  REQUIRE(world.run().ok());
  REQUIRE(world.run().ok());
  CHECK(world.target.messages().size() == 10);
  CHECK(world.summary.tables_done_before == 2);
  CHECK(world.summary.tables_completed == 0);
  CHECK(world.target.sinks_made == 1);  // nothing to do: no connection is made
  world.restart = true;
  REQUIRE(world.run().ok());
  CHECK(world.target.messages().size() == 20);
}

TEST_CASE(
    "full_load: a table in error is named, the others load, and a rerun takes it up without control "
    "records") {
  World world;
  world.add_table("a", 3);
  world.add_table("b", 3);
  world.table("a").read_error = Error(ErrorCode::kTableUnreadable, "permission denied for table a");
  auto result = world.run();
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code() == ErrorCode::kTablesInError);
  CHECK(result.error().message() == "1 of 2 tables in error");
  CHECK(world.record("a").state == TableState::kTableError);
  CHECK(world.record("a").error == "permission denied for table a");
  CHECK(world.record("b").state == TableState::kTableCompleted);
  world.table("a").read_error.reset();
  REQUIRE(world.run().ok());
  CHECK(world.values().count("create-table") == 2);
  CHECK(world.values().count("a:a-0") == 2);  // repeating is allowed, losing is not
  CHECK(world.values().count("b:b-0") == 1);
}

TEST_CASE("full_load: a table that cannot be described does not stop the others") {
  World world;
  world.add_table("a", 3);
  world.add_table("b", 3);
  world.table("a").describe_error = Error(ErrorCode::kTableUnreadable, "gone");
  auto result = world.run();
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code() == ErrorCode::kTablesInError);
  CHECK(world.record("a").state == TableState::kTableError);
  CHECK(world.record("b").rows_delivered == 3);
}

TEST_CASE("full_load: TableErrorPolicy STOP_TASK ends the task with the table's error") {
  World world;
  world.add_table("a", 3);
  world.table("a").read_error = Error(ErrorCode::kTableUnreadable, "permission denied");
  world.settings.table_error_policy = ErrorPolicy::kStopTask;
  auto result = world.run();
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code() == ErrorCode::kTableUnreadable);
}

TEST_CASE(
    "full_load: TableErrorEscalationCount tables may fail, one more ends the task by the escalation policy") {
  struct Case {
    std::int64_t count;
    ErrorPolicy policy;
    bool stops;
  };
  for (const Case& one :
       {Case{2, ErrorPolicy::kStopTask, false}, Case{1, ErrorPolicy::kStopTask, true},
        Case{1, ErrorPolicy::kSuspendTable, false}, Case{0, ErrorPolicy::kStopTask, false}}) {
    CAPTURE(one.count);
    World world;
    for (const char* const name : {"a", "b", "c"}) world.add_table(name, 3);
    for (const char* const name : {"a", "b"}) {
      world.table(name).read_error = Error(ErrorCode::kTableUnreadable, "permission denied");
    }
    world.settings.table_error_escalation_count = one.count;
    world.settings.table_error_escalation_policy = one.policy;
    auto result = world.run();
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().code() == (one.stops ? ErrorCode::kTableUnreadable : ErrorCode::kTablesInError));
    CHECK((result.error().hint_text() == "TableErrorEscalationPolicy is STOP_TASK") == one.stops);
  }
}

TEST_CASE("full_load: a message the broker refuses is kept whole, its neighbours arrive") {
  World world;
  world.add_table("a", 1'000);
  world.target.fail_message = [](const OutboundMessage& message) -> std::optional<Error> {
    if (message.key == "a-500") return Error(ErrorCode::kUndelivered, "Broker: Message size too large");
    return std::nullopt;
  };
  auto result = world.run();
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code() == ErrorCode::kTablesInError);
  REQUIRE(world.file.data_errors.size() == 1);
  CHECK(world.file.data_errors[0].key == "a-500");
  CHECK(world.file.data_errors[0].value == "a:a-500");
  CHECK(world.file.data_errors[0].reason == "Broker: Message size too large");
  CHECK(world.record("a").rows_delivered == 999);
  CHECK(world.record("a").rows_failed == 1);
  CHECK(world.record("a").state == TableState::kTableCompleted);
}

TEST_CASE("full_load: a message over MessageMaxBytes is never sent and kept whole") {
  World world;
  world.add_table("a", 10);
  world.table("a").rows[4] = std::string(200, 'x');
  world.message_bytes_max = 100;
  auto result = world.run();
  REQUIRE_FALSE(result.ok());
  REQUIRE(world.file.data_errors.size() == 1);
  CHECK(world.file.data_errors[0].value == "a:" + std::string(200, 'x'));
  CHECK(world.file.data_errors[0].reason == "the message has 402 bytes, MessageMaxBytes allows 100");
  CHECK(world.values().size() == 11);
}

TEST_CASE("full_load: MessageMaxBytes allows a message of exactly that size") {
  World world;
  world.add_table("a", 1);
  world.table("a").rows[0] = std::string(49, 'x');  // key 49 + value 51
  world.message_bytes_max = 100;
  CHECK(world.run().ok());
}

TEST_CASE("full_load: DataErrorPolicy SUSPEND_TABLE stops the table, STOP_TASK the task") {
  for (const ErrorPolicy policy : {ErrorPolicy::kSuspendTable, ErrorPolicy::kStopTask}) {
    World world;
    world.add_table("a", 10);
    world.table("a").rows[4] = std::string(200, 'x');
    world.message_bytes_max = 100;
    world.settings.data_error_policy = policy;
    auto result = world.run();
    REQUIRE_FALSE(result.ok());
    CHECK(world.file.data_errors.size() == 1);
    if (policy == ErrorPolicy::kSuspendTable) {
      CHECK(result.error().code() == ErrorCode::kTablesInError);
      CHECK(world.record("a").state == TableState::kTableError);
    } else {
      CHECK(result.error().code() == ErrorCode::kUndelivered);
      CHECK(world.record("a").state == TableState::kTableCancelled);
    }
  }
}

TEST_CASE("full_load: a message that cannot be kept ends the task, and its table is not done") {
  World world;
  world.add_table("a", 10);
  world.table("a").rows[4] = std::string(200, 'x');
  world.message_bytes_max = 100;
  bool broken = false;
  world.source.before_row = [&](const TableName&, std::size_t) { broken = true; };
  world.file.fail_write = [&]() -> std::optional<Error> {
    if (broken) return Error(ErrorCode::kStateFile, "disk full");
    return std::nullopt;
  };
  auto result = world.run();
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code() == ErrorCode::kStateFile);
  CHECK(world.record("a").state != TableState::kTableCompleted);
}

TEST_CASE("full_load: the sink's failure ends the task as its failure, not as a cancellation") {
  World world;
  world.add_table("a", 5'000);
  world.add_table("b", 5'000);
  world.target.fail_sink = [](std::uint64_t sent) -> std::optional<Error> {
    if (sent > 4'000) return Error(ErrorCode::kTargetUnavailable, "nothing acknowledged");
    return std::nullopt;
  };
  auto result = world.run();
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code() == ErrorCode::kTargetUnavailable);
  world.target.fail_sink = nullptr;
  REQUIRE(world.run().ok());
  std::set<std::string> distinct;
  for (const std::string& value : world.values()) distinct.insert(value);
  CHECK(distinct.size() == 10'002);
}

TEST_CASE("full_load: a stop request ends with kCancelled, what is done stays done") {
  World world;
  world.add_table("a", 10);
  world.add_table("b", 100'000);
  world.settings.max_full_load_sub_tasks = 1;
  world.planner.load_orders["a"] = 1;
  world.source.before_row = [&](const TableName& name, std::size_t row) {
    if (name.table == "b" && row == 50'000) world.stop.request_stop();
  };
  auto result = world.run();
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code() == ErrorCode::kCancelled);
  CHECK(world.record("a").state == TableState::kTableCompleted);
  CHECK(world.record("b").state == TableState::kTableCancelled);
}

TEST_CASE(
    "full_load: another source, target, mapping or task behind the same state file is refused by name") {
  World world;
  world.add_table("a", 1);
  REQUIRE(world.run().ok());
  SUBCASE("source") {
    world.source.source_identity.server = "server-2";
    auto result = world.run();
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().code() == ErrorCode::kStateFile);
    CHECK(result.error().message() ==
          "the state file belongs to another source: it has fake server-1 db, this run has fake server-2 db");
  }
  SUBCASE("mapping") {
    world.planner.digest_text = "digest-2";
    auto result = world.run();
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().code() == ErrorCode::kStateFile);
  }
  SUBCASE("task") {
    world.task_id = "OTHER";
    auto result = world.run();
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().message() ==
          "the state file belongs to another task: it has TASK, this run has OTHER");
  }
}

TEST_CASE("full_load: load-order first, then the largest, and fewer connections than wanted are enough") {
  World world;
  world.add_table("small", 1, 10);
  world.add_table("large", 1, 1'000);
  world.add_table("first", 1, 1);
  world.planner.load_orders["first"] = 2;
  world.source.readers_granted = 1;
  REQUIRE(world.run().ok());
  std::vector<std::string> rows;
  for (const SentMessage& message : world.target.messages()) {
    if (!message.key.starts_with("control.")) rows.push_back(message.key);
  }
  CHECK(rows == std::vector<std::string>{"first-0", "large-0", "small-0"});
}

TEST_CASE("full_load: a preview stops after its rows") {
  World world;
  world.add_table("a", 5'000);
  world.add_table("b", 2);
  world.rows_max = 3;
  REQUIRE(world.run().ok());
  CHECK(world.values() == std::multiset<std::string>{"drop-table", "create-table", "a:a-0", "a:a-1", "a:a-2",
                                                     "drop-table", "create-table", "b:b-0", "b:b-1"});
}

TEST_CASE("full_load: no table is an error, or none by FailOnNoTablesCaptured") {
  World world;
  auto result = world.run();
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code() == ErrorCode::kInvalidMapping);
  world.settings.fail_on_no_tables_captured = false;
  CHECK(world.run().ok());
}

TEST_CASE("full_load: a table in ranges arrives once, read by several readers, through lanes or not") {
  for (const std::int64_t threads : {0, 1, 4}) {
    World world;
    world.add_table("a", 20'000);
    world.add_table("b", 300);
    world.table("a").rows_per_segment = 700;
    world.settings.parallel_load_threads = threads;
    world.settings.parallel_load_queues_per_thread = 5;
    REQUIRE(world.run().ok());
    const auto values = world.values();
    CHECK(values.size() == 20'304);
    CHECK(std::set<std::string>(values.begin(), values.end()).size() == 20'302);
    CHECK(world.record("a").rows_delivered == 20'000);
    CHECK(world.file.segment_plans.empty());
    CHECK(world.file.threads.sender_threads == (threads == 4 ? 4 : 0));
    if (threads == 4) {
      CHECK(world.file.threads.queues_per_thread == 5);
      CHECK(world.file.threads.queue_records_high_water >= 1);
      CHECK(world.file.threads.queue_records_high_water <= 50);
    }
  }
}

TEST_CASE("full_load: of many readers as many work at once as there are processors, if they can take turns") {
  const auto processors = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  for (const bool takes_turns : {false, true}) {
    World world;
    world.source.takes_turns = takes_turns;
    world.source.readers_max = 100;
    world.settings.parallel_load_threads = 2 * processors;
    world.add_table("a", 4'000 * static_cast<std::size_t>(processors));
    world.table("a").rows_per_segment = 1'500;
    std::atomic<int> begun{0};
    world.source.before_row = [&](const TableName&, std::size_t row) {
      // Without turns the first ranges are begun together: each waits for all the others.
      if (row % 1'500 == 0) ++begun;
      while (!takes_turns && begun < 2 * processors) std::this_thread::yield();
      if (takes_turns && row % 100 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    };
    REQUIRE(world.run().ok());
    CHECK(world.values().size() == 4'000 * static_cast<std::size_t>(processors) + 2);
    CHECK((world.source.reading_max > processors) == !takes_turns);
  }
}

TEST_CASE("full_load: a reader whose range is long lets others have their turn before its end") {
  const std::size_t readers = std::max(1U, std::thread::hardware_concurrency()) + 1;
  World world;
  world.source.takes_turns = true;
  world.source.readers_max = 1'000;
  world.settings.max_full_load_sub_tasks = static_cast<std::int64_t>(readers);
  for (std::size_t i = 0; i < readers; ++i) world.add_table("t" + std::to_string(i), 4'000);
  std::atomic<std::size_t> begun{0}, ended{0}, ended_before_all_begun{0};
  world.source.before_row = [&](const TableName&, std::size_t row) {
    if (row == 0 && ++begun == readers) ended_before_all_begun = ended.load();
    if (row == 3'999) ++ended;
    if (row % 10 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));  // a range: 0.4 s at least
  };
  REQUIRE(world.run().ok());
  CHECK(begun == readers);
  CHECK(ended_before_all_begun == 0);
}

TEST_CASE("full_load: a resume reads only unfinished ranges and what was touched since") {
  World world;
  world.add_table("a", 10'000);
  world.table("a").rows_per_segment = 100;
  world.source.readers_max = 1;
  world.source.before_row = [&](const TableName&, std::size_t row) {
    // The ranges before are reported by now or never: the reader waits for the progress to be saved.
    if (row != 5'050) return;
    for (int i = 0; i < 2'000 && world.file.done_ranges() < 40; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    world.stop.request_stop();
  };
  auto result = world.run();
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code() == ErrorCode::kCancelled);
  const std::size_t done = world.file.done_ranges();
  CHECK(done >= 40);
  CHECK(done <= 50);  // the range in work is not done
  world.source.before_row = nullptr;
  world.stop = std::stop_source();
  REQUIRE(world.run().ok());
  const auto values = world.values();
  CHECK(std::set<std::string>(values.begin(), values.end()).size() == 10'002);
  CHECK(values.count("create-table") == 1);
  CHECK(values.count("a:a-0") == 2);  // touched since
  CHECK(values.count("a:a-1") == 1);
  CHECK(values.count("a:a-9999") == 1);
  CHECK(world.record("a").rows_delivered == 10'001);
}

TEST_CASE("full_load: a rewritten table is read from the start, and says so") {
  World world;
  world.add_table("a", 1'000);
  world.table("a").rows_per_segment = 100;
  world.source.fail_read = [](const TableName&, std::size_t row) -> std::optional<Error> {
    if (row == 950) return Error(ErrorCode::kSourceRejected, "gone");
    return std::nullopt;
  };
  CHECK_FALSE(world.run().ok());
  world.source.fail_read = nullptr;
  world.source.reload_on_resume = true;
  REQUIRE(world.run().ok());
  CHECK(world.summary.notes.at(0) == "s.a: rewritten");
  CHECK(world.values().count("a:a-5") == 2);
  CHECK(world.record("a").rows_delivered == 1'000);
}

TEST_CASE("full_load: a broken connection reads its range again under the same snapshot") {
  World world;
  world.add_table("a", 1'000);
  world.table("a").rows_per_segment = 100;
  std::atomic<bool> broken{false};
  world.source.fail_read = [&](const TableName&, std::size_t row) -> std::optional<Error> {
    if (row == 550 && !broken.exchange(true)) return Error(ErrorCode::kSourceUnavailable, "connection reset");
    return std::nullopt;
  };
  REQUIRE(world.run().ok());
  const auto values = world.values();
  CHECK(std::set<std::string>(values.begin(), values.end()).size() == 1'002);
  CHECK(world.source.snapshots_opened == 1);
}

TEST_CASE("full_load: a connection that breaks again and again ends the task") {
  World world;
  world.add_table("a", 10);
  world.source.fail_read = [&](const TableName&, std::size_t) -> std::optional<Error> {
    return Error(ErrorCode::kSourceUnavailable, "connection reset");
  };
  auto result = world.run();
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code() == ErrorCode::kSourceUnavailable);
}

TEST_CASE("full_load: rows lost with the sink do not count as done, through lanes either") {
  for (const std::int64_t threads : {0, 4}) {
    World world;
    world.add_table("a", 20'000);
    world.table("a").rows_per_segment = 500;
    world.settings.parallel_load_threads = threads;
    world.settings.parallel_load_queues_per_thread = 5;
    world.target.fail_sink = [](std::uint64_t sent) -> std::optional<Error> {
      if (sent > 9'999) return Error(ErrorCode::kTargetUnavailable, "nothing acknowledged");
      return std::nullopt;
    };
    CHECK_FALSE(world.run().ok());
    world.target.fail_sink = nullptr;
    REQUIRE(world.run().ok());
    std::set<std::string> distinct;
    for (const std::string& value : world.values()) distinct.insert(value);
    CHECK(distinct.size() == 20'002);
  }
}

TEST_CASE("full_load: a message given up without a reason of its own is sent again, not kept") {
  World world;
  world.add_table("a", 100);
  bool give_up = true;
  world.target.fail_message = [&](const OutboundMessage& message) -> std::optional<Error> {
    if (give_up && message.key == "a-50")
      return Error(ErrorCode::kTargetUnavailable, "closed before its report");
    return std::nullopt;
  };
  CHECK(world.run().ok() == false);
  CHECK(world.file.data_errors.empty());
  CHECK(world.record("a").state != TableState::kTableCompleted);
  give_up = false;
  REQUIRE(world.run().ok());
  CHECK(world.values().count("a:a-50") == 1);
}

TEST_CASE(
    "full_load: a producer that cannot go on is replaced, and what was not acknowledged is read again") {
  for (const std::int64_t threads : {0, 4}) {
    World world;
    world.add_table("a", 40'000);
    world.add_table("b", 50);
    world.table("a").rows_per_segment = 100;  // many more than lanes and queues hold back
    world.settings.parallel_load_threads = threads;
    world.settings.parallel_load_queues_per_thread = 5;
    world.restart = true;  // discards the state once, not at each attempt
    std::atomic<int> failures{0};
    // Each producer dies after so many messages, three times. A range is finished by then, so every attempt gains something.
    world.target.fail_sink = [&](std::uint64_t sent) -> std::optional<Error> {
      if (sent < 9'000 || world.target.sinks_made > 3) return std::nullopt;
      failures.fetch_add(1);
      return Error(ErrorCode::kProducerFatal, "the Kafka producer cannot go on: sequence numbers");
    };
    REQUIRE(world.run().ok());
    CHECK(failures >= 3);
    CHECK(world.target.sinks_made == 4);
    CHECK(world.source.snapshots_opened == 4);
    const auto values = world.values();
    CHECK(std::set<std::string>(values.begin(), values.end()).size() == 40'052);
    CHECK(values.size() < 60'000);  // the ranges that were done did not come again
    CHECK(world.summary.tables_completed == 2);
    CHECK(world.summary.tables_in_error == 0);
    CHECK(
        world.summary.notes.back() ==
        "the load began again 3 times within this run, the last time after: the Kafka producer cannot go on: "
        "sequence numbers");
  }
}

TEST_CASE("full_load: a producer that dies before anything is finished is given up after a few attempts") {
  World world;
  world.add_table("a", 5'000);
  world.target.fail_sink = [](std::uint64_t sent) -> std::optional<Error> {
    if (sent > 100) return Error(ErrorCode::kProducerFatal, "cannot go on");
    return std::nullopt;
  };
  auto result = world.run();
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code() == ErrorCode::kProducerFatal);
  CHECK(world.target.sinks_made == 5);
  CHECK(world.record("a").state == TableState::kTableCancelled);
  world.target.fail_sink = nullptr;
  REQUIRE(world.run().ok());
  CHECK(world.values().count("a:a-4999") == 1);
}

TEST_CASE(
    "full_load: a snapshot that is lost is replaced by a new one; tables that ended stay as they ended") {
  World world;
  world.add_table("done", 10);
  world.add_table("failed", 10);
  world.add_table("gone", 10);
  world.add_table("a", 10'000);
  world.table("a").rows_per_segment = 100;
  world.table("failed").read_error = Error(ErrorCode::kTableUnreadable, "permission denied");
  world.planner.load_orders = {{"done", 3}, {"failed", 2}, {"a", 1}};
  world.source.readers_max = 1;
  bool lost = false;
  world.source.fail_read = [&](const TableName& name, std::size_t row) -> std::optional<Error> {
    if (name.table != "a" || row < 5'000) return std::nullopt;
    if (world.source.snapshots_opened == 1) {
      world.wait_for("done", TableState::kTableCompleted);
      world.wait_for("failed", TableState::kTableError);
      lost = true;
      return Error(ErrorCode::kSourceUnavailable, "the snapshot is gone");
    }
    return std::nullopt;
  };
  world.source.before_list = [&] {
    if (lost)
      std::erase_if(world.source.tables, [](const FakeTable& table) { return table.name.table == "gone"; });
  };
  auto result = world.run();
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code() == ErrorCode::kTablesInError);
  CHECK(result.error().message() == "2 of 4 tables in error");
  CHECK(world.source.snapshots_opened == 2);
  CHECK(world.values().count("done:done-5") == 1);
  CHECK(world.values().count("failed:failed-5") == 1);
  CHECK(world.values().count("a:a-9999") == 1);
  CHECK(world.record("gone").error == "s.gone is gone from the source since the load began");
  CHECK(world.summary.tables_completed == 2);
  CHECK(world.summary.tables_in_error == 2);
  CHECK(world.summary.tables_selected == 4);
}

TEST_CASE("full_load: a failure that a new producer would meet again ends the load at once") {
  World world;
  world.add_table("a", 5'000);
  world.table("a").rows_per_segment = 100;
  world.target.fail_sink = [](std::uint64_t sent) -> std::optional<Error> {
    if (sent > 2'000) return Error(ErrorCode::kTargetRejected, "Kafka refuses us");
    return std::nullopt;
  };
  auto result = world.run();
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code() == ErrorCode::kTargetRejected);
  CHECK(world.target.sinks_made == 1);
}

TEST_CASE("full_load: rows that a filter leaves out are counted, and the table ends without them") {
  for (const std::int64_t threads : {0, 4}) {
    World world;
    world.add_table("some", 3'000);
    world.add_table("none", 500);
    world.settings.parallel_load_threads = threads;
    world.planner.selects = [](std::string_view value) {
      return value.starts_with("some-") && (value.back() - '0') % 2 == 0;
    };
    REQUIRE(world.run().ok());
    CHECK(world.values().count("some:some-2998") == 1);
    CHECK(world.values().count("some:some-2999") == 0);
    CHECK(world.target.messages().size() == 1'500 + 4);
    CHECK(world.summary.rows_delivered == 1'500);
    CHECK(world.summary.tables_completed == 2);
    const std::vector<std::string> expected = {"s.none: 500 rows left out by the mapping's filters",
                                               "s.some: 1500 rows left out by the mapping's filters"};
    std::vector<std::string> notes = world.summary.notes;
    std::ranges::sort(notes);
    CHECK(notes == expected);
  }
}

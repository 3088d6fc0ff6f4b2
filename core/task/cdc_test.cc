#include "core/task/cdc.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "test/support/fake_change_log.h"
#include "test/support/fake_task.h"

namespace dmskafka {
namespace {

using namespace std::chrono_literals;
using fake::FakeEvent;
using fake::FakeLog;
using fake::FakeTransaction;
using Texts = std::vector<std::string>;

/// Reports the messages of each partition in their order, the partitions among each other by chance: as brokers may.
class ShufflingSink final : public Sink {
 public:
  ShufflingSink(DeliveryListener& listener, std::vector<fake::SentMessage>& log, std::uint32_t seed)
      : listener_(listener), log_(log), random_(seed), thread_([this] { run(); }) {}
  ~ShufflingSink() override { finish(); }

  Result<std::vector<const Topic*>> open_topics(std::span<const TopicSpec> specs, std::stop_token) override {
    std::vector<const Topic*> topics;
    for (std::size_t i = 0; i < specs.size(); ++i) topics.push_back(&topic_);
    return topics;
  }
  Result<void> send(const OutboundMessage& message, std::stop_token) override {
    MutexLock lock(mutex_);
    partitions_[message.partition].push_back(
        {message.ticket, {"topic", message.partition, std::string(message.key), std::string(message.value)}});
    ++in_flight_;
    return {};
  }
  void flush() noexcept override {}
  Result<void> close(std::chrono::milliseconds) override {
    finish();
    return {};
  }
  std::optional<Error> failure() const override { return std::nullopt; }
  std::uint64_t in_flight() const noexcept override { return in_flight_.load(); }

 private:
  struct Waiting {
    DeliveryTicket* ticket;
    fake::SentMessage message;
  };
  void finish() {
    closing_.store(true);
    if (thread_.joinable()) thread_.join();
  }
  void run() noexcept {
    while (!closing_.load() || in_flight_.load() != 0) {
      std::optional<Waiting> next;
      {
        MutexLock lock(mutex_);
        std::vector<std::int32_t> ready;
        for (const auto& [partition, waiting] : partitions_) {
          if (!waiting.empty()) ready.push_back(partition);
        }
        if (!ready.empty()) {
          auto& chosen = partitions_[ready[random_() % ready.size()]];
          next = std::move(chosen.front());
          chosen.pop_front();
        }
      }
      if (!next) {
        std::this_thread::sleep_for(100us);
        continue;
      }
      // Now and then the others get ahead.
      if (random_() % 16 == 0) std::this_thread::sleep_for(200us);
      log_.push_back(next->message);
      listener_.delivered(*next->ticket, 1, 1);
      in_flight_.fetch_sub(1);
    }
  }

  DeliveryListener& listener_;
  std::vector<fake::SentMessage>& log_;  // the thread's until it has ended
  Topic topic_{"topic", 5, 0, 0};
  Mutex mutex_;
  std::map<std::int32_t, std::deque<Waiting>> partitions_ GUARDED_BY(mutex_);
  std::atomic<std::uint64_t> in_flight_{0};
  std::atomic<bool> closing_{false};
  std::mt19937 random_;  // the thread's
  std::thread thread_;
};

FakeEvent insert(std::string table, std::string key) {
  return {LogEventKind::kChanges, Operation::kInsert, std::move(table), "", std::move(key)};
}
FakeEvent update(std::string table, std::string before, std::string after) {
  return {LogEventKind::kChanges, Operation::kUpdate, std::move(table), std::move(before), std::move(after)};
}
FakeEvent erase(std::string table, std::string key) {
  return {LogEventKind::kChanges, Operation::kDelete, std::move(table), std::move(key), ""};
}
FakeEvent event(LogEventKind kind, std::string table) {
  return {kind, Operation::kInsert, std::move(table), "", ""};
}
FakeEvent alter(std::string table, Texts columns) {
  FakeEvent altered = event(LogEventKind::kTable, std::move(table));
  altered.columns = std::move(columns);
  return altered;
}

/// A task on fakes that survives "processes": run() is one.
struct Case {
  FakeLog log;
  std::unique_ptr<ChangeLog> change_log = fake::make_fake_change_log(log);
  fake::FakeSource source;
  fake::FakePlanner planner;
  fake::FakeTarget target;
  fake::FakeStateFile file;
  TaskSettings settings;
  CdcStopOptions stop;
  std::string start_position;
  bool restart = false;
  CdcSummary summary;

  explicit Case(Texts tables = {"a"}) {
    for (const std::string& table : tables) source.tables.emplace_back().name = TableName{"s", table};
    source.log = change_log.get();
    settings.target_table_prep_mode = TargetTablePrepMode::kDoNothing;
    settings.recoverable_error_interval = 0;
    stop.until_current = true;
  }

  Result<void> run(std::stop_token token = {}) {
    return run([this](DeliveryListener& listener) { return fake::make_fake_sink(target, listener); },
               std::move(token));
  }
  Result<void> run(const SinkFactory& make_sink, std::stop_token token = {}) {
    TaskProgress progress;
    const auto store = fake::make_fake_store(file);
    summary = {};
    const CdcTask task{.source = source,
                       .planner = planner,
                       .store = *store,
                       .progress = progress,
                       .settings = settings,
                       .task_id = "task",
                       .target_name = "target",
                       .message_bytes_max = 1'000'000,
                       .clock = WallClock(),
                       .restart = restart,
                       .start_position = start_position,
                       .stop = stop};
    return run_cdc(task, make_sink, summary, std::move(token));
  }
  /// The state of a task that has followed nothing yet.
  void begin() {
    REQUIRE(run());
    CHECK(log.prepared.load() == 1);
  }
  Texts values() {
    Texts texts;
    for (const fake::SentMessage& message : target.messages()) texts.push_back(message.value);
    return texts;
  }
  std::uint64_t checkpoint() { return file.checkpoint ? file.checkpoint->position.order_low : 0; }
};

TEST_CASE("cdc: without a position it starts now, and ever after from its checkpoint") {
  Case c;
  c.log.add({.events = {insert("a", "1")}});
  c.begin();
  CHECK(c.values() == Texts{});
  CHECK(c.checkpoint() == 1);
  c.log.add({.events = {insert("a", "2"), update("a", "", "2"), erase("a", "2")}});
  REQUIRE(c.run());
  CHECK(c.values() == Texts{"insert a:2 101.1<0.0", "update a:2 101.2<0.0", "delete a:2 101.3<0.0"});
  CHECK(c.checkpoint() == 2);
  CHECK(c.summary.changes == 3);
  CHECK(c.summary.transactions == 1);
  CHECK(c.log.prepared.load() == 1);
  REQUIRE(c.file.statistics.size() == 1);
  CHECK(c.file.statistics[0].inserts == 1);
  CHECK(c.file.statistics[0].updates == 1);
  CHECK(c.file.statistics[0].deletes == 1);
}

TEST_CASE("cdc: what the source has of the task, without a stored position, is not started over silently") {
  Case c;
  c.log.resources = {LogResource{"replication slot", "slot_1", true, ""}};
  const auto refused = c.run();
  REQUIRE(!refused);
  CHECK(refused.error().code() == ErrorCode::kPositionLost);
  CHECK(refused.error().message() ==
        "the source has the replication slot slot_1 of this task, but the state file has no position: "
        "starting now "
        "would leave out what was committed since");
  CHECK(c.log.prepared.load() == 0);
  c.restart = true;
  CHECK(c.run().ok());
}

TEST_CASE("cdc: a gap in the log ends the task, whatever the retry settings say") {
  Case c;
  c.begin();
  c.log.add({.events = {insert("a", "1")}});
  c.log.lost_up_to = 1;
  const auto ended = c.run();
  REQUIRE(!ended);
  CHECK(ended.error().code() == ErrorCode::kPositionLost);
  CHECK(c.log.streams_opened.load() == 2);
  CHECK(c.checkpoint() == 0);
}

TEST_CASE("cdc: previous transaction ids go on over a restart as without one") {
  Case c;
  c.begin();
  c.log.add({.events = {insert("a", "1"), insert("a", "2")}});
  REQUIRE(c.run());
  c.log.add({.events = {insert("a", "3")}});
  c.log.add({.events = {}});
  c.log.add({.events = {insert("a", "4")}});
  REQUIRE(c.run());
  CHECK(c.values() == Texts{"insert a:1 100.1<0.0", "insert a:2 100.2<0.0", "insert a:3 101.1<100.2",
                            "insert a:4 103.1<101.1"});
}

TEST_CASE("cdc: an acknowledgement never leads the checkpoint, and a failed write stops it") {
  Case c;
  c.begin();
  for (int i = 0; i < 20; ++i) c.log.add({.events = {insert("a", std::to_string(i))}});
  int writes = 0;
  c.file.fail_write = [&]() -> std::optional<Error> {
    if (++writes < 3) return std::nullopt;
    return Error(ErrorCode::kStateFile, "disk full");
  };
  const auto ended = c.run();
  const std::uint64_t stored = c.checkpoint();
  MutexLock lock(c.log.mutex);
  for (const std::uint64_t position : c.log.acknowledged) CHECK(position <= stored);
  if (!ended) CHECK(ended.error().code() == ErrorCode::kStateFile);
}

TEST_CASE("cdc: a transaction larger than every buffer is stored at its end only") {
  Case c;
  c.begin();
  FakeTransaction big;
  for (int i = 0; i < 5'000; ++i) big.events.push_back(insert("a", std::to_string(i)));
  c.log.events_per_batch = 100;
  c.log.add(std::move(big));
  c.log.fail_read = [](std::uint64_t, std::size_t at) -> std::optional<Error> {
    if (at < 4'000) return std::nullopt;
    return Error(ErrorCode::kSourceRejected, "broken");
  };
  REQUIRE(!c.run());
  CHECK(c.checkpoint() == 0);
  CHECK(c.values().size() == 4'000);
  c.log.fail_read = nullptr;
  REQUIRE(c.run());
  CHECK(c.checkpoint() == 1);
  CHECK(c.values().size() == 9'000);
  REQUIRE(c.file.statistics.size() == 1);
  CHECK(c.file.statistics[0].inserts == 5'000);
}

TEST_CASE("cdc: a lost source is met again, and what was delivered is not repeated") {
  Case c;
  c.begin();
  for (int i = 0; i < 10; ++i) c.log.add({.events = {insert("a", std::to_string(i))}});
  int failures = 0;
  c.log.fail_read = [&](std::uint64_t transaction, std::size_t) -> std::optional<Error> {
    if (transaction != 6 || ++failures > 1) return std::nullopt;
    return Error(ErrorCode::kSourceUnavailable, "connection lost");
  };
  c.log.events_per_batch = 2;
  REQUIRE(c.run());
  CHECK(c.summary.reconnects == 1);
  CHECK(c.values().size() == 10);
  CHECK(c.checkpoint() == 10);
}

TEST_CASE(
    "cdc: a producer that can send nothing more is replaced, and the log read again from the checkpoint") {
  Case c;
  c.begin();
  for (int i = 0; i < 10; ++i) c.log.add({.events = {insert("a", std::to_string(i))}});
  bool failed = false;
  c.target.fail_sink = [&](std::uint64_t sent) -> std::optional<Error> {
    if (failed || sent < 5) return std::nullopt;
    failed = true;
    return Error(ErrorCode::kProducerFatal, "fenced");
  };
  REQUIRE(c.run());
  CHECK(c.target.sinks_made == 3);  // begin() made the first
  Texts unique = c.values();
  std::ranges::sort(unique);
  unique.erase(std::unique(unique.begin(), unique.end()), unique.end());
  CHECK(unique.size() == 10);
  CHECK(c.checkpoint() == 10);
}

TEST_CASE("cdc: RecoverableErrorCount bounds the attempts that get nowhere") {
  Case c;
  c.begin();
  c.log.add({.events = {insert("a", "1")}});
  c.settings.recoverable_error_count = 3;
  c.log.fail_read = [&](std::uint64_t, std::size_t) -> std::optional<Error> {
    return Error(ErrorCode::kSourceUnavailable, "connection lost");
  };
  const auto ended = c.run();
  REQUIRE(!ended);
  CHECK(ended.error().code() == ErrorCode::kSourceUnavailable);
  CHECK(c.log.streams_opened.load() == 1 + 1 + 3);
}

TEST_CASE(
    "cdc: it stops before a transaction that committed after the stop time, and behind a native position") {
  Case c;
  c.begin();
  for (int i = 1; i <= 9; ++i) {
    c.log.add({.commit_us = i * 1'000'000, .events = {insert("a", std::to_string(i))}});
  }
  c.stop = {};
  SUBCASE("commit_time") {
    c.stop.position = "commit_time:1970-01-01T00:00:04.5";
    REQUIRE(c.run());
    CHECK(c.values().size() == 4);
    CHECK(c.checkpoint() == 4);
  }
  SUBCASE("native") {
    c.stop.position = "6";
    REQUIRE(c.run());
    CHECK(c.values().size() == 6);
    CHECK(c.checkpoint() == 6);
  }
  SUBCASE("server_time") {
    c.stop.position = "server_time:1970-01-01T00:00:04";
    REQUIRE(c.run());
    CHECK(c.values().size() == 9);
  }
  SUBCASE("idle") {
    c.stop.idle_timeout = 1s;
    REQUIRE(c.run());
    CHECK(c.values().size() == 9);
    CHECK(c.summary.reason == "no change came for 1 s");
  }
  SUBCASE("a request") {
    std::stop_source stop;
    std::jthread stopper([&] {
      while (c.values().size() < 9) std::this_thread::sleep_for(1ms);
      stop.request_stop();
    });
    const auto ended = c.run(stop.get_token());
    REQUIRE(!ended);
    CHECK(ended.error().code() == ErrorCode::kCancelled);
    CHECK(c.checkpoint() == 9);
  }
}

TEST_CASE("cdc: control records stand at their place, between what was before and what comes after") {
  Case c({"a", "b"});
  c.begin();
  c.log.add({.events = {insert("a", "1"), event(LogEventKind::kTruncate, "a"), insert("a", "2")}});
  c.log.add({.events = {alter("a", {"c", "d"}), insert("a", "3")}});
  c.log.add({.events = {event(LogEventKind::kDropTable, "b")}});
  REQUIRE(c.run());
  CHECK(c.values() == Texts{"insert a:1 100.1<0.0", "truncate-table", "insert a:2 100.2<0.0", "add-column",
                            "insert a:3 101.1<100.2", "drop-table"});
  CHECK(c.file.schemas.count(TableName{"s", "a"}) == 1);
  CHECK(c.file.schemas[TableName{"s", "a"}].columns.size() == 2);
  CHECK(c.file.schemas.count(TableName{"s", "b"}) == 0);
}

TEST_CASE(
    "cdc: apply_error_fail_on_truncation_ddl ends the task before a truncation, and again until it is taken "
    "back") {
  Case c;
  c.begin();
  c.log.add({.events = {insert("a", "1")}});
  c.log.add({.events = {event(LogEventKind::kTruncate, "a"), insert("a", "2")}});
  c.settings.apply_error_fail_on_truncation_ddl = true;
  for (int run = 0; run < 2; ++run) {
    const auto ended = c.run();
    REQUIRE(!ended);
    CHECK(ended.error().message() == "s.a was truncated");
    CHECK(c.values() == Texts{"insert a:1 100.1<0.0"});
    CHECK(c.checkpoint() == 1);
  }
  c.settings.apply_error_fail_on_truncation_ddl = false;
  REQUIRE(c.run());
  CHECK(c.values() == Texts{"insert a:1 100.1<0.0", "truncate-table", "insert a:2 101.1<100.1"});
}

TEST_CASE("cdc: StreamBufferCount and StreamBufferSizeInMB are the batches of the log in memory") {
  const auto seen = [](std::int64_t count, std::int64_t megabytes) {
    Case c;
    c.settings.stream_buffer_count = count;
    c.settings.stream_buffer_megabytes = megabytes;
    c.log.events_per_batch = 2;
    c.begin();
    for (int i = 0; i < 500; ++i) c.log.add({.events = {insert("a", std::to_string(i))}});
    REQUIRE(c.run());
    CHECK(c.values().size() == 500);
    MutexLock lock(c.log.mutex);
    return std::pair(c.log.batches.size(), c.log.batch_limits.bytes_max);
  };
  CHECK(seen(3, 8).second == 1U << 20U);  // AWS's defaults: ours
  CHECK(seen(2, 5).second == 5U << 20U);
  CHECK(seen(2, 0).second == 1U << 20U);
  CHECK(seen(0, 8).first <= 2U * 2);  // two runs of two
}

TEST_CASE("cdc: a task starts once, also when nothing was changed before it is started again") {
  Case c;
  c.planner.tells_starts = true;
  c.begin();
  REQUIRE(c.run());
  REQUIRE(c.run());
  CHECK(c.values() == Texts{"task-start", "task-resume", "task-resume"});
}

TEST_CASE("cdc: a table that was suspended stays so after a restart, and the others go on") {
  Case c({"a", "b"});
  c.begin();
  c.settings.data_error_policy = ErrorPolicy::kSuspendTable;
  c.log.add({.events = {insert("a", "1"), insert("b", std::string(1'000'001, 'x'))}});
  REQUIRE(c.run());
  c.log.add({.events = {insert("b", "2"), insert("a", "2")}});
  REQUIRE(c.run());
  CHECK(c.values() == Texts{"insert a:1 100.1<0.0", "insert a:2 101.2<100.2"});
  const auto b = std::ranges::find(c.file.tables, TableName{"s", "b"}, &TableLoadRecord::name);
  REQUIRE(b != c.file.tables.end());
  CHECK(b->state == TableState::kTableError);
  CHECK(b->error.find("suspended by DataErrorPolicy") != std::string::npos);
}

TEST_CASE("cdc: a table that came after the load is left out by name, until it is loaded") {
  Case c;
  c.begin();
  c.file.tables.clear();
  TableLoadRecord loaded;
  loaded.name = TableName{"s", "a"};
  loaded.state = TableState::kTableCompleted;
  c.file.tables.push_back(loaded);
  c.source.tables.emplace_back().name = TableName{"s", "late"};
  c.log.add({.events = {insert("a", "1"), insert("late", "1")}});
  for (int run = 0; run < 2; ++run) REQUIRE(c.run());
  CHECK(c.values() == Texts{"insert a:1 100.1<0.0"});
  const auto late = std::ranges::find(c.file.tables, TableName{"s", "late"}, &TableLoadRecord::name);
  REQUIRE(late != c.file.tables.end());
  CHECK(late->state == TableState::kTableError);
  CHECK(late->error.find("full-load --then-cdc loads it") != std::string::npos);
}

TEST_CASE("cdc: an ALTER while the task was stopped gives its control record, once") {
  Case c;
  c.begin();
  c.log.add({.events = {insert("a", "1")}});
  REQUIRE(c.run());
  c.log.add({.events = {alter("a", {"c", "d"})}});
  c.log.add({.events = {insert("a", "2")}});
  REQUIRE(c.run());
  c.log.add({.events = {alter("a", {"c", "d"}), insert("a", "3")}});
  REQUIRE(c.run());
  const Texts values = c.values();
  CHECK(std::ranges::count(values, "add-column") == 1);
  CHECK(values.size() == 4);
}

TEST_CASE("cdc: a load that is not complete is not followed") {
  Case c;
  c.begin();
  c.file.tables.clear();
  TableLoadRecord record;
  record.name = TableName{"s", "a"};
  record.state = TableState::kTableCancelled;
  c.file.tables.push_back(record);
  const auto refused = c.run();
  REQUIRE(!refused);
  CHECK(refused.error().code() == ErrorCode::kStateFile);
}

/// What a row's records must look like: the versions of one row in commit order, whichever key and partition they have.
void run_random(std::uint32_t seed, int lanes, int queues) {
  CAPTURE(seed);
  std::mt19937 random(seed);
  Case c({"a", "b"});
  c.settings.parallel_apply_threads = lanes;
  c.settings.parallel_apply_queues_per_thread = queues;
  c.settings.parallel_apply_buffer_size = 7;
  c.log.events_per_batch = 50;
  c.begin();
  std::map<std::string, std::vector<std::string>> rows{{"a", {}}, {"b", {}}};
  int next_key = 0;
  std::vector<std::string> expected;  // "table:key id.record", or "truncate" and so on
  for (int t = 0; t < 300; ++t) {
    FakeTransaction transaction;
    for (std::size_t changes = random() % 6; changes > 0; --changes) {
      const std::string table = random() % 2 == 0 ? "a" : "b";
      auto& keys = rows[table];
      const std::size_t what = random() % 10;
      if (keys.empty() || what < 3) {
        keys.push_back(std::to_string(next_key++ % 40));  // few keys, so that they are left and taken again
        if (std::ranges::count(keys, keys.back()) > 1) {
          keys.pop_back();
          continue;
        }
        transaction.events.push_back(insert(table, keys.back()));
      } else if (what < 6) {
        const std::string& key = keys[random() % keys.size()];
        transaction.events.push_back(update(table, key, key));
      } else if (what < 8) {
        std::string& key = keys[random() % keys.size()];
        const std::string moved = std::to_string(random() % 40);
        if (std::ranges::count(keys, moved) != 0) continue;
        transaction.events.push_back(update(table, key, moved));
        key = moved;
      } else if (what < 9) {
        const std::size_t at = random() % keys.size();
        transaction.events.push_back(erase(table, keys[at]));
        keys.erase(keys.begin() + static_cast<std::ptrdiff_t>(at));
      } else if (random() % 4 == 0) {
        transaction.events.push_back(event(LogEventKind::kTruncate, table));
        keys.clear();
      }
    }
    c.log.add(std::move(transaction));
  }
  std::vector<fake::SentMessage> delivered;
  REQUIRE(c.run([&](DeliveryListener& listener) -> Result<std::unique_ptr<Sink>> {
    return std::unique_ptr<Sink>(std::make_unique<ShufflingSink>(listener, delivered, seed));
  }));

  // Every record of a table and key, in the order of delivery, is in the order of the log; a move orders two keys.
  std::map<std::string, std::size_t> place;  // of "id.record" of each change
  std::map<std::string, Texts> truncates;
  for (std::size_t i = 0; i < delivered.size(); ++i) {
    const std::string& value = delivered[i].value;
    if (value == "truncate-table") {
      truncates[delivered[i].key].push_back(std::to_string(i));
      continue;
    }
    const std::size_t space = value.rfind(' ');
    place[value.substr(space + 1, value.find('<') - space - 1)] = i;
  }
  std::map<std::string, std::size_t>
      last_of_key;                            // the delivery place of the last record that concerned the key
  std::map<std::string, std::size_t> floor;   // of a table: the place of its last truncate
  std::map<std::string, std::size_t> newest;  // of a table: the last place of any record
  std::map<std::string, std::size_t> truncates_seen;
  std::size_t violations = 0;
  std::size_t changes = 0;
  MutexLock lock(c.log.mutex);
  for (const FakeTransaction& transaction : c.log.transactions) {
    std::uint64_t record = 0;
    for (const FakeEvent& happened : transaction.events) {
      if (happened.kind == LogEventKind::kTruncate) {
        const auto& found = truncates["control." + happened.table];
        const std::size_t number = truncates_seen[happened.table]++;
        REQUIRE(number < found.size());
        const std::size_t at = std::stoul(found[number]);
        violations += at < newest[happened.table];
        floor[happened.table] = newest[happened.table] = at;
        continue;
      }
      ++changes;
      const auto found = place.find(fmt::format("{}.{}", transaction.id, ++record));
      REQUIRE(found != place.end());
      const std::size_t at = found->second + 1;  // 0 stands for "none yet"
      violations += at <= floor[happened.table] && floor[happened.table] != 0;
      for (const std::string& key : {happened.before, happened.after}) {
        if (key.empty()) continue;
        std::size_t& last = last_of_key[happened.table + ":" + key];
        violations += at < last;
        last = at;
      }
      newest[happened.table] = std::max(newest[happened.table], at - 1);
    }
  }
  CHECK(violations == 0);
  CHECK(place.size() == changes);
  CHECK(c.checkpoint() == 300);
}

TEST_CASE(
    "cdc: under lanes and partitions each row's records and each table's control records keep their order") {
  run_random(1, 0, 1);
  run_random(2, 1, 1);
  run_random(3, 4, 1);
  run_random(4, 4, 3);
  run_random(5, 8, 2);
}

TEST_CASE("cdc: times of stop positions") {
  CHECK(parse_utc("1970-01-01T00:00:01") == WallTime{1'000'000});
  CHECK(parse_utc("2018-02-09T12:12:12Z") == WallTime{1'518'178'332'000'000});
  CHECK(parse_utc("2018-02-09 12:12:12.25") == WallTime{1'518'178'332'250'000});
  for (const char* wrong : {"", "2018-02-30T00:00:00", "2018-02-09", "2018-02-09T24:00:00",
                            "2018-02-09T12:12:12+01", "2018-02-09T12:12:12.", "18-02-09T12:12:12"}) {
    CAPTURE(wrong);
    CHECK(!parse_utc(wrong));
  }
  CHECK(parse_stop_position("0/1")->native == "0/1");
  CHECK(!parse_stop_position("server_time:noon"));
}

}  // namespace
}  // namespace dmskafka

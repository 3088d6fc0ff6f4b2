// The ranges of a table, on a real server. Needs DMSKAFKA_TEST_POSTGRES.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <random>
#include <thread>

#include "sources/postgres/postgres_source.h"
#include "sources/postgres/test_database.h"

namespace dmskafka::postgres {
namespace {

constexpr std::uint64_t kTinySegment = 64 * 1024;

struct Opened {
  Opened(const TestDatabase& database, const std::string& table)
      : source(database.open_source()), schemas(describe(*source, {TableName{"public", table}})) {
    auto result = source->open_snapshot(pointers(schemas), {});
    REQUIRE_MESSAGE(result.ok(), (result.ok() ? "" : result.error().to_string()));
    snapshot = std::move(result).value();
    auto opened = snapshot->open_reader({});
    REQUIRE(opened.ok());
    reader = std::move(opened).value();
  }
  const TableSchema& schema() const { return schemas[0]; }
  SegmentPlan plan(std::uint64_t bytes_wanted) const {
    auto planned = snapshot->plan_segments(schema(), bytes_wanted);
    REQUIRE(planned.ok());
    return std::move(planned).value();
  }
  /// The first column of every row of some segments, sorted.
  std::vector<std::string> read(const std::vector<Segment>& segments) const {
    std::vector<std::string> keys;
    for (const Segment& segment : segments) {
      for (const auto& row : read_segment(*reader, segment)) keys.push_back(*row[0]);
    }
    std::ranges::sort(keys);
    return keys;
  }

  std::unique_ptr<Source> source;
  std::vector<TableSchema> schemas;
  std::unique_ptr<Snapshot> snapshot;
  std::unique_ptr<SnapshotReader> reader;
};

/// Until no transaction that is older than the rows of t still runs anywhere on the server, at most a minute: to a snapshot
/// taken meanwhile they would count as written since.
void wait_until_settled(TestSession& session) {
  for (int i = 0; i < 6'000; ++i) {
    const Rows settled = session.exec(
        "SELECT (SELECT max(xmin::text::bigint) FROM t) < (txid_snapshot_xmin(txid_current_snapshot()) & "
        "4294967295)");
    if (settled[0][0] == "t") return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  FAIL("an old transaction does not end");
}

std::vector<std::string> sorted_keys(const Rows& rows) {
  std::vector<std::string> keys;
  for (const auto& row : rows) keys.push_back(*row[0]);
  std::ranges::sort(keys);
  return keys;
}

/// Every segment of a stored plan, `done` of them finished.
std::vector<StoredSegment> stored(const Opened& now, const SegmentPlan& plan,
                                  const std::vector<std::size_t>& done) {
  std::vector<StoredSegment> segments;
  for (std::size_t i = 0; i < plan.segments.size(); ++i) {
    segments.push_back(StoredSegment{Segment{&now.schema(), plan.segments[i].number, plan.segments[i].range},
                                     std::ranges::find(done, i) != done.end()});
  }
  return segments;
}

}  // namespace

TEST_CASE(
    "postgres_segments: the ranges of a table are its snapshot's rows, each once, while it is written to") {
  if (!TestDatabase::available()) return;
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  TestDatabase database;
  TestSession session = database.session();
  for (const int rows : {0, 1, 500, 20'000, 100'000}) {
    for (const bool partitioned : {false, true}) {
      CAPTURE(rows);
      CAPTURE(partitioned);
      session.exec("DROP TABLE IF EXISTS t");
      session.exec(fmt::format("CREATE TABLE t (id int, note text, n int) {}",
                               partitioned ? "PARTITION BY HASH (id)" : ""));
      if (partitioned) {
        for (int i = 0; i < 3; ++i) {
          session.exec(
              fmt::format("CREATE TABLE t{0} PARTITION OF t FOR VALUES WITH (MODULUS 3, REMAINDER {0})", i));
        }
      }
      session.exec(
          fmt::format("INSERT INTO t SELECT i, repeat('x', i % 90), 0 FROM generate_series(1, {}) i", rows));
      session.exec(fmt::format("UPDATE t SET n = n + 1 WHERE id % {} = 0", 2 + random() % 5));
      session.exec(fmt::format("DELETE FROM t WHERE id % {} = 1", 3 + random() % 5));
      Opened opened(database, "t");
      const auto expected = sorted_keys(session.exec("SELECT id::text FROM t"));

      std::atomic<bool> stop{false};
      std::thread writer([&] {
        TestSession other = database.session();
        for (int i = 0; !stop.load(); ++i) {
          other.exec(fmt::format("UPDATE t SET n = n + 1 WHERE id % 7 = {}", i % 7));
          other.exec(fmt::format("INSERT INTO t SELECT i, 'new', 0 FROM generate_series({0}, {0} + 500) i",
                                 1'000'000 + i * 1'000));
          other.exec(fmt::format("DELETE FROM t WHERE id % 11 = {}", i % 11));
        }
      });
      const std::uint64_t wanted = kTinySegment << (random() % 4);
      const SegmentPlan plan = opened.plan(wanted);
      if (rows == 100'000) CHECK(plan.segments.size() > 5);
      const auto keys = opened.read(plan.segments);
      stop.store(true);
      writer.join();
      CHECK(keys == expected);
    }
  }
}

TEST_CASE("postgres_segments: a resume finds every row alive throughout, wherever it moved") {
  if (!TestDatabase::available()) return;
  TestDatabase database;
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int PRIMARY KEY, note text) WITH (fillfactor = 60)");
  session.exec("INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 20000) i");
  wait_until_settled(session);
  std::vector<std::string> sent;
  SegmentPlan plan;
  std::vector<std::size_t> done;
  {
    Opened first(database, "t");
    plan = first.plan(kTinySegment);
    REQUIRE(plan.segments.size() > 10);
    for (std::size_t i = 0; i < plan.segments.size(); i += 2) done.push_back(i);
    std::vector<Segment> read;
    for (const std::size_t i : done) read.push_back(plan.segments[i]);
    sent = first.read(read);
  }
  // Updates move rows between the ranges; what is deleted leaves room into which others move.
  session.exec("DELETE FROM t WHERE id % 10 = 3");
  session.exec("VACUUM t");
  session.exec("UPDATE t SET note = repeat('y', 120) WHERE id % 3 = 0");
  session.exec("UPDATE t SET id = -id WHERE id % 20 = 1");
  session.exec("INSERT INTO t SELECT i, 'new' FROM generate_series(100001, 101000) i");

  Opened second(database, "t");
  auto resumed = second.snapshot->resume_segments(second.schema(), plan.token, stored(second, plan, done));
  REQUIRE(resumed.ok());
  REQUIRE_FALSE(resumed->reload);
  std::vector<Segment> rest = resumed->catch_up;
  for (const StoredSegment& segment : stored(second, plan, done)) {
    if (!segment.done) rest.push_back(segment.segment);
  }
  const auto repeated = second.read(resumed->catch_up);
  const auto more = second.read(rest);
  sent.insert(sent.end(), more.begin(), more.end());
  std::ranges::sort(sent);
  for (const std::string& key : sorted_keys(session.exec("SELECT id::text FROM t"))) {
    if (!std::ranges::binary_search(sent, key)) FAIL("row " << key << " is in the table and was never read");
  }
  // Only what was written since is read again: a third updated, a twentieth re-keyed, a thousand new.
  CHECK(repeated.size() < 8'500);
}

TEST_CASE("postgres_segments: a rewritten table is read from the start") {
  if (!TestDatabase::available()) return;
  TestDatabase database;
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int PRIMARY KEY, note text)");
  session.exec("INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 20000) i");
  SegmentPlan plan;
  {
    Opened first(database, "t");
    plan = first.plan(kTinySegment);
  }
  session.exec("VACUUM FULL t");
  Opened second(database, "t");
  auto resumed = second.snapshot->resume_segments(second.schema(), plan.token, stored(second, plan, {0, 1}));
  REQUIRE(resumed.ok());
  CHECK(resumed->reload);
  auto foreign = second.snapshot->resume_segments(second.schema(), "someone else's", {});
  REQUIRE_FALSE(foreign.ok());
  CHECK(foreign.error().code() == ErrorCode::kStateFile);
}

TEST_CASE("postgres_segments: a view and an unlocked table are one range") {
  if (!TestDatabase::available()) return;
  TestDatabase database;
  TestSession session = database.session();
  session.exec(
      "CREATE TABLE t AS SELECT i FROM generate_series(1, 20000) i; CREATE VIEW v AS SELECT * FROM t");
  Opened view(database, "v");
  CHECK(view.plan(kTinySegment).segments.size() == 1);
  CHECK(view.plan(kTinySegment).segments[0].range.empty());
}

}  // namespace dmskafka::postgres

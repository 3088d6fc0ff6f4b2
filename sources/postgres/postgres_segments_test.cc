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
#include "test/support/allocation_count.h"

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
  SegmentPlan plan(std::uint64_t bytes_wanted, const ParallelLoad& parallel_load = {}) const {
    auto planned = snapshot->plan_segments(schema(), SegmentRequest{bytes_wanted, parallel_load});
    REQUIRE_MESSAGE(planned.ok(), (planned.ok() ? "" : planned.error().to_string()));
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

namespace {

/// A table t (id int, note text, n int, …) with one way to tell its rows apart.
struct Shape {
  const char* name;
  const char* key;        ///< a further column and the key
  const char* key_value;  ///< what the further column holds for row i
  const char* partitions = "";
  int since_version = 0;
};

// No partition key is ever changed: a row cannot move between partitions before PostgreSQL 11.
constexpr Shape kShapes[] = {
    {"no key", "more int", "i"},
    {"integer key", "more int, PRIMARY KEY (id)", "i"},
    {"text key", "k text PRIMARY KEY", "chr(65 + i % 58) || ' Ä''\\ ' || md5(i::text)"},
    {"char key", "k char(40) COLLATE \"C\" PRIMARY KEY", "chr(65 + i % 58) || md5(i::text)"},
    {"composite key", "k varchar(20), m numeric(20,2), PRIMARY KEY (k, m)", "'region ' || i % 7, i / 3.0"},
    {"uuid key", "k uuid PRIMARY KEY", "md5(i::text)::uuid"},
    {"bytea key", "k bytea PRIMARY KEY", "decode(md5(i::text), 'hex')"},
    {"enum key", "k mood, PRIMARY KEY (k, id)", "(ARRAY['sad', 'ok', 'glad'])[1 + i % 3]::mood"},
    {"list partitions", "k int", "i % 3",
     "PARTITION BY LIST (k); CREATE TABLE t0 PARTITION OF t FOR VALUES IN (0); CREATE TABLE t1 PARTITION OF "
     "t FOR "
     "VALUES IN (1) PARTITION BY RANGE (id); CREATE TABLE \"t1 \"\"low\" PARTITION OF t1 FOR VALUES FROM "
     "(minvalue) TO "
     "(7000); CREATE TABLE t1_high PARTITION OF t1 FOR VALUES FROM (7000) TO (maxvalue); CREATE TABLE t2 "
     "PARTITION OF t "
     "FOR VALUES IN (2)"},
    {"hash partitions with a key", "k int, PRIMARY KEY (id)", "i",
     "PARTITION BY HASH (id); CREATE TABLE t0 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 0); "
     "CREATE TABLE t1 "
     "PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
     110'000},
};

/// `rows` rows with holes; updated and deleted ones have scattered what is left.
void make_table(TestSession& session, const Shape& shape, int rows, std::mt19937& random) {
  session.exec(
      "DROP TABLE IF EXISTS t; DROP TYPE IF EXISTS mood; CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad')");
  session.exec(fmt::format("CREATE TABLE t (id int, note text, n int, {}) {}", shape.key, shape.partitions));
  session.exec(fmt::format(
      "INSERT INTO t SELECT i * 3, CASE WHEN i % 10 <> 0 THEN repeat('x', i % 90) END, nullif(i % 5, 0),"
      " {} FROM generate_series(1, {}) i",
      shape.key_value, rows));
  session.exec(fmt::format("UPDATE t SET n = n + 1 WHERE id % {} = 0", 2 + random() % 5));
  session.exec(fmt::format("DELETE FROM t WHERE id % {} = 1", 3 + random() % 5));
  if (random() % 2 == 0) session.exec("ANALYZE t");
}

ParallelLoad random_request(const TableSchema& table, int rows, std::mt19937& random) {
  ParallelLoad load;
  if (random() % 3 == 0) return load;
  if (random() % 3 == 0) {
    load.type = ParallelLoad::Type::kPartitions;
    return load;
  }
  load.type = ParallelLoad::Type::kRanges;
  std::vector<std::uint32_t> columns = {0, 1, 2};
  std::ranges::shuffle(columns, random);
  columns.resize(1 + random() % 3);
  if (random() % 3 == 0 && table.has_primary_key() && table.find_column("k")) columns = {3};
  load.columns = columns;
  const std::size_t bounds = random() % 20;
  for (std::size_t i = 0; i < bounds; ++i) {
    auto& bound = load.boundaries.emplace_back();
    for (const std::uint32_t column : columns) {
      const ColumnSchema& schema = table.columns[column];
      const int number = static_cast<int>(random() % static_cast<unsigned>(rows * 3 + 10));
      if (column == 2) {
        bound.push_back(std::to_string(number % 7));
      } else if (schema.source_type == "uuid") {
        bound.push_back(fmt::format("{:08x}-0000-0000-0000-000000000000", random()));
      } else if (schema.source_type == "bytea") {
        bound.push_back(fmt::format("\\x{:08x}", random()));
      } else if (schema.source_type.ends_with("mood")) {
        bound.push_back(random() % 2 == 0 ? "sad" : "glad");
      } else if (schema.source_type.find("char") != std::string::npos ||
                 (column != 0 && schema.source_type == "text")) {
        bound.push_back(column == 1 ? std::string(random() % 90, 'x')
                                    : std::string(1, static_cast<char>(65 + random() % 58)) + "'");
      } else {
        bound.push_back(std::to_string(number));
      }
    }
  }
  return load;
}

/// Changes the table until it goes: every kind of statement, key columns included.
class Writer {
 public:
  explicit Writer(const TestDatabase& database) : thread_([this, &database] { run(database); }) {}
  ~Writer() {
    stop_.store(true);
    thread_.join();
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

 private:
  void run(const TestDatabase& database) {
    TestSession session = database.session();
    for (int i = 0; !stop_.load(); ++i) {
      session.exec(
          fmt::format("UPDATE t SET n = coalesce(n, 0) + 1, note = 'changed' WHERE id % 7 = {}", i % 7));
      session.exec(fmt::format("DELETE FROM t WHERE id % 11 = {}", i % 11));
      session.exec(fmt::format("UPDATE t SET note = NULL WHERE id % 13 = {}", i % 13));
    }
  }
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace

TEST_CASE(
    "postgres_segments: the ranges of a table are its snapshot's rows, each once, while it is written to") {
  if (!TestDatabase::available()) return;
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  TestDatabase database;
  TestSession session = database.session();
  for (const Shape& shape : kShapes) {
    if (session.version() < shape.since_version) continue;
    for (const int rows : {0, 1, 500, 8'000, 30'000}) {
      CAPTURE(shape.name);
      CAPTURE(rows);
      make_table(session, shape, rows, random);
      Opened opened(database, "t");
      const auto expected = sorted_keys(session.exec("SELECT id::text FROM t"));
      const Writer writer(database);
      for (int request = 0; request < 3; ++request) {
        const ParallelLoad load =
            request == 0 ? ParallelLoad() : random_request(opened.schema(), rows, random);
        CAPTURE(static_cast<int>(load.type));
        const std::uint64_t wanted = kTinySegment << (random() % 4);
        const SegmentPlan plan = opened.plan(wanted, load);
        std::string ranges;
        for (const Segment& segment : plan.segments) ranges += segment.range + "\n";
        CAPTURE(ranges);
        CHECK(opened.read(plan.segments) == expected);
        const bool cut = std::string(shape.name) != "no key" && std::string(shape.name) != "list partitions";
        if (rows == 30'000 && request == 0 && (cut || session.version() >= 140'000))
          CHECK(plan.segments.size() > 3);
      }
    }
  }
}

TEST_CASE(
    "postgres_segments: 100,000 rows in partitions and in ranges of their own, while they are written to") {
  if (!TestDatabase::available()) return;
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  TestDatabase database;
  TestSession session = database.session();
  const Shape& shape = kShapes[random() % std::size(kShapes)];
  if (session.version() < shape.since_version) return;
  CAPTURE(shape.name);
  make_table(session, shape, 100'000, random);
  Opened opened(database, "t");
  const auto expected = sorted_keys(session.exec("SELECT id::text FROM t"));
  const Writer writer(database);
  ParallelLoad load;
  load.type = ParallelLoad::Type::kRanges;
  load.columns = {0};
  load.boundaries = {{"150000"}, {"30000"}};
  CHECK(opened.read(opened.plan(kTinySegment * 8, load).segments) == expected);
  load = ParallelLoad();
  load.type = ParallelLoad::Type::kPartitions;
  CHECK(opened.read(opened.plan(kTinySegment * 8, load).segments) == expected);
}

TEST_CASE("postgres_segments: the user's boundaries are upper bounds, and NULL has a range of its own") {
  if (!TestDatabase::available()) return;
  TestDatabase database;
  TestSession session = database.session();
  session.exec(
      "CREATE TABLE t (id int, region text, year int); INSERT INTO t VALUES (1, 'EU', 2019), (2, 'EU', "
      "2020), "
      "(3, 'US', 2020), (4, 'US', 2021), (5, NULL, 2020), (6, 'EU', NULL)");
  Opened opened(database, "t");
  ParallelLoad load;
  load.type = ParallelLoad::Type::kRanges;
  load.columns = {1, 2};
  load.boundaries = {{"US", "2021"}, {"EU", "2020"}};
  const SegmentPlan plan = opened.plan(1 << 24, load);
  REQUIRE(plan.segments.size() == 4);
  CHECK(plan.segments[0].range == "keys (\"region\",\"year\") to ('EU','2020')");
  CHECK(opened.read({plan.segments[0]}) == std::vector<std::string>{"1"});
  CHECK(opened.read({plan.segments[1]}) == std::vector<std::string>{"2", "3"});
  CHECK(opened.read({plan.segments[2]}) == std::vector<std::string>{"4"});
  CHECK(opened.read({plan.segments[3]}) == std::vector<std::string>{"5", "6"});
}

TEST_CASE(
    "postgres_segments: the user's ranges are cut once more where an index makes it cheap, and only there") {
  if (!TestDatabase::available()) return;
  TestDatabase database;
  TestSession session = database.session();
  session.exec(
      "CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL); INSERT INTO t SELECT i, i FROM "
      "generate_series(1, 50000) i");
  Opened opened(database, "t");
  ParallelLoad load;
  load.type = ParallelLoad::Type::kRanges;
  load.columns = {0};
  load.boundaries = {{"10000"}};
  const SegmentPlan fine = opened.plan(kTinySegment, load);
  CHECK(fine.segments.size() > 10);
  CHECK(fine.remarks.empty());
  CHECK(std::ranges::any_of(fine.segments,
                            [](const Segment& s) { return s.range.ends_with(" to ('10000')"); }));
  load.columns = {1};
  const SegmentPlan coarse = opened.plan(kTinySegment, load);
  CHECK(coarse.segments.size() == 2);
  REQUIRE(coarse.remarks.size() == 1);
  CHECK(coarse.remarks[0] == "no index begins with n: each range of table-settings reads the whole table");
}

TEST_CASE("postgres_segments: a request that does not fit the table is refused, and the snapshot goes on") {
  if (!TestDatabase::available()) return;
  TestDatabase database;
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int, v int); INSERT INTO t SELECT i, i FROM generate_series(1, 10) i");
  Opened opened(database, "t");
  ParallelLoad load;
  load.type = ParallelLoad::Type::kRanges;
  load.columns = {0};
  load.boundaries = {{"a lot"}};
  const auto plan = opened.snapshot->plan_segments(opened.schema(), {1 << 24, load});
  REQUIRE_FALSE(plan.ok());
  CHECK(plan.error().code() == ErrorCode::kInvalidMapping);
  CHECK(plan.error().message().find("the boundaries of the ranges do not fit the columns id") == 0);
  load = ParallelLoad();
  load.type = ParallelLoad::Type::kPartitions;
  load.partitions = {"t_2024"};
  const auto absent = opened.snapshot->plan_segments(opened.schema(), {1 << 24, load});
  REQUIRE_FALSE(absent.ok());
  CHECK(absent.error().message() == "public.t has no partition \"t_2024\"");
  load.partitions.clear();
  const SegmentPlan automatic = opened.plan(1 << 24, load);
  CHECK(automatic.remarks ==
        std::vector<std::string>{"it has no partitions: it is read in ranges of our own"});
  CHECK(opened.read(automatic.segments).size() == 10);
}

TEST_CASE("postgres_segments: partitions are ranges of their own, those listed first") {
  if (!TestDatabase::available()) return;
  TestDatabase database;
  TestSession session = database.session();
  session.exec(
      "CREATE TABLE t (id int, k int) PARTITION BY LIST (k); CREATE TABLE t0 PARTITION OF t FOR VALUES IN "
      "(0); "
      "CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1); INSERT INTO t VALUES (1, 0), (2, 1)");
  Opened opened(database, "t");
  ParallelLoad load;
  load.type = ParallelLoad::Type::kPartitions;
  load.partitions = {"t1"};
  const SegmentPlan plan = opened.plan(1 << 24, load);
  REQUIRE(plan.segments.size() == 2);
  CHECK(plan.segments[0].range.starts_with("partition \"public\".\"t1\": "));
  CHECK(opened.read({plan.segments[0]}) == std::vector<std::string>{"2"});
  CHECK(opened.read({plan.segments[1]}) == std::vector<std::string>{"1"});
}

namespace {

void check_resume(const char* table, const ParallelLoad& load) {
  TestDatabase database;
  TestSession session = database.session();
  session.exec(table);
  session.exec("INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 20000) i");
  wait_until_settled(session);
  std::vector<std::string> sent;
  SegmentPlan plan;
  std::vector<std::size_t> done;
  {
    Opened first(database, "t");
    plan = first.plan(kTinySegment, load);
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

}  // namespace

TEST_CASE("postgres_segments: a resume finds every row alive throughout, wherever it moved") {
  if (!TestDatabase::available()) return;
  check_resume("CREATE TABLE t (id int PRIMARY KEY, note text) WITH (fillfactor = 60)", {});
}

TEST_CASE("postgres_segments: so it does in ranges that the user gave, and in partitions") {
  if (!TestDatabase::available()) return;
  ParallelLoad load;
  load.type = ParallelLoad::Type::kRanges;
  load.columns = {0};
  load.boundaries = {{"5000"}, {"10000"}};
  check_resume("CREATE TABLE t (id int PRIMARY KEY, note text)", load);
  load = ParallelLoad();
  load.type = ParallelLoad::Type::kPartitions;
  TestDatabase database;
  if (database.session().version() < 110'000)
    return;  // rows that change their partition, and keys of partitioned tables
  check_resume(
      "CREATE TABLE t (id int PRIMARY KEY, note text) PARTITION BY HASH (id); CREATE TABLE t0 PARTITION OF t "
      "FOR "
      "VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE t1 PARTITION OF t FOR VALUES WITH (MODULUS 2, "
      "REMAINDER 1)",
      load);
}

TEST_CASE("postgres_segments: a rewritten table is read from the start where its ranges were of pages") {
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
  CHECK(resumed->reload == (session.version() >= 140'000));
  auto foreign = second.snapshot->resume_segments(second.schema(), "someone else's", {});
  REQUIRE_FALSE(foreign.ok());
  CHECK(foreign.error().code() == ErrorCode::kStateFile);
}

TEST_CASE(
    "postgres_segments: a view is one range, or the ranges that the user gave, which cannot be continued") {
  if (!TestDatabase::available()) return;
  TestDatabase database;
  TestSession session = database.session();
  session.exec(
      "CREATE TABLE t AS SELECT i FROM generate_series(1, 20000) i; CREATE VIEW v AS SELECT * FROM t");
  Opened view(database, "v");
  CHECK(view.plan(kTinySegment).segments.size() == 1);
  CHECK(view.plan(kTinySegment).segments[0].range.empty());
  ParallelLoad load;
  load.type = ParallelLoad::Type::kRanges;
  load.columns = {0};
  load.boundaries = {{"10000"}};
  const SegmentPlan plan = view.plan(kTinySegment, load);
  CHECK(view.read(plan.segments).size() == 20'000);
  auto resumed = view.snapshot->resume_segments(view.schema(), plan.token, stored(view, plan, {0}));
  REQUIRE(resumed.ok());
  CHECK(resumed->reload);
}

TEST_CASE("postgres_segments: reading a row allocates nothing of ours") {
  if (!TestDatabase::available()) return;
  TestDatabase database;
  TestSession session = database.session();
  session.exec(
      "CREATE TABLE t AS SELECT i, md5(i::text) AS text, i / 7.0 AS n FROM generate_series(1, 50000) i");
  Opened opened(database, "t");
  const auto rows = opened.reader->open(Segment{&opened.schema(), 0, ""});
  REQUIRE(rows.ok());
  ChangeBatch batch;
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  for (int batches = 0;; ++batches) {
    batch.clear();
    const auto status = (*rows)->read(batch, {});
    REQUIRE(status.ok());
    if (*status == SegmentReader::Status::kEnd) break;  // the end asks the catalogue, and may
    after = allocation_count();
    if (batches == 2) before = after;  // the batch has its memory
    REQUIRE(batches < 1'000);
  }
  CHECK(after == before);
}

}  // namespace dmskafka::postgres

// Cutting tables of real servers into ranges. Needs one of DMSKAFKA_TEST_MARIADB, DMSKAFKA_TEST_MYSQL, _MYSQL57.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "sources/mysql/test_database.h"
#include "test/support/allocation_count.h"

namespace dmskafka::mysql {
namespace {

/// A table and how it is filled with about `rows` rows from the numbers table seq(n).
struct KeyCase {
  std::string name;
  std::string columns;  ///< with the key
  std::string values;   ///< of each n
  bool mariadb_only = false;
  bool cut = true;  ///< whether the planner is expected to cut it
};

const std::vector<KeyCase> kKeyCases = {
    {"integer", "id INT PRIMARY KEY", "n"},
    {"negative", "id BIGINT PRIMARY KEY", "CAST(n AS SIGNED) * 1000003 - 4000000000"},
    {"huge", "id BIGINT UNSIGNED PRIMARY KEY", "18446744073709551615 - n * n"},
    {"sparse", "id BIGINT PRIMARY KEY", "IF(n < 3000, n, 9000000000000000000 + n)"},
    {"skewed", "id INT PRIMARY KEY", "n * n DIV 4 + n"},
    {"decimal", "id DECIMAL(20,4) PRIMARY KEY", "n / 7 * 1.0001 + n"},
    {"date_first", "d DATE, id INT, PRIMARY KEY (d, id)", "DATE_ADD('2020-01-01', INTERVAL n DIV 50 DAY), n"},
    {"datetime", "d DATETIME(3) PRIMARY KEY", "DATE_ADD('2020-01-01', INTERVAL n * 7919 SECOND)"},
    {"year_first", "y YEAR, id INT, PRIMARY KEY (y, id)", "2000 + n % 3, n"},
    {"tenant", "a INT, b INT, PRIMARY KEY (a, b)", "n % 3, n"},
    {"one_tenant", "a INT, b INT, PRIMARY KEY (a, b)", "7, n"},
    {"three", "a INT, b VARCHAR(10), c INT, PRIMARY KEY (a, b, c)", "n % 2, CHAR(97 + n % 5), n"},
    {"uuid_text", "id CHAR(36) PRIMARY KEY", "UUID()"},
    {"md5_ci", "id VARCHAR(40) COLLATE utf8mb4_general_ci PRIMARY KEY", "MD5(n)"},
    {"mixed_case", "id VARCHAR(40) COLLATE utf8mb4_bin PRIMARY KEY",
     "CONCAT(IF(n % 2 = 0, 'K', 'k'), MD5(n))"},
    {"german", "id VARCHAR(40) CHARACTER SET latin1 COLLATE latin1_german2_ci PRIMARY KEY",
     "CONCAT(ELT(1 + n % 4, 'ä', 'z', 'É', '~'), n)"},
    {"quotes", "id VARCHAR(60) PRIMARY KEY", "CONCAT('it''s \\\\ \"', n, '`%_')"},
    {"binary16", "id BINARY(16) PRIMARY KEY", "UNHEX(MD5(n))"},
    {"varbinary", "id VARBINARY(20) PRIMARY KEY", "CONCAT(CHAR(n % 256), UNHEX(HEX(n)))"},
    {"bits", "id BIT(40) PRIMARY KEY", "n * 17"},
    {"enum_first", "e ENUM('b', 'a'), id INT, PRIMARY KEY (e, id)", "1 + n % 2, n", false, false},
    {"float_key", "id DOUBLE PRIMARY KEY", "n / 7", false, false},
    {"no_key", "id INT", "n", false, false},
    {"uuid", "id UUID PRIMARY KEY", "UUID()", true},
    {"inet", "id INET6 PRIMARY KEY", "CONCAT('2001:db8::', HEX(n))", true},
};

constexpr int kRows = 4'000;

void make_numbers(TestSession& session) {
  session.exec("CREATE TABLE seq (n INT UNSIGNED PRIMARY KEY); INSERT INTO seq VALUES (0)");
  for (int size = 1; size < kRows; size *= 2)
    session.exec(fmt::format("INSERT INTO seq SELECT n + {} FROM seq", size));
  session.exec(fmt::format("DELETE FROM seq WHERE n >= {}", kRows));
}

/// Every row of the ranges, which must be those of the table, each once.
void check_union(const Opened& opened, const SegmentPlan& plan, const TableSchema& table) {
  const auto reader = opened.reader();
  Rows pieces;
  std::size_t largest = 0;
  for (const Segment& segment : plan.segments) {
    const Rows rows = read_segment(*reader, segment);
    largest = std::max(largest, rows.size());
    pieces.insert(pieces.end(), rows.begin(), rows.end());
  }
  Rows whole = read_all(*reader, table);
  std::ranges::sort(pieces);
  std::ranges::sort(whole);
  CHECK(pieces == whole);
  if (plan.segments.size() > 4) CHECK(largest < whole.size() / 2);
}

SegmentPlan planned(const Opened& opened, const TableSchema& table, const SegmentRequest& request) {
  auto plan = opened.snapshot->plan_segments(table, request);
  REQUIRE_MESSAGE(plan.ok(), (plan ? "" : plan.error().to_string()));
  return std::move(plan).value();
}

ParallelLoad ranges_of(std::vector<std::uint32_t> columns, std::vector<std::vector<std::string>> boundaries) {
  ParallelLoad load;
  load.type = ParallelLoad::Type::kRanges;
  load.columns = std::move(columns);
  load.boundaries = std::move(boundaries);
  return load;
}

std::vector<std::size_t> sizes(const Opened& opened, const SegmentPlan& plan) {
  const auto reader = opened.reader();
  std::vector<std::size_t> counts;
  for (const Segment& segment : plan.segments) counts.push_back(read_segment(*reader, segment).size());
  return counts;
}

}  // namespace

TEST_CASE("mysql_segments: ranges of keys of every kind have each row exactly once") {
  for (const TestServer& server : test_servers()) {
    const TestDatabase database(server);
    TestSession session = database.session();
    make_numbers(session);
    std::vector<std::string> names;
    std::vector<const KeyCase*> cases;
    for (const KeyCase& one : kKeyCases) {
      if (one.mariadb_only && server.name != "MariaDB") continue;
      session.exec(fmt::format(
          "CREATE TABLE `{0}` ({1}, pad CHAR(100)); INSERT IGNORE INTO `{0}` SELECT {2}, 'x' FROM "
          "seq; ANALYZE TABLE `{0}`",
          one.name, one.columns, one.values));
      names.push_back(one.name);
      cases.push_back(&one);
    }
    const Opened opened(database, names, 2);
    for (std::size_t i = 0; i < cases.size(); ++i) {
      CAPTURE(server.name);
      CAPTURE(names[i]);
      const SegmentPlan plan = planned(opened, opened.schemas[i], SegmentRequest{70'000, {}});
      if (cases[i]->cut) {
        CHECK(plan.segments.size() > 3);
        CHECK(plan.segments.size() < 60);
      } else {
        CHECK(plan.segments.size() == 1);
      }
      check_union(opened, plan, opened.schemas[i]);
    }
  }
}

TEST_CASE("mysql_segments: a small or empty table is one range") {
  for (const TestServer& server : test_servers()) {
    CAPTURE(server.name);
    const TestDatabase database(server);
    database.session().exec(
        "CREATE TABLE empty_one (id INT PRIMARY KEY); CREATE TABLE small (id INT PRIMARY KEY);"
        "INSERT INTO small VALUES (1), (2); CREATE VIEW v AS SELECT * FROM small");
    const Opened opened(database, {"empty_one", "small", "v"}, 2);
    for (const TableSchema& table : opened.schemas) {
      const SegmentPlan plan = planned(opened, table, SegmentRequest{});
      CHECK(plan.segments.size() == 1);
      CHECK(plan.segments[0].range.empty());
    }
    CHECK(planned(opened, opened.schemas[0], SegmentRequest{1, {}}).segments.size() == 1);
    CHECK(read_all(*opened.reader(), opened.schemas[2]).size() == 2);
  }
}

TEST_CASE("mysql_segments: the user's boundaries are upper bounds, and NULL has a range of its own") {
  for (const TestServer& server : test_servers()) {
    CAPTURE(server.name);
    const TestDatabase database(server);
    database.session().exec(
        "CREATE TABLE t (id INT PRIMARY KEY, region VARCHAR(10) COLLATE utf8mb4_general_ci, n INT, b "
        "VARBINARY(8));"
        "INSERT INTO t VALUES (1, 'EU', 1, 'a'), (2, 'eu', 5, 'b'), (3, 'US', 3, 'c'), (4, NULL, 9, 'd'), "
        "(5, 'US', NULL, 'e'),"
        " (6, 'ä', 7, NULL)");
    const Opened opened(database, {"t"}, 2);
    const TableSchema& table = opened.schemas[0];
    const auto plan_of = [&](const ParallelLoad& load) {
      return planned(opened, table, SegmentRequest{16 << 20, load});
    };
    // ä is an a for this collation: before EU.
    const SegmentPlan one = plan_of(ranges_of({1}, {{"US"}, {"EU"}}));
    CHECK(sizes(opened, one) == std::vector<std::size_t>{1, 2, 2, 1});
    check_union(opened, one, table);
    const SegmentPlan two = plan_of(ranges_of({1, 2}, {{"EU", "5"}, {"US", "3"}}));
    CHECK(sizes(opened, two) == std::vector<std::size_t>{2, 1, 1, 2});
    check_union(opened, two, table);
    const SegmentPlan bytes = plan_of(ranges_of({3}, {{"0x63"}, {"62"}}));
    CHECK(sizes(opened, bytes) == std::vector<std::size_t>{1, 1, 3, 1});
    check_union(opened, bytes, table);
    const SegmentPlan numbers = plan_of(ranges_of({0}, {{"10"}, {"2"}, {"2"}}));
    CHECK(sizes(opened, numbers) == std::vector<std::size_t>{1, 5, 0});
  }
}

TEST_CASE("mysql_segments: a request that does not fit the table is refused, and the snapshot goes on") {
  for (const TestServer& server : test_servers()) {
    CAPTURE(server.name);
    const TestDatabase database(server);
    database.session().exec(
        "CREATE TABLE t (id INT PRIMARY KEY, d DATE, e ENUM('a'), f FLOAT); INSERT INTO t VALUES (1, "
        "'2024-01-01', 'a', 1)");
    const Opened opened(database, {"t"}, 2);
    const TableSchema& table = opened.schemas[0];
    struct Bound {
      std::uint32_t column;
      std::string value;
    };
    for (const Bound& bound : std::vector<Bound>{
             {0, "ten"}, {0, "1 OR 1=1"}, {1, "2024-02-30"}, {1, "yesterday"}, {2, "a"}, {3, "1"}}) {
      CAPTURE(bound.value);
      const auto plan = opened.snapshot->plan_segments(
          table, SegmentRequest{16 << 20, ranges_of({bound.column}, {{bound.value}})});
      REQUIRE_FALSE(plan.ok());
      CHECK(plan.error().code() == ErrorCode::kInvalidMapping);
    }
    ParallelLoad partitions;
    partitions.type = ParallelLoad::Type::kPartitions;
    partitions.partitions = {"p9"};
    CHECK(opened.snapshot->plan_segments(table, SegmentRequest{16 << 20, partitions}).error().code() ==
          ErrorCode::kInvalidMapping);
    partitions.partitions.clear();
    const SegmentPlan plan = planned(opened, table, SegmentRequest{16 << 20, partitions});
    CHECK(plan.segments.size() == 1);
    CHECK(plan.remarks.size() == 1);
    CHECK(read_all(*opened.reader(), table).size() == 1);
  }
}

TEST_CASE("mysql_segments: partitions are ranges of their own, those listed first, large ones cut") {
  for (const TestServer& server : test_servers()) {
    CAPTURE(server.name);
    const TestDatabase database(server);
    TestSession session = database.session();
    make_numbers(session);
    session.exec(
        "CREATE TABLE t (id INT, y INT, pad CHAR(100), PRIMARY KEY (id, y)) PARTITION BY RANGE (y) ("
        "PARTITION p0 VALUES LESS THAN (1), PARTITION p1 VALUES LESS THAN (2), PARTITION `p max` VALUES LESS "
        "THAN MAXVALUE);"
        "INSERT INTO t SELECT n, IF(n < 100, 0, 1 + n % 2), 'x' FROM seq; ANALYZE TABLE t;"
        "CREATE TABLE s (id INT, y INT, PRIMARY KEY (id, y)) PARTITION BY RANGE (y) SUBPARTITION BY HASH (id)"
        " SUBPARTITIONS 2 (PARTITION q0 VALUES LESS THAN (1), PARTITION q1 VALUES LESS THAN MAXVALUE);"
        "INSERT INTO s SELECT n, n % 2 FROM seq");
    const Opened opened(database, {"t", "s"}, 2);
    ParallelLoad load;
    load.type = ParallelLoad::Type::kPartitions;
    load.partitions = {"p max"};
    const SegmentPlan plan = planned(opened, opened.schemas[0], SegmentRequest{16 << 20, load});
    REQUIRE(plan.segments.size() == 3);
    CHECK(plan.segments[0].range == "partition \"p max\": all rows");
    CHECK(sizes(opened, plan) == std::vector<std::size_t>{1950, 100, 1950});
    check_union(opened, plan, opened.schemas[0]);
    const SegmentPlan fine = planned(opened, opened.schemas[0], SegmentRequest{100'000, load});
    CHECK(fine.segments.size() > 6);
    check_union(opened, fine, opened.schemas[0]);

    load.partitions = {"q1"};
    const SegmentPlan sub = planned(opened, opened.schemas[1], SegmentRequest{16 << 20, load});
    CHECK(sub.segments.size() == 4);
    check_union(opened, sub, opened.schemas[1]);
    // Without being asked a partitioned table is cut by its key.
    const SegmentPlan automatic = planned(opened, opened.schemas[0], SegmentRequest{100'000, {}});
    CHECK(automatic.segments.size() > 3);
    check_union(opened, automatic, opened.schemas[0]);
  }
}

TEST_CASE("mysql_segments: a plan goes on under a newer snapshot, unless its key or its partitions changed") {
  for (const TestServer& server : test_servers()) {
    CAPTURE(server.name);
    const TestDatabase database(server);
    TestSession session = database.session();
    make_numbers(session);
    session.exec(
        "CREATE TABLE t (id INT PRIMARY KEY, n INT, pad CHAR(100)); INSERT INTO t SELECT n, n, 'x' FROM seq; "
        "ANALYZE TABLE t;"
        "CREATE TABLE p (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 2; INSERT INTO p SELECT n "
        "FROM seq");
    SegmentPlan plan, user, parts;
    ParallelLoad by_parts;
    by_parts.type = ParallelLoad::Type::kPartitions;
    {
      const Opened opened(database, {"t", "p"}, 2);
      plan = planned(opened, opened.schemas[0], SegmentRequest{100'000, {}});
      user = planned(opened, opened.schemas[0], SegmentRequest{16 << 20, ranges_of({1}, {{"100"}})});
      parts = planned(opened, opened.schemas[1], SegmentRequest{16 << 20, by_parts});
    }
    const auto resumed = [&](const Opened& opened, std::size_t table, const SegmentPlan& of) {
      std::vector<StoredSegment> stored;
      for (const Segment& segment : of.segments) stored.push_back({segment, segment.number == 0});
      auto result = opened.snapshot->resume_segments(opened.schemas[table], of.token, stored);
      REQUIRE_MESSAGE(result.ok(), (result ? "" : result.error().to_string()));
      return std::move(result).value();
    };
    {
      const Opened opened(database, {"t", "p"}, 2);
      CHECK_FALSE(resumed(opened, 0, plan).reload);
      CHECK(resumed(opened, 0, plan).reason.find("not sent again") != std::string::npos);
      CHECK(resumed(opened, 0, user).reload);
      CHECK_FALSE(resumed(opened, 1, parts).reload);
    }
    session.exec("ALTER TABLE t MODIFY id BIGINT; ALTER TABLE p ADD PARTITION PARTITIONS 1");
    const Opened opened(database, {"t", "p"}, 2);
    CHECK(resumed(opened, 0, plan).reload);
    CHECK(resumed(opened, 1, parts).reload);
  }
}

TEST_CASE("mysql_segments: reading a row allocates nothing of ours") {
  for (const TestServer& server : test_servers()) {
    CAPTURE(server.name);
    const TestDatabase database(server);
    TestSession session = database.session();
    make_numbers(session);
    session.exec(
        "CREATE TABLE t (id INT PRIMARY KEY, f FLOAT, d DATETIME(6), s VARCHAR(100), b BLOB);"
        "INSERT INTO t SELECT n, n / 7, NOW(6), REPEAT('x', n % 90), 'bytes' FROM seq;"
        "INSERT INTO t SELECT id + 100000, f, d, s, b FROM t");
    const Opened opened(database, {"t"}, 2);
    const auto reader = opened.reader();
    const auto rows = reader->open(Segment{&opened.schemas[0], 0, ""});
    REQUIRE(rows.ok());
    ChangeBatch batch;
    REQUIRE((*rows)->read(batch, {}).ok());
    batch.clear();
    REQUIRE((*rows)->read(batch, {}).ok());
    batch.clear();
    const std::uint64_t before = allocation_count();
    std::size_t read = 0;
    for (int i = 0; i < 3; ++i) {
      REQUIRE((*rows)->read(batch, {}).ok());
      read += batch.changes().size();
      batch.clear();
    }
    CHECK(read == 3'000);
    CHECK(allocation_count() - before == 0);
  }
}

}  // namespace dmskafka::mysql

#include "sources/sqlite/snapshot_reader.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "sources/sqlite/database_for_test.h"
#include "test/support/allocation_count.h"
#include "test/support/random_rounds.h"

namespace dmskafka {
namespace {

using namespace std::chrono_literals;

KeptValue integer(std::int64_t number) { return {ValueForm::kInteger, std::to_string(number)}; }
KeptValue real(double number) {
  return {ValueForm::kReal, std::string(reinterpret_cast<const char*>(&number), 8)};
}
KeptValue text(std::string bytes) { return {ValueForm::kText, std::move(bytes)}; }
KeptValue blob(std::string bytes) { return {ValueForm::kBytes, std::move(bytes)}; }
const KeptValue kNullValue{ValueForm::kNull, ""};

std::vector<KeptRow> rows_of(TestDatabase& database, const std::string& table) {
  auto source = open_source(database.path());
  return read_all(*open_table(*source, table)->rows);
}

TEST_CASE("snapshot_reader: every storage class in every declared type is read as it is stored") {
  // Affinity converts when the application writes; what it left is what we must see.
  struct Column {
    const char* declared;
    KeptRow expected;  // of 1, 1.5, 'a', '7', x'00ff', NULL
  };
  const Column columns[] = {
      {"INTEGER", {integer(1), real(1.5), text("a"), integer(7), blob(std::string("\0\xFF", 2)), kNullValue}},
      {"REAL", {real(1), real(1.5), text("a"), real(7), blob(std::string("\0\xFF", 2)), kNullValue}},
      {"TEXT", {text("1"), text("1.5"), text("a"), text("7"), blob(std::string("\0\xFF", 2)), kNullValue}},
      {"BLOB", {integer(1), real(1.5), text("a"), text("7"), blob(std::string("\0\xFF", 2)), kNullValue}},
      {"", {integer(1), real(1.5), text("a"), text("7"), blob(std::string("\0\xFF", 2)), kNullValue}},
      {"DECIMAL(10,2)",
       {integer(1), real(1.5), text("a"), integer(7), blob(std::string("\0\xFF", 2)), kNullValue}},
      {"BOOLEAN", {integer(1), real(1.5), text("a"), integer(7), blob(std::string("\0\xFF", 2)), kNullValue}},
      {"DATETIME",
       {integer(1), real(1.5), text("a"), integer(7), blob(std::string("\0\xFF", 2)), kNullValue}},
      {"VARCHAR(1)",
       {text("1"), text("1.5"), text("a"), text("7"), blob(std::string("\0\xFF", 2)), kNullValue}},
  };
  for (const Column& column : columns) {
    INFO(column.declared);
    TestDatabase database(
        fmt::format("CREATE TABLE t (c {}); INSERT INTO t VALUES (1), (1.5), ('a'), ('7'), (x'00ff'), (NULL)",
                    column.declared));
    const std::vector<KeptRow> rows = rows_of(database, "t");
    REQUIRE(rows.size() == column.expected.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      INFO(i);
      CHECK(rows[i] == KeptRow{column.expected[i]});
    }
  }
}

TEST_CASE("snapshot_reader: values at the edges") {
  TestDatabase database(
      "CREATE TABLE t (c); INSERT INTO t VALUES (9223372036854775807), (-9223372036854775808), (0), (-0.0), "
      "(9e999), (-9e999),"
      " (0.1), (5e-324), (1.7976931348623157e308), (''), (x''), (CAST(x'610062' AS TEXT)), (CAST(x'ff' AS "
      "TEXT)), ('größe 😀'),"
      " (zeroblob(300000)), (1e300 * 1e300 - 1e300 * 1e300)");
  const std::vector<KeptRow> rows = rows_of(database, "t");
  const KeptRow expected = {integer(std::numeric_limits<std::int64_t>::max()),
                            integer(std::numeric_limits<std::int64_t>::min()),
                            integer(0),
                            real(-0.0),
                            real(std::numeric_limits<double>::infinity()),
                            real(-std::numeric_limits<double>::infinity()),
                            real(0.1),
                            real(5e-324),
                            real(1.7976931348623157e308),
                            text(""),
                            blob(""),
                            text(std::string("a\0b", 3)),
                            text("\xFF"),
                            text("größe 😀"),
                            blob(std::string(300000, '\0')),
                            kNullValue};
  REQUIRE(rows.size() == expected.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    INFO(i);
    CHECK(rows[i].at(0).form == expected[i].form);
    CHECK((rows[i].at(0).bytes == expected[i].bytes));
  }
}

TEST_CASE("snapshot_reader: a UTF-16 database gives UTF-8") {
  for (const char* encoding : {"UTF-16le", "UTF-16be"}) {
    TestDatabase database(
        fmt::format("PRAGMA encoding = '{}'; CREATE TABLE \"tä\" (\"ö\" TEXT, n); INSERT INTO \"tä\" VALUES"
                    " ('größe 😀', 1), ('', 2)",
                    encoding));
    const std::vector<KeptRow> rows = rows_of(database, "tä");
    REQUIRE(rows.size() == 2);
    CHECK(rows[0] == KeptRow{text("größe 😀"), integer(1)});
    CHECK(rows[1] == KeptRow{text(""), integer(2)});
  }
}

TEST_CASE("snapshot_reader: STRICT, WITHOUT ROWID, keyless, quoted, generated, view and virtual tables") {
  TestDatabase database(
      "CREATE TABLE s (i INT, r REAL, x ANY) STRICT; INSERT INTO s VALUES (1, 2, '3');"
      "CREATE TABLE w (b TEXT, a INT, PRIMARY KEY (a)) WITHOUT ROWID; INSERT INTO w VALUES ('x', 2), ('y', "
      "1);"
      "CREATE TABLE k (a); INSERT INTO k VALUES (1), (1);"
      "CREATE TABLE \"sel\"\"ect\" (\"from\"\"\" INT, \"a b\" INT); INSERT INTO \"sel\"\"ect\" VALUES (1, 2);"
      "CREATE TABLE g (a INT, v INT AS (a * 2), s TEXT AS (a || 'x') STORED); INSERT INTO g (a) VALUES (4);"
      "CREATE VIEW v AS SELECT a AS \"x\", a FROM g; CREATE VIRTUAL TABLE f USING fts5(t); INSERT INTO f "
      "VALUES ('hi');"
      "CREATE TABLE e (a)");
  CHECK(rows_of(database, "s") == std::vector<KeptRow>{{integer(1), real(2), text("3")}});
  CHECK(rows_of(database, "w") == std::vector<KeptRow>{{text("y"), integer(1)}, {text("x"), integer(2)}});
  CHECK(rows_of(database, "k") == std::vector<KeptRow>{{integer(1)}, {integer(1)}});
  CHECK(rows_of(database, "sel\"ect") == std::vector<KeptRow>{{integer(1), integer(2)}});
  CHECK(rows_of(database, "g") == std::vector<KeptRow>{{integer(4), integer(8), text("4x")}});
  CHECK(rows_of(database, "v") == std::vector<KeptRow>{{integer(4), integer(4)}});
  CHECK(rows_of(database, "f") == std::vector<KeptRow>{{text("hi")}});
  CHECK(rows_of(database, "e").empty());
}

TEST_CASE("snapshot_reader: a writer in WAL mode goes on, and the snapshot does not see it") {
  TestDatabase database(
      "PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, v);"
      "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT "
      "i, 'old' FROM n");
  auto source = open_source(database.path());
  auto open = open_table(*source, "t");
  ChangeBatch batch;
  REQUIRE(open->rows->read(batch, {}).value() == SegmentReader::Status::kMore);
  std::size_t rows = batch.changes().size();
  database.execute(
      "UPDATE t SET v = 'new'; DELETE FROM t WHERE id > 10000; INSERT INTO t VALUES (100000, 'new');"
      "PRAGMA wal_checkpoint");
  std::uint64_t changed = 0;
  for (auto status = SegmentReader::Status::kMore; status == SegmentReader::Status::kMore;) {
    batch.clear();
    status = open->rows->read(batch, {}).value();
    rows += batch.changes().size();
    for (const Change& change : batch.changes()) changed += change.after[1].view() != "old";
  }
  CHECK(rows == 20000);
  CHECK(changed == 0);
  open.reset();
  CHECK(rows_of(database, "t").size() == 10001);
}

TEST_CASE("snapshot_reader: two tables of one snapshot show one moment") {
  TestDatabase database(
      "PRAGMA journal_mode = WAL; CREATE TABLE a (v); CREATE TABLE b (v); INSERT INTO a VALUES (1)");
  auto source = open_source(database.path());
  auto open = open_table(*source, "a");
  const TableSchema b = describe(*source, "b");
  database.execute("INSERT INTO b VALUES (1)");
  CHECK(read_all(*open->rows).size() == 1);
  open->rows.reset();
  auto rows = open->reader->open(Segment{&b, 0, ""});
  REQUIRE(rows);
  CHECK(read_all(*rows.value()).empty());
}

TEST_CASE("snapshot_reader: a table altered or dropped after it was described is not read") {
  TestDatabase database("CREATE TABLE t (a, b); CREATE TABLE d (a)");
  auto source = open_source(database.path());
  const TableSchema t = describe(*source, "t");
  const TableSchema d = describe(*source, "d");
  database.execute("ALTER TABLE t ADD COLUMN c; DROP TABLE d");
  const TableSchema* tables[] = {&t, &d};
  auto snapshot = source->open_snapshot(tables, {});
  REQUIRE(snapshot);
  auto reader = snapshot.value()->open_reader({}).value();
  auto altered = reader->open(Segment{&t, 0, ""});
  REQUIRE(!altered);
  CHECK(altered.error().code() == ErrorCode::kTableUnreadable);
  CHECK(altered.error().to_string() ==
        "sqlite:" + database.path() + ": main.t was altered since it was described\n  run the command again");
  auto dropped = reader->open(Segment{&d, 0, ""});
  REQUIRE(!dropped);
  CHECK(dropped.error().code() == ErrorCode::kTableUnreadable);
}

TEST_CASE("snapshot_reader: one reader at a time, then another") {
  TestDatabase database("CREATE TABLE t (a)");
  auto source = open_source(database.path());
  auto snapshot = source->open_snapshot({}, {}).value();
  CHECK(snapshot->readers_max() == 1);
  CHECK(snapshot->position().empty());
  auto first = snapshot->open_reader({}).value();
  CHECK(!snapshot->open_reader({}));
  first.reset();
  CHECK(snapshot->open_reader({}));
}

TEST_CASE("snapshot_reader: a stop request ends a view that never yields a row") {
  TestDatabase database(
      "CREATE VIEW slow AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n "
      "WHERE i < 0");
  auto source = open_source(database.path());
  auto open = open_table(*source, "slow");
  std::stop_source stop;
  std::chrono::steady_clock::time_point asked;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(50ms);
    asked = std::chrono::steady_clock::now();
    stop.request_stop();
  });
  ChangeBatch batch;
  auto status = open->rows->read(batch, stop.get_token());
  stopper.join();
  REQUIRE(!status);
  CHECK(status.error().code() == ErrorCode::kCancelled);
  CHECK(std::chrono::steady_clock::now() - asked < 1s);
}

TEST_CASE("snapshot_reader: a stop request ends the wait for a lock") {
  TestDatabase database("CREATE TABLE t (a)");
  auto source = open_source(database.path());
  const auto begin = std::chrono::steady_clock::now();
  auto open = open_table(*source, "t");
  REQUIRE(read_all(*open->rows).empty());
  open.reset();
  auto snapshot_connection = sqlite::Connection::open(database.path()).value();
  database.execute("BEGIN EXCLUSIVE");
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(50ms);
    stop.request_stop();
  });
  auto snapshot = sqlite::open_snapshot(std::move(snapshot_connection), stop.get_token());
  REQUIRE(!snapshot);
  CHECK(snapshot.error().code() == ErrorCode::kCancelled);
  CHECK(std::chrono::steady_clock::now() - begin < 2s);
}

TEST_CASE("snapshot_reader: a damaged table is unreadable, the other one is not") {
  TestDatabase database(
      "CREATE TABLE good (a); INSERT INTO good VALUES (1); CREATE TABLE bad (a);"
      "INSERT INTO bad WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT "
      "i FROM n");
  auto source = open_source(database.path());
  int root = 0;
  sqlite3_exec(
      database.handle(), "SELECT rootpage FROM sqlite_schema WHERE name = 'bad'",
      [](void* out, int, char** values, char**) { return *static_cast<int*>(out) = std::atoi(values[0]), 0; },
      &root, nullptr);
  REQUIRE(root > 1);
  {
    std::fstream file(database.path(), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp((root - 1) * 4096);
    file << std::string(4096, '\x7F');
  }
  const TableSchema good = describe(*source, "good");
  auto snapshot = source->open_snapshot({}, {}).value();
  auto reader = snapshot->open_reader({}).value();
  auto bad = source->describe_tables(std::vector<TableName>{{"main", "bad"}}).value().at(0);
  REQUIRE(!bad);
  CHECK(bad.error().code() == ErrorCode::kTableUnreadable);
  CHECK(bad.error().message() == "sqlite:" + database.path() + ": damaged: database disk image is malformed");
  CHECK(read_all(*reader->open(Segment{&good, 0, ""}).value()).size() == 1);
}

TEST_CASE("snapshot_reader: a view that fails half way is unreadable") {
  TestDatabase database(
      "CREATE TABLE t (a); INSERT INTO t VALUES (1), (-9223372036854775808); CREATE VIEW v AS SELECT abs(a) "
      "AS x FROM t");
  auto source = open_source(database.path());
  auto open = open_table(*source, "v");
  ChangeBatch batch;
  auto status = open->rows->read(batch, {});
  REQUIRE(!status);
  CHECK(status.error().code() == ErrorCode::kTableUnreadable);
  CHECK(status.error().message() == "sqlite:" + database.path() + ": integer overflow");
}

TEST_CASE("snapshot_reader: 100,000 rows, each once, without an allocation of ours") {
  TestDatabase database(
      "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, price REAL, data BLOB);"
      "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
      " SELECT i, 'name ' || i, i / 7.0, CAST(i AS BLOB) FROM n");
  auto source = open_source(database.path());
  auto open = open_table(*source, "t");
  ChangeBatch batch;
  std::int64_t expected = 0;
  std::uint64_t wrong = 0;
  std::uint64_t allocations_before = 0;
  for (auto status = SegmentReader::Status::kMore; status == SegmentReader::Status::kMore;) {
    batch.clear();
    status = open->rows->read(batch, {}).value();
    CHECK(batch.changes().size() <= batch.limits().records_max);
    if (expected == 0) allocations_before = allocation_count();
    const std::uint64_t allocations = allocation_count();
    for (const Change& change : batch.changes()) {
      const std::string number = std::to_string(++expected);
      wrong += change.after[0].view() != number || change.after[1].view() != "name " + number ||
               change.after[3].view() != number;
    }
    allocations_before += allocation_count() - allocations;  // the test's own
  }
  CHECK(expected == 100000);
  CHECK(wrong == 0);
  CHECK(allocation_count() == allocations_before);
}

/// What the sqlite3 shell says of a table: per cell its class and its bytes in hex; a REAL in 20 digits.
std::string shell_output(const std::string& path, const std::string& table, const std::string& column) {
  const std::string command = fmt::format(
      "sqlite3 -batch -readonly {0} \"SELECT typeof({1}) || ' ' || CASE typeof({1}) WHEN 'real' THEN "
      "quote({1}) WHEN"
      " 'null' THEN '' ELSE hex({1}) END FROM {2}\"",
      path, column, table);
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string output;
  char buffer[4096];
  for (std::size_t size = 0; (size = fread(buffer, 1, sizeof buffer, pipe)) > 0;) output.append(buffer, size);
  REQUIRE(pclose(pipe) == 0);
  return output;
}

std::string as_the_shell(const KeptValue& value) {
  std::string hex;
  for (const char c : value.bytes) hex += fmt::format("{:02X}", static_cast<unsigned char>(c));
  switch (value.form) {
    case ValueForm::kNull: return "null ";
    case ValueForm::kInteger: return "integer " + hex;
    case ValueForm::kText: return "text " + hex;
    case ValueForm::kBytes: return "blob " + hex;
    default: return "real";
  }
}

TEST_CASE("snapshot_reader: the sqlite3 shell sees the same") {
  if (std::system("sqlite3 -version >/dev/null 2>&1") != 0) {
    MESSAGE("SKIPPED: no sqlite3 shell");
    return;
  }
  TestDatabase database(
      "CREATE TABLE t (c NUMERIC);"
      "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT "
      "CASE i % 6"
      " WHEN 0 THEN random() WHEN 1 THEN random() / 1e9 WHEN 2 THEN hex(randomblob(i % 50)) WHEN 3 THEN "
      "randomblob(i % 300)"
      " WHEN 4 THEN NULL ELSE CAST(randomblob(9) AS TEXT) END FROM n");
  const std::vector<KeptRow> rows = rows_of(database, "t");
  const std::string output = shell_output(database.path(), "t", "c");
  std::size_t at = 0;
  std::uint64_t reals = 0;
  REQUIRE(rows.size() == 3000);
  for (const KeptRow& row : rows) {
    const std::size_t end = output.find('\n', at);
    REQUIRE(end != std::string::npos);
    const std::string line = output.substr(at, end - at);
    at = end + 1;
    if (row[0].form == ValueForm::kReal) {
      double number = 0;
      std::memcpy(&number, row[0].bytes.data(), sizeof number);
      CHECK(line.substr(0, 5) == "real ");
      CHECK(std::strtod(line.c_str() + 5, nullptr) == number);
      ++reals;
    } else {
      CHECK(line == as_the_shell(row[0]));
    }
  }
  CHECK(at == output.size());
  CHECK(reals > 100);
}

TEST_CASE("snapshot_reader: the ranges of a table are its rows, each once") {
  struct Case {
    const char* definition;
    const char* fill;
    bool cut;
  };
  const char* numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) ";
  for (const Case& c :
       {Case{"id INTEGER PRIMARY KEY, v", "SELECT i, hex(zeroblob(50)) FROM n", true},
        Case{"id integer primary key, v", "SELECT (i - 10000) * 1000000007, hex(zeroblob(50)) FROM n", true},
        Case{"id INTEGER PRIMARY KEY, v", "SELECT i, i FROM n LIMIT 0", true},
        Case{"id INTEGER PRIMARY KEY DESC, v", "SELECT i, hex(zeroblob(50)) FROM n", false},
        Case{"id INT PRIMARY KEY, v", "SELECT i, hex(zeroblob(50)) FROM n", false},
        Case{"id, v", "SELECT i, hex(zeroblob(50)) FROM n", false}}) {
    CAPTURE(c.definition);
    CAPTURE(c.fill);
    TestDatabase database(
        fmt::format("CREATE TABLE t({}); INSERT INTO t {} {};", c.definition, numbers, c.fill));
    const auto source = open_source(database.path());
    const TableSchema schema = describe(*source, "t");
    const TableSchema* pointer = &schema;
    const auto snapshot = source->open_snapshot({&pointer, 1}, {}).value();
    const SegmentPlan plan = snapshot->plan_segments(schema, {100'000, {}}).value();
    CHECK((plan.segments.size() > 5) == (c.cut && std::string(c.fill).find("LIMIT") == std::string::npos));
    const auto reader = snapshot->open_reader({}).value();
    std::vector<KeptRow> in_ranges;
    for (const Segment& segment : plan.segments) {
      for (KeptRow& row : read_all(*reader->open(segment).value())) in_ranges.push_back(std::move(row));
    }
    const std::vector<KeptRow> whole = read_all(*reader->open(Segment{&schema, 0, ""}).value());
    CHECK(in_ranges == whole);  // ranges ascend, and so does a scan of the table
    CHECK(snapshot->resume_segments(schema, plan.token, {}).value().reload == !c.cut);
  }
}

/// A table of so many rows with holes, values of every storage class, and NULLs; what is updated and deleted has moved rows.
std::string random_table(const char* definition, int rows, std::mt19937& random) {
  return fmt::format(
      "PRAGMA journal_mode = wal; PRAGMA synchronous = off; CREATE TABLE t{0};"
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {1})"
      " INSERT INTO t SELECT i * 3, CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN i WHEN 2 THEN i / 2.0 WHEN 3 "
      "THEN x'00ff'"
      " ELSE char(65 + i % 58) || i END, CASE WHEN i % 7 <> 0 THEN char(65 + i % 58) || hex(zeroblob(i % "
      "40)) END"
      " FROM n WHERE i <= {1} AND {1} > 0;"
      "UPDATE t SET b = b || 'x' WHERE id % {2} = 0; DELETE FROM t WHERE id % {3} = 1;",
      definition, rows, 2 + random() % 5, 3 + random() % 5);
}

ParallelLoad random_ranges(const TableSchema& table, int rows, std::mt19937& random) {
  ParallelLoad load;
  load.type = ParallelLoad::Type::kRanges;
  load.columns = {0, 1, 2};
  std::shuffle(load.columns.begin(), load.columns.end(), random);
  load.columns.resize(1 + random() % table.columns.size());
  const std::size_t bounds = 1 + random() % 20;
  for (std::size_t i = 0; i < bounds; ++i) {
    auto& bound = load.boundaries.emplace_back();
    for (std::size_t c = 0; c < load.columns.size(); ++c) {
      const int number = static_cast<int>(random() % static_cast<unsigned>(rows * 3 + 10));
      bound.push_back(random() % 2 == 0 ? std::to_string(number)
                                        : std::string(1, static_cast<char>(65 + random() % 58)) + "'");
    }
  }
  return load;
}

TEST_CASE(
    "snapshot_reader: the ranges of a table are its snapshot's rows, each once, while it is written to") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (const char* definition :
       {"(id INTEGER PRIMARY KEY, a, b TEXT COLLATE NOCASE)",
        "(id INT, a NUMERIC, b TEXT, PRIMARY KEY (id, b))",
        "(id INT NOT NULL, a TEXT, b BLOB, PRIMARY KEY (id))", "(id, a REAL, b VARCHAR(3) COLLATE RTRIM)",
        "(id INTEGER NOT NULL PRIMARY KEY, a INTEGER, b TEXT) WITHOUT ROWID"}) {
    for (const int rows : {0, 1, 500, kUnderSanitizer ? 2'000 : 20'000}) {
      CAPTURE(definition);
      CAPTURE(rows);
      TestDatabase database(random_table(definition, rows, random));
      const auto source = open_source(database.path());
      const TableSchema schema = describe(*source, "t");
      const TableSchema* pointer = &schema;
      const auto snapshot = source->open_snapshot({&pointer, 1}, {}).value();
      const auto reader = snapshot->open_reader({}).value();
      const auto in_order = [](std::vector<KeptRow> read) {
        std::ranges::sort(read, {}, [](const KeptRow& row) { return row[0].bytes; });
        return read;
      };
      const std::vector<KeptRow> expected =
          in_order(read_all(*reader->open(Segment{&schema, 0, ""}).value()));
      if (rows == 500) CHECK(expected.size() > 200);
      std::vector<SegmentRequest> requests{{20'000, {}}};
      for (int i = 0; i < 2; ++i) requests.push_back({20'000, random_ranges(schema, rows, random)});
      for (const SegmentRequest& request : requests) {
        const auto plan = snapshot->plan_segments(schema, request);
        REQUIRE_MESSAGE(plan.ok(), (plan.ok() ? "" : plan.error().to_string()));
        std::string ranges;
        std::vector<KeptRow> read;
        for (const Segment& segment : plan->segments) {
          ranges += segment.range + "\n";
          // What another connection commits between two ranges is none of this snapshot's.
          database.execute(
              fmt::format("UPDATE t SET a = 'changed', b = b || 'y' WHERE id % 1009 = {0}; DELETE FROM t "
                          "WHERE id % 1013 = {0}",
                          segment.number));
          for (KeptRow& row : read_all(*reader->open(segment).value())) read.push_back(std::move(row));
        }
        CAPTURE(ranges);
        CHECK(in_order(std::move(read)) == expected);
      }
    }
  }
}

TEST_CASE("snapshot_reader: the user's boundaries are upper bounds, and NULL has a range of its own") {
  TestDatabase database(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, region TEXT, year INT); INSERT INTO t VALUES (1, 'EU', 2019), "
      "(2, 'EU', 2020),"
      " (3, 'US', 2020), (4, 'US', 2021), (5, NULL, 2020), (6, 'EU', NULL), (7, 'EU', 900)");
  const auto source = open_source(database.path());
  const TableSchema schema = describe(*source, "t");
  const TableSchema* pointer = &schema;
  const auto snapshot = source->open_snapshot({&pointer, 1}, {}).value();
  const auto reader = snapshot->open_reader({}).value();
  ParallelLoad load;
  load.type = ParallelLoad::Type::kRanges;
  load.columns = {1, 2};
  load.boundaries = {{"US", "2021"}, {"EU", "2020"}};
  const SegmentPlan plan = snapshot->plan_segments(schema, {1 << 24, load}).value();
  std::vector<std::string> ids;
  for (const Segment& segment : plan.segments) {
    std::string& of_one = ids.emplace_back();
    for (const KeptRow& row : read_all(*reader->open(segment).value())) of_one += row[0].bytes;
  }
  CHECK(ids == std::vector<std::string>{"17", "23", "4", "56"});
  // Those rows can move between the ranges until the next run.
  CHECK(snapshot->resume_segments(schema, plan.token, {}).value().reload);
}

TEST_CASE("snapshot_reader: the user's ranges of a rowid are cut once more, and can be continued") {
  TestDatabase database(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, v); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
      "FROM n WHERE i <"
      " 20000) INSERT INTO t SELECT i, hex(zeroblob(50)) FROM n");
  const auto source = open_source(database.path());
  const TableSchema schema = describe(*source, "t");
  const TableSchema* pointer = &schema;
  const auto snapshot = source->open_snapshot({&pointer, 1}, {}).value();
  ParallelLoad load;
  load.type = ParallelLoad::Type::kRanges;
  load.columns = {0};
  load.boundaries = {{"7777"}};
  const SegmentPlan plan = snapshot->plan_segments(schema, {100'000, load}).value();
  CHECK(plan.segments.size() > 10);
  CHECK(
      std::ranges::any_of(plan.segments, [](const Segment& s) { return s.range.ends_with(" to ('7777')"); }));
  CHECK_FALSE(snapshot->resume_segments(schema, plan.token, {}).value().reload);
  load = ParallelLoad();
  load.type = ParallelLoad::Type::kPartitions;
  CHECK(snapshot->plan_segments(schema, {100'000, load}).value().remarks.size() == 1);
}

}  // namespace
}  // namespace dmskafka

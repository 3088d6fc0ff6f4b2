// Filters that a database judges, against the mapping's own evaluator: the same rows by both, for every operator and type, also
// where the database sorts otherwise. Needs DMSKAFKA_TEST_POSTGRES for PostgreSQL.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "mapping/filter.h"
#include "sources/postgres/test_database.h"
#include "sources/sqlite/database_for_test.h"

namespace dmskafka {
namespace {

using Ids = std::multiset<std::string>;

/// One table of a source under one snapshot.
class ReadTable {
 public:
  ReadTable(Source& source, const TableName& name) {
    auto described = source.describe_tables({&name, 1});
    REQUIRE(described.ok());
    REQUIRE(described->front().ok());
    schema_ = std::move(described->front()).value();
    const TableSchema* pointer = &schema_;
    auto snapshot = source.open_snapshot({&pointer, 1}, {});
    REQUIRE(snapshot.ok());
    snapshot_ = std::move(snapshot).value();
    auto reader = snapshot_->open_reader({});
    REQUIRE(reader.ok());
    reader_ = std::move(reader).value();
  }

  const TableSchema& schema() const { return schema_; }

  /// The ids (first column) of the rows that come under `condition` and pass `filter`; null: of all.
  Ids ids(const RowCondition* condition, const RowFilter* filter) {
    auto rows = reader_->open(Segment{&schema_, 0, "", condition});
    REQUIRE_MESSAGE(rows.ok(), (rows.ok() ? "" : rows.error().to_string()));
    Ids ids;
    ChangeBatch batch;
    for (;;) {
      batch.clear();
      const auto status = (*rows)->read(batch, {});
      REQUIRE_MESSAGE(status.ok(), (status.ok() ? "" : status.error().to_string()));
      for (const Change& change : batch.changes()) {
        if (filter == nullptr || filter->passes(change.after)) ids.emplace(change.after[0].view());
      }
      if (*status == SegmentReader::Status::kEnd) return ids;
    }
  }

 private:
  TableSchema schema_;
  std::unique_ptr<Snapshot> snapshot_;
  std::unique_ptr<SnapshotReader> reader_;
};

const std::vector<std::string> kOperands = {"0",
                                            "5",
                                            "-5",
                                            "5.5",
                                            "005",
                                            "1e3",
                                            "9007199254740993",
                                            "123456789012345678901234.5",
                                            "2024-02-29",
                                            "2023-02-29",
                                            "2024-02-29 12:00:00",
                                            "2024-02-29 12:00:00.25",
                                            "0001-01-01",
                                            "9999-12-31",
                                            "t",
                                            "false",
                                            "a",
                                            "Z",
                                            "zz",
                                            "ä",
                                            "O'Neil",
                                            "back\\slash",
                                            "",
                                            "x ",
                                            "\xF0\x9F\x98\x80",
                                            "\xEE\x80\x80",
                                            "NaN",
                                            "Infinity"};
constexpr FilterOperator kOperators[] = {
    FilterOperator::kLte,     FilterOperator::kGte,        FilterOperator::kEq,   FilterOperator::kNoteq,
    FilterOperator::kBetween, FilterOperator::kNotbetween, FilterOperator::kNull, FilterOperator::kNotnull};

/// How many filters the database judged, with every one of them compared.
std::size_t compare_all(ReadTable& table) {
  std::size_t judged = 0;
  const std::size_t all = table.ids(nullptr, nullptr).size();
  for (const ColumnSchema& column : table.schema().columns) {
    if (column.lob) continue;
    for (const FilterOperator op : kOperators) {
      for (std::size_t i = 0; i < kOperands.size(); ++i) {
        const std::string& low = kOperands[i];
        const std::string& high = kOperands[(i * 7 + 3) % kOperands.size()];
        const auto filter = RowFilter::compile({{column.name, {}, {{op, low, high, {}}}}}, table.schema());
        if (!filter) continue;  // no number for a column of numbers
        CAPTURE(column.name);
        CAPTURE(static_cast<int>(op));
        CAPTURE(low);
        CAPTURE(high);
        const Ids ours = table.ids(nullptr, &*filter);
        const Ids theirs = table.ids(&filter->condition(), nullptr);
        // What the database does not judge comes whole; what it judges is exactly ours.
        if (theirs.size() == all) {
          CHECK(table.ids(&filter->condition(), &*filter) == ours);
        } else {
          CHECK(theirs == ours);
          ++judged;
        }
      }
    }
  }
  return judged;
}

Ids passing(ReadTable& table, const std::string& column, FilterOperator op, const std::string& low,
            const std::string& high = "") {
  const auto filter = RowFilter::compile({{column, {}, {{op, low, high, {}}}}}, table.schema());
  REQUIRE(filter.ok());
  return table.ids(&filter->condition(), nullptr);
}

}  // namespace

TEST_CASE(
    "filter_source: PostgreSQL with a locale of its own gives the rows of the evaluator, and no other") {
  if (!postgres::TestDatabase::available()) return;
  const postgres::TestDatabase database(
      "TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C.UTF-8'");
  database.session().exec(R"(
    CREATE TYPE mood AS ENUM ('sad', 'a', 'Z');
    CREATE DOMAIN count AS int;
    CREATE TABLE t (id int PRIMARY KEY, small smallint, big bigint, dec numeric(12,2), num numeric, flag boolean, day date,
      at timestamp(6), utc timestamptz, vc varchar(20), unbounded varchar, ch char(6), real float8, single real, cash money,
      feeling mood, domain_of_int count, tod time, ip inet, u uuid);
    INSERT INTO t (id) VALUES (0);
    INSERT INTO t SELECT i, i - 5, (i - 5) * 1801439850948198, (i - 5) * 5.5, CASE i WHEN 1 THEN 'NaN' WHEN 2 THEN 'Infinity'
      WHEN 3 THEN '-Infinity' WHEN 4 THEN 123456789012345678901234.5 ELSE i - 5.000 END, i % 2 = 0,
      CASE i WHEN 1 THEN 'infinity' WHEN 2 THEN '-infinity' WHEN 3 THEN '0044-03-15 BC' WHEN 4 THEN '10000-01-01'
        ELSE date '2024-02-23' + i END,
      CASE i WHEN 1 THEN 'infinity' WHEN 2 THEN '-infinity' WHEN 3 THEN '0044-03-15 12:00:00 BC' WHEN 4 THEN '10000-01-01'
        WHEN 5 THEN '2024-02-29' WHEN 6 THEN '2024-02-29 12:00:00.25' ELSE timestamp '2024-02-29 12:00:00' + i * interval '1 s' - interval '8 s' END,
      CASE i WHEN 1 THEN 'infinity' WHEN 3 THEN '0044-03-15 12:00:00+00 BC' WHEN 4 THEN '10000-01-01+00'
        ELSE timestamptz '2024-02-29 14:00:00+02' + (i - 8) * interval '1 s' END,
      v, v, left(v, 6), i - 5.5, i - 5, (i - 5)::money, CASE WHEN i % 2 = 0 THEN 'a' ELSE 'Z' END::mood, i - 5, '12:00:00', '10.0.0.1',
      ('00000000-0000-0000-0000-00000000000' || (i % 10))::uuid
    FROM (VALUES (1, 'a'), (2, 'B'), (3, 'ä'), (4, 'Z'), (5, 'z'), (6, 'O''Neil'), (7, 'back\slash'), (8, ''), (9, 'x '), (10, 'x'),
      (11, U&'\+01F600'), (12, U&'\E000'), (13, 'zz'), (14, '5')) AS w(i, v);)");
  const auto source = database.open_source();
  ReadTable table(*source, {"public", "t"});
  CHECK(compare_all(table) > 150);
  // Typed by hand: bytes, not the locale, decide.
  CHECK(passing(table, "vc", FilterOperator::kLte, "Z") == Ids{"14", "2", "4", "6", "8"});
  CHECK(passing(table, "vc", FilterOperator::kGte, "\xEE\x80\x80") == Ids{"11", "12"});
  CHECK(passing(table, "day", FilterOperator::kLte, "0001-01-01") == Ids{"2", "3"});
  CHECK(passing(table, "at", FilterOperator::kLte, "2024-02-29") == Ids{"2", "3"});
  CHECK(passing(table, "num", FilterOperator::kGte, "8.0") == Ids{"1", "13", "14", "2", "4"});
  const auto by_locale = database.session().exec("SELECT count(*) FROM t WHERE vc <= 'Z'");
  CHECK(by_locale[0][0] != "5");  // else the test proves nothing about collations
}

TEST_CASE("filter_source: PostgreSQL with another encoding is not asked about texts") {
  if (!postgres::TestDatabase::available()) return;
  const postgres::TestDatabase database("TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'");
  database.session().exec(
      "CREATE TABLE t (id int PRIMARY KEY, vc varchar(9)); INSERT INTO t VALUES (1, 'a'), (2, 'ä'), (3, "
      "'Z'), (4, NULL);");
  const auto source = database.open_source();
  ReadTable table(*source, {"public", "t"});
  CHECK(compare_all(table) > 20);
  CHECK(passing(table, "vc", FilterOperator::kEq, "a").size() == 4);
  CHECK(passing(table, "vc", FilterOperator::kNull, "") == Ids{"4"});
}

TEST_CASE("filter_source: SQLite gives the rows of the evaluator, whatever affinity and collation") {
  for (const char* encoding : {"UTF-8", "UTF-16"}) {
    CAPTURE(encoding);
    const TestDatabase database(std::string("PRAGMA encoding = '") + encoding + R"(';
      CREATE TABLE t (id INTEGER PRIMARY KEY, i INTEGER, r REAL, n NUMERIC, x VARCHAR(30), nocase VARCHAR(30) COLLATE NOCASE,
                      trimmed VARCHAR(30) COLLATE RTRIM, b VARBINARY(9), untyped, day DATE, flag BOOLEAN);
      WITH w(v) AS (VALUES (NULL), (0), (5), (-5), (5.5), ('5'), ('005'), (9007199254740993), (9007199254740992.0), (1e18),
        (1e300), (-1e300), ('a'), ('A'), ('Z'), ('zz'), ('ä'), (''), ('x '), ('x'), ('O''Neil'), (x''), (x'00ff'),
        ('2024-02-29'), ('2024-02-29 12:00:00'), ('true'), ('😀'), (char(57344)), (9e999), ('1e3'), ('NaN'))
      INSERT INTO t SELECT row_number() OVER (), v, v, v, v, v, v, v, v, v, v FROM w;)");
    const auto source = open_source(database.path());
    ReadTable table(*source, {"main", "t"});
    CHECK(compare_all(table) > (std::string(encoding) == "UTF-8" ? 500 : 10));
    if (std::string(encoding) != "UTF-8") continue;
    CHECK(passing(table, "nocase", FilterOperator::kEq, "a") == Ids{"13"});
    CHECK(passing(table, "trimmed", FilterOperator::kEq, "x") == Ids{"20"});
    CHECK(passing(table, "n", FilterOperator::kBetween, "-5", "5") ==
          Ids{"2", "3", "4", "6", "7", "24", "25"});
  }
}

}  // namespace dmskafka

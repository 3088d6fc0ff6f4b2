// "Inserting a row, loading it and touching it" give equal values for every type. Needs DMSKAFKA_TEST_POSTGRES.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>

#include "sources/postgres/log_for_test.h"

namespace dmskafka::postgres {
namespace {

struct Column {
  const char* type;
  std::vector<const char*> values;
  int since = 0;
};

/// The families of test/integration/postgres_types, with the values that try them.
const std::vector<Column>& columns() {
  static const std::vector<Column> all = {
      {"smallint", {"-32768", "32767"}},
      {"integer", {"2147483647", "-2147483648"}},
      {"bigint", {"9223372036854775807", "-9223372036854775808", "9007199254740993"}},
      {"oid", {"4294967295"}},
      {"xid", {"'4294967295'"}},
      {"xid8", {"'18446744073709551615'"}, 130000},
      {"real", {"2.2", "'NaN'", "'Infinity'", "'-Infinity'", "3.4028235e38", "1e-45", "'-0'", "16777217"}},
      {"double precision",
       {"0.23", "'NaN'", "'-Infinity'", "1.7976931348623157e308", "5e-324", "'-0'", "1e15",
        "0.1::float8 + 0.2::float8"}},
      {"numeric(12,2)", {"46.57", "1500.00", "-9999999999.99", "'NaN'", "0"}},
      {"numeric(39,2)", {"1234567890123456789012345678901234567.50"}},
      {"numeric(3,-2)", {"12345"}, 150000},
      {"numeric", {"3.14159265358979323846", "repeat('9', 100000)::numeric", "1e-400", "'NaN'", "100.000"}},
      {"numeric", {"'Infinity'", "'-Infinity'"}, 140000},
      {"money", {"1234.5", "-0.05", "'-92233720368547758.08'"}},
      {"positive", {"0.50"}},
      {"text",
       {"E'tab\\t \"quoted\" \\\\ /'", "''", "' '",
        "'gr\xC3\xBC\xC3\x9F"
        "e \xF0\x9F\x98\x80'",
        "E'\\x01\\x1f'", "repeat('\xF0\x9F\x98\x80', 10000)", "E'a\\r\\n'"}},
      {"varchar(10)", {"'ab  '", "''"}},
      {"char(5)", {"'ab'", "''"}},
      {"\"char\"", {"'x'"}},
      {"name", {"'public'"}},
      {"uuid", {"'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"}},
      {"xml", {"'<a b=\"c\">\xC3\xBC</a>'"}},
      {"json", {"'{\"b\": 1,  \"a\":[null], \"b\":1e400}'", "'null'"}},
      {"jsonb", {"'{\"b\": 1,  \"a\":[null]}'", "'1e5'"}},
      {"tsvector", {"'fat:2A cat:3'"}},
      {"tsquery", {"'fat & rat'"}},
      {"mood", {"'so, so'", "'happy \"\xC3\xBC\"'"}},
      {"bytea", {"'\\xdeadbeef'", "''", "decode(repeat('ab', 70000), 'hex')"}},
      {"bit(8)", {"B'10100101'"}},
      {"bit varying(70)", {"B'101'", "B''"}},
      {"boolean", {"true", "false"}},
      {"date",
       {"'2018-01-02'", "'0001-01-01'", "'10000-01-01'", "'4713-01-01 BC'", "'infinity'", "'-infinity'"}},
      {"timestamp",
       {"'2010-11-01 00:02:00.1'", "'0044-03-15 BC'", "'294276-12-31 23:59:59.999999'", "'infinity'"}},
      {"timestamp(3)", {"'2021-01-08 09:00:00.25'"}},
      {"timestamptz",
       {"'2021-01-08 09:00:00+02'", "'2021-07-08 09:00:00.000001 Europe/Berlin'",
        "'0044-03-15 00:00:00+00 BC'"}},
      {"time", {"'04:05:06.7'", "'24:00:00'"}},
      {"timetz", {"'04:05:06.5-03:30'", "'24:00:00+15:59:59'"}},
      {"interval", {"'1 day 4 hours'", "'-1 year -2 mons +3 days -04:05:06.789'"}},
      {"inet", {"'192.168.0.1/24'", "'2001:db8::1'"}},
      {"cidr", {"'10/8'"}},
      {"macaddr", {"'08-00-2B-01-02-03'"}},
      {"macaddr8", {"'08:00:2b:01:02:03'"}},
      {"pg_lsn", {"'16/B374D848'"}},
      {"tid", {"'(4294967294,65535)'"}},
      {"point", {"'(1.5,-2)'", "'(NaN,Infinity)'"}},
      {"box", {"'(0,0),(1,1)'"}},
      {"path", {"'[(0,0),(1,1),(2,0)]'"}},
      {"circle", {"'<(0,0),1e300>'"}},
      {"integer[]", {"'{1,NULL,3}'", "'{{1,2},{3,4}}'", "'[0:1]={5,6}'"}},
      {"text[]", {"ARRAY['a,b', '', 'NULL', 'q\"\\']"}},
      {"timestamptz[]", {"ARRAY['2021-01-08 09:00:00+02', 'infinity']::timestamptz[]"}},
      {"float4[]", {"ARRAY[0.1, 'NaN']::float4[]"}},
      {"box[]", {"ARRAY['(0,0),(1,1)', '(2,2),(3,3)']::box[]"}},
      {"words", {"'{a,b}'"}},
      {"pair", {"ROW(1, 'x, \"y\"')", "'(,)'"}},
      {"pair[]", {"ARRAY[ROW(1, 'a')::pair]"}},
      {"int4range", {"'[1,4]'", "'empty'"}},
      {"tstzrange", {"'[2021-01-08 09:00:00+02,infinity)'"}},
      {"floatrange", {"'[0.1,Infinity)'"}},
      {"int4multirange", {"'{[1,2],[7,8]}'"}, 140000},
      {"regclass", {"'pg_class'", "'pair_table'"}},
      {"other.mood", {"'elsewhere'"}},
  };
  return all;
}

using Cells = std::map<std::string, Cell>;

Cells cells_of(const TableSchema& table, RowView row) {
  Cells cells;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    // An unchanged value out of line is not in the log; the others must not hide behind that.
    if (row[i].form() == ValueForm::kUnchanged) continue;
    cells[table.columns[i].name] = row[i].is_null() ? Cell() : Cell(row[i].view());
  }
  return cells;
}

}  // namespace

TEST_CASE(
    "postgres_log: a value is the same text whether it is loaded, inserted or touched, for every type") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec(
      "CREATE TYPE mood AS ENUM ('sad', 'so, so', 'happy \"\xC3\xBC\"'); CREATE TYPE pair AS (a int, b text);"
      "CREATE DOMAIN positive AS numeric(12,2) CHECK (VALUE > 0); CREATE DOMAIN words AS text[];"
      "CREATE TYPE floatrange AS RANGE (subtype = float8); CREATE TABLE pair_table (i int);"
      "CREATE SCHEMA other; CREATE TYPE other.mood AS ENUM ('elsewhere')");
  std::string definition = "id int PRIMARY KEY, touched int";
  std::size_t rows = 0;
  std::vector<const Column*> used;
  for (const Column& column : columns()) {
    if (session.version() < column.since) continue;
    definition += fmt::format(", c{} {}", used.size(), column.type);
    used.push_back(&column);
    rows = std::max(rows, column.values.size());
  }
  session.exec("CREATE TABLE types (" + definition + ")");
  // Defaults of the role that would change the text, if they reached our sessions.
  const std::string name = database.settings().database_name;
  for (const char* hostile :
       {"timezone = 'Asia/Tokyo'", "datestyle = 'SQL, DMY'", "intervalstyle = 'iso_8601'",
        "bytea_output = 'escape'", "extra_float_digits = 0", "xmlbinary = 'hex'"}) {
    session.exec("ALTER DATABASE " + name + " SET " + hostile);
  }
  FollowedLog log(database, {{"public", "types"}});
  log.open(log.prepare(ChangeLog::WithSnapshot::kNo).start);
  for (std::size_t row = 0; row <= rows; ++row) {
    std::string values = fmt::format("{}, 0", row);
    for (const Column* column : used) {
      values += row < column->values.size() ? std::string(", ") + column->values[row] : ", NULL";
    }
    session.exec("INSERT INTO types VALUES (" + values + ")");
  }
  session.exec("UPDATE types SET touched = 1");

  std::map<std::string, Cells> loaded;
  {
    const auto snapshot =
        log.source->open_snapshot(std::vector<const TableSchema*>{log.schemas[0].get()}, {});
    REQUIRE(snapshot.ok());
    const auto reader = (*snapshot)->open_reader({});
    REQUIRE(reader.ok());
    for (const auto& row : read_all(**reader, *log.schemas[0])) {
      Cells& cells = loaded[*row[0]];
      for (std::size_t i = 2; i < row.size(); ++i) cells[log.schemas[0]->columns[i].name] = row[i];
    }
  }
  REQUIRE(loaded.size() == rows + 1);

  const auto end = log.log->current_end();
  REQUIRE(end.ok());
  std::size_t inserts = 0;
  std::size_t updates = 0;
  LogBatch batch;
  while (log.position < *end) {
    batch.clear();
    REQUIRE(log.stream->read(batch, std::chrono::milliseconds(100), {}).ok());
    for (const LogEvent& event : batch.events()) {
      if (!event.position.empty()) log.position = event.position;
      // How a value is written is the column's affair: the log must not see it otherwise.
      if (event.kind == LogEventKind::kTable) CHECK(event.schema == log.schemas[0]);
    }
    for (const Change& change : std::as_const(batch).rows().changes()) {
      (change.operation == Operation::kInsert ? inserts : updates) += 1;
      Cells changed = cells_of(*change.table, change.after);
      const Cells& expected = loaded.at(*changed.at("id"));
      for (const auto& cell : changed) {
        const std::string& column = cell.first;
        if (column == "id" || column == "touched") continue;
        CAPTURE(column);
        CHECK(cell.second == expected.at(column));
      }
    }
  }
  CHECK(inserts == rows + 1);
  CHECK(updates == rows + 1);
  log.close();
  (void)log.log->remove_resources();
}

}  // namespace dmskafka::postgres

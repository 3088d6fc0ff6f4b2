#include "sources/postgres/row_conditions.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace dmskafka::postgres {
namespace {

std::string sql(const std::string& type, const RowCondition::Clause& clause,
                ServerEncoding encoding = ServerEncoding::kUtf8, ValueKind kind = ValueKind::kString) {
  TableSchema table;
  ColumnSchema column;
  column.name = "c";
  column.source_type = type;
  column.value_kind = kind;
  table.columns.push_back(column);
  return condition_sql(table, RowCondition{{clause}}, encoding);
}

RowTest test(FilterOperator op, std::string low, std::string high = "") {
  return {0, op, std::move(low), std::move(high)};
}

}  // namespace

TEST_CASE("row_conditions: numbers, dates, times and booleans of their own form") {
  CHECK(sql("integer", {test(FilterOperator::kLte, "-5")}) == R"(("c" OPERATOR(pg_catalog.<=) (-5)))");
  CHECK(sql("numeric(12,2)", {test(FilterOperator::kBetween, "1.50", "2")}) ==
        R"(("c" OPERATOR(pg_catalog.>=) (1.50) AND "c" OPERATOR(pg_catalog.<=) (2)))");
  CHECK(
      sql("date", {test(FilterOperator::kNotbetween, "2024-02-29", "2025-01-01")}) ==
      R"((("c" OPERATOR(pg_catalog.<) pg_catalog.date '2024-02-29' OR "c" OPERATOR(pg_catalog.>) pg_catalog.date '2025-01-01')))");
  CHECK(sql("timestamp(3) without time zone", {test(FilterOperator::kEq, "2024-02-29 12:00:00.25")}) ==
        R"(("c" OPERATOR(pg_catalog.=) pg_catalog.timestamp '2024-02-29 12:00:00.25'))");
  CHECK(sql("timestamp with time zone", {test(FilterOperator::kGte, "2024-02-29 12:00:00")}) ==
        R"(("c" OPERATOR(pg_catalog.>=) pg_catalog.timestamptz '2024-02-29 12:00:00+00'))");
  CHECK(sql("boolean", {test(FilterOperator::kNoteq, "1")}) == R"(("c" OPERATOR(pg_catalog.<>) true))");
  CHECK(sql("text", {test(FilterOperator::kNull, "")}) == R"(("c" IS NULL))");
}

TEST_CASE("row_conditions: a day stands before its own midnight, as its text does") {
  const std::string type = "timestamp without time zone";
  CHECK(sql(type, {test(FilterOperator::kLte, "2024-01-01")}) ==
        R"(("c" OPERATOR(pg_catalog.<) pg_catalog.timestamp '2024-01-01 00:00:00'))");
  CHECK(
      sql(type, {test(FilterOperator::kNotbetween, "2024-01-01", "2024-01-02")}) ==
      R"((("c" OPERATOR(pg_catalog.<) pg_catalog.timestamp '2024-01-01 00:00:00' OR "c" OPERATOR(pg_catalog.>=) pg_catalog.timestamp '2024-01-02 00:00:00')))");
  CHECK(sql(type, {test(FilterOperator::kEq, "2024-01-01")}).empty());
}

TEST_CASE("row_conditions: text only under COLLATE \"C\", and only where the server keeps UTF-8") {
  const std::string expected =
      R"((("c"::pg_catalog.text COLLATE pg_catalog."C") OPERATOR(pg_catalog.<=) 'O''Neil'))";
  CHECK(sql("character varying(20)", {test(FilterOperator::kLte, "O'Neil")}) == expected);
  CHECK(sql("character varying", {test(FilterOperator::kEq, "a\\b")}).find("E'a\\\\b'") != std::string::npos);
  CHECK(sql("character varying", {test(FilterOperator::kEq, "a")}, ServerEncoding::kOther).empty());
  CHECK(sql("character varying", {test(FilterOperator::kEq, std::string("a\0", 2))}).empty());
  CHECK(sql("character(5)", {test(FilterOperator::kEq, "a")}).empty());
  CHECK_FALSE(sql("character(5)", {test(FilterOperator::kEq, "a")}, ServerEncoding::kUtf8,
                  ValueKind::kBlankTrimmedString)
                  .empty());
}

TEST_CASE("row_conditions: what the server might judge otherwise is not asked of it") {
  for (const char* type : {"real", "double precision", "money", "uuid", "time without time zone", "interval",
                           "public.numeric", "integer[]", "name", "mood"}) {
    CAPTURE(type);
    CHECK(sql(type, {test(FilterOperator::kEq, "1")}).empty());
  }
  CHECK(sql("integer", {test(FilterOperator::kEq, "1e3")}).empty());
  CHECK(sql("integer", {test(FilterOperator::kEq, "NaN")}).empty());
  CHECK(sql("date", {test(FilterOperator::kEq, "2023-02-29")}).empty());
  CHECK(sql("date", {test(FilterOperator::kEq, "2024-02")}).empty());
  CHECK(sql("date", {test(FilterOperator::kEq, "2024-02-29 00:00:00")}).empty());
  CHECK(sql("timestamp without time zone", {test(FilterOperator::kEq, "2024-02-29 12:00:00.50")}).empty());
  CHECK(sql("timestamp without time zone", {test(FilterOperator::kEq, "2024-02-29 24:00:00")}).empty());
  CHECK(sql("boolean", {test(FilterOperator::kEq, "yes")}).empty());
}

TEST_CASE("row_conditions: one test that is not judged takes its clause with it, and no other") {
  TableSchema table;
  table.columns.resize(2);
  table.columns[0].name = "a";
  table.columns[0].source_type = "integer";
  table.columns[1].name = "b";
  table.columns[1].source_type = "real";
  const RowTest judged{0, FilterOperator::kEq, "1", ""};
  const RowTest open{1, FilterOperator::kEq, "1", ""};
  const RowCondition condition{{{judged, open}, {judged, judged}, {open}}};
  CHECK(condition_sql(table, condition, ServerEncoding::kUtf8) ==
        R"(("a" OPERATOR(pg_catalog.=) (1) OR "a" OPERATOR(pg_catalog.=) (1)))");
}

}  // namespace dmskafka::postgres

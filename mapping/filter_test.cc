#include "mapping/filter.h"

#include <doctest/doctest.h>

#include <cstring>

using namespace dmskafka;

namespace {

TableSchema table_of(ValueKind kind) {
  TableSchema table;
  table.name = {"s", "t"};
  ColumnSchema column;
  column.name = "c";
  column.value_kind = kind;
  table.columns.push_back(column);
  return table;
}

bool passes(ValueKind kind, FilterOperator op, std::string low, const Value& value, std::string high = "") {
  const auto filter =
      RowFilter::compile({{"c", {}, {{op, std::move(low), std::move(high), {}}}}}, table_of(kind));
  REQUIRE(filter.ok());
  return filter->passes({&value, 1});
}

bool passes(ValueKind kind, FilterOperator op, std::string low, std::string_view value) {
  return passes(kind, op, std::move(low), Value::text(value));
}

}  // namespace

TEST_CASE("filter: numbers are compared by value, with every digit") {
  CHECK(passes(ValueKind::kInteger, FilterOperator::kGte, "9", "10"));
  CHECK_FALSE(passes(ValueKind::kInteger, FilterOperator::kGte, "9", "-10"));
  CHECK(passes(ValueKind::kInteger, FilterOperator::kLte, "-9", "-10"));
  CHECK(passes(ValueKind::kInteger, FilterOperator::kEq, "0", "-0"));
  CHECK(passes(ValueKind::kDecimal, FilterOperator::kEq, "007.50", "7.5000"));
  CHECK(passes(ValueKind::kDecimal, FilterOperator::kNoteq, "12345678901234567890.2",
               "12345678901234567890.1"));
  CHECK(passes(ValueKind::kDecimal, FilterOperator::kLte, "0.5", "0.45"));
  CHECK(passes(ValueKind::kMoney, FilterOperator::kGte, "1234.5", "$1,234.50"));
  CHECK(passes(ValueKind::kFloat8, FilterOperator::kEq, "1000", "1e3"));
}

TEST_CASE("filter: against NULL nothing holds but \"null\"") {
  for (const FilterOperator op :
       {FilterOperator::kLte, FilterOperator::kGte, FilterOperator::kEq, FilterOperator::kNoteq,
        FilterOperator::kBetween, FilterOperator::kNotbetween, FilterOperator::kNotnull}) {
    CHECK_FALSE(passes(ValueKind::kString, op, "a", Value::null(), "b"));
  }
  CHECK(passes(ValueKind::kString, FilterOperator::kNull, "", Value::null()));
  CHECK_FALSE(passes(ValueKind::kString, FilterOperator::kNull, "", Value::text("")));
}

TEST_CASE("filter: a column that a change does not carry keeps no row back") {
  CHECK(passes(ValueKind::kString, FilterOperator::kEq, "a", Value()));
  CHECK(passes(ValueKind::kString, FilterOperator::kEq, "a", Value(ValueForm::kUnchanged, nullptr, 0)));
}

TEST_CASE("filter: SQLite's values stand in SQLite's order: numbers, text, bytes") {
  const double real = 2.5;
  char bytes[sizeof real];
  std::memcpy(bytes, &real, sizeof real);
  const Value number(ValueForm::kReal, bytes, sizeof bytes);
  const Value integer(ValueForm::kInteger, "3", 1);
  const Value blob(ValueForm::kBytes, "\x01", 1);
  CHECK(passes(ValueKind::kDynamic, FilterOperator::kLte, "2.5", number));
  CHECK_FALSE(passes(ValueKind::kDynamic, FilterOperator::kGte, "2.6", number));
  CHECK(passes(ValueKind::kDynamic, FilterOperator::kGte, "2.6", integer));
  CHECK(passes(ValueKind::kDynamic, FilterOperator::kLte, "a", integer));
  CHECK(passes(ValueKind::kDynamic, FilterOperator::kGte, "zzz", blob));
}

TEST_CASE("filter: times are compared in the form of AWS's documents, or in ours") {
  CHECK(
      passes(ValueKind::kTimestampUtc, FilterOperator::kEq, "2024-02-29 12:00:00", "2024-02-29 12:00:00+00"));
  CHECK(passes(ValueKind::kTimestamp, FilterOperator::kEq, "2024-02-29T12:00:00Z", "2024-02-29 12:00:00"));
}

TEST_CASE("filter: a value that no column of its kind can have is an error") {
  const auto filter =
      RowFilter::compile({{"c", {}, {{FilterOperator::kEq, "x", "", {}}}}}, table_of(ValueKind::kInteger));
  REQUIRE_FALSE(filter.ok());
  CHECK(filter.error().message() == "\"x\" is no number, and column \"c\" holds numbers");
}

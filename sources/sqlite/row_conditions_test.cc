#include "sources/sqlite/row_conditions.h"

#include <doctest/doctest.h>

#include <string>

namespace dmskafka::sqlite {
namespace {

std::string sql(FilterOperator op, std::string low, std::string high = "",
                TextEncoding encoding = TextEncoding::kUtf8) {
  TableSchema table;
  table.columns.resize(1);
  table.columns[0].name = "c";
  return condition_sql(table, RowCondition{{{{0, op, std::move(low), std::move(high)}}}}, encoding);
}

}  // namespace

TEST_CASE("row_conditions: each storage class is compared for itself, without affinity or collation") {
  CHECK(
      sql(FilterOperator::kLte, "5") ==
      R"((CASE typeof(+t."c") WHEN 'text' THEN +t."c" COLLATE BINARY <= '5' WHEN 'blob' THEN 0 WHEN 'null' THEN 0 ELSE +t."c" <= 5 END))");
  CHECK(
      sql(FilterOperator::kGte, "O'Neil") ==
      R"((CASE typeof(+t."c") WHEN 'text' THEN +t."c" COLLATE BINARY >= 'O''Neil' WHEN 'blob' THEN 1 WHEN 'null' THEN 0 ELSE 0 END))");
  CHECK(sql(FilterOperator::kNotnull, "") == R"((t."c" IS NOT NULL))");
}

TEST_CASE("row_conditions: what SQLite might judge otherwise is not asked of it") {
  CHECK(sql(FilterOperator::kEq, "1.5").empty());
  CHECK(sql(FilterOperator::kEq, "1e3").empty());
  CHECK(sql(FilterOperator::kEq, "9007199254740993").empty());
  CHECK(sql(FilterOperator::kEq, "Infinity").empty());
  CHECK(sql(FilterOperator::kBetween, "1", "nan").empty());
  CHECK(sql(FilterOperator::kEq, std::string("a\0", 2)).empty());
  CHECK(sql(FilterOperator::kEq, "a", "", TextEncoding::kUtf16).empty());
  CHECK_FALSE(sql(FilterOperator::kNull, "", "", TextEncoding::kUtf16).empty());
}

}  // namespace dmskafka::sqlite

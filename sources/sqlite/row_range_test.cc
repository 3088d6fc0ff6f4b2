#include "sources/sqlite/row_range.h"

#include <doctest/doctest.h>

using namespace dmskafka;
using namespace dmskafka::sqlite;

TEST_CASE("row_range: a bound is a number where the column compares numbers") {
  CHECK(affinity_of("INTEGER") == Affinity::kNumeric);
  CHECK(affinity_of("varchar(10)") == Affinity::kText);
  CHECK(affinity_of("") == Affinity::kNone);
  CHECK(affinity_of("blob") == Affinity::kNone);
  CHECK(affinity_of("double") == Affinity::kNumeric);
  CHECK(affinity_of("date") == Affinity::kNumeric);
  for (const char* number : {"1", "-1", "+1.5", ".5", "1.", "1e3", "-1.5E-3"}) {
    CAPTURE(number);
    CHECK(bound_literal(number, Affinity::kNumeric) == number);
    CHECK(bound_literal(number, Affinity::kNone) == number);
    CHECK(bound_literal(number, Affinity::kText) == "'" + std::string(number) + "'");
  }
  for (const char* text : {"", "-", ".", "1e", "1 OR 1", "0x10", "abc", "1,5"}) {
    CAPTURE(text);
    CHECK(bound_literal(text, Affinity::kNumeric) == "'" + std::string(text) + "'");
  }
  CHECK(bound_literal("it's", Affinity::kText) == "'it''s'");
}

TEST_CASE("row_range: conditions") {
  TableSchema table;
  table.name = {"main", "t"};
  for (const char* name : {"id", "name"}) table.columns.emplace_back().name = name;
  table.columns[0].source_type = "INTEGER";
  table.columns[1].source_type = "TEXT";
  table.primary_key = {0};
  CHECK(segment_condition(table, "").value().empty());
  CHECK(segment_condition(table, "rowid ..5").value() == "t.\"id\" < 5");
  CHECK(segment_condition(table, "rowid -5..5").value() == "t.\"id\" >= -5 AND t.\"id\" < 5");
  CHECK(segment_condition(table, "keys (\"id\") to ('5')").value() == "t.\"id\" < 5");
  CHECK(segment_condition(table, "keys (\"id\",\"name\") from ('5','6')").value() ==
        "(t.\"id\", t.\"name\") >= (5, '6') AND t.\"name\" IS NOT NULL");
  CHECK(segment_condition(table, "keys (\"id\",\"name\") null").value() ==
        "(t.\"id\" IS NULL OR t.\"name\" IS NULL)");
  CHECK_FALSE(segment_condition(table, "keys (\"other\") to ('5')").ok());
  CHECK_FALSE(segment_condition(table, "keys (\"id\") to ('5') OR 1").ok());
}

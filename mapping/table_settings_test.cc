#include "mapping/table_settings.h"

#include <doctest/doctest.h>

#include <string>

using namespace dmskafka;

namespace {

struct Read {
  std::optional<TableSettingsRule> rule;
  Problems problems;
};

// `members`: what follows the locator.
Read read(const std::string& members, const std::string& table = "orders") {
  const auto document = JsonDocument::parse(
      "m.json",
      R"({"rule-type":"table-settings","rule-id":"2","object-locator":{"schema-name":"s","table-name":")" +
          table + "\"}" + members + "}");
  REQUIRE(document.ok());
  Read result;
  result.rule = read_table_settings(document->root(), 2, result.problems);
  CHECK(result.rule.has_value() == result.problems.ok());
  return result;
}

TableSchema schema() {
  TableSchema table;
  table.name = {"s", "orders"};
  table.columns.resize(2);
  table.columns[0].name = "id";
  table.columns[1].name = "photo";
  table.columns[1].lob = true;
  return table;
}

}  // namespace

TEST_CASE("table_settings: a rule means one table, of any kind") {
  const Read read_rule = read("");
  REQUIRE(read_rule.rule.has_value());
  CHECK(read_rule.rule->locator.matches({"s", "orders"}, TableKind::kTable));
  CHECK(read_rule.rule->locator.matches({"s", "orders"}, TableKind::kView));
  CHECK_FALSE(read_rule.rule->locator.matches({"s", "order"}, TableKind::kTable));
  CHECK_FALSE(read("", "order%").problems.ok());
}

TEST_CASE("table_settings: ranges need columns, and boundaries of as many values") {
  const Read good = read(R"(,"parallel-load":{"type":"ranges","columns":["id"],"boundaries":[["10"],[20]]})");
  REQUIRE(good.rule.has_value());
  CHECK(good.rule->range_columns == std::vector<std::string>{"id"});
  CHECK_FALSE(read(R"(,"parallel-load":{"type":"ranges","boundaries":[["10"]]})").problems.ok());
  CHECK_FALSE(read(R"(,"parallel-load":{"type":"ranges","columns":["id"]})").problems.ok());
  CHECK_FALSE(
      read(R"(,"parallel-load":{"type":"ranges","columns":["id"],"boundaries":[["1","2"]]})").problems.ok());
  CHECK_FALSE(
      read(R"(,"parallel-load":{"type":"ranges","columns":["a","b","c","d","e","f","g","h","i","j","k"],)"
           R"("boundaries":[["1","2","3","4","5","6","7","8","9","10","11"]]})")
          .problems.ok());
}

TEST_CASE("table_settings: columns of ranges must be the table's own, and no LOBs") {
  const auto fault = [](const std::string& column) {
    const Read read_rule =
        read(R"(,"parallel-load":{"type":"ranges","columns":[")" + column + R"("],"boundaries":[["10"]]})");
    REQUIRE(read_rule.rule.has_value());
    const auto checked = parallel_load_of(*read_rule.rule, schema());
    return checked ? std::string() : checked.error().message();
  };
  CHECK(fault("ID").empty());
  CHECK(fault("idd") == "no column \"idd\" in s.orders");
  CHECK(fault("photo") == "ranges of the LOB column \"photo\" in s.orders");
}

TEST_CASE("table_settings: limited LOBs need a size") {
  CHECK_FALSE(read(R"(,"lob-settings":{"mode":"limited"})").problems.ok());
  CHECK_FALSE(read(R"(,"lob-settings":{"mode":"limited","bulk-max-size":"0"})").problems.ok());
  CHECK(read(R"(,"lob-settings":{"mode":"limited","bulk-max-size":"16"})").problems.ok());
  CHECK(read(R"(,"lob-settings":{"mode":"unlimited"})").problems.ok());
}

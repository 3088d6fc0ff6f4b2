#include "mapping/rule_set.h"

#include <doctest/doctest.h>

#include <string>

using namespace dmskafka;

namespace {

struct Read {
  std::optional<RuleSet> rules;
  Problems problems;
  std::string
      errors;  // the messages alone, one a line; whole texts with their places are in test/golden/fail-*
  std::string warnings;
};

Read read(const std::string& text) {
  const auto document = JsonDocument::parse("mapping.json", text);
  REQUIRE(document.ok());
  Read result;
  result.rules = read_rule_set(document->root(), Dialect::kDms, result.problems);
  for (const Error& error : result.problems.errors) {
    result.errors += error.location()->pointer + ": " + error.message() + "\n";
  }
  for (const Error& warning : result.problems.warnings) {
    result.warnings += warning.location()->pointer + ": " + warning.message() + "\n";
  }
  CHECK(result.rules.has_value() == result.problems.ok());
  return result;
}

// A mapping of one good rule and `more`, rules that begin with a comma.
std::string with(const std::string& more) {
  return R"({"rules":[{"rule-type":"selection","rule-id":"1","rule-name":"1","rule-action":"include",)"
         R"("object-locator":{"schema-name":"%","table-name":"%"}})" +
         more + "]}";
}

const std::string kLocator = R"("object-locator":{"schema-name":"s","table-name":"t"})";

}  // namespace

TEST_CASE("rule_set: rule-id and load-order are numbers or text, null members are absent") {
  const Read result = read(
      R"({"rules":[{"rule-type":"selection","rule-id":7,"rule-name":null,"rule-action":"include",)" +
      kLocator +
      R"(,"filters":null,"load-order":"3"},{"rule-type":"selection","rule-id":"8","rule-action":"exclude",)" +
      kLocator + R"(,"filters":[],"load-order":4}]})");
  REQUIRE(result.rules);
  REQUIRE(result.rules->selection.size() == 2);
  CHECK(result.rules->selection[0].id == 7);
  CHECK(result.rules->selection[0].load_order == 3);
  CHECK(result.rules->selection[1].action == SelectionAction::kExclude);
  CHECK(result.rules->selection[1].load_order == 4);
  CHECK(result.warnings.empty());
}

TEST_CASE("rule_set: one id twice in a rule-type is an error, across types a warning") {
  const Read twice =
      read(with(R"(,{"rule-type":"selection","rule-id":1,"rule-action":"exclude",)" + kLocator + "}"));
  CHECK(twice.errors == "/rules/1/rule-id: duplicate rule-id 1\n");
  const Read across =
      read(with(R"(,{"rule-type":"object-mapping","rule-id":"01","rule-action":"map-record-to-record",)" +
                kLocator + "}"));
  CHECK(across.errors.empty());
  CHECK(across.warnings == "/rules/1/rule-id: rule-id 1 also belongs to a rule of type \"selection\"\n");
}

TEST_CASE("rule_set: dms-strict refuses wildcards in object mapping, as DMS's engine 3.5 does") {
  const auto document = JsonDocument::parse(
      "mapping.json",
      with(R"(,{"rule-type":"object-mapping","rule-id":"4","rule-action":"map-record-to-record",)"
           R"("object-locator":{"schema-name":"%","table-name":"t"}})"));
  REQUIRE(document.ok());
  Problems problems;
  CHECK(read_rule_set(document->root(), Dialect::kDms, problems));
  CHECK_FALSE(read_rule_set(document->root(), Dialect::kDmsStrict, problems));
  REQUIRE(problems.errors.size() == 1);
  CHECK(problems.errors[0].message() == "wildcards in schema-name \"%\"");
}

TEST_CASE("rule_set: what has no effect is named") {
  const Read result =
      read(with(R"(,{"rule-type":"selection","rule-id":"6","rule-action":"exclude",)" + kLocator +
                R"(,"filters":[{}]},)" + R"({"rule-type":"post-processing","rule-id":"7"})"));
  CHECK(result.errors.empty());
  CHECK(result.warnings ==
        "/rules/1/filters: filters have an effect only with rule-action \"include\"\n"
        "/rules/2/rule-type: rule-type \"post-processing\" has no effect on messages to Kafka\n");
}

TEST_CASE("rule_set: a bare map-record-to-record needs nothing") {
  CHECK(read(with(R"(,{"rule-type":"object-mapping","rule-id":"2","rule-action":"map-record-to-record",)" +
                  kLocator + R"(,"target-table-name":null,"mapping-parameters":{"exclude-columns":[]}})"))
            .errors.empty());
}

TEST_CASE("rule_set: explicit takes exact names, in which '_' is itself") {
  const std::string rule = R"({"rules":[{"rule-type":"selection","rule-id":"1","rule-action":"explicit",)";
  const Read wild = read(rule + R"("object-locator":{"schema-name":"%","table-name":"order[_]items"}}]})");
  CHECK(wild.errors ==
        "/rules/0/object-locator/schema-name: wildcards in schema-name \"%\"\n"
        "/rules/0/object-locator/table-name: wildcards in table-name \"order[_]items\"\n");
  const Read exact = read(rule + R"("object-locator":{"schema-name":"s","table-name":"order_items"}}]})");
  REQUIRE(exact.rules);
  CHECK(exact.rules->selection[0].locator.matches({"s", "order_items"}, TableKind::kTable));
  CHECK_FALSE(exact.rules->selection[0].locator.matches({"s", "orderXitems"}, TableKind::kTable));
}

TEST_CASE("rule_set: every problem is reported, not the first") {
  const Read result = read(
      R"({"rules":[{"rule-type":"Selection"},7,{"rule-type":"selection","rule-id":-1,"rule-action":"Include","locator":{}},)"
      R"({"rule-type":"selection","rule-id":"x","rule-action":"include","object-locator":{"schema-name":"","table-name":"[",)"
      R"("table-type":"views"},"load-order":1.5}],"rule":[]})");
  CHECK(result.errors ==
        "/rule: unknown member \"rule\" of a table mapping\n"
        "/rules/0/rule-type: unknown rule-type \"Selection\"\n"
        "/rules/0: the rule has no \"rule-id\"\n"
        "/rules/1: a rule is a number\n"
        "/rules/2/rule-id: rule-id is -1\n"
        "/rules/2/locator: unknown member \"locator\" of a selection rule\n"
        "/rules/2/rule-action: unknown rule-action \"Include\"\n"
        "/rules/2: a selection rule has no \"object-locator\"\n"
        "/rules/3/rule-id: rule-id is \"x\"\n"
        "/rules/3/object-locator/schema-name: schema-name is empty\n"
        "/rules/3/object-locator/table-name: table-name \"[\": \"[\" without \"]\"\n"
        "/rules/3/object-locator/table-type: unknown table-type \"views\"\n"
        "/rules/3/load-order: load-order is 1.5\n");
}

TEST_CASE("rule_set: a mapping without a selection rule is an error") {
  CHECK(read(R"({"rules":[]})").errors == "/rules: no selection rule, so no table would be loaded\n");
  CHECK(read(R"({"rules":null})").errors == ": a table mapping has no \"rules\"\n");
  CHECK(read(R"({"rules":{}})").errors == "/rules: rules is an object\n");
}

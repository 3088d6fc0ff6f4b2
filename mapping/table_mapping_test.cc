#include "mapping/table_mapping.h"

#include <doctest/doctest.h>

#include <string>

#include "core/json/json_writer.h"

using namespace dmskafka;

namespace {

const std::string kRules =
    R"({"rules":[{"rule-type":"selection","rule-id":"1","rule-name":"a","rule-action":"include",)"
    R"("object-locator":{"schema-name":"%","table-name":"%"}},)"
    R"({"rule-type":"selection","rule-id":"2","rule-name":"b","rule-action":"exclude",)"
    R"("object-locator":{"schema-name":"%","table-name":"x%"}}]})";

struct Compiled {
  std::unique_ptr<Planner> planner;
  std::string errors;
};

Compiled compile(const std::string& text, const MappingContext& context = {}) {
  Compiled result;
  const auto document = JsonDocument::parse("mapping.json", text);
  REQUIRE(document.ok());
  Problems problems;
  result.planner = compile_table_mapping(*document, context, problems);
  for (const Error& error : problems.errors) {
    result.errors += error.location()->file + ":" + error.location()->pointer + ": " + error.message() + "\n";
  }
  CHECK((result.planner != nullptr) == problems.ok());
  return result;
}

std::string digest(const std::string& text, const MappingContext& context = {}) {
  const Compiled compiled = compile(text, context);
  REQUIRE(compiled.planner);
  return compiled.planner->digest();
}

}  // namespace

TEST_CASE("table_mapping: the shapes in which AWS users hold a mapping mean the same") {
  const std::string expected = digest(kRules);
  const std::string quoted = json_quoted(kRules);
  CHECK(digest("{\"ReplicationTaskIdentifier\":\"t\",\"TableMappings\":" + quoted + "}") == expected);
  CHECK(digest("{\"ReplicationTask\":{\"TableMappings\":" + quoted + "}}") == expected);
  CHECK(digest("{\"Marker\":null,\"ReplicationTasks\":[{\"TableMappings\":" + quoted + "}]}") == expected);
  CHECK(digest("{\"Type\":\"AWS::DMS::ReplicationTask\",\"Properties\":{\"TableMappings\":" + quoted +
               "}}") == expected);
  CHECK(digest("{\"TableMappings\":" + kRules + "}") == expected);
}

TEST_CASE("table_mapping: a shape without a mapping says what is missing") {
  CHECK(compile("[]").errors == "mapping.json:: an array is no table mapping\n");
  CHECK(compile("{}").errors == "mapping.json:: no \"rules\" and no \"TableMappings\"\n");
  CHECK(compile(R"({"TableMappings":5})").errors ==
        "mapping.json:/TableMappings: TableMappings is a number\n");
  CHECK(compile(R"({"TableMappings":"{}"})").errors ==
        "mapping.json#/TableMappings:: a table mapping has no \"rules\"\n");
  CHECK(compile(R"({"ReplicationTasks":[{},{}]})").errors ==
        "mapping.json:/ReplicationTasks: 2 replication tasks in one reply\n");
  const std::string nested = compile(R"({"TableMappings":"{\"rules\":[}"})").errors;
  CHECK(nested.starts_with("mapping.json#/TableMappings:"));
}

TEST_CASE("table_mapping: the digest knows neither white space nor the order of rules, ids or names") {
  const std::string same =
      "{ \"rules\": [\n"
      R"({"rule-type":"selection","rule-id":20,"rule-action":"exclude","object-locator":{"table-name":"x%","schema-name":"%"}},)"
      R"({"rule-type":"selection","rule-id":30,"rule-action":"include","object-locator":{"schema-name":"%","table-name":"%","table-type":"table"}})"
      "]}\n";
  CHECK(digest(same) == digest(kRules));
  CHECK(digest(same).size() == 64);
}

TEST_CASE("table_mapping: the digest knows what shapes messages, and nothing else") {
  std::string other = kRules;
  other.replace(other.find("x%"), 2, "y%");
  const std::string base = digest(kRules);
  CHECK(digest(other) != base);
  const auto changed = [&](auto change) {
    MappingContext context;
    change(context);
    return digest(kRules, context) != base;
  };
  CHECK(changed([](MappingContext& c) { c.kafka.message_format = MessageFormat::kJsonUnformatted; }));
  CHECK(changed([](MappingContext& c) { c.kafka.include_null_and_empty = true; }));
  CHECK(changed([](MappingContext& c) { c.kafka.partition_include_schema_table = true; }));
  CHECK(changed([](MappingContext& c) { c.kafka.no_hex_prefix = true; }));
  CHECK(changed([](MappingContext& c) { c.kafka.topic = "other"; }));
  CHECK(changed([](MappingContext& c) { c.task.target_schema = "other"; }));
  CHECK(changed([](MappingContext& c) { c.task_id = "other"; }));
  CHECK_FALSE(changed([](MappingContext& c) { c.task.max_full_load_sub_tasks = 3; }));
  CHECK_FALSE(changed([](MappingContext& c) { c.kafka.brokers = {"h:9092"}; }));
}

TEST_CASE("table_mapping: no mapping is the mapping that includes everything") {
  const std::string everything =
      R"({"rules":[{"rule-type":"selection","rule-id":"1","rule-action":"include",)"
      R"("object-locator":{"schema-name":"%","table-name":"%"}}]})";
  CHECK(compile_default_mapping({})->digest() == digest(everything));
}

TEST_CASE("table_mapping: TargetSchema and Topic are the plan's") {
  MappingContext context;
  context.task.target_schema = "shop";
  context.kafka.topic = "orders";
  auto schema = std::make_shared<TableSchema>();
  schema->name = {"public", "demo"};
  const auto planner = compile_default_mapping(context);
  const auto plan = planner->plan(schema);
  REQUIRE(plan.ok());
  CHECK((*plan)->topic() == "orders");
  CHECK((*plan)->target_name() == TableName{"shop", "demo"});
  CHECK((*plan)->schema().name == TableName{"public", "demo"});
}

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "mapping/table_mapping.h"
#include "test/support/allocation_count.h"

using namespace dmskafka;

// Changes through a whole plan: rules, before images, keys. Whole messages are in test/golden.

namespace {

TableSchema people() {
  TableSchema schema;
  schema.name = {"hr", "people"};
  for (const std::string_view name : {"id", "name", "ssn", "note"}) {
    ColumnSchema& column = schema.columns.emplace_back();
    column.name = name;
  }
  schema.columns[0].value_kind = ValueKind::kInteger;
  schema.primary_key = {0};
  return schema;
}

constexpr std::string_view kRules = R"({"rules": [
  {"rule-type": "selection", "rule-id": "1", "rule-action": "include",
   "object-locator": {"schema-name": "%", "table-name": "%"},
   "filters": [{"filter-type": "source", "column-name": "id",
                "filter-conditions": [{"filter-operator": "gte", "value": "1"}]}]},
  {"rule-type": "transformation", "rule-id": "2", "rule-target": "column", "rule-action": "data-masking-digits-mask",
   "object-locator": {"schema-name": "%", "table-name": "%", "column-name": "ssn"}, "value": "#"},
  {"rule-type": "transformation", "rule-id": "3", "rule-target": "column", "rule-action": "add-before-image-columns",
   "object-locator": {"schema-name": "%", "table-name": "%"}, "before-image-def": {"column-filter": "all"}}
]})";

std::unique_ptr<const TablePlan> plan_of(const std::shared_ptr<const TableSchema>& schema,
                                         const MappingContext& context, std::string_view rules) {
  Problems problems;
  const auto document = JsonDocument::parse("mapping.json", std::string(rules));
  REQUIRE(document);
  const auto planner = compile_table_mapping(*document, context, problems);
  REQUIRE(problems.ok());
  auto plan = planner->plan(schema);
  REQUIRE(plan);
  return std::move(*plan);
}

std::vector<Value> texts(std::vector<std::string_view> all) {
  std::vector<Value> row;
  for (const std::string_view text : all) row.push_back(Value::text(text));
  return row;
}

MappingContext parallel_cdc() {
  MappingContext context;
  context.migration_type = MigrationType::kCdc;
  context.kafka.include_transaction_details = true;
  context.kafka.include_partition_value = true;
  context.task.parallel_apply_threads = 2;
  return context;
}

// Every kind of change once, in the way of the engine.
void encode_all(const TablePlan& plan, const TableSchema& schema, RowView row, RowView old_row, WallTime now,
                EncodedMessage& message) {
  static const SourceTransaction transaction{7, WallTime{1}, 6, 2};
  for (const Operation operation : {Operation::kInsert, Operation::kUpdate, Operation::kDelete}) {
    Change change;
    change.operation = operation;
    change.table = &schema;
    if (operation != Operation::kDelete) change.after = row;
    if (operation != Operation::kInsert) change.before = old_row;
    change.transaction = &transaction;
    change.transaction_record = 1;
    change.stream_position = "00000002/7C0073F8.2.00000002/7C0073F8";
    CHECK(plan.disposition(change) == Disposition::kSend);
    message.clear();
    plan.encode_key(change, now, message);
    message.clear();
    CHECK(plan.encode_old_key(change, now, message) == (operation == Operation::kUpdate));
    message.clear();
    plan.encode(change, now, message);
  }
}

}  // namespace

TEST_CASE("change_records: an update has an old key when a value of the key differs, and no other does") {
  constexpr std::string_view kPlain = R"({"rules": [
    {"rule-type": "selection", "rule-id": "1", "rule-action": "include",
     "object-locator": {"schema-name": "%", "table-name": "%"}}]})";
  std::string_view rules;
  SUBCASE("with a mask") { rules = kRules; }
  SUBCASE("with the columns as they are") { rules = kPlain; }
  auto schema = std::make_shared<TableSchema>(people());
  const auto plan = plan_of(schema, parallel_cdc(), rules);
  const auto old_key = [&](std::vector<std::string_view> old_row) {
    const std::vector<Value> row = texts({"2", "Bob", "45-6", "a note"});
    const std::vector<Value> before = texts(std::move(old_row));
    Change change;
    change.operation = Operation::kUpdate;
    change.table = schema.get();
    change.after = row;
    change.before = before;
    EncodedMessage message;
    const bool differs = plan->encode_old_key(change, WallTime{1}, message);
    return differs ? std::string(message.key.view()) : "none";
  };
  CHECK(old_key({"2", "Ann", "12-3", "another note"}) == "none");
  CHECK(old_key({"02", "Ann", "12-3", "another note"}) == "none");  // another text, the same number
  CHECK(old_key({"1", "Bob", "45-6", "a note"}) == "1");
}

TEST_CASE(
    "change_records: changes with masks, filters and before images allocate nothing once the buffers have "
    "grown") {
  const std::vector<Value> row = texts({"2", "Bob", "45-6", "a note"});
  const std::vector<Value> old_row = texts({"1", "Ann", "12-3", "another note"});
  for (const bool by_rule : {true, false}) {
    auto schema = std::make_shared<TableSchema>(people());
    MappingContext context = parallel_cdc();
    std::string rules(kRules);
    if (!by_rule) {
      context.task.before_image = {true, "before-image", BeforeImageSettings::ColumnFilter::kAll};
      const std::size_t last = rules.find(",\n  {\"rule-type\": \"transformation\", \"rule-id\": \"3\"");
      rules = rules.substr(0, last) + "]}";
    }
    const auto plan = plan_of(schema, context, rules);
    EncodedMessage message;
    encode_all(*plan, *schema, row, old_row, WallTime{1}, message);
    const std::uint64_t before = allocation_count();
    for (int i = 0; i < 100; ++i) encode_all(*plan, *schema, row, old_row, WallTime{i}, message);
    CHECK(allocation_count() == before);
  }
}

TEST_CASE("change_records: masks hide old values too, in whatever order the rules stand") {
  const auto schema = std::make_shared<const TableSchema>(people());
  const std::string mask_last =
      R"({"rules": [
  {"rule-type": "selection", "rule-id": "1", "rule-action": "include",
   "object-locator": {"schema-name": "%", "table-name": "%"}},
  {"rule-type": "transformation", "rule-id": "2", "rule-target": "column", "rule-action": "add-before-image-columns",
   "object-locator": {"schema-name": "%", "table-name": "%"}, "before-image-def": {"column-filter": "all"}},
  {"rule-type": "transformation", "rule-id": "3", "rule-target": "column", "rule-action": "change-data-type",
   "object-locator": {"schema-name": "%", "table-name": "%", "column-name": "BI_ssn"}, "data-type": {"type": "string"}},
  {"rule-type": "transformation", "rule-id": "4", "rule-target": "column", "rule-action": "data-masking-hash-mask",
   "object-locator": {"schema-name": "%", "table-name": "%", "column-name": "ssn"}}]})";
  for (const std::string& rules : {std::string(kRules), mask_last}) {
    const auto plan = plan_of(schema, parallel_cdc(), rules);
    const std::vector<Value> row = texts({"1", "Bob", "45-6", "n"});
    const std::vector<Value> old_row = texts({"1", "Ann", "12-3", "m"});
    const SourceTransaction transaction{7, WallTime{1}};
    Change change;
    change.operation = Operation::kUpdate;
    change.table = schema.get();
    change.after = row;
    change.before = old_row;
    change.transaction = &transaction;
    EncodedMessage message;
    plan->encode(change, WallTime{1}, message);
    CHECK(message.value.view().find("BI_ssn") != std::string_view::npos);
    CHECK(message.value.view().find("12-3") == std::string_view::npos);
    CHECK(message.value.view().find("45-6") == std::string_view::npos);
  }
}

TEST_CASE("change_records: before images need a field name of their own and one mechanism") {
  MappingContext context = parallel_cdc();
  context.task.before_image.enabled = true;
  context.task.before_image.field_name = "before-image";
  Problems problems;
  const auto document = JsonDocument::parse("mapping.json", std::string(kRules));
  CHECK(compile_table_mapping(*document, context, problems) == nullptr);
  REQUIRE(problems.errors.size() == 1);
  CHECK(problems.errors[0].message() == "add-before-image-columns beside BeforeImageSettings of the task");
}

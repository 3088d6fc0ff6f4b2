#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/json/json_reader.h"
#include "core/json/json_writer.h"
#include "mapping/table_mapping.h"

// Any bytes are either a mapping or refused with words. What a mapping makes of any row is one JSON object, and what it says
// of itself can be asked without a row. Bytes that do not begin like JSON are a text instead, which stands in every place of
// a mapping that takes texts apart: templates, topics, patterns of names, filters' values, expressions.

namespace {

using namespace dmskafka;

void require(bool holds, const char* what, std::string_view shown = "") {
  if (holds) return;
  std::fprintf(stderr, "mapping_fuzz: %s\n%.*s\n", what, static_cast<int>(shown.size()), shown.data());
  std::abort();
}

std::shared_ptr<const TableSchema> table(std::string name, bool with_key, bool dynamic) {
  auto schema = std::make_shared<TableSchema>();
  schema->name = {"Test", std::move(name)};
  const auto add = [&](const char* column, DmsType type, ValueKind kind, bool lob = false) {
    ColumnSchema described;
    described.name = column;
    described.type = type;
    described.value_kind = dynamic ? ValueKind::kDynamic : kind;
    described.lob = lob;
    schema->columns.push_back(std::move(described));
  };
  add("id", DmsType::kInt64, ValueKind::kInteger);
  add("FirstName", DmsType::kString, ValueKind::kString);
  add("amount", DmsType::kDecimal, ValueKind::kDecimal);
  add("placed", DmsType::kTimestamp, ValueKind::kTimestampUtc);
  add("paid", DmsType::kString, ValueKind::kBooleanAsString);
  add("photo", DmsType::kBinary, ValueKind::kHexBytes, true);
  if (with_key) schema->primary_key = {0};
  return schema;
}

void check_message(const EncodedMessage& message) {
  require(JsonDocument::parse("message", std::string(message.value.view())).ok(), "a message that is no JSON",
          message.value.view());
}

void check_rows(const TablePlan& plan) {
  const std::vector<Value> row = {Value::text("7"),        Value::text("Ann \"\\\x01\xff"),
                                  Value::text("-1500.50"), Value::text("2024-02-29 12:00:00.5+00"),
                                  Value::text("t"),        Value::text("\\x00ff")};
  const std::vector<Value> empty = {Value::text(""), Value::null(),
                                    Value(),         Value(ValueForm::kUnchanged, nullptr, 0),
                                    Value::null(),   Value::text("")};
  SourceTransaction transaction;
  transaction.id = 5;
  EncodedMessage message;
  for (const Operation operation :
       {Operation::kLoad, Operation::kInsert, Operation::kUpdate, Operation::kDelete}) {
    for (const auto& values : {row, empty}) {
      Change change;
      change.operation = operation;
      change.table = &plan.schema();
      if (operation != Operation::kDelete) change.after = values;
      if (operation == Operation::kDelete || operation == Operation::kUpdate) change.before = values;
      if (operation != Operation::kLoad) change.transaction = &transaction;
      change.transaction_record = 1;
      (void)plan.selects(change);
      message.clear();
      plan.encode(change, WallTime{1}, message);
      check_message(message);
    }
  }
  message.clear();
  plan.encode_control(ControlOperation::kCreateTable, WallTime{1}, message);
  check_message(message);
}

enum class Tables : std::uint8_t { kOne, kAll };

void check_mapping(const std::string& text, Dialect dialect, Tables tables) {
  const auto document = JsonDocument::parse("mapping.json", text);
  if (!document) return;  // json_fuzz's business
  MappingContext context;
  context.task.dmskafka.dialect = dialect;
  context.kafka.include_control_details = true;
  context.kafka.message_format =
      text.size() % 2 == 0 ? MessageFormat::kJson : MessageFormat::kJsonUnformatted;
  Problems problems;
  const auto planner = compile_table_mapping(*document, context, problems);
  require((planner != nullptr) == problems.ok(), "a mapping neither taken nor refused");
  for (const auto* list : {&problems.errors, &problems.warnings, &problems.notices}) {
    for (const Error& problem : *list) require(!problem.to_string().empty(), "a problem without words");
  }
  if (planner == nullptr) return;
  std::vector<std::shared_ptr<const TableSchema>> schemas = {table("Customers", true, false)};
  if (tables == Tables::kAll) {
    schemas.push_back(table("orders", false, false));
    schemas.push_back(table("x", true, true));
  }
  std::vector<CatalogTable> catalog;
  for (const auto& schema : schemas) catalog.push_back({schema->name, schema->kind});
  (void)planner->select(catalog);
  (void)planner->rule_reach(catalog);
  (void)planner->idle_rules(catalog);
  std::vector<std::unique_ptr<const TablePlan>> plans;
  std::vector<const TablePlan*> pointers;
  for (const auto& schema : schemas) {
    auto plan = planner->plan(schema);
    if (!plan) {
      require(plan.error().code() == ErrorCode::kInvalidMapping, "a misfit that is no mapping error");
      continue;
    }
    check_rows(**plan);
    require((*plan)->outline().load_key.type.empty() == false, "a plan without an outline");
    pointers.push_back(plan->get());
    plans.push_back(std::move(*plan));
  }
  (void)planner->clashes(pointers);
}

// The text in one place each time, so that its refusal there hides no other place.
void check_text(std::string_view text) {
  const std::string quoted = json_quoted(text);
  const auto rules = [&](const std::string& selection, const std::string& rule) {
    return R"({"rules":[{"rule-type":"selection","rule-id":"1","rule-action":"include",)"
           R"("object-locator":{"schema-name":"%","table-name":)" +
           selection + "}" + rule + "]}";
  };
  const auto object_mapping = [&](const std::string& members) {
    return rules("\"%\"}",
                 R"(,{"rule-type":"object-mapping","rule-id":"2","rule-action":"map-record-to-record",)"
                 R"("object-locator":{"schema-name":"%","table-name":"%"},)" +
                     members + "}");
  };
  const auto transformation = [&](const std::string& members) {
    return rules("\"%\"}", R"(,{"rule-type":"transformation","rule-id":"2","rule-target":"column",)"
                           R"("object-locator":{"schema-name":"%","table-name":"%","column-name":"%"},)" +
                               members + "}");
  };
  const auto check = [](const std::string& mapping) { check_mapping(mapping, Dialect::kDms, Tables::kOne); };
  check(rules(quoted + "}", ""));
  check(rules(R"("%"},"filters":[{"filter-type":"source","column-name":"amount","filter-conditions":[)"
              R"({"filter-operator":"between","start-value":)" +
                  quoted + R"(,"end-value":)" + quoted + "}]}]",
              ""));
  check(object_mapping(R"("kafka-target-topic":)" + quoted));
  check(object_mapping(R"("mapping-parameters":{"partition-key":{"value":)" + quoted + "}}"));
  check(object_mapping(R"("mapping-parameters":{"attribute-mappings":[{"attribute-name":"a","value":)" +
                       quoted + R"(},{"attribute-name":"b","value":{"c":[)" + quoted + "]}}]}"));
  check(object_mapping(R"("mapping-parameters":{"attribute-mappings":[{"value":"x","attribute-name":)" +
                       quoted + "}]}"));
  check(transformation(
      R"("rule-action":"add-column","value":"new","data-type":{"type":"string"},"expression":)" + quoted));
  check(transformation(R"("rule-action":"rename","expression":)" + quoted));
  check(transformation(R"("rule-action":"add-prefix","value":)" + quoted));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && (text[first] == '{' || text[first] == '[')) {
    constexpr Dialect kDialects[] = {Dialect::kDms, Dialect::kDmsStrict, Dialect::kDocumented};
    check_mapping(text, kDialects[size % 3], Tables::kAll);
  } else if (text.find('\0') == std::string::npos && JsonDocument::parse("text", json_quoted(text)).ok()) {
    check_text(text);
  }
  return 0;
}

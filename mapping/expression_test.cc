#include "mapping/expression.h"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

#include "mapping/table_mapping.h"

using namespace dmskafka;

namespace {

const std::string kRules =
    R"({"rules":[{"rule-type":"selection","rule-id":"1","rule-action":"include",)"
    R"("object-locator":{"schema-name":"%","table-name":"%"}},)"
    R"({"rule-type":"transformation","rule-id":"2","rule-target":"column","rule-action":"add-column","value":"x",)"
    R"("object-locator":{"schema-name":"%","table-name":"%"},"expression":"($id * 2) || $name",)"
    R"("data-type":{"type":"string"}},)"
    R"({"rule-type":"transformation","rule-id":"3","rule-target":"column","rule-action":)"
    R"("data-masking-digits-randomize","object-locator":{"schema-name":"%","table-name":"%","column-name":"pin"}}]})";

std::shared_ptr<const TableSchema> schema() {
  auto table = std::make_shared<TableSchema>();
  table->name = {"s", "t"};
  for (const char* name : {"id", "name", "pin"}) {
    ColumnSchema column;
    column.name = name;
    table->columns.push_back(column);
  }
  table->columns[0].value_kind = table->columns[2].value_kind = ValueKind::kInteger;
  return table;
}

std::unique_ptr<const TablePlan> plan_of(const std::string& rules) {
  const auto document = JsonDocument::parse("mapping.json", rules);
  REQUIRE(document.ok());
  Problems problems;
  MappingContext context;
  context.kafka.message_format = MessageFormat::kJsonUnformatted;
  const auto planner = compile_table_mapping(*document, context, problems);
  REQUIRE(planner);
  auto plan = planner->plan(schema());
  REQUIRE(plan.ok());
  return std::move(*plan);
}

std::string data_of(const TablePlan& plan, const std::vector<Value>& row, EncodedMessage& message) {
  Change change;
  change.table = &plan.schema();
  change.after = row;
  message.clear();
  plan.encode(change, WallTime{1}, message);
  return std::string(message.value.view().substr(0, message.value.view().find(",\"metadata\"")));
}

}  // namespace

TEST_CASE("expression: one plan is used by several threads at once, each with its own message") {
  const auto plan = plan_of(kRules);
  std::vector<int> wrong(4, 0);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < wrong.size(); ++t) {
      threads.emplace_back([&, t] {
        EncodedMessage message;
        for (int i = 0; i < 500; ++i) {
          const std::string id = std::to_string(i);
          const std::string name = "n" + std::to_string(t);
          const std::vector<Value> row = {Value::text(id), Value::text(name), Value::null()};
          const std::string expected = "{\"data\":{\"id\":" + id + ",\"name\":\"" + name + "\",\"x\":\"" +
                                       std::to_string(2 * i) + name + "\"}";
          wrong[t] += data_of(*plan, row, message) == expected ? 0 : 1;
        }
      });
    }
  }
  CHECK(wrong == std::vector<int>(4, 0));
}

TEST_CASE("expression: the scratch of a message outlives its plan and serves many plans") {
  EncodedMessage message;
  const std::vector<Value> row = {Value::text("1"), Value::text("a"), Value::null()};
  for (int i = 0; i < 3; ++i) {
    const auto plan = plan_of(kRules);
    CHECK(data_of(*plan, row, message) == R"({"data":{"id":1,"name":"a","x":"2a"})");
  }
  CHECK(message.scratch.size() == 3);
}

TEST_CASE("expression: randomised digits keep their number, and a number stays one") {
  const auto plan = plan_of(kRules);
  EncodedMessage message;
  const std::vector<Value> row = {Value::text("1"), Value::text("a"), Value::text("10000000")};
  int changed = 0;
  for (int i = 0; i < 50; ++i) {
    const std::string data = data_of(*plan, row, message);
    const std::size_t at = data.find("\"pin\":") + 6;
    const std::string pin = data.substr(at, data.find(',', at) - at);
    CHECK(pin.size() == 8);
    CHECK(pin.find_first_not_of("0123456789") == std::string::npos);
    CHECK(pin[0] != '0');
    changed += pin != "10000000" ? 1 : 0;
  }
  CHECK(changed >= 49);  // once in 10^8 by chance
}

TEST_CASE("expression: what SQLite refuses is said at once") {
  const auto none = [](std::string_view) { return std::optional<ExpressionVariable>(); };
  CHECK_FALSE(Expression::compile("1); DROP TABLE t; SELECT (1", none).ok());
  CHECK_FALSE(Expression::compile("1, 2", none).ok());
  CHECK_FALSE(Expression::compile("?", none).ok());
  CHECK_FALSE(Expression::compile(":a", none).ok());
  CHECK(Expression::compile("1 -- one", none).ok());
}

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "mapping/table_mapping.h"

// Any JSON that stands where a table mapping is expected is compiled, or refused with words; and what was compiled makes
// JSON of a row and of a control record.

namespace {

using namespace dmskafka;  // NOLINT(google-build-using-namespace)

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "mapping_fuzz: %s\n", what);
  std::abort();
}

void check(const Problems& problems) {
  for (const auto* list : {&problems.errors, &problems.warnings, &problems.notices}) {
    for (const Error& error : *list) {
      require(error.code() != ErrorCode::kInternal, "a bug of our own is reported");
      require(!error.to_string().empty(), "a problem without a text");
    }
  }
}

// The table of the page's example.
std::shared_ptr<const TableSchema> customers() {
  auto table = std::make_shared<TableSchema>();
  table->name = {"Test", "Customers"};
  for (const char* const name : {"StoreId", "FirstName", "LastName", "HomePhone"}) {
    ColumnSchema column;
    column.name = name;
    column.value_kind = ValueKind::kDynamic;
    table->columns.push_back(column);
  }
  table->primary_key = {0};
  return table;
}

void check_messages(const TablePlan& plan) {
  EncodedMessage message;
  plan.encode_control(ControlOperation::kCreateTable, WallTime{}, message);
  require(JsonDocument::parse("control", std::string(message.value.view())).ok(),
          "a control record is no JSON");
  constexpr std::string_view kName = "Randy \"R\" 9\xC3\xBC";
  Value values[] = {Value(ValueForm::kInteger, "5", 1),
                    Value(ValueForm::kText, kName.data(), static_cast<std::uint32_t>(kName.size())),
                    Value::null(), Value(ValueForm::kText, "", 0)};
  Change change{};
  change.operation = Operation::kLoad;
  change.table = &plan.schema();
  change.after = values;
  if (!plan.selects(change)) return;
  message.clear();
  plan.encode(change, WallTime{}, message);
  require(JsonDocument::parse("data", std::string(message.value.view())).ok(), "a data record is no JSON");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (text.find("file:") != std::string::npos)
    return 0;  // the files that a text may name are not the fuzzer's
  const auto document = JsonDocument::parse("fuzz", text);
  if (!document) return 0;  // json_fuzz looks at these
  static const std::shared_ptr<const TableSchema> table = customers();
  for (const Dialect dialect : {Dialect::kDms, Dialect::kDmsStrict, Dialect::kDocumented}) {
    MappingContext context;
    context.task_id = "TASK";
    context.kafka.include_control_details = true;
    context.task.dmskafka.dialect = dialect;
    Problems problems;
    const auto planner = compile_table_mapping(*document, context, problems);
    check(problems);
    require(problems.ok() == (planner != nullptr), "a planner beside errors, or neither");
    if (planner == nullptr) continue;
    (void)planner->select({{table->name, TableKind::kTable}});
    const auto plan = planner->plan(table);
    if (plan) check_messages(**plan);
  }
  return 0;
}

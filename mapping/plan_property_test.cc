// Random mappings against random tables that change: what holds for every one of them. The seed is DMSKAFKA_TEST_SEED, or
// fixed; a failure names it.
#include <doctest/doctest.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "core/json/json_writer.h"
#include "mapping/table_mapping.h"
#include "test/support/random_rounds.h"

using namespace dmskafka;

namespace {

struct KindOfColumn {
  DmsType type;
  ValueKind kind;
  std::vector<std::string> texts;
  bool lob = false;
};
const std::vector<KindOfColumn> kKinds = {
    {DmsType::kInt64, ValueKind::kInteger, {"0", "7", "-12", "9223372036854775807"}},
    {DmsType::kDecimal, ValueKind::kDecimal, {"1500.00", "-0.5", "NaN", "3"}},
    {DmsType::kDouble, ValueKind::kFloat8, {"0.1", "1e300", "-Infinity"}},
    {DmsType::kString, ValueKind::kString, {"", "Ann", "a\"b\\c\n", "Zoë ☃", "12-34"}},
    {DmsType::kString, ValueKind::kBlankTrimmedString, {"x   ", "   "}},
    {DmsType::kString, ValueKind::kBooleanAsString, {"t", "f"}},
    {DmsType::kDate32, ValueKind::kDate, {"2024-02-29", "infinity", "0044-03-15 BC"}},
    {DmsType::kTimestamp, ValueKind::kTimestampUtc, {"2024-02-29 12:00:00.5+00", "-infinity"}},
    {DmsType::kBinary, ValueKind::kHexBytes, {"\\x00ff", "\\x"}, true},
    {DmsType::kString, ValueKind::kDynamic, {"text", "2024-01-01"}},
};
const std::vector<std::string> kNames = {"id",    "ID",   "name",  "First Name", "größe", "a.b",
                                         "total", "${x}", "\"q\"", "note",       "x_y",   "Photo"};

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::size_t below(std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(engine_);
  }
  bool chance(std::size_t percent) { return below(100) < percent; }
  template <typename T>
  const T& one_of(const std::vector<T>& values) {
    return values[below(values.size())];
  }

 private:
  std::mt19937 engine_;
};

ColumnSchema column_of(Random& random, std::string name) {
  const KindOfColumn& kind = random.one_of(kKinds);
  ColumnSchema column;
  column.name = std::move(name);
  column.type = kind.type;
  column.value_kind = kind.kind;
  column.lob = kind.lob;
  return column;
}

std::optional<std::string> unused_name(Random& random, const TableSchema& table) {
  for (int attempt = 0; attempt < 20; ++attempt) {
    const std::string& name = random.one_of(kNames);
    if (!table.find_column(name)) return name;
  }
  return std::nullopt;
}

TableSchema random_table(Random& random) {
  TableSchema table;
  table.name = {random.chance(50) ? "Test" : "pub lic", random.chance(50) ? "orders" : "Kunden"};
  const std::size_t columns = 1 + random.below(6);
  for (std::size_t i = 0; i < columns; ++i) {
    if (const auto name = unused_name(random, table)) table.columns.push_back(column_of(random, *name));
  }
  if (random.chance(70))
    table.primary_key.push_back(static_cast<std::uint32_t>(random.below(table.columns.size())));
  return table;
}

// A column more, a column less, or one under another name; the key goes with its column.
TableSchema changed(Random& random, const TableSchema& before) {
  TableSchema table = before;
  const std::size_t at = random.below(table.columns.size());
  switch (random.below(3)) {
    case 0:
      if (const auto name = unused_name(random, table)) table.columns.push_back(column_of(random, *name));
      return table;
    case 1:
      if (table.columns.size() == 1) return table;
      table.columns.erase(table.columns.begin() + static_cast<std::ptrdiff_t>(at));
      std::erase(table.primary_key, static_cast<std::uint32_t>(at));
      for (std::uint32_t& key : table.primary_key) key -= key > at ? 1 : 0;
      return table;
    default:
      if (const auto name = unused_name(random, table)) table.columns[at].name = *name;
      return table;
  }
}

class RandomMapping {
 public:
  RandomMapping(Random& random, const TableSchema& table) : random_(random), table_(table) {}

  std::string text() {
    std::string rules = R"({"rule-type":"selection","rule-action":"include",)" + locator("") + filters();
    rules = R"({"rules":[)" + numbered(rules);
    for (std::size_t i = random_.below(6); i != 0; --i) rules += "," + numbered(transformation());
    for (std::size_t i = random_.below(3); i != 0; --i) rules += "," + numbered(object_mapping());
    return rules + "]}";
  }

 private:
  std::string numbered(const std::string& rule) {
    return rule + R"(,"rule-id":")" + std::to_string(++id_) + "\"}";
  }
  static std::string member(const std::string& name, const std::string& value) {
    return "," + json_quoted(name) + ":" + json_quoted(value);
  }
  std::string locator(const std::string& column) {
    return R"("object-locator":{"schema-name":"%","table-name":"%")" +
           (column.empty() ? std::string() : member("column-name", column)) + "}";
  }
  // Mostly one the table has; in another case, or none of it, now and then.
  std::string column() {
    return random_.chance(90) ? table_.columns[random_.below(table_.columns.size())].name
                              : random_.one_of(kNames);
  }
  std::string pattern() {
    if (random_.chance(30)) return "%";
    std::string pattern;
    for (const char c : column()) pattern += c == '_' ? "[_]" : std::string(1, c);
    return pattern;
  }

  std::string filters() {
    if (random_.chance(70)) return "";
    static const std::vector<std::string> kOperators = {"lte", "gte", "eq", "noteq", "null", "notnull"};
    static const std::vector<std::string> kOperands = {"5", "-1.5", "Ann", "2024-02-29", "true", ""};
    return R"(,"filters":[{"filter-type":"source","column-name":)" + json_quoted(column()) +
           R"(,"filter-conditions":[{"filter-operator":)" + json_quoted(random_.one_of(kOperators)) +
           member("value", random_.one_of(kOperands)) + "}]}]";
  }

  std::string transformation() {
    static const std::vector<std::string> kNaming = {"convert-lowercase", "convert-uppercase"};
    static const std::vector<std::string> kAffix = {"rename", "add-prefix", "add-suffix", "remove-prefix",
                                                    "remove-suffix"};
    static const std::vector<std::string> kTargets = {"schema", "table", "column"};
    static const std::vector<std::string> kColumn = {"remove-column", "include-column",
                                                     "data-masking-hash-mask"};
    static const std::vector<std::string> kTypes = {"string",   "int4",  "numeric", "boolean",
                                                    "datetime", "bytes", "real8"};
    static const std::vector<std::string> kExpressions = {"'x' || $", "upper($", "coalesce($"};
    const auto rule = [&](const std::string& action, const std::string& target, const std::string& rest) {
      return R"({"rule-type":"transformation","rule-action":)" + json_quoted(action) +
             member("rule-target", target) + "," + locator(target == "column" ? pattern() : "") + rest;
    };
    switch (random_.below(7)) {
      case 0: return rule(random_.one_of(kNaming), random_.one_of(kTargets), "");
      case 1:
        return rule(random_.one_of(kAffix), random_.one_of(kTargets),
                    member("value", random_.chance(50) ? "n" : "Z_"));
      case 2: return rule(random_.one_of(kColumn), "column", "");
      case 3:
        return rule("change-data-type", "column",
                    R"(,"data-type":{"type":)" + json_quoted(random_.one_of(kTypes)) + "}");
      case 4: return rule("data-masking-digits-mask", "column", member("value", "#"));
      case 5:
        return rule("add-column", "column",
                    member("value", "new" + std::to_string(random_.below(3))) +
                        member("expression", "'constant'") + R"(,"data-type":{"type":"string"})");
      default: {
        const std::string name = column();
        const bool word = name.find_first_not_of("abcdefghijklmnopqrstuvwxyzID_") == std::string::npos;
        const std::string expression = !word                ? "$AR_M_SOURCE_TABLE_NAME"
                                       : random_.chance(50) ? "'x' || $" + name
                                                            : "coalesce(upper($" + name + "), 'none')";
        return rule("add-column", "column",
                    member("value", "made" + std::to_string(random_.below(3))) +
                        member("expression", expression) + R"(,"data-type":{"type":)" +
                        json_quoted(random_.one_of(kTypes)) + "}");
      }
    }
  }

  std::string object_mapping() {
    std::string rule = R"({"rule-type":"object-mapping","rule-action":)" +
                       json_quoted(random_.chance(50) ? "map-record-to-record" : "map-record-to-document") +
                       "," + locator("") + (random_.chance(30) ? member("target-table-name", "Target") : "") +
                       (random_.chance(30) ? member("kafka-target-topic", "${schema}-${table}") : "");
    rule += R"(,"mapping-parameters":{"exclude-columns":[)" +
            (random_.chance(50) ? json_quoted(column()) : "") + R"(],"attribute-mappings":[)";
    for (std::size_t i = random_.below(3), first = i; i != 0; --i) {
      const std::string text = "a ${" + column() + "} \"b";
      rule += std::string(i == first ? "" : ",") + R"({"attribute-name":)" +
              json_quoted(random_.chance(70) ? "attribute" + std::to_string(i) : column()) + R"(,"value":)" +
              (random_.chance(50) ? json_quoted(text)
                                  : R"({"deep":[1,null,{"text":)" + json_quoted(text) + "}]}") +
              "}";
    }
    rule += "]";
    switch (random_.below(4)) {
      case 0:
        rule += R"(,"partition-key-type":"attribute-name")" + member("partition-key-name", column());
        break;
      case 1: rule += R"(,"partition-key-type":"primary-key")"; break;
      case 2: rule += R"(,"partition-key":{"value":)" + json_quoted("k-${" + column() + "}") + "}"; break;
      default: break;
    }
    return rule + "}";
  }

  Random& random_;
  const TableSchema& table_;
  int id_ = 0;
};

struct Rows {
  Rows(Random& random, const TableSchema& table) {
    for (auto& row : rows) {
      for (const ColumnSchema& column : table.columns) row.push_back(value(random, column));
    }
  }
  static Value value(Random& random, const ColumnSchema& column) {
    if (random.chance(15)) return Value::null();
    if (random.chance(5)) return {};
    if (column.value_kind == ValueKind::kDynamic && random.chance(30)) return {ValueForm::kInteger, "5", 1};
    for (const KindOfColumn& kind : kKinds) {
      if (kind.kind == column.value_kind) return Value::text(random.one_of(kind.texts));
    }
    return Value::null();
  }
  std::vector<std::vector<Value>> rows = std::vector<std::vector<Value>>(4);
};

std::unique_ptr<Planner> planner_of(const std::string& mapping, const MappingContext& context) {
  const auto document = JsonDocument::parse("mapping.json", mapping);
  REQUIRE_MESSAGE(document.ok(), mapping);
  Problems problems;
  auto planner = compile_table_mapping(*document, context, problems);
  return planner;
}

// All that a plan says and does, as one text; or why there is none.
std::string everything(const Planner& planner, const std::shared_ptr<const TableSchema>& table,
                       const Rows& rows, EncodedMessage& message) {
  const auto plan = planner.plan(table);
  if (!plan) return "refused: " + plan.error().to_string();
  std::string text = (*plan)->topic() + "\n" + (*plan)->target_name().text() + "\n";
  for (const Error& warning : (*plan)->warnings()) text += warning.to_string() + "\n";
  const PlanOutline outline = (*plan)->outline();
  text += outline.load_key.text + outline.value_decided_by + "\n";
  for (const PlanOutline::Member& member : outline.members) text += member.name + " " + member.type + "\n";
  SourceTransaction transaction;
  transaction.id = 5;
  for (const auto& row : rows.rows) {
    for (const Operation operation : {Operation::kLoad, Operation::kUpdate, Operation::kDelete}) {
      Change change;
      change.operation = operation;
      change.table = table.get();
      (operation == Operation::kDelete ? change.before : change.after) = row;
      if (operation != Operation::kLoad) change.transaction = &transaction;
      change.transaction_record = 1;
      message.clear();
      (*plan)->encode(change, WallTime{1}, message);
      const std::string value(message.value.view());
      REQUIRE_MESSAGE(JsonDocument::parse("message", value).ok(), value);
      text +=
          ((*plan)->selects(change) ? "+ " : "- ") + std::string(message.key.view()) + "\n" + value + "\n";
    }
  }
  message.clear();
  (*plan)->encode_control(ControlOperation::kCreateTable, WallTime{1}, message);
  return text + std::string(message.value.view());
}

unsigned first_seed() {
  const char* given = std::getenv("DMSKAFKA_TEST_SEED");
  return given == nullptr ? 1 : static_cast<unsigned>(std::strtoul(given, nullptr, 10));
}

}  // namespace

TEST_CASE(
    "plan_property: a plan made after the table changed is that of a fresh start, and the old one goes on") {
  // A sanitizer takes 0.1 s for each.
  constexpr unsigned kCases = kUnderSanitizer ? 60 : 300;
  unsigned planned = 0;
  for (unsigned seed = first_seed(); seed < first_seed() + kCases; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    auto table = std::make_shared<const TableSchema>(random_table(random));
    const std::string mapping = RandomMapping(random, *table).text();
    CAPTURE(mapping);
    MappingContext context;
    context.kafka.message_format = random.chance(50) ? MessageFormat::kJson : MessageFormat::kJsonUnformatted;
    context.kafka.include_null_and_empty = random.chance(50);
    context.kafka.include_control_details = true;
    context.task.parallel_apply_threads = random.chance(50) ? 4 : 0;
    const auto running = planner_of(mapping, context);
    if (running == nullptr) continue;  // two attributes of one name, and the like
    EncodedMessage message;            // one for all versions, as a sending thread has it
    const Rows first_rows(random, *table);
    const std::string first = everything(*running, table, first_rows, message);
    const auto first_table = table;
    for (int version = 0; version < 4; ++version) {
      table = std::make_shared<const TableSchema>(changed(random, *table));
      const Rows rows(random, *table);
      EncodedMessage fresh;
      const std::string expected = everything(*planner_of(mapping, context), table, rows, fresh);
      CHECK(everything(*running, table, rows, message) == expected);
      if (!expected.starts_with("refused")) ++planned;
    }
    CHECK(everything(*running, first_table, first_rows, message) == first);
  }
  CHECK(planned > kCases);  // the cases are not mostly misfits
}

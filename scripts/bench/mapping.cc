// What a mapping costs on one core: records a CPU second, on the way of a load from the rows to a sink that drops them (12
// columns of the kinds that tables hold, values as PostgreSQL sends them), and how long compiling takes. Beside each figure
// stands what it must reach. Usage: bench_mapping [seconds of each measurement (2)]
#include <fmt/format.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "core/base/change.h"
#include "core/task/message_sender.h"
#include "core/task/task_progress.h"
#include "mapping/table_mapping.h"
#include "sinks/discard_sink.h"

using namespace dmskafka;

namespace {

struct Column {
  const char* name;
  DmsType type;
  ValueKind kind;
};
constexpr Column kColumns[] = {
    {"id", DmsType::kInt64, ValueKind::kInteger},
    {"customer_id", DmsType::kInt32, ValueKind::kInteger},
    {"status", DmsType::kString, ValueKind::kString},
    {"amount", DmsType::kDecimal, ValueKind::kDecimal},
    {"discount", DmsType::kDouble, ValueKind::kFloat8},
    {"weight", DmsType::kFloat, ValueKind::kFloat4},
    {"note", DmsType::kString, ValueKind::kString},
    {"city", DmsType::kString, ValueKind::kBlankTrimmedString},
    {"paid", DmsType::kBool, ValueKind::kBooleanAsString},
    {"ordered_on", DmsType::kDate32, ValueKind::kDate},
    {"created_at", DmsType::kTimestamp, ValueKind::kTimestamp},
    {"digest", DmsType::kBinary, ValueKind::kHexBytes},
};

TableSchema bench_schema() {
  TableSchema schema;
  schema.name = {"public", "orders"};
  for (const Column& column : kColumns) {
    ColumnSchema described;
    described.name = column.name;
    described.type = column.type;
    described.value_kind = column.kind;
    schema.columns.push_back(described);
  }
  schema.primary_key = {0};
  return schema;
}

void fill(ChangeBatch& batch, const TableSchema& schema) {
  for (int i = 0; i < 1000; ++i) {
    const std::string row[] = {std::to_string(1'000'000 + i),
                               std::to_string(i * 37 % 5000),
                               i % 3 == 0 ? "shipped" : "waiting for payment",
                               std::to_string(i * 131 % 90000) + ".50",
                               "0." + std::to_string(10 + i % 89),
                               std::to_string(i % 70) + ".2",
                               "left at the door of number " + std::to_string(i) + ", ask for \"Zoë\"",
                               "Porto Alegre        ",
                               i % 2 == 0 ? "t" : "f",
                               "2024-03-1" + std::to_string(i % 10),
                               "2024-03-11 09:00:00.123456",
                               "\\x00ff10a0b0c0d0e0f0"};
    Change& change = batch.add();
    change.table = &schema;
    const std::span<Value> values = batch.allocate_values(std::size(row));
    for (std::size_t c = 0; c < std::size(row); ++c) values[c] = Value::text(batch.store(row[c]));
    change.after = values;
  }
}

class Counter final : public DeliveryListener {
 public:
  void delivered(DeliveryTicket& ticket, std::uint64_t messages, std::uint64_t bytes) noexcept override {
    bytes_ += bytes;
    ticket.unit->reported(messages);
  }
  void failed(DeliveryTicket& ticket, const FailedMessage&) noexcept override { ticket.unit->reported(1); }
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::atomic<std::uint64_t> bytes_{0};
};

// Time of the processor, so that a busy machine changes the figures little.
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

const std::string kSelection =
    R"({"rule-type":"selection","rule-id":"1","rule-action":"include","object-locator":{"schema-name":"%","table-name":"%"}})";
const std::string kTemplates =
    R"({"rule-type":"object-mapping","rule-id":"2","rule-action":"map-record-to-record","object-locator":)"
    R"({"schema-name":"%","table-name":"%"},"mapping-parameters":{"exclude-columns":["city"],"attribute-mappings":[)"
    R"({"attribute-name":"customer","value":"${customer_id}/${city}"},{"attribute-name":"headline","value":"${status}: ${note}"},)"
    R"({"attribute-name":"details","value":{"money":{"amount":"${amount}","discount":"${discount}"},"when":{"on":"${ordered_on}",)"
    R"("at":"${created_at}"}}}]}})";
const std::string kExpression =
    R"({"rule-type":"transformation","rule-id":"2","rule-target":"column","rule-action":"add-column",)"
    R"("value":"total","object-locator":{"schema-name":"%","table-name":"%"},)"
    R"x("expression":"$amount * (1 - $discount)","data-type":{"type":"numeric"}})x";

std::string mapping_of(const std::string& rule) {
  return R"({"rules":[)" + kSelection + (rule.empty() ? "" : "," + rule) + "]}";
}

std::unique_ptr<Planner> planner_of(const std::string& mapping, const MappingContext& context,
                                    Problems& problems) {
  const auto document = JsonDocument::parse("mapping.json", mapping);
  if (!document) {
    problems.errors.push_back(document.error());
    return nullptr;
  }
  return compile_table_mapping(*document, context, problems);
}

void measure(const char* name, const std::string& rule, const MappingContext& context, double seconds,
             double wanted) {
  const auto schema = std::make_shared<const TableSchema>(bench_schema());
  Problems problems;
  const auto planner = planner_of(mapping_of(rule), context, problems);
  if (planner == nullptr) std::exit(1);
  const auto plan = planner->plan(schema);
  if (!plan) std::exit(1);
  ChangeBatch batch;
  fill(batch, *schema);
  Counter counter;
  const auto sink = make_discard_sink(counter);
  const TopicSpec spec{"bench", 6, std::nullopt, {}};
  const auto topics = sink->open_topics({&spec, 1}, {});
  if (!topics) std::exit(1);
  MessageSender sender(*sink, counter, {});
  TableProgress progress(schema->name);
  DeliveryUnit unit;
  DeliveryTicket ticket{&unit, &progress, MessageKind::kData};
  std::uint64_t records = 0;
  const double begin = cpu_seconds();
  double elapsed = 0;
  while (elapsed < seconds) {
    unit.sent(batch.changes().size());
    if (!sender.send(**plan, *topics->front(), batch.changes(), ticket, {})) std::exit(1);
    records += batch.changes().size();
    elapsed = cpu_seconds() - begin;
  }
  const double rate = static_cast<double>(records) / elapsed;
  std::printf("%-42s %10.0f records/s %6.0f ns/record %5.0f bytes/record", name, rate, 1e9 / rate,
              static_cast<double>(counter.bytes()) / static_cast<double>(records));
  if (wanted > 0) std::printf("   wanted %9.0f  %s", wanted, rate >= wanted ? "reached" : "MISSED");
  std::printf("\n");
}

void report_time(const char* name, double elapsed, double wanted) {
  std::printf("%-42s %10.0f ms %41s wanted %6.0f ms  %s\n", name, elapsed * 1e3, "", wanted * 1e3,
              elapsed < wanted ? "reached" : "MISSED");
}

// A thousand rules, each for some of the tables, of which a tenth meet any one table.
std::string thousand_rules() {
  std::string text = R"({"rules":[)" + kSelection;
  for (int i = 2; i <= 1000; ++i) {
    const std::string locator =
        fmt::format(R"("object-locator":{{"schema-name":"s%","table-name":"table_{}%"}})", i % 100);
    switch (i % 4) {
      case 0:
        text += fmt::format(
            R"(,{{"rule-type":"transformation","rule-id":"{}","rule-target":"column","rule-action":"rename","value":"c{}",)"
            R"("object-locator":{{"schema-name":"s%","table-name":"table_{}%","column-name":"status"}}}})",
            i, i, i % 100);
        break;
      case 1:
        text += fmt::format(
            R"(,{{"rule-type":"object-mapping","rule-id":"{}","rule-action":"map-record-to-record",{},)"
            R"("mapping-parameters":{{"attribute-mappings":[{{"attribute-name":"a","value":"${{customer_id}}-${{note}}"}}]}}}})",
            i, locator);
        break;
      case 2:
        text += fmt::format(
            R"(,{{"rule-type":"transformation","rule-id":"{}","rule-target":"table","rule-action":"add-prefix","value":"p_",{}}})",
            i, locator);
        break;
      default:
        text +=
            fmt::format(R"(,{{"rule-type":"selection","rule-id":"{}","rule-action":"exclude",{}}})", i,
                        fmt::format(R"("object-locator":{{"schema-name":"other%","table-name":"x{}%"}})", i));
    }
  }
  return text + "]}";
}

void measure_compiling() {
  std::vector<CatalogTable> catalog;
  for (int i = 0; i < 10'000; ++i)
    catalog.push_back({{fmt::format("s{}", i % 10), fmt::format("table_{}", i)}, TableKind::kTable});
  const std::string mapping = thousand_rules();
  const double begin = cpu_seconds();
  Problems problems;
  const auto planner = planner_of(mapping, {}, problems);
  if (planner == nullptr) {
    std::puts(problems.errors.front().to_string().c_str());
    std::exit(1);
  }
  const TableSchema columns = bench_schema();
  std::size_t planned = 0;
  for (const SelectedTable& table : planner->select(catalog)) {
    auto schema = std::make_shared<TableSchema>(columns);
    schema->name = table.name;
    if (planner->plan(std::move(schema))) ++planned;
  }
  (void)planner->idle_rules(catalog);
  const double elapsed = cpu_seconds() - begin;
  if (planned != catalog.size()) std::exit(1);
  report_time("compiling 1,000 rules for 10,000 tables", elapsed, 2);
}

void measure_refusal() {
  std::string mapping = "{\"rules\":[\n";
  for (int i = 1; mapping.size() < 400'000; ++i) {
    mapping += fmt::format(
        R"({{"rule-type":"selection","rule-id":"{}","rule-name":"rule {}","rule-action":"include",)"
        R"("object-locator":{{"schema-name":"schema_{}","table-name":"table_{}%"}}}},)"
        "\n",
        i, i, i % 7, i);
  }
  mapping +=
      R"({"rule-type":"selection","rule-id":"999999","rule-action":"inclode","object-locator":{"schema-name":"a","table-name":"b"}}]})";
  const double begin = cpu_seconds();
  Problems problems;
  const auto planner = planner_of(mapping, {}, problems);
  const std::string text = problems.errors.empty() ? "" : problems.errors.front().to_string();
  const double elapsed = cpu_seconds() - begin;
  if (planner != nullptr || text.find("unknown rule-action \"inclode\"") == std::string::npos) std::exit(1);
  report_time("400 KB of mapping, an error on its last line", elapsed, 0.1);
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
  MappingContext context;
  context.kafka.message_format = MessageFormat::kJsonUnformatted;
  measure("record mapping", "", context, seconds, 1'500'000);
  measure("two templates and a nested document", kTemplates, context, seconds, 700'000);
  measure("one SQLite expression", kExpression, context, seconds, 250'000);
  context.kafka.message_format = MessageFormat::kJson;
  measure("record mapping, formatted", "", context, seconds, 0);
  context.kafka.include_partition_value = true;
  context.kafka.partition_include_schema_table = true;
  context.kafka.include_null_and_empty = true;
  measure("record mapping, formatted, all flags", "", context, seconds, 0);
  measure_compiling();
  measure_refusal();
  return 0;
}

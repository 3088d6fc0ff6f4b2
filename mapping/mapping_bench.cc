// How many records a CPU second one core encodes: 12 columns of the kinds that tables hold, values as PostgreSQL sends them.
// Usage: mapping_bench [seconds per layout (2)]
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "core/base/change.h"
#include "mapping/table_mapping.h"

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

void measure(const char* name, const MappingContext& context, double seconds) {
  const auto schema = std::make_shared<const TableSchema>(bench_schema());
  const auto planner = compile_default_mapping(context);
  auto plan = planner->plan(schema);
  if (!plan) std::exit(1);
  ChangeBatch batch;
  fill(batch, *schema);
  EncodedMessage message;
  const WallClock clock;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  // Time of the processor, so that a busy machine changes the figures little.
  const std::clock_t begin = std::clock();
  double elapsed = 0;
  while (elapsed < seconds) {
    for (const Change& change : batch.changes()) {
      message.clear();
      (*plan)->encode(change, clock.now(), message);
      bytes += message.value.size() + message.key.size();
    }
    records += batch.changes().size();
    elapsed = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  }
  std::printf("%-18s %10.0f records/s %8.0f MB/s %6.0f ns/record %5.0f bytes/record\n", name,
              static_cast<double>(records) / elapsed, static_cast<double>(bytes) / elapsed / 1e6,
              elapsed * 1e9 / static_cast<double>(records),
              static_cast<double>(bytes) / static_cast<double>(records));
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
  MappingContext context;
  context.kafka.message_format = MessageFormat::kJsonUnformatted;
  measure("json-unformatted", context, seconds);
  context.kafka.message_format = MessageFormat::kJson;
  measure("json", context, seconds);
  context.kafka.include_partition_value = true;
  context.kafka.partition_include_schema_table = true;
  context.kafka.include_null_and_empty = true;
  measure("json, all flags", context, seconds);
  return 0;
}

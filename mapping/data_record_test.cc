#include "mapping/data_record.h"

#include <doctest/doctest.h>

#include <vector>

#include "test/support/allocation_count.h"

using namespace dmskafka;

// Whole messages are in test/golden; here is what no golden file can show.

namespace {

TableSchema table_of_all_kinds() {
  TableSchema schema;
  schema.name = {"s", "t"};
  for (int kind = 0; kind <= static_cast<int>(ValueKind::kDynamic); ++kind) {
    ColumnSchema column;
    column.name = "column " + std::to_string(kind);
    column.value_kind = static_cast<ValueKind>(kind);
    schema.columns.push_back(column);
  }
  schema.primary_key = {0, static_cast<std::uint32_t>(ValueKind::kString)};
  return schema;
}

std::vector<Value> row_of_all_kinds() {
  constexpr std::string_view kTexts[] = {"42",
                                         "2.25",
                                         "1234567.125",
                                         "1500.00",
                                         "12.30",
                                         "$1,234.50",
                                         "t",
                                         "f",
                                         "text \"with\" escapes\n",
                                         "padded  ",
                                         "2024-02-29",
                                         "2024-02-29 12:00:00.5",
                                         "2024-02-29 12:00:00+00",
                                         "12:00:00.25",
                                         "12:00:00+02",
                                         "\\xdeadbeef",
                                         "any"};
  std::vector<Value> row;
  for (const std::string_view text : kTexts) row.push_back(Value::text(text));
  return row;
}

}  // namespace

TEST_CASE("data_record: a row of every kind of value allocates nothing once the buffers have grown") {
  const TableSchema schema = table_of_all_kinds();
  const std::vector<Value> row = row_of_all_kinds();
  REQUIRE(row.size() == schema.columns.size());
  KafkaSettings settings;
  settings.include_partition_value = true;
  const DataRecord record(schema, settings, {schema.name});
  Change change;
  change.table = &schema;
  change.after = row;
  EncodedMessage message;
  record.encode(change, WallTime{1}, message);
  const std::uint64_t before = allocation_count();
  for (int i = 0; i < 100; ++i) {
    message.clear();
    record.encode(change, WallTime{i}, message);
  }
  CHECK(allocation_count() == before);
}

TEST_CASE("data_record: replaced characters of the columns are counted once, not again for the key") {
  TableSchema schema = table_of_all_kinds();
  std::vector<Value> row = row_of_all_kinds();
  row[static_cast<std::size_t>(ValueKind::kString)] = Value::text("a\xff\xfe");
  const DataRecord record(schema, {}, {schema.name});
  Change change;
  change.table = &schema;
  change.after = row;
  EncodedMessage message;
  record.encode(change, WallTime{1}, message);
  CHECK(message.replaced_characters == 2);
}

TEST_CASE("data_record: a zero date follows IncludeNullAndEmpty as the null it becomes, and is counted") {
  TableSchema schema = table_of_all_kinds();
  std::vector<Value> row = row_of_all_kinds();
  row[static_cast<std::size_t>(ValueKind::kDate)] = Value::text("0000-00-00");
  Change change;
  change.table = &schema;
  change.after = row;
  const std::string& name = schema.columns[static_cast<std::size_t>(ValueKind::kDate)].name;
  for (const bool shown : {false, true}) {
    KafkaSettings settings;
    settings.include_null_and_empty = shown;
    const DataRecord record(schema, settings, {schema.name});
    EncodedMessage message;
    record.encode(change, WallTime{1}, message);
    CHECK(message.zero_dates == 1);
    CHECK((message.value.view().find("\"" + name + "\"") != std::string_view::npos) == shown);
  }
}

namespace {

std::string data_of(const EncodedMessage& message) {
  const std::string_view value = message.value.view();
  return std::string(value.substr(0, value.find(",\"metadata\":")));
}

// A change of `row` from `before`, in a transaction after another one.
struct ChangeOf {
  SourceTransaction transaction;
  Change change;
  ChangeOf(Operation operation, const TableSchema& schema, RowView row, RowView before = {}) {
    transaction = {9'324'410'911'751, WallTime{1'572'562'435'000'000}, 9'324'410'910'341, 10};
    change.operation = operation;
    change.table = &schema;
    (operation == Operation::kDelete ? change.before : change.after) = row;
    if (operation == Operation::kUpdate) change.before = before;
    change.transaction = operation == Operation::kLoad ? nullptr : &transaction;
    change.transaction_record = 1;
    change.stream_position = "00000002/7C0073F8.2.00000002/7C0073F8";
  }
};

}  // namespace

TEST_CASE(
    "data_record: a row has the same data, byte for byte, when it is loaded, inserted, touched and deleted") {
  const TableSchema schema = table_of_all_kinds();
  const std::vector<Value> row = row_of_all_kinds();
  for (const bool nulls : {false, true}) {
    for (const Dialect dialect : {Dialect::kDms, Dialect::kDmsStrict, Dialect::kDocumented}) {
      KafkaSettings settings;
      settings.message_format = MessageFormat::kJsonUnformatted;
      settings.include_null_and_empty = nulls;
      TaskSettings task;
      task.dmskafka.dialect = dialect;
      const ValueSettings values = ValueSettings::of(settings, task);
      const auto key = [&](PartitionKeyType type) {
        return PartitionKey(schema, schema.name, {type, false, values});
      };
      RecordShape shape{schema.name, key(PartitionKeyType::kPrimaryKey), key(PartitionKeyType::kSchemaTable)};
      for (std::uint32_t i = 0; i < schema.columns.size(); ++i) {
        shape.columns.push_back({i, schema.columns[i].name, ValueFormat::of(schema, i, values), {}});
      }
      const DataRecord record(shape, settings, dialect);
      EncodedMessage loaded;
      record.encode(ChangeOf(Operation::kLoad, schema, row).change, WallTime{1}, loaded);
      for (const Operation operation : {Operation::kInsert, Operation::kUpdate, Operation::kDelete}) {
        EncodedMessage changed;
        record.encode(ChangeOf(operation, schema, row, row).change, WallTime{2}, changed);
        CHECK(data_of(changed) == data_of(loaded));
        CHECK(changed.value.view() != loaded.value.view());
      }
    }
  }
}

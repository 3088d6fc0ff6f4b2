#include "mapping/partition_key.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace dmskafka;

namespace {

// Columns a (integer), b (string), c (bytes); the key is `primary_key`.
TableSchema table(std::vector<std::uint32_t> primary_key) {
  TableSchema schema;
  schema.name = {"public", "demo"};
  for (const auto& [name, kind] : {std::pair{"a", ValueKind::kInteger}, std::pair{"b", ValueKind::kString},
                                   std::pair{"c", ValueKind::kHexBytes}}) {
    ColumnSchema column;
    column.name = name;
    column.value_kind = kind;
    schema.columns.push_back(column);
  }
  schema.primary_key = std::move(primary_key);
  return schema;
}

std::string key(const TableSchema& schema, const std::vector<Value>& row, const KafkaSettings& settings = {},
                PartitionKeyType wanted = PartitionKeyType::kPrimaryKey) {
  ByteBuffer out;
  PartitionKey(schema, schema.name,
               {wanted, settings.partition_include_schema_table, ValueSettings::of(settings, {})})
      .append(row, out);
  return std::string(out.view());
}

const std::vector<Value> kRow = {Value::text("393"), Value::text("Te.st"), Value::text("\\xff")};

}  // namespace

TEST_CASE("partition_key: the primary key's text, with schema and table on request") {
  KafkaSettings settings;
  CHECK(key(table({0}), kRow, settings) == "393");
  settings.partition_include_schema_table = true;
  CHECK(key(table({0}), kRow, settings) == "public.demo.393");
}

TEST_CASE("partition_key: a composite key is joined in key order, not in column order") {
  CHECK(key(table({1, 0}), kRow) == "Te.st.393");
  CHECK(key(table({2, 0, 1}), kRow) == "0xFF.393.Te.st");
}

TEST_CASE("partition_key: without a primary key, or on request, schema and table") {
  CHECK(key(table({}), kRow) == "public.demo");
  CHECK(key(table({0}), kRow, {}, PartitionKeyType::kSchemaTable) == "public.demo");
  KafkaSettings settings;
  settings.partition_include_schema_table = true;
  CHECK(key(table({}), kRow, settings) == "public.demo");
  CHECK(PartitionKey(table({}), {}, {}).type() == PartitionKeyType::kSchemaTable);
}

TEST_CASE("partition_key: NULL is empty") {
  CHECK(key(table({0, 1}), {Value::null(), Value::text("x"), Value::null()}) == ".x");
  CHECK(key(table({1}), {Value::null(), Value::null(), Value::null()}).empty());
}

TEST_CASE("partition_key: a text is itself, whatever JSON makes of it") {
  for (const std::string text :
       {"", "\"", "\\", "a\"b\\c", "\n\t\r\b\f", "\x01\x1f", "\\u0041", "\"quoted\"", "ü😀/"}) {
    CHECK(key(table({1}), {Value::null(), Value::text(text), Value::null()}) == text);
  }
  CHECK(key(table({1}), {Value::null(), Value::text("a\xff"), Value::null()}) == "a\xEF\xBF\xBD");
  CHECK(key(table({1}), {Value::null(), Value::text(std::string_view("a\0b", 3)), Value::null()}) ==
        std::string("a\0b", 3));
}

TEST_CASE("partition_key: settings that shape values shape keys") {
  KafkaSettings settings;
  settings.no_hex_prefix = true;
  CHECK(key(table({2}), kRow, settings) == "FF");
}

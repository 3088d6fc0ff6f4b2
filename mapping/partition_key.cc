#include "mapping/partition_key.h"

namespace dmskafka {

std::string_view partition_key_type_name(PartitionKeyType type) noexcept {
  switch (type) {
    case PartitionKeyType::kPrimaryKey: return "primary-key";
    case PartitionKeyType::kSchemaTable: return "schema-table";
    case PartitionKeyType::kAttributeName: return "attribute-name";
  }
  return "";
}

PartitionKey::PartitionKey(PartitionKeyType wanted, const TableSchema& schema, const TableName& shown_name,
                           const KafkaSettings& settings, std::span<const std::uint32_t> slots)
    : type_(schema.has_primary_key() ? wanted : PartitionKeyType::kSchemaTable) {
  const std::string table = shown_name.schema + "." + shown_name.table;
  if (type_ == PartitionKeyType::kSchemaTable) {
    text_.add(table);
    return;
  }
  // SPEC PartitionIncludeSchemaTable: "Prefixes schema and table names to partition values, when the partition type is
  // primary-key-type."
  if (settings.partition_include_schema_table) text_.add(table + ".");
  bool first = true;
  for (const std::uint32_t index : schema.primary_key) {
    if (!first) text_.add(".");
    first = false;
    text_.add_value(slots.empty() ? index : slots[index], ValueFormat::of(schema.columns[index], settings));
  }
}

}  // namespace dmskafka

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

PartitionKey::PartitionKey(const TableSchema& schema, const TableName& shown_name, const Options& options)
    : type_(schema.has_primary_key() ? options.wanted : PartitionKeyType::kSchemaTable) {
  const std::string table = shown_name.schema + "." + shown_name.table;
  if (type_ == PartitionKeyType::kSchemaTable) {
    text_.add(options.table_prefix);
    text_.add(table);
    return;
  }
  // SPEC PartitionIncludeSchemaTable: "Prefixes schema and table names to partition values, when the partition type is
  // primary-key-type."
  if (options.include_schema_table) text_.add(table + ".");
  bool first = true;
  for (const std::uint32_t index : schema.primary_key) {
    if (!first) text_.add(".");
    first = false;
    text_.add_value(options.slots.empty() ? index : options.slots[index],
                    ValueFormat::of(schema, index, options.values));
  }
}

}  // namespace dmskafka

#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/byte_buffer.h"
#include "core/base/row.h"
#include "core/base/table_schema.h"
#include "core/settings/kafka_settings.h"
#include "mapping/value_text.h"

namespace dmskafka {

/// What a data record's key is made of; control records have the task id instead (wire-format.md §6).
enum class PartitionKeyType : std::uint8_t { kPrimaryKey, kSchemaTable };
/// As `partition-key-type` shows it.
std::string_view partition_key_type_name(PartitionKeyType type) noexcept;

/// The key of one table's data records of one kind (load or CDC). Immutable; any thread.
///
/// A primary key is the text of its values, joined with '.' in key order: what the column shows in `data`, without the
/// quotes of a string and without its escapes, so that the Kafka key equals the value that a consumer parses. NULL is
/// the empty text.
class PartitionKey {
 public:
  /// `shown_name` is the table's name in messages. kPrimaryKey asks for a primary key; a table without one has the key
  /// of kSchemaTable, as DMS does. `table_prefix` stands before the schema of that key.
  PartitionKey(PartitionKeyType wanted, const TableSchema& schema, const TableName& shown_name,
               const KafkaSettings& settings, const ValueSettings& values,
               std::string_view table_prefix = {});

  PartitionKeyType type() const noexcept { return type_; }
  /// Appends the key of `row` to the cleared `key`.
  void append(RowView row, ByteBuffer& key) const;

 private:
  struct Column {
    std::uint32_t index;
    ValueFormat format;
  };
  PartitionKeyType type_;
  std::string prefix_;  // all of it for kSchemaTable
  std::vector<Column> columns_;
};

}  // namespace dmskafka

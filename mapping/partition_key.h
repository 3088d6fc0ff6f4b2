#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "core/base/byte_buffer.h"
#include "core/base/row.h"
#include "core/base/table_schema.h"
#include "core/settings/kafka_settings.h"
#include "mapping/row_text.h"

namespace dmskafka {

/// What a data record's key is made of; control records have the task id instead (wire-format.md §6).
enum class PartitionKeyType : std::uint8_t { kPrimaryKey, kSchemaTable, kAttributeName };
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
  /// of kSchemaTable, as DMS does. `slots`: where each column's value stands in a row; empty: in the column's own place.
  PartitionKey(PartitionKeyType wanted, const TableSchema& schema, const TableName& shown_name,
               const KafkaSettings& settings, std::span<const std::uint32_t> slots = {});
  /// kAttributeName: a text that an object-mapping rule gives.
  explicit PartitionKey(RowText attribute)
      : type_(PartitionKeyType::kAttributeName), text_(std::move(attribute)) {}

  PartitionKeyType type() const noexcept { return type_; }
  /// Appends the key of `row` to the cleared `key`.
  void append(RowView row, ByteBuffer& key) const { text_.append_plain(row, key); }

 private:
  PartitionKeyType type_;
  RowText text_;
};

}  // namespace dmskafka

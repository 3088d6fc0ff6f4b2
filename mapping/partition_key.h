#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "core/base/byte_buffer.h"
#include "core/base/row.h"
#include "core/base/table_schema.h"
#include "mapping/row_text.h"
#include "mapping/value_settings.h"

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
  struct Options {
    /// kPrimaryKey asks for a primary key; a table without one has the key of kSchemaTable, as DMS does.
    PartitionKeyType wanted = PartitionKeyType::kPrimaryKey;
    bool include_schema_table = false;  ///< PartitionIncludeSchemaTable
    ValueSettings values = {};
    std::span<const std::uint32_t> slots = {};  ///< of each column's value in a row; empty: its own place
    std::string_view table_prefix = {};         ///< of a key of kSchemaTable
  };
  /// `shown_name` is the table's name in messages.
  PartitionKey(const TableSchema& schema, const TableName& shown_name, const Options& options);
  /// kAttributeName: a text that an object-mapping rule gives.
  explicit PartitionKey(RowText attribute)
      : type_(PartitionKeyType::kAttributeName), text_(std::move(attribute)) {}

  PartitionKeyType type() const noexcept { return type_; }
  const RowText& text() const noexcept { return text_; }
  /// Appends the key of `row` to the cleared `key`. False when the row lacks a value of it (a delete in the log shows only
  /// the key of its table).
  bool append(RowView row, ByteBuffer& key) const { return text_.append_plain(row, key); }
  /// True when all rows have the same.
  bool constant() const noexcept { return text_.constant(); }

 private:
  PartitionKeyType type_;
  RowText text_;
};

}  // namespace dmskafka

#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/change.h"
#include "core/base/clock.h"
#include "core/settings/kafka_settings.h"
#include "core/task/planner.h"
#include "mapping/lob_columns.h"
#include "mapping/message_layout.h"
#include "mapping/partition_key.h"
#include "mapping/value_text.h"

namespace dmskafka {

/// Writes the data records of one table (wire-format.md §3). All that does not depend on the row is put together once;
/// a row costs its values, the timestamp and the key, and no allocation. Immutable; any thread.
///
///   {"data":{ columns },"metadata":{"timestamp":"…" … }}
///   '---+---'         '------+--------------''--+--'
///    data_open_          metadata_open_     operation's `middle`, [key], `names`, [transaction], message_close_
class DataRecord {
 public:
  struct Options {
    TableName shown_name;  ///< schema-name and table-name
    PartitionKeyType load_key = PartitionKeyType::kPrimaryKey;
    PartitionKeyType change_key = PartitionKeyType::kSchemaTable;
    LobColumns lobs = LobColumns::kSent;
    ValueSettings values = {};
    Dialect dialect = Dialect::kDms;
    std::string table_key_prefix = {};  ///< of a key that is the table's name
  };
  DataRecord(const TableSchema& schema, const KafkaSettings& settings, const Options& options);

  /// Writes key and value into the cleared `out`. REQUIRES: the change is of this version of this table.
  void encode(const Change& change, WallTime now, EncodedMessage& out) const;

 private:
  struct Column {
    std::uint32_t index;
    ValueFormat format;
    std::string member;  // `,"name":`
  };
  // What differs between load, insert, update and delete.
  struct OperationText {
    std::string middle;  // from the end of the timestamp to before the key, or all up to the transaction
    std::string names;   // schema-name and table-name
  };
  static constexpr std::size_t kOperations = 4;

  bool shows_key(const PartitionKey& key) const noexcept;
  OperationText operation_text(Operation operation, const PartitionKey& key, const Options& options) const;
  const PartitionKey& key_of(Operation operation) const noexcept;
  void append_columns(const Change& change, RowView row, EncodedMessage& out) const;
  void append_transaction(const Change& change, ByteBuffer& out) const;
  void append_unchanged(const Change& change, RowView row, ByteBuffer& out) const;

  const MessageLayout layout_;
  const bool null_and_empty_;
  const bool partition_value_;
  const bool transaction_details_;
  const bool names_unchanged_;  // not in dms-strict
  const PartitionKey load_key_;
  const PartitionKey change_key_;
  std::vector<Column> columns_;
  std::string data_open_;
  std::string metadata_open_;
  std::string message_close_;
  std::array<OperationText, kOperations> operations_;
  // Members of change records.
  std::string transaction_id_, transaction_record_id_, commit_timestamp_, stream_position_,
      unchanged_columns_;
};

}  // namespace dmskafka

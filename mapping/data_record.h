#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/change.h"
#include "core/base/clock.h"
#include "core/settings/kafka_settings.h"
#include "core/task/planner.h"
#include "mapping/message_layout.h"
#include "mapping/partition_key.h"
#include "mapping/record_shape.h"
#include "mapping/value_text.h"

namespace dmskafka {

/// Writes the data records of one table (wire-format.md §3). All that does not depend on the row is put together once;
/// a row costs its values, the timestamp and the key, and no allocation. Immutable; any thread.
///
///   {"data":{ columns [},"before-image":{ old columns ]},"metadata":{"timestamp":"…" … }}
///   '---+---'          '-----------+----'            '------+--------------''--+--'
///    data_open_             before_open_                metadata_open_     operation's `middle`, [key], `names`,
///                                                                          [transaction], message_close_
class DataRecord {
 public:
  struct Options {
    TableName shown_name;  ///< schema-name and table-name
    PartitionKeyType load_key = PartitionKeyType::kPrimaryKey;
    PartitionKeyType change_key = PartitionKeyType::kSchemaTable;
  };
  /// The columns of `schema` as they are.
  DataRecord(const TableSchema& schema, const KafkaSettings& settings, const Options& options)
      : DataRecord(plain_shape(schema, settings, options), settings) {}
  DataRecord(const RecordShape& shape, const KafkaSettings& settings, Dialect dialect = Dialect::kDms,
             UnchangedToast unchanged = UnchangedToast::kOmit);

  /// The values of a change, extended by what its table's rules compute.
  struct Rows {
    RowView row;      ///< the new one; of a delete the one it removed
    RowView old_row;  ///< before an update, where the log has it
  };
  static Rows rows_of(const Change& change) noexcept;

  /// Writes key and value into the cleared `out`. REQUIRES: the change is of this version of this table.
  void encode(const Change& change, const Rows& rows, WallTime now, EncodedMessage& out) const;
  void encode(const Change& change, WallTime now, EncodedMessage& out) const {
    encode(change, rows_of(change), now, out);
  }
  const PartitionKey& key_of(Operation operation) const noexcept;

 private:
  struct Column {
    std::uint32_t index;
    ValueFormat format;
    std::string name;
    std::string member;  // `,"name":`
    std::optional<OldValue> old;
  };
  struct Attribute {
    RowText json;
    std::string member;
    std::string name;
  };
  // What differs between load, insert, update and delete.
  struct OperationText {
    std::string middle;  // from the end of the timestamp to before the key, or all up to the transaction
    std::string names;   // schema-name and table-name
  };
  static constexpr std::size_t kOperations = 4;

  static RecordShape plain_shape(const TableSchema& schema, const KafkaSettings& settings,
                                 const Options& options);
  bool shows_key(const PartitionKey& key) const noexcept;
  OperationText operation_text(Operation operation, const PartitionKey& key,
                               const TableName& shown_name) const;
  std::vector<Column> columns_of(const std::vector<RecordShape::Column>& shown, int depth) const;
  bool old_value_shown(const Change& change, const Rows& rows, const Column& column, Value& value) const;
  bool append_member(const Column& column, const Value& value, bool first, ByteBuffer& out,
                     ValueLoss& loss) const;
  ValueLoss append_columns(const Change& change, const Rows& rows, ByteBuffer& out) const;
  ValueLoss append_attributes(const Change& change, RowView row, std::size_t data_begin,
                              ByteBuffer& out) const;
  ValueLoss append_before_image(const Change& change, const Rows& rows, ByteBuffer& out) const;
  void append_transaction(const Change& change, ByteBuffer& out) const;
  void append_unchanged(const Change& change, RowView row, ByteBuffer& out) const;

  const MessageLayout layout_;
  const bool null_and_empty_;
  const bool partition_value_;
  const bool transaction_details_;
  const Dialect dialect_;
  const UnchangedToast unchanged_;
  const PartitionKey load_key_;
  const PartitionKey change_key_;
  std::vector<Column> columns_;
  std::vector<Attribute> attributes_;
  std::vector<Column> old_columns_;
  std::vector<std::uint32_t> key_slots_;
  std::string data_open_;
  std::string before_open_;     // "" without BeforeImageSettings
  std::string document_close_;  // the end of `_doc`; "" when the columns stand in `data` itself
  std::string metadata_open_;
  std::string message_close_;
  std::array<OperationText, kOperations> operations_;
  // Members of change records.
  std::string transaction_id_, transaction_record_id_, previous_id_, previous_record_, commit_timestamp_,
      stream_position_, unchanged_columns_;
};

}  // namespace dmskafka

#include "mapping/data_record.h"

#include <algorithm>
#include <cassert>
#include <charconv>

#include "core/json/json_writer.h"

namespace dmskafka {

namespace {

// SPEC (the page on Kafka): "For data records, the operation can be create, read, update, or delete." Real DMS writes insert
// and load for the first two.
std::string_view operation_name(Operation operation, Dialect dialect) noexcept {
  const bool documented = dialect == Dialect::kDocumented;
  switch (operation) {
    case Operation::kLoad: return documented ? "read" : "load";
    case Operation::kInsert: return documented ? "create" : "insert";
    case Operation::kUpdate: return "update";
    case Operation::kDelete: return "delete";
  }
  return "";
}

// Stands for a value that did not change and is not in the log: UnchangedToast "placeholder".
constexpr std::string_view kPlaceholder = "\"__dmskafka_unchanged_value\"";

void append_time(WallTime time, ByteBuffer& out) {
  format_iso8601(time, out.reserve(kIso8601Size));
  out.advance(kIso8601Size);
}

void append_integer(std::uint64_t value, ByteBuffer& out) {
  constexpr std::size_t kDigitsMax = 20;
  char* const begin = out.reserve(kDigitsMax);
  out.advance(static_cast<std::size_t>(std::to_chars(begin, begin + kDigitsMax, value).ptr - begin));
}

}  // namespace

RecordShape DataRecord::plain_shape(const TableSchema& schema, const KafkaSettings& settings,
                                    const Options& options) {
  const ValueSettings values = ValueSettings::of(settings, {});
  const auto key = [&](PartitionKeyType wanted) {
    return PartitionKey(schema, options.shown_name,
                        {wanted, settings.partition_include_schema_table, values});
  };
  RecordShape shape{options.shown_name, key(options.load_key), key(options.change_key)};
  for (std::uint32_t i = 0; i < schema.columns.size(); ++i) {
    shape.columns.push_back({i, schema.columns[i].name, ValueFormat::of(schema, i, values), {}});
  }
  return shape;
}

DataRecord::DataRecord(const RecordShape& shape, const KafkaSettings& settings, Dialect dialect,
                       UnchangedToast unchanged)
    : layout_(settings.message_format),
      null_and_empty_(settings.include_null_and_empty),
      partition_value_(settings.include_partition_value),
      transaction_details_(settings.include_transaction_details),
      dialect_(dialect),
      unchanged_(unchanged),
      load_key_(shape.load_key),
      change_key_(shape.change_key),
      columns_(columns_of(shape.columns, shape.document ? 3 : 2)),
      key_slots_(shape.key_slots) {
  for (const RecordShape::Attribute& attribute : shape.attributes) {
    attributes_.push_back({attribute.json, layout_.member(2, attribute.name), attribute.name});
  }
  if (shape.before) {
    old_columns_ = columns_of(shape.before->columns, 2);
    before_open_ = layout_.close(2) + layout_.member(1, shape.before->name) + "{";
  }
  data_open_ = "{" + layout_.first_member(1, "data") + "{";
  if (shape.document) {
    data_open_ += layout_.first_member(2, "_doc") + "{";
    document_close_ = layout_.close(3);
  }
  metadata_open_ =
      layout_.close(2) + layout_.member(1, "metadata") + "{" + layout_.first_member(2, "timestamp") + "\"";
  message_close_ = layout_.close(2) + layout_.close(1);
  for (std::size_t i = 0; i < kOperations; ++i) {
    const auto operation = static_cast<Operation>(i);
    operations_[i] = operation_text(operation, key_of(operation), shape.shown_name);
  }
  transaction_id_ = layout_.member(2, "transaction-id");
  transaction_record_id_ = layout_.member(2, "transaction-record-id");
  previous_id_ = layout_.member(2, "prev-transaction-id");
  previous_record_ = layout_.member(2, "prev-transaction-record-id");
  commit_timestamp_ = layout_.member(2, "commit-timestamp");
  stream_position_ = layout_.member(2, "stream-position");
  unchanged_columns_ = layout_.member(2, "unchanged-columns");
}

std::vector<DataRecord::Column> DataRecord::columns_of(const std::vector<RecordShape::Column>& shown,
                                                       int depth) const {
  std::vector<Column> columns;
  for (const RecordShape::Column& column : shown) {
    columns.push_back(
        {column.slot, column.format, column.name, layout_.member(depth, column.name), column.old});
  }
  return columns;
}

DataRecord::Rows DataRecord::rows_of(const Change& change) noexcept {
  switch (change.operation) {
    case Operation::kDelete: return {change.before, {}};
    case Operation::kUpdate: return {change.after, change.before};
    case Operation::kLoad:
    case Operation::kInsert: break;
  }
  return {change.after, {}};
}

const PartitionKey& DataRecord::key_of(Operation operation) const noexcept {
  return operation == Operation::kLoad ? load_key_ : change_key_;
}

// SPEC IncludePartitionValue: "Shows the partition value within the Kafka message output, unless the partition type is
// schema-table-type."
bool DataRecord::shows_key(const PartitionKey& key) const noexcept {
  return partition_value_ && key.type() != PartitionKeyType::kSchemaTable;
}

DataRecord::OperationText DataRecord::operation_text(Operation operation, const PartitionKey& key,
                                                     const TableName& shown_name) const {
  OperationText text;
  text.middle = "\"" + layout_.member(2, "record-type") + json_quoted("data") +
                layout_.member(2, "operation") + json_quoted(operation_name(operation, dialect_)) +
                layout_.member(2, "partition-key-type") + json_quoted(partition_key_type_name(key.type()));
  if (shows_key(key)) text.middle += layout_.member(2, "partition-key-value");
  text.names = layout_.member(2, "schema-name") + json_quoted(shown_name.schema) +
               layout_.member(2, "table-name") + json_quoted(shown_name.table);
  return text;
}

void DataRecord::encode(const Change& change, const Rows& rows, WallTime now, EncodedMessage& out) const {
  const PartitionKey& key = key_of(change.operation);
  const OperationText& operation = operations_[static_cast<std::size_t>(change.operation)];

  out.value.append(data_open_);
  const std::size_t data_begin = out.value.size();
  ValueLoss loss = append_columns(change, rows, out.value);
  out.value.append(document_close_);
  if (!attributes_.empty()) loss.add(append_attributes(change, rows.row, data_begin, out.value));
  // SPEC wire-format §3.4: "Only on update; … between data and metadata."
  if (change.operation == Operation::kUpdate && !before_open_.empty()) {
    loss.add(append_before_image(change, rows, out.value));
  }
  out.replaced_characters += loss.replaced;
  out.cut_values += loss.cut;
  out.zero_dates += loss.zero_dates;
  out.value.append(metadata_open_);
  append_time(now, out.value);
  out.value.append(operation.middle);
  if (!key.append(rows.row, out.key)) ++out.incomplete_keys;
  if (shows_key(key)) append_json_string(out.value, out.key.view());
  out.value.append(operation.names);
  if (change.operation != Operation::kLoad) {
    append_transaction(change, out.value);
    append_unchanged(change, rows.row, out.value);
  }
  out.value.append(message_close_);
}

// An old value: false when it is not shown. It is never a NULL that the log lacks.
bool DataRecord::old_value_shown(const Change& change, const Rows& rows, const Column& column,
                                 Value& value) const {
  if (change.operation != Operation::kUpdate) return false;
  const bool changed = column.old->with_changed_key && key_changed(key_slots_, rows.row, rows.old_row);
  value = column.old->shown(value, rows.row, changed);
  return value.is_known();
}

// False when IncludeNullAndEmpty leaves the value out. The first member has no comma before it.
bool DataRecord::append_member(const Column& column, const Value& value, bool first, ByteBuffer& out,
                               ValueLoss& loss) const {
  if (!null_and_empty_) {
    if (value.is_null() || is_empty_string(column.format, value)) return false;
    if (is_zero_date(column.format, value)) {
      ++loss.zero_dates;
      return false;
    }
  }
  out.append(std::string_view(column.member).substr(first ? 1 : 0));
  loss.add(append_value(column.format, value, out));
  return true;
}

ValueLoss DataRecord::append_columns(const Change& change, const Rows& rows, ByteBuffer& out) const {
  ValueLoss loss;
  bool first = true;
  for (const Column& column : columns_) {
    Value value = rows.row[column.index];
    if (column.old) {
      if (!old_value_shown(change, rows, column, value)) continue;
    } else if (!value.is_known()) {
      if (value.form() == ValueForm::kUnchanged && unchanged_ == UnchangedToast::kPlaceholder) {
        out.append(std::string_view(column.member).substr(first ? 1 : 0));
        out.append(kPlaceholder);
        first = false;
        continue;
      }
      // SPEC wire-format §3.3: a delete shows the columns its log lacks as null, as DMS does with a PostgreSQL key.
      if (change.operation != Operation::kDelete) continue;
      value = Value::null();
    }
    first = !append_member(column, value, first, out, loss) && first;
  }
  return loss;
}

ValueLoss DataRecord::append_before_image(const Change& change, const Rows& rows, ByteBuffer& out) const {
  ValueLoss loss;
  out.append(before_open_);
  bool first = true;
  for (const Column& column : old_columns_) {
    Value value = rows.old_row.empty() ? Value() : rows.old_row[column.index];
    if (!old_value_shown(change, rows, column, value)) continue;
    first = !append_member(column, value, first, out, loss) && first;
  }
  return loss;
}

ValueLoss DataRecord::append_attributes(const Change& change, RowView row, std::size_t data_begin,
                                        ByteBuffer& out) const {
  ValueLoss loss;
  for (const Attribute& attribute : attributes_) {
    // Made of a value that the log did not repeat, it would be wrong: left out like that value.
    if (change.operation == Operation::kUpdate && attribute.json.has_unchanged(row)) continue;
    const bool first = out.size() == data_begin && document_close_.empty();
    out.append(std::string_view(attribute.member).substr(first ? 1 : 0));
    loss.add(attribute.json.append_json(row, out));
  }
  return loss;
}

void DataRecord::append_transaction(const Change& change, ByteBuffer& out) const {
  assert(change.transaction != nullptr);
  out.append(transaction_id_);
  append_integer(change.transaction->id, out);
  if (!transaction_details_) return;
  out.append(transaction_record_id_);
  append_integer(change.transaction_record, out);
  if (change.transaction->previous_id != 0) {
    out.append(previous_id_);
    append_integer(change.transaction->previous_id, out);
    out.append(previous_record_);
    append_integer(change.transaction->previous_record, out);
  }
  out.append(commit_timestamp_);
  out.append('"');
  append_time(change.transaction->commit_time, out);
  out.append('"');
  out.append(stream_position_);
  append_json_string(out, change.stream_position);
}

// Values that PostgreSQL keeps out of line and did not log again: named, so that a consumer can tell them from NULL, and those
// that were fetched from the values of the change's own time.
void DataRecord::append_unchanged(const Change& change, RowView row, ByteBuffer& out) const {
  if (change.operation != Operation::kUpdate || dialect_ == Dialect::kDmsStrict) return;
  bool first = true;
  const auto name = [&](const std::string& unchanged) {
    if (first) out.append(unchanged_columns_);
    out.append(first ? std::string_view("[") : layout_.item_separator());
    first = false;
    append_json_string(out, unchanged);
  };
  for (const Column& column : columns_) {
    const bool fetched = std::ranges::find(change.fetched, column.index) != change.fetched.end();
    if (!column.old && (fetched || row[column.index].form() == ValueForm::kUnchanged)) name(column.name);
  }
  for (const Attribute& attribute : attributes_) {
    if (attribute.json.has_unchanged(row)) name(attribute.name);
  }
  if (!first) out.append(']');
}

}  // namespace dmskafka

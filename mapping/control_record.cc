#include "mapping/control_record.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/json/json_writer.h"

namespace dmskafka {

namespace {

// SPEC (the page on Kafka): "For control records, the operation can be TruncateTable or DropTable."
std::string_view operation_name(ControlOperation operation, Dialect dialect) noexcept {
  const bool documented = dialect == Dialect::kDocumented;
  switch (operation) {
    case ControlOperation::kDropTable: return documented ? "DropTable" : "drop-table";
    case ControlOperation::kCreateTable: return "create-table";
    case ControlOperation::kAddColumn: return "add-column";
    case ControlOperation::kDropColumn: return "drop-column";
    case ControlOperation::kRenameColumn: return "rename-column";
    case ControlOperation::kColumnTypeChange: return "column-type-change";
    case ControlOperation::kChangeColumns: return "change-columns";
    case ControlOperation::kRenameTable: return "rename-table";
    case ControlOperation::kTruncateTable: return documented ? "TruncateTable" : "truncate-table";
  }
  return "";
}

bool has_table_definition(ControlOperation operation) noexcept {
  return operation != ControlOperation::kDropTable && operation != ControlOperation::kTruncateTable;
}

bool names_columns(ControlOperation operation) noexcept {
  return has_table_definition(operation) && operation != ControlOperation::kCreateTable &&
         operation != ControlOperation::kRenameTable;
}

// The columns an ALTER was about: those of the old table that are gone or different, then those of the new one that
// the old one lacks. So a rename gives the old name, then the new one.
std::vector<std::string_view> altered_columns(const TableSchema& before, const TableSchema& after) {
  std::vector<std::string_view> names;
  for (const ColumnSchema& column : before.columns) {
    const auto index = after.find_column(column.name);
    if (!index || !(after.columns[*index] == column)) names.push_back(column.name);
  }
  for (const ColumnSchema& column : after.columns) {
    if (!before.find_column(column.name)) names.push_back(column.name);
  }
  return names;
}

// Puts the members of one object together.
class ObjectText {
 public:
  ObjectText(const MessageLayout& layout, int depth) : layout_(layout), depth_(depth) {}
  void add(std::string_view name, std::string_view json) {
    text_ += text_.size() == 1 ? layout_.first_member(depth_, name) : layout_.member(depth_, name);
    text_ += json;
  }
  std::string close() && { return std::move(text_) + layout_.close(depth_); }

 private:
  const MessageLayout& layout_;
  int depth_;
  std::string text_ = "{";
};

}  // namespace

ControlRecord::ControlRecord(const KafkaSettings& settings, Options options)
    : layout_(settings.message_format),
      details_(settings.include_control_details),
      partition_value_(settings.include_partition_value),
      options_(std::move(options)),
      key_(options_.task_id + "." + options_.shown_name.schema + "." + options_.shown_name.table) {}

void ControlRecord::encode(ControlOperation operation, const TableSchema& schema,
                           const TableSchema* old_schema, WallTime now, EncodedMessage& out) const {
  // SPEC: "The partition-key value for a control record that is for a specific table is TaskId.SchemaName.TableName."
  // The member partition-key-value shows the task id alone, as real DMS does; the dialect documented shows the key.
  out.key.append(key_);
  ObjectText message(layout_, 1);
  if (details_) message.add("control", control(operation, schema, old_schema));
  message.add("metadata", metadata(operation, now));
  out.value.append(std::move(message).close());
}

std::string ControlRecord::metadata(ControlOperation operation, WallTime now) const {
  std::string timestamp(kIso8601Size, ' ');
  format_iso8601(now, timestamp.data());
  ObjectText metadata(layout_, 2);
  metadata.add("timestamp", json_quoted(timestamp));
  metadata.add("record-type", json_quoted("control"));
  metadata.add("operation", json_quoted(operation_name(operation, options_.dialect)));
  metadata.add("partition-key-type", json_quoted("task-id"));
  if (partition_value_) {
    metadata.add("partition-key-value",
                 json_quoted(options_.dialect == Dialect::kDocumented ? key_ : options_.task_id));
  }
  metadata.add("schema-name", json_quoted(options_.shown_name.schema));
  metadata.add("table-name", json_quoted(options_.shown_name.table));
  return std::move(metadata).close();
}

std::string ControlRecord::control(ControlOperation operation, const TableSchema& schema,
                                   const TableSchema* old_schema) const {
  ObjectText control(layout_, 2);
  if (old_schema != nullptr && names_columns(operation)) {
    control.add("column-names", name_list(altered_columns(*old_schema, schema)));
  }
  if (old_schema != nullptr && has_table_definition(operation)) {
    control.add("old-table-def", table_definition(*old_schema));
  }
  if (has_table_definition(operation)) control.add("table-def", table_definition(schema));
  return std::move(control).close();
}

std::string ControlRecord::table_definition(const TableSchema& schema) const {
  ObjectText columns(layout_, 4);
  for (std::uint32_t i = 0; i < schema.columns.size(); ++i) {
    const ColumnSchema& column = schema.columns[i];
    if (is_sent(options_.lobs, schema, i)) columns.add(column.name, column_definition(column));
  }
  ObjectText table(layout_, 3);
  table.add("columns", std::move(columns).close());
  if (schema.has_primary_key()) {
    std::vector<std::string_view> names;
    for (const std::uint32_t index : schema.primary_key) names.push_back(schema.columns[index].name);
    table.add("primary-key", name_list(names));
  }
  return std::move(table).close();
}

std::string ControlRecord::column_definition(const ColumnSchema& column) const {
  ObjectText definition(layout_, 5);
  definition.add("type", json_quoted(dms_type_name(column.type)));
  if (column.length) definition.add("length", std::to_string(*column.length));
  if (column.precision) definition.add("precision", std::to_string(*column.precision));
  if (column.scale.value_or(0) != 0) definition.add("scale", std::to_string(*column.scale));
  definition.add("nullable", column.nullable ? "true" : "false");
  if (!column.collation.empty()) definition.add("collation-name", json_quoted(column.collation));
  return std::move(definition).close();
}

std::string ControlRecord::name_list(const std::vector<std::string_view>& names) const {
  std::string text = "[";
  for (const std::string_view name : names) {
    if (text.size() != 1) text += layout_.item_separator();
    text += json_quoted(name);
  }
  return text + "]";
}

}  // namespace dmskafka

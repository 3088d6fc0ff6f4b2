#include "mapping/control_record.h"

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

// `shown_key`: partition-key-value; null: not shown.
std::string control_metadata(const MessageLayout& layout, std::string_view operation,
                             const std::string* shown_key, const TableName& shown_name, WallTime now) {
  std::string timestamp(kIso8601Size, ' ');
  format_iso8601(now, timestamp.data());
  ObjectText metadata(layout, 2);
  metadata.add("timestamp", json_quoted(timestamp));
  metadata.add("record-type", json_quoted("control"));
  metadata.add("operation", json_quoted(operation));
  metadata.add("partition-key-type", json_quoted("task-id"));
  if (shown_key != nullptr) metadata.add("partition-key-value", json_quoted(*shown_key));
  metadata.add("schema-name", json_quoted(shown_name.schema));
  metadata.add("table-name", json_quoted(shown_name.table));
  return std::move(metadata).close();
}

}  // namespace

ControlRecord::ControlRecord(const KafkaSettings& settings, Options options)
    : layout_(settings.message_format),
      details_(settings.include_control_details),
      partition_value_(settings.include_partition_value),
      options_(std::move(options)),
      key_(options_.task_id + "." + options_.shown_name.schema + "." + options_.shown_name.table) {}

void ControlRecord::encode(ControlOperation operation, const TableSchema& schema, WallTime now,
                           EncodedMessage& out) const {
  ObjectText control(layout_, 2);
  if (operation == ControlOperation::kCreateTable) control.add("table-def", table_definition(schema));
  encode(operation, std::move(control).close(), now, out);
}

void ControlRecord::encode(const SchemaStep& step, WallTime now, EncodedMessage& out) const {
  encode(step.operation, alteration(step), now, out);
}

void ControlRecord::encode(ControlOperation operation, const std::string& control, WallTime now,
                           EncodedMessage& out) const {
  // SPEC: "The partition-key value for a control record that is for a specific table is TaskId.SchemaName.TableName."
  // The member partition-key-value shows the task id alone, as real DMS does; the dialect documented shows the key.
  out.key.append(key_);
  ObjectText message(layout_, 1);
  if (details_) message.add("control", control);
  message.add("metadata", metadata(operation, now));
  out.value.append(std::move(message).close());
}

std::string ControlRecord::metadata(ControlOperation operation, WallTime now) const {
  const std::string& shown_key = options_.dialect == Dialect::kDocumented ? key_ : options_.task_id;
  return control_metadata(layout_, operation_name(operation, options_.dialect),
                          partition_value_ ? &shown_key : nullptr, options_.shown_name, now);
}

std::string ControlRecord::alteration(const SchemaStep& step) const {
  ObjectText control(layout_, 2);
  if (step.operation == ControlOperation::kRenameTable) {
    // The metadata has the new name; without the old one nobody could tell whose it is.
    control.add("old-schema-name", json_quoted(step.before.name.schema));
    control.add("old-table-name", json_quoted(step.before.name.table));
  } else {
    control.add("column-names", name_list(step.columns));
  }
  control.add("old-table-def", table_definition(step.before));
  control.add("table-def", table_definition(step.after));
  return std::move(control).close();
}

std::string ControlRecord::table_definition(const TableSchema& schema) const {
  ObjectText columns(layout_, 4);
  for (const ColumnSchema& column : schema.columns) columns.add(column.name, column_definition(column));
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

template <typename Names>
std::string ControlRecord::name_list(const Names& names) const {
  std::string text = "[";
  for (const std::string_view name : names) {
    if (text.size() != 1) text += layout_.item_separator();
    text += json_quoted(name);
  }
  return text + "]";
}

TaskMessage task_control_record(std::string_view operation, const KafkaSettings& settings,
                                const std::string& task_id, WallTime now) {
  const MessageLayout layout(settings.message_format);
  ObjectText message(layout, 1);
  message.add("metadata",
              control_metadata(layout, operation, settings.include_partition_value ? &task_id : nullptr,
                               TableName(), now));
  // SPEC: "The partition-key value for a control record that is for a specific task is that record's TaskId."
  return {settings.topic, task_id, std::move(message).close()};
}

}  // namespace dmskafka

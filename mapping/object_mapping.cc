#include "mapping/object_mapping.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/json/json_writer.h"
#include "mapping/message_layout.h"

namespace dmskafka {

namespace {

PartitionKey default_key(const ShownTable& table, const TableName& shown_name, PartitionKeyType wanted,
                         const KafkaSettings& settings, const ShapeOptions& options) {
  return {table.schema,
          shown_name,
          {wanted, settings.partition_include_schema_table, options.values, table.slots,
           options.table_key_prefix}};
}

class ShapeBuilder {
 public:
  ShapeBuilder(const ShownTable& table, const ObjectMappingRule& rule, const KafkaSettings& settings,
               const ShapeOptions& options, RecordShape& shape)
      : table_(table),
        rule_(rule),
        settings_(settings),
        options_(options),
        layout_(settings.message_format),
        shape_(shape) {}

  Result<void> build() {
    shape_.document = rule_.action == ObjectMappingAction::kMapRecordToDocument;
    DMSKAFKA_TRY(exclude_columns());
    for (const AttributeMapping& attribute : rule_.attributes) DMSKAFKA_TRY(add_attribute(attribute));
    return set_key();
  }

 private:
  Result<void> exclude_columns() {
    std::set<std::uint32_t> excluded;
    for (const ColumnReference& column : rule_.excluded_columns) {
      const ColumnMatch match = find_shown_column(column.name, table_);
      if (!match.index) return rule_misfit(column.at, table_.schema.name, match);
      excluded.insert(table_.slots[*match.index]);
    }
    std::erase_if(shape_.columns,
                  [&](const RecordShape::Column& column) { return excluded.contains(column.slot); });
    // What is kept out of `data` is not shown by its old value either.
    if (shape_.before) {
      std::erase_if(shape_.before->columns,
                    [&](const RecordShape::Column& column) { return excluded.contains(column.slot); });
    }
    return {};
  }

  Result<void> add_attribute(const AttributeMapping& attribute) {
    // SPEC wire-format §3.5: an attribute named like an un-excluded column replaces it, at the attribute's place.
    std::erase_if(shape_.columns,
                  [&](const RecordShape::Column& column) { return column.name == attribute.name; });
    RecordShape::Attribute shown{attribute.name, {}};
    DMSKAFKA_TRY(add_json(attribute.value, 2, shown.json));
    shape_.attributes.push_back(std::move(shown));
    return {};
  }

  // Members of the attribute's own object stand at `depth` + 1.
  Result<void> add_json(const AttributeValue& value, int depth, RowText& out) const {
    switch (value.kind) {
      case JsonKind::kNull:
      case JsonKind::kBoolean:
      case JsonKind::kNumber: out.add(value.json); return {};
      case JsonKind::kString: {
        out.add("\"");
        DMSKAFKA_TRY(value.text.resolve(Template::Into::kJsonString, table_, options_.values, out));
        out.add("\"");
        return {};
      }
      case JsonKind::kArray: {
        out.add("[");
        for (std::size_t i = 0; i < value.members.size(); ++i) {
          if (i != 0) out.add(layout_.item_separator());
          DMSKAFKA_TRY(add_json(value.members[i].value, depth + 1, out));
        }
        out.add("]");
        return {};
      }
      case JsonKind::kObject: break;
    }
    out.add("{");
    bool first = true;
    for (const auto& [name, member] : value.members) {
      out.add(first ? layout_.first_member(depth + 1, name) : layout_.member(depth + 1, name));
      first = false;
      DMSKAFKA_TRY(add_json(member, depth + 1, out));
    }
    out.add(layout_.close(depth + 1));
    return {};
  }

  Result<void> set_key() {
    const PartitionKeySpec& key = rule_.key;
    switch (key.kind) {
      case PartitionKeySpec::Kind::kDefault: return {};
      case PartitionKeySpec::Kind::kPrimaryKey:
      case PartitionKeySpec::Kind::kSchemaTable: {
        const PartitionKeyType type = key.kind == PartitionKeySpec::Kind::kPrimaryKey
                                          ? PartitionKeyType::kPrimaryKey
                                          : PartitionKeyType::kSchemaTable;
        use_key(default_key(table_, shape_.shown_name, type, settings_, options_));
        return {};
      }
      case PartitionKeySpec::Kind::kAttribute: return use_attribute_as_key(key);
      case PartitionKeySpec::Kind::kValue: break;
    }
    RowText text;
    DMSKAFKA_TRY(key.value.resolve(Template::Into::kPlainText, table_, options_.values, text));
    use_key(PartitionKey(std::move(text)));
    return {};
  }

  // SPEC: "${AttributeName}: The value of one of the fields in the JSON": a mapped attribute, else a column, also one that
  // is not shown.
  Result<void> use_attribute_as_key(const PartitionKeySpec& key) {
    std::vector<std::string> names;
    for (const AttributeMapping& attribute : rule_.attributes) names.push_back(attribute.name);
    ColumnMatch match = find_column_of_rule(key.attribute, names);
    const ColumnMatch column = find_shown_column(key.attribute, table_);
    const bool column_is_nearer = column.index &&
                                  table_.schema.columns[*column.index].name == key.attribute &&
                                  !(match.index && names[*match.index] == key.attribute);
    RowText text;
    if (match.index && !column_is_nearer) {
      const AttributeValue& value = rule_.attributes[*match.index].value;
      if (value.kind != JsonKind::kString) {
        return Error(ErrorCode::kInvalidMapping,
                     fmt::format("partition-key-name \"{}\" is a document", key.attribute))
            .at(key.at)
            .expected("a scalar attribute or a column");
      }
      DMSKAFKA_TRY(value.text.resolve(Template::Into::kPlainText, table_, options_.values, text));
    } else {
      if (!column.index) {
        match = column;
        match.fault = fmt::format("no attribute and {}", column.fault);
        return rule_misfit(key.at, table_.schema.name, match);
      }
      text.add_value(table_.slots[*column.index],
                     ValueFormat::of(table_.schema, *column.index, options_.values));
    }
    use_key(PartitionKey(std::move(text)));
    return {};
  }

  void use_key(PartitionKey key) {
    shape_.load_key = key;
    shape_.change_key = std::move(key);
  }

  const ShownTable& table_;
  const ObjectMappingRule& rule_;
  const KafkaSettings& settings_;
  const ShapeOptions& options_;
  const MessageLayout layout_;
  RecordShape& shape_;
};

// The columns of the source whose old values BeforeImageSettings asks for.
RecordShape::BeforeImage before_image_of(const ShownTable& table, const ShapeOptions& options) {
  RecordShape::BeforeImage image{options.before_image.field_name, {}};
  const BeforeImageSettings::ColumnFilter filter = options.before_image.column_filter;
  for (std::uint32_t i = 0; i < table.schema.columns.size(); ++i) {
    const ColumnSchema& column = table.schema.columns[i];
    const bool key = table.schema.is_key_column(i);
    if (table.source_names[i].empty() || !is_sent(options.lobs, table.schema, i) ||
        !passes(filter, key, column.lob, options.values.strict)) {
      continue;
    }
    image.columns.push_back({table.slots[i], column.name, ValueFormat::of(table.schema, i, options.values),
                             old_value_of(table.schema, filter, key, table.slots[i], options.dialect)});
  }
  return image;
}

}  // namespace

std::string_view object_mapping_action_name(ObjectMappingAction action) noexcept {
  switch (action) {
    case ObjectMappingAction::kMapRecordToRecord: return "map-record-to-record";
    case ObjectMappingAction::kMapRecordToDocument: return "map-record-to-document";
  }
  return "";
}

Result<RecordShape> shape_records(const ShownTable& table, const ObjectMappingRule* rule,
                                  const KafkaSettings& settings, const ShapeOptions& options) {
  TableName name = table.schema.name;
  if (rule != nullptr && rule->target_table_name) name.table = *rule->target_table_name;
  if (options.source_name) name = *options.source_name;
  RecordShape shape{name, default_key(table, name, options.load_key, settings, options),
                    default_key(table, name, options.change_key, settings, options)};
  for (std::uint32_t i = 0; i < table.schema.columns.size(); ++i) {
    if (!is_sent(options.lobs, table.schema, i)) continue;
    RecordShape::Column& column = shape.columns.emplace_back();
    column = {table.slots[i], table.schema.columns[i].name, ValueFormat::of(table.schema, i, options.values)};
    if (const auto& old = table.old_columns[i]) {
      column.old = old_value_of(table.schema, old->filter, table.schema.is_key_column(old->of),
                                table.slots[i] - table.row_width, options.dialect);
    }
  }
  if (options.before_image.enabled) shape.before = before_image_of(table, options);
  shape.key_slots = table.key_slots;
  if (rule != nullptr) DMSKAFKA_TRY(ShapeBuilder(table, *rule, settings, options, shape).build());
  return shape;
}

}  // namespace dmskafka

#include "mapping/plan_outline.h"

#include <fmt/format.h>

#include <string>
#include <vector>

namespace dmskafka {

namespace {

std::string type_text(const ColumnSchema& column) {
  std::string text(dms_type_name(column.type));
  if (column.precision) return text + fmt::format("({},{})", *column.precision, column.scale.value_or(0));
  if (column.length) return text + fmt::format("({})", *column.length);
  return column.lob ? text + " LOB" : text;
}

// The row's slots by the names that messages show; a value that none shows by its source's.
std::vector<std::string> slot_names(const PlanParts& parts) {
  std::vector<std::string> names;
  for (const ColumnSchema& column : parts.source.columns) names.push_back(column.name);
  const ShownTable& shown = parts.table.shown;
  for (std::size_t i = 0; i < shown.slots.size(); ++i) {
    if (names.size() <= shown.slots[i]) names.resize(shown.slots[i] + 1);
    names[shown.slots[i]] = shown.schema.columns[i].name;
  }
  for (const RecordShape::Column& column : parts.shape.columns) names[column.slot] = column.name;
  return names;
}

std::vector<PlanOutline::Member> members_of(const PlanParts& parts) {
  std::vector<PlanOutline::Member> members;
  const ShownTable& shown = parts.table.shown;
  for (const RecordShape::Column& column : parts.shape.columns) {
    const auto index = shown.schema.find_column(column.name);
    members.push_back({(parts.shape.document ? "_doc." : "") + column.name,
                       index ? type_text(shown.schema.columns[*index]) : std::string()});
  }
  if (parts.mapping == nullptr) return members;
  for (const AttributeMapping& attribute : parts.mapping->attributes) {
    members.push_back({attribute.name, attribute.value.kind == JsonKind::kString ? "scalar" : "document"});
  }
  return members;
}

enum class Flow : std::uint8_t { kLoad, kChanges };

std::string default_key_reason(const PlanParts& parts, Flow flow) {
  if (parts.task.dmskafka.dialect == Dialect::kDocumented && parts.task.parallel_apply_threads == 0) {
    return "Dialect documented";
  }
  if (!parts.table.shown.schema.has_primary_key()) return "the table has no primary key";
  if (flow == Flow::kLoad) return "the primary key, the default of a full load";
  return parts.task.parallel_apply_threads > 0 ? "the primary key, the default with ParallelApplyThreads"
                                               : "the default of CDC without ParallelApplyThreads";
}

std::string key_reason(const PlanParts& parts, Flow flow) {
  if (parts.mapping == nullptr) return default_key_reason(parts, flow);
  const auto by_rule = [&](std::string_view member) {
    return fmt::format("object-mapping rule {} ({})", parts.mapping->id, member);
  };
  switch (parts.mapping->key.kind) {
    case PartitionKeySpec::Kind::kDefault: break;
    case PartitionKeySpec::Kind::kPrimaryKey:
      return by_rule(parts.table.shown.schema.has_primary_key()
                         ? "partition-key-type"
                         : "partition-key-type primary-key, but the table has none");
    case PartitionKeySpec::Kind::kSchemaTable: return by_rule("partition-key-type");
    case PartitionKeySpec::Kind::kAttribute: return by_rule("partition-key-name");
    case PartitionKeySpec::Kind::kValue: return by_rule("partition-key");
  }
  return default_key_reason(parts, flow);
}

std::string value_reason(const PlanParts& parts) {
  std::string text;
  for (const std::int64_t id : parts.table.rules) text += fmt::format("{}{}", text.empty() ? "" : ", ", id);
  if (!text.empty()) {
    text = fmt::format("transformation rule{} {}", parts.table.rules.size() == 1 ? "" : "s", text);
  }
  if (parts.mapping != nullptr) {
    text += fmt::format("{}object-mapping rule {}", text.empty() ? "" : "; ", parts.mapping->id);
  }
  return text.empty() ? "no rule: the columns as they are" : text;
}

KeyOutline key_outline(const PlanParts& parts, const PartitionKey& key, Flow flow,
                       const std::vector<std::string>& names) {
  return {std::string(partition_key_type_name(key.type())), key.text().describe(names), key.text().constant(),
          key_reason(parts, flow)};
}

}  // namespace

PlanOutline outline_of(const PlanParts& parts) {
  const std::vector<std::string> names = slot_names(parts);
  PlanOutline outline;
  outline.members = members_of(parts);
  outline.load_key = key_outline(parts, parts.shape.load_key, Flow::kLoad, names);
  outline.change_key = key_outline(parts, parts.shape.change_key, Flow::kChanges, names);
  outline.topic_decided_by =
      parts.mapping != nullptr && parts.mapping->topic
          ? fmt::format("object-mapping rule {} (kafka-target-topic)", parts.mapping->id)
          : std::string("Topic of the endpoint");
  outline.value_decided_by = value_reason(parts);
  return outline;
}

}  // namespace dmskafka

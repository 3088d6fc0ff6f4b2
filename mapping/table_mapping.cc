#include "mapping/table_mapping.h"

#include <fmt/format.h>

#include <initializer_list>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "core/base/digest.h"
#include "mapping/control_record.h"
#include "mapping/mapping_document.h"
#include "mapping/rule_set.h"
#include "mapping/selection.h"
#include "mapping/table_plan.h"

namespace dmskafka {

namespace {

// Everything that shapes the messages or says which tables send them, one `name=value` a line. What only changes speed,
// delivery or order of loading does not belong here: changing it must not look like another mapping.
std::string canonical_text(const Selection& selection, const RuleSet& rules, const MappingContext& context) {
  const KafkaSettings& kafka = context.kafka;
  const TaskSettings& task = context.task;
  std::string text = "dmskafka messages 1\n";
  const auto add = [&text](std::string_view name, const auto& value) {
    text += fmt::format("{}={}\n", name, value);
  };
  add("topic", kafka.topic);
  add("message-format", static_cast<int>(kafka.message_format));
  add("include-transaction-details", kafka.include_transaction_details);
  add("include-partition-value", kafka.include_partition_value);
  add("partition-include-schema-table", kafka.partition_include_schema_table);
  add("include-table-alter-operations", kafka.include_table_alter_operations);
  add("include-control-details", kafka.include_control_details);
  add("include-null-and-empty", kafka.include_null_and_empty);
  add("no-hex-prefix", kafka.no_hex_prefix);
  add("use-large-integer-value", kafka.use_large_integer_value);
  add("task-id", context.task_id);
  add("target-schema", task.target_schema);
  add("support-lobs", task.support_lobs);
  add("lob-max-kilobytes", task.lob_max_kilobytes.value_or(-1));
  add("parallel-apply", task.parallel_apply_threads > 0);
  add("before-image", task.before_image.enabled);
  add("before-image-field", task.before_image.field_name);
  add("before-image-columns", static_cast<int>(task.before_image.column_filter));
  add("dialect", static_cast<int>(task.dmskafka.dialect));
  add("unchanged-toast", static_cast<int>(task.dmskafka.unchanged_toast));
  return text + selection.canonical() + rules.canonical;
}

// DMS announces its own table at every start of following changes; no row of it is ever sent.
TaskMessage apply_exceptions_record(const MappingContext& context, WallTime now) {
  TableSchema table;
  table.name = {"", "awsdms_apply_exceptions"};
  const auto add = [&table](std::string_view name, DmsType type, std::optional<std::uint32_t> length) {
    ColumnSchema& column = table.columns.emplace_back();
    column.name = name;
    column.type = type;
    column.length = length;
    column.nullable = false;
  };
  for (const std::string_view name : {"TASK_NAME", "TABLE_OWNER", "TABLE_NAME"})
    add(name, DmsType::kString, 128);
  add("ERROR_TIME", DmsType::kTimestamp, std::nullopt);
  for (const std::string_view name : {"STATEMENT", "ERROR"}) add(name, DmsType::kString, std::nullopt);
  EncodedMessage message;
  ControlRecord(context.kafka, {table.name, context.task_id, context.task.dmskafka.dialect})
      .encode(ControlOperation::kCreateTable, table, now, message);
  return {context.kafka.topic, std::string(message.key.view()), std::string(message.value.view())};
}

class TableMapping final : public Planner {
 public:
  TableMapping(Selection selection, RuleSet rules, MappingContext context)
      : selection_(std::move(selection)),
        rules_(std::move(rules)),
        context_(std::move(context)),
        digest_(sha256_hex(canonical_text(selection_, rules_, context_))) {}

  std::vector<SelectedTable> select(const std::vector<CatalogTable>& catalog) const override {
    return selection_.select(catalog);
  }
  Result<std::unique_ptr<const TablePlan>> plan(std::shared_ptr<const TableSchema> schema) const override {
    return make_table_plan(std::move(schema), rules_, selection_, context_);
  }
  // SPEC IncludeTableAlterOperations: "Includes any data definition language (DDL) operations that change the table in the
  // control data, such as rename-table, drop-table, add-column, drop-column, and rename-column."
  bool sends_in_cdc(ControlOperation operation) const override {
    if (operation == ControlOperation::kCreateTable) return true;
    if (!context_.kafka.include_table_alter_operations) return false;
    const bool strict = context_.task.dmskafka.dialect == Dialect::kDmsStrict;
    switch (operation) {
      case ControlOperation::kDropTable: return context_.task.handle_source_table_dropped && !strict;
      case ControlOperation::kTruncateTable: return context_.task.handle_source_table_truncated;
      case ControlOperation::kRenameTable: return context_.task.handle_source_table_altered && !strict;
      case ControlOperation::kCreateTable:
      case ControlOperation::kAddColumn:
      case ControlOperation::kDropColumn:
      case ControlOperation::kRenameColumn:
      case ControlOperation::kColumnTypeChange:
      case ControlOperation::kChangeColumns: break;
    }
    return context_.task.handle_source_table_altered;
  }

  std::vector<TaskMessage> start_messages(TaskStart start, WallTime now) const override {
    std::vector<TaskMessage> messages;
    if (context_.task.dmskafka.task_control_records) {
      messages.push_back(task_control_record(start == TaskStart::kFirst ? "task-start" : "task-resume",
                                             context_.kafka, context_.task_id, now));
    }
    if (context_.task.dmskafka.dialect == Dialect::kDmsStrict) {
      messages.push_back(apply_exceptions_record(context_, now));
    }
    return messages;
  }

  std::vector<Error> idle_rules(const std::vector<CatalogTable>& catalog) const override {
    std::vector<Error> warnings;
    selection_.name_idle(catalog, warnings);
    const std::vector<SelectedTable> selected = selection_.select(catalog);
    const auto name = [&](const auto& rule, std::string_view kind, const JsonLocation& at) {
      for (const SelectedTable& table : selected) {
        if (rule.locator.matches(table.name, table.kind)) return;
      }
      warnings.push_back(Error(ErrorCode::kInvalidMapping,
                               fmt::format("{} rule {} matches no selected table", kind, rule.id))
                             .at(at));
    };
    for (const TransformationRule& rule : rules_.transformations)
      name(rule, "transformation", rule.defined_at);
    for (const ObjectMappingRule& rule : rules_.object_mappings)
      name(rule, "object-mapping", rule.defined_at);
    for (const TableSettingsRule& rule : rules_.table_settings) name(rule, "table-settings", rule.defined_at);
    return warnings;
  }
  std::vector<RuleReach> rule_reach(const std::vector<CatalogTable>& catalog) const override {
    std::vector<RuleReach> reaches = selection_.reach(catalog);
    const std::vector<SelectedTable> selected = selection_.select(catalog);
    const auto add = [&](const auto& rule, std::string_view type, std::string_view action) {
      RuleReach reach{rule.id, type, std::string(action), {}};
      for (const SelectedTable& table : selected) {
        if (rule.locator.matches(table.name, table.kind)) reach.tables.push_back(table.name);
      }
      reaches.push_back(std::move(reach));
    };
    for (const TransformationRule& rule : rules_.transformations)
      add(rule, "transformation", transformation_action_name(rule.action));
    for (const ObjectMappingRule& rule : rules_.object_mappings)
      add(rule, "object-mapping", object_mapping_action_name(rule.action));
    for (const TableSettingsRule& rule : rules_.table_settings) add(rule, "table-settings", "");
    return reaches;
  }
  std::vector<Error> clashes(std::span<const TablePlan* const> plans) const override;
  const std::string& digest() const override { return digest_; }

 private:
  const Selection selection_;
  const RuleSet rules_;
  const MappingContext context_;
  const std::string digest_;
};

// SPEC dms-settings §0.4: "two tables on one name by substitution are an error".
std::vector<Error> TableMapping::clashes(std::span<const TablePlan* const> plans) const {
  const auto substituted = [&](const TablePlan& plan) -> const TopicName* {
    const ObjectMappingRule* rule = object_mapping_of(plan.schema().name, plan.schema().kind, rules_);
    return rule != nullptr && rule->topic && rule->topic->depends_on_table() ? &*rule->topic : nullptr;
  };
  std::vector<Error> errors;
  std::map<std::string_view, const TablePlan*> first;
  for (const TablePlan* plan : plans) {
    const auto [other, alone] = first.try_emplace(plan->topic(), plan);
    if (alone) continue;
    const TopicName* topic = substituted(*plan);
    if (topic == nullptr) topic = substituted(*other->second);
    if (topic == nullptr) continue;  // a constant topic for several tables is meant so
    errors.push_back(
        Error(ErrorCode::kInvalidMapping,
              fmt::format("{} and {} would both have the topic \"{}\"", other->second->schema().name.text(),
                          plan->schema().name.text(), plan->topic()))
            .at(topic->at)
            .expected("a topic of its own for each table, e.g. with ${schema}, or one constant name"));
  }
  return errors;
}

}  // namespace

std::unique_ptr<Planner> compile_table_mapping(const JsonDocument& mapping, const MappingContext& context,
                                               Problems& problems) {
  const auto document = MappingDocument::find(mapping, problems);
  if (!document) return nullptr;
  auto rules = read_rule_set(document->root(), context.task.dmskafka.dialect, problems);
  if (!rules) return nullptr;
  for (const TransformationRule& rule : rules->transformations) {
    if (rule.action != TransformationAction::kAddBeforeImageColumns) continue;
    if (context.migration_type == MigrationType::kFullLoad) {
      problems.notices.push_back(
          Error(ErrorCode::kInvalidMapping,
                "add-before-image-columns has an effect only on changes: a full load has none")
              .at(rule.defined_at));
    }
    if (!context.task.before_image.enabled) continue;
    // SPEC: "use either the parameter or the setting, but not both, for a single task."
    problems.errors.push_back(
        Error(ErrorCode::kInvalidMapping, "add-before-image-columns beside BeforeImageSettings of the task")
            .at(rule.defined_at)
            .expected("one of them"));
  }
  if (!problems.ok()) return nullptr;
  Selection selection(std::move(rules->selection));
  return std::make_unique<TableMapping>(std::move(selection), std::move(*rules), context);
}

std::unique_ptr<Planner> compile_default_mapping(const MappingContext& context) {
  return std::make_unique<TableMapping>(Selection::everything(), RuleSet(), context);
}

}  // namespace dmskafka

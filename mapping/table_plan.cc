#include "mapping/table_plan.h"

#include <fmt/format.h>

#include <cassert>
#include <utility>

#include "mapping/control_record.h"
#include "mapping/data_record.h"
#include "mapping/transform_table.h"

namespace dmskafka {

namespace {

// SPEC: "When using ParallelApply* task settings, the partition-key-type default is the primary-key of the table, not
// schema-name.table-name."
PartitionKeyType change_key_type(const TaskSettings& task) {
  return task.parallel_apply_threads > 0 ? PartitionKeyType::kPrimaryKey : PartitionKeyType::kSchemaTable;
}

// SPEC dms-settings §0.1, documented: the names are the source's; without a key of the mapping the key is
// TaskId.schema.table, in load and CDC, but the primary key with ParallelApplyThreads.
ShapeOptions shape_options(const TableName& source_name, const MappingContext& context) {
  const TaskSettings& task = context.task;
  ShapeOptions options;
  options.change_key = change_key_type(task);
  options.lobs = lob_columns_of(task);
  options.values = ValueSettings::of(context.kafka, task);
  if (task.dmskafka.dialect == Dialect::kDocumented) {
    options.load_key = options.change_key;
    options.table_key_prefix = context.task_id + ".";
    options.source_name = source_name;
  }
  return options;
}

// The lowest rule-id wins; the others are named in `warnings`.
const ObjectMappingRule* object_mapping_of(const TableSchema& schema, const RuleSet& rules,
                                           std::vector<Error>& warnings) {
  const ObjectMappingRule* found = nullptr;
  for (const ObjectMappingRule& rule : rules.object_mappings) {
    if (!rule.locator.matches(schema.name, schema.kind)) continue;
    if (found == nullptr) {
      found = &rule;
      continue;
    }
    warnings.push_back(Error(ErrorCode::kInvalidMapping,
                             fmt::format("object-mapping rule {} has no effect on {}: rule {} comes first",
                                         rule.id, schema.name.text(), found->id))
                           .at(rule.defined_at));
  }
  return found;
}

class CompiledTablePlan final : public TablePlan {
 public:
  CompiledTablePlan(std::shared_ptr<const TableSchema> schema, RowFilter filter, TransformedTable table,
                    const RecordShape& shape, std::string topic, const MappingContext& context)
      : schema_(std::move(schema)),
        filter_(std::move(filter)),
        shown_(std::move(table.shown)),
        computed_(std::move(table.computed)),
        warnings_(std::move(table.warnings)),
        topic_(std::move(topic)),
        target_name_(shape.shown_name),
        lobs_(lob_columns_of(context.task)),
        data_record_(shape, context.kafka, context.task.dmskafka.dialect),
        control_record_(context.kafka,
                        {target_name_, context.task_id, lobs_, context.task.dmskafka.dialect}) {}

  const TableSchema& schema() const override { return *schema_; }
  const std::string& topic() const override { return topic_; }
  const TableName& target_name() const override { return target_name_; }
  std::vector<std::string> remarks() const override { return lob_remarks(lobs_, shown_.schema); }

  // A delete is judged by what is known of the row it removes.
  bool selects(const Change& change) const override {
    return filter_.empty() ||
           filter_.passes(change.operation == Operation::kDelete ? change.before : change.after);
  }

  void encode(const Change& change, WallTime now, EncodedMessage& out) const override {
    assert(change.table == schema_.get());
    if (computed_ == nullptr) return data_record_.encode(change, now, out);
    Change extended = change;
    RowView& row = change.operation == Operation::kDelete ? extended.before : extended.after;
    row = computed_->extend(change, row, now, out);
    data_record_.encode(extended, now, out);
  }

  std::vector<Error> warnings() const override { return warnings_; }

  void encode_control(ControlOperation operation, WallTime now, EncodedMessage& out) const override {
    control_record_.encode(operation, shown_.schema, nullptr, now, out);
  }

 private:
  const std::shared_ptr<const TableSchema> schema_;
  const RowFilter filter_;
  const ShownTable shown_;
  const std::shared_ptr<const ComputedColumns> computed_;  // null: a row is encoded as it is
  const std::vector<Error> warnings_;
  const std::string topic_;
  const TableName target_name_;
  const LobColumns lobs_;
  const DataRecord data_record_;
  const ControlRecord control_record_;
};

}  // namespace

Result<std::unique_ptr<const TablePlan>> make_table_plan(std::shared_ptr<const TableSchema> schema,
                                                         const RuleSet& rules, const Selection& selection,
                                                         const MappingContext& context) {
  DMSKAFKA_ASSIGN(RowFilter filter,
                  RowFilter::compile(selection.filters_of(schema->name, schema->kind), *schema));
  DMSKAFKA_ASSIGN(TransformedTable table, transform_table(*schema, rules.transformations,
                                                          ValueSettings::of(context.kafka, context.task)));
  // SPEC TargetSchema: the schema name on the target; empty keeps the source's. A rename rule wins.
  if (!context.task.target_schema.empty() && !table.schema_renamed) {
    table.shown.schema.name.schema = context.task.target_schema;
  }
  for (const TableSettingsRule& rule : rules.table_settings) {
    if (rule.locator.matches(schema->name, schema->kind)) DMSKAFKA_TRY(check_range_columns(rule, *schema));
  }
  const ObjectMappingRule* mapping = object_mapping_of(*schema, rules, table.warnings);
  DMSKAFKA_ASSIGN(const RecordShape shape,
                  shape_records(table.shown, mapping, context.kafka, shape_options(schema->name, context)));
  std::string topic = context.kafka.topic;
  if (mapping != nullptr && mapping->topic) {
    DMSKAFKA_ASSIGN(topic, mapping->topic->of(shape.shown_name));
  }
  return std::unique_ptr<const TablePlan>(std::make_unique<CompiledTablePlan>(
      std::move(schema), std::move(filter), std::move(table), shape, std::move(topic), context));
}

}  // namespace dmskafka

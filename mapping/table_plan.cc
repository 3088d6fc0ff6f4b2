#include "mapping/table_plan.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "mapping/control_record.h"
#include "mapping/data_record.h"

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

// The lowest rule-id wins.
const ObjectMappingRule* object_mapping_of(const TableSchema& schema, const RuleSet& rules) {
  const auto found = std::find_if(
      rules.object_mappings.begin(), rules.object_mappings.end(),
      [&](const ObjectMappingRule& rule) { return rule.locator.matches(schema.name, schema.kind); });
  return found == rules.object_mappings.end() ? nullptr : &*found;
}

class CompiledTablePlan final : public TablePlan {
 public:
  CompiledTablePlan(std::shared_ptr<const TableSchema> schema, ShownTable shown, const RecordShape& shape,
                    std::string topic, const MappingContext& context)
      : schema_(std::move(schema)),
        shown_(std::move(shown)),
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

  void encode(const Change& change, WallTime now, EncodedMessage& out) const override {
    assert(change.table == schema_.get());
    data_record_.encode(change, now, out);
  }

  void encode_control(ControlOperation operation, const TableSchema* old_schema, WallTime now,
                      EncodedMessage& out) const override {
    control_record_.encode(operation, shown_.schema, old_schema, now, out);
  }

 private:
  const std::shared_ptr<const TableSchema> schema_;
  const ShownTable shown_;
  const std::string topic_;
  const TableName target_name_;
  const LobColumns lobs_;
  const DataRecord data_record_;
  const ControlRecord control_record_;
};

}  // namespace

Result<std::unique_ptr<const TablePlan>> make_table_plan(std::shared_ptr<const TableSchema> schema,
                                                         const RuleSet& rules,
                                                         const MappingContext& context) {
  ShownTable shown = shown_as_it_is(*schema);
  // SPEC TargetSchema: the schema name on the target; empty keeps the source's.
  if (!context.task.target_schema.empty()) shown.schema.name.schema = context.task.target_schema;
  const ObjectMappingRule* mapping = object_mapping_of(*schema, rules);
  DMSKAFKA_ASSIGN(const RecordShape shape,
                  shape_records(shown, mapping, context.kafka, shape_options(schema->name, context)));
  std::string topic = context.kafka.topic;
  if (mapping != nullptr && mapping->topic) {
    DMSKAFKA_ASSIGN(topic, mapping->topic->of(shape.shown_name));
  }
  return std::unique_ptr<const TablePlan>(std::make_unique<CompiledTablePlan>(
      std::move(schema), std::move(shown), shape, std::move(topic), context));
}

}  // namespace dmskafka

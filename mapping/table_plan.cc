#include "mapping/table_plan.h"

#include <cassert>
#include <utility>

namespace dmskafka {

namespace {

// SPEC TargetSchema: the schema name on the target; empty keeps the source's. The dialect documented always shows the
// source's, as the page on Kafka says of schema-name and table-name.
TableName shown_name_of(const TableName& name, const TaskSettings& task) {
  if (task.dmskafka.dialect == Dialect::kDocumented) return name;
  return task.target_schema.empty() ? name : TableName{task.target_schema, name.table};
}

// SPEC: "When using ParallelApply* task settings, the partition-key-type default is the primary-key of the table, not
// schema-name.table-name."
PartitionKeyType change_key_type(const TaskSettings& task) {
  return task.parallel_apply_threads > 0 ? PartitionKeyType::kPrimaryKey : PartitionKeyType::kSchemaTable;
}

// Full load: the primary key, whatever the settings; the dialect documented has one rule for both.
PartitionKeyType load_key_type(const TaskSettings& task) {
  return task.dmskafka.dialect == Dialect::kDocumented ? change_key_type(task)
                                                       : PartitionKeyType::kPrimaryKey;
}

DataRecord::Options data_options(const TableName& shown_name, const MappingContext& context) {
  const TaskSettings& task = context.task;
  DataRecord::Options options;
  options.shown_name = shown_name;
  options.load_key = load_key_type(task);
  options.change_key = change_key_type(task);
  options.lobs = lob_columns_of(task);
  options.values = ValueSettings::of(context.kafka, task);
  options.dialect = task.dmskafka.dialect;
  if (options.dialect == Dialect::kDocumented) options.table_key_prefix = context.task_id + ".";
  return options;
}

class CompiledTablePlan final : public TablePlan {
 public:
  CompiledTablePlan(std::shared_ptr<const TableSchema> schema, const MappingContext& context)
      : schema_(std::move(schema)),
        topic_(context.kafka.topic),
        target_name_(shown_name_of(schema_->name, context.task)),
        lobs_(lob_columns_of(context.task)),
        data_record_(*schema_, context.kafka, data_options(target_name_, context)),
        control_record_(context.kafka,
                        {target_name_, context.task_id, lobs_, context.task.dmskafka.dialect}) {}

  const TableSchema& schema() const override { return *schema_; }
  const std::string& topic() const override { return topic_; }
  const TableName& target_name() const override { return target_name_; }
  std::vector<std::string> remarks() const override { return lob_remarks(lobs_, *schema_); }

  void encode(const Change& change, WallTime now, EncodedMessage& out) const override {
    assert(change.table == schema_.get());
    data_record_.encode(change, now, out);
  }

  void encode_control(ControlOperation operation, const TableSchema* old_schema, WallTime now,
                      EncodedMessage& out) const override {
    control_record_.encode(operation, *schema_, old_schema, now, out);
  }

 private:
  const std::shared_ptr<const TableSchema> schema_;
  const std::string topic_;
  const TableName target_name_;
  const LobColumns lobs_;
  const DataRecord data_record_;
  const ControlRecord control_record_;
};

}  // namespace

std::unique_ptr<const TablePlan> make_table_plan(std::shared_ptr<const TableSchema> schema,
                                                 const MappingContext& context) {
  return std::make_unique<CompiledTablePlan>(std::move(schema), context);
}

}  // namespace dmskafka

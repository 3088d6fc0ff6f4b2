#include "mapping/table_plan.h"

#include <fmt/format.h>

#include <cassert>
#include <utility>

#include "mapping/control_record.h"
#include "mapping/data_record.h"
#include "mapping/plan_outline.h"
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
  options.before_image = task.before_image;
  options.dialect = task.dmskafka.dialect;
  if (task.dmskafka.dialect == Dialect::kDocumented) {
    options.load_key = options.change_key;
    options.table_key_prefix = context.task_id + ".";
    options.source_name = source_name;
  }
  return options;
}

OldRows old_rows_of(const TaskSettings& task) noexcept {
  return task.before_image.enabled ? OldRows::kShown : OldRows::kNotShown;
}

void name_overruled(const TableSchema& schema, const RuleSet& rules, const ObjectMappingRule& winner,
                    std::vector<Error>& warnings) {
  for (const ObjectMappingRule& rule : rules.object_mappings) {
    if (&rule == &winner || !rule.locator.matches(schema.name, schema.kind)) continue;
    warnings.push_back(Error(ErrorCode::kInvalidMapping,
                             fmt::format("object-mapping rule {} has no effect on {}: rule {} comes first",
                                         rule.id, schema.name.text(), winner.id))
                           .at(rule.defined_at));
  }
}

// The lowest rule-id wins here too; every rule must fit.
Result<ParallelLoad> parallel_load_for(const TableSchema& schema, const RuleSet& rules,
                                       std::vector<Error>& warnings) {
  const TableSettingsRule* first = nullptr;
  ParallelLoad chosen;
  for (const TableSettingsRule& rule : rules.table_settings) {
    if (!rule.locator.matches(schema.name, schema.kind)) continue;
    DMSKAFKA_ASSIGN(ParallelLoad load, parallel_load_of(rule, schema));
    if (load.type == ParallelLoad::Type::kAutomatic) continue;
    if (first != nullptr) {
      warnings.push_back(
          Error(
              ErrorCode::kInvalidMapping,
              fmt::format("parallel-load of table-settings rule {} has no effect on {}: rule {} comes first",
                          rule.id, schema.name.text(), first->id))
              .at(rule.defined_at));
      continue;
    }
    first = &rule;
    chosen = std::move(load);
  }
  return chosen;
}

// The lowest rule-id wins.
std::optional<LobLimit> lob_limit_for(const TableSchema& schema, const RuleSet& rules) {
  for (const TableSettingsRule& rule : rules.table_settings) {
    if (rule.lob_limit && rule.locator.matches(schema.name, schema.kind)) return rule.lob_limit;
  }
  return std::nullopt;
}

// The table as control records define it: without the columns that are not sent.
TableSchema sent_schema(const TableSchema& shown, const TableName& name, LobColumns lobs) {
  TableSchema sent = shown;
  sent.name = name;
  sent.columns.clear();
  sent.primary_key.clear();
  std::vector<std::uint32_t> index_of(shown.columns.size());
  for (std::uint32_t i = 0; i < shown.columns.size(); ++i) {
    if (!is_sent(lobs, shown, i)) continue;
    index_of[i] = static_cast<std::uint32_t>(sent.columns.size());
    sent.columns.push_back(shown.columns[i]);
  }
  for (const std::uint32_t index : shown.primary_key) sent.primary_key.push_back(index_of[index]);
  return sent;
}

class CompiledTablePlan final : public TablePlan {
 public:
  CompiledTablePlan(std::shared_ptr<const TableSchema> schema, ParallelLoad parallel_load, RowFilter filter,
                    TransformedTable table, const RecordShape& shape, std::string topic, PlanOutline outline,
                    const MappingContext& context)
      : schema_(std::move(schema)),
        parallel_load_(std::move(parallel_load)),
        filter_(std::move(filter)),
        shown_(std::move(table.shown)),
        computed_(std::move(table.computed)),
        warnings_(std::move(table.warnings)),
        topic_(std::move(topic)),
        outline_(std::move(outline)),
        target_name_(shape.shown_name),
        sent_(sent_schema(shown_.schema, target_name_, lob_columns_of(context.task))),
        follows_changes_(context.migration_type != MigrationType::kFullLoad),
        lobs_(lob_columns_of(context.task)),
        data_record_(shape, context.kafka, context.task.dmskafka.dialect,
                     context.task.dmskafka.unchanged_toast),
        control_record_(context.kafka, {target_name_, context.task_id, context.task.dmskafka.dialect}) {}

  const TableSchema& schema() const override { return *schema_; }
  const std::string& topic() const override { return topic_; }
  const TableName& target_name() const override { return target_name_; }
  ParallelLoad parallel_load() const override { return parallel_load_; }
  const TableSchema& shown_schema() const override { return sent_; }
  std::vector<std::string> remarks() const override {
    std::vector<std::string> remarks = lob_remarks(lobs_, shown_.schema);
    if (follows_changes_ && !filter_.empty() && !sees_rows_leave()) {
      remarks.push_back(
          "updates by which a row leaves the filters can't be told from others, and are left out: the log "
          "shows the row "
          "before an update only with REPLICA IDENTITY FULL");
    }
    return remarks;
  }

  PlanOutline outline() const override { return outline_; }
  const RowCondition& condition() const override { return filter_.condition(); }

  // A delete is judged by what is known of the row it removes.
  bool selects(const Change& change) const override {
    return filter_.empty() ||
           filter_.passes(change.operation == Operation::kDelete ? change.before : change.after);
  }

  // SPEC: the new image passes: update; it fails but the old image passed: delete; otherwise nothing.
  Disposition disposition(const Change& change) const override {
    if (selects(change)) return Disposition::kSend;
    if (change.operation != Operation::kUpdate) return Disposition::kLeaveOut;
    // What the old image lacks does not keep it out: it has a key that no row has any more.
    if (!change.before.empty()) {
      return filter_.passes(change.before) ? Disposition::kSendAsDelete : Disposition::kLeaveOut;
    }
    return sees_rows_leave() ? Disposition::kLeaveOut : Disposition::kLeaveOutUnseen;
  }

  void encode(const Change& change, WallTime now, EncodedMessage& out) const override {
    assert(change.table == schema_.get());
    data_record_.encode(change, rows_of(change, now, out), now, out);
  }

  void encode_key(const Change& change, WallTime now, EncodedMessage& out) const override {
    const PartitionKey& key = data_record_.key_of(change.operation);
    key.append(key.constant() ? RowView() : rows_of(change, now, out).row, out.key);
  }

  bool encode_old_key(const Change& change, WallTime now, EncodedMessage& out) const override {
    const PartitionKey& key = data_record_.key_of(change.operation);
    if (change.operation != Operation::kUpdate || change.before.empty() || key.constant()) return false;
    if (computed_ == nullptr && key.text().same_values(change.after, change.before)) return false;
    key.append(rows_of(change, now, out).row, out.value);
    const bool known = key.append(rows_of(deletion_of(change), now, out).row, out.key);
    const bool differs = known && out.key.view() != out.value.view();
    out.value.clear();
    if (!differs) out.key.clear();
    return differs;
  }

  std::vector<Error> warnings() const override { return warnings_; }

  void encode_control(ControlOperation operation, WallTime now, EncodedMessage& out) const override {
    control_record_.encode(operation, sent_, now, out);
  }

  void encode_alteration(const SchemaStep& step, WallTime now, EncodedMessage& out) const override {
    control_record_.encode(step, now, out);
  }

 private:
  DataRecord::Rows rows_of(const Change& change, WallTime now, EncodedMessage& out) const {
    const DataRecord::Rows rows = DataRecord::rows_of(change);
    if (computed_ == nullptr) return rows;
    const ComputedColumns::Rows extended = computed_->extend(change, rows.row, rows.old_row, now, out);
    return {extended.row, extended.old_row};
  }

  // Whether an update without an old image is known to leave what the filters ask about as it was.
  bool sees_rows_leave() const {
    switch (schema_->old_row) {
      case OldRow::kWhole:
      case OldRow::kFull: return true;
      case OldRow::kKeyWhenChanged: return filter_.asks_only(schema_->primary_key);
      case OldRow::kOtherColumns:
      case OldRow::kNothing: break;
    }
    return false;
  }

  const std::shared_ptr<const TableSchema> schema_;
  const ParallelLoad parallel_load_;
  const RowFilter filter_;
  const ShownTable shown_;
  const std::shared_ptr<const ComputedColumns> computed_;  // null: a row is encoded as it is
  const std::vector<Error> warnings_;
  const std::string topic_;
  const PlanOutline outline_;
  const TableName target_name_;
  const TableSchema sent_;
  const bool follows_changes_;
  const LobColumns lobs_;
  const DataRecord data_record_;
  const ControlRecord control_record_;
};

Result<std::unique_ptr<const TablePlan>> compile_table_plan(std::shared_ptr<const TableSchema> schema,
                                                            const RuleSet& rules, const Selection& selection,
                                                            const MappingContext& context) {
  DMSKAFKA_ASSIGN(RowFilter filter,
                  RowFilter::compile(selection.filters_of(schema->name, schema->kind), *schema));
  DMSKAFKA_ASSIGN(TransformedTable table,
                  transform_table(*schema, rules.transformations,
                                  ValueSettings::of(context.kafka, context.task), old_rows_of(context.task)));
  // SPEC TargetSchema: the schema name on the target; empty keeps the source's. A rename rule wins.
  if (!context.task.target_schema.empty() && !table.schema_renamed) {
    table.shown.schema.name.schema = context.task.target_schema;
  }
  DMSKAFKA_ASSIGN(ParallelLoad parallel_load, parallel_load_for(*schema, rules, table.warnings));
  const ObjectMappingRule* mapping = object_mapping_of(schema->name, schema->kind, rules);
  if (mapping != nullptr) name_overruled(*schema, rules, *mapping, table.warnings);
  DMSKAFKA_ASSIGN(const RecordShape shape,
                  shape_records(table.shown, mapping, context.kafka, shape_options(schema->name, context)));
  std::string topic = context.kafka.topic;
  if (mapping != nullptr && mapping->topic) {
    DMSKAFKA_ASSIGN(topic, mapping->topic->of(shape.shown_name));
  }
  PlanOutline outline = outline_of({*schema, table, shape, mapping, context.task});
  return std::unique_ptr<const TablePlan>(std::make_unique<CompiledTablePlan>(
      std::move(schema), std::move(parallel_load), std::move(filter), std::move(table), shape,
      std::move(topic), std::move(outline), context));
}

}  // namespace

const ObjectMappingRule* object_mapping_of(const TableName& name, TableKind kind, const RuleSet& rules) {
  for (const ObjectMappingRule& rule : rules.object_mappings) {
    if (rule.locator.matches(name, kind)) return &rule;
  }
  return nullptr;
}

Result<std::unique_ptr<const TablePlan>> make_table_plan(std::shared_ptr<const TableSchema> schema,
                                                         const RuleSet& rules, const Selection& selection,
                                                         const MappingContext& context) {
  if (const auto limit = lob_limit_for(*schema, rules);
      limit && limit->kilobytes != context.task.lob_max_kilobytes) {
    MappingContext own = context;
    own.task.lob_max_kilobytes = limit->kilobytes;
    return compile_table_plan(std::move(schema), rules, selection, own);
  }
  return compile_table_plan(std::move(schema), rules, selection, context);
}

}  // namespace dmskafka

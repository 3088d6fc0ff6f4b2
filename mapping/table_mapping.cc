#include "mapping/table_mapping.h"

#include <fmt/format.h>

#include <utility>

#include "core/base/digest.h"
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
  const std::string& digest() const override { return digest_; }

 private:
  const Selection selection_;
  const RuleSet rules_;
  const MappingContext context_;
  const std::string digest_;
};

}  // namespace

std::unique_ptr<Planner> compile_table_mapping(const JsonDocument& mapping, const MappingContext& context,
                                               Problems& problems) {
  const auto document = MappingDocument::find(mapping, problems);
  if (!document) return nullptr;
  auto rules = read_rule_set(document->root(), context.task.dmskafka.dialect, problems);
  if (!rules) return nullptr;
  for (const TransformationRule& rule : rules->transformations) {
    if (rule.action != TransformationAction::kAddBeforeImageColumns || !context.task.before_image.enabled)
      continue;
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

#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/task_inputs.h"
#include "core/base/mutex.h"
#include "core/task/planner.h"
#include "sinks/printing_sink.h"

namespace dmskafka {

/// The task's planner, which remembers the outline of every plan it makes and, when keys are asked for, has its plans select
/// the rows of these keys alone. Thread: as Planner; the outlines may be asked for by any.
class PreviewPlanner final : public Planner {
 public:
  /// `planner` outlives it.
  PreviewPlanner(const Planner& planner, std::vector<std::string> keys)
      : planner_(planner), keys_(keys.begin(), keys.end()) {}

  std::vector<SelectedTable> select(const std::vector<CatalogTable>& catalog) const override {
    return planner_.select(catalog);
  }
  std::vector<Error> clashes(std::span<const TablePlan* const> plans) const override {
    return planner_.clashes(plans);
  }
  Result<std::unique_ptr<const TablePlan>> plan(std::shared_ptr<const TableSchema> schema) const override;
  const std::string& digest() const override { return planner_.digest(); }

  /// Of the table's last plan.
  PlanOutline outline_of(const TableName& table) const;
  /// What is being sent from now on: loaded rows, as at first, or changes, which may have another key.
  void now_sending(Operation operation) { changes_.store(operation != Operation::kLoad); }
  bool sends_changes() const { return changes_.load(); }

 private:
  const Planner& planner_;
  const std::set<std::string> keys_;  // empty: every row
  std::atomic<bool> changes_{false};
  mutable Mutex mutex_;
  mutable std::map<TableName, PlanOutline> outlines_ GUARDED_BY(mutex_);
};

/// How the messages of a dry run are printed: format and colours as the flags and the terminal say, partitions of --partitions,
/// Topic.Partitions or the broker, and the rule that decided each part. `planner` and `inputs` outlive the sink.
PrintingSinkOptions preview_printing(const CommandContext& context, const TaskInputs& inputs,
                                     const PreviewPlanner& planner);

}  // namespace dmskafka

#pragma once
#include <memory>
#include <optional>
#include <string>

#include "cli/options.h"
#include "core/settings/settings_reader.h"
#include "core/task/planner.h"

namespace dmskafka {

/// A task, read and checked: what the commands work with. When problems.errors is not empty the rest is not to be used.
struct TaskInputs {
  std::optional<SourceSettings> source;  ///< nullopt: not given
  std::optional<TargetSettings> target;
  TaskSettings task;
  MigrationType migration_type = MigrationType::kFullLoad;
  std::unique_ptr<Planner> planner;  ///< null only with errors
  std::string task_id;
  std::string state_file;
  bool state_file_given = false;  ///< by a flag or the task file
  Problems problems;
  std::string checked;  ///< "source, mapping m.json, task settings": what was read, for people
};

/// Reads everything that the command line and its task file name. Never stops at the first problem.
TaskInputs read_task_inputs(const Options& options);

/// The id of a task that was given none (DESIGN.md §2): made from what identifies source and target, so that the same
/// command finds its state file again. SQLite files count by their real path.
std::string default_task_id(const SourceSettings* source, const TargetSettings* target);

}  // namespace dmskafka

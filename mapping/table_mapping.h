#pragma once
#include <memory>
#include <string>

#include "core/json/json_reader.h"
#include "core/settings/settings_reader.h"
#include "core/task/planner.h"

namespace dmskafka {

/// What shapes messages beside the mapping itself.
struct MappingContext {
  KafkaSettings kafka;
  TaskSettings task;
  std::string task_id;
  MigrationType migration_type = MigrationType::kFullLoad;
};

/// Reads and compiles a table mapping: `{"rules":[…]}`, or any of the shapes in which AWS users hold it
/// (inside a create-replication-task request or describe-replication-tasks reply, there as a string). Every
/// problem is put into `problems`; null when there are errors.
std::unique_ptr<Planner> compile_table_mapping(const JsonDocument& mapping, const MappingContext& context,
                                               Problems& problems);

/// The mapping of a task without one: every table.
std::unique_ptr<Planner> compile_default_mapping(const MappingContext& context);

}  // namespace dmskafka

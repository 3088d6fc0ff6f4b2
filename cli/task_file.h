#pragma once
#include <optional>
#include <string>

#include "core/settings/settings_reader.h"

namespace dmskafka {

/// One input of a task: what the settings readers take (a URL, a path, file://…, JSON text), and where in the task file
/// it stands.
struct TaskInput {
  std::string argument;
  std::optional<JsonLocation>
      within;  ///< Set for JSON text out of the task file; problems are then told at their place there.
  bool in_string = false;  ///< The text was a JSON string: its own lines mean nothing to the user.
};

/// The error as it reads for the user: with its place in the task file, when the input came out of one.
Error in_task_file(const Error& error, const TaskInput& input);

/// A --task file: every input in one JSON object. Absent members are nullopt.
struct TaskFile {
  std::optional<TaskInput> source;
  std::optional<TaskInput> target;
  std::optional<TaskInput> table_mappings;
  std::optional<TaskInput> task_settings;
  std::optional<std::string> task_id;
  std::optional<std::string> state_file;
  std::optional<MigrationType> migration_type;
};

/// Reads {"Source":…, "Target":…, "TableMappings":…, "ReplicationTaskSettings":…, "ReplicationTaskIdentifier":…,
/// "MigrationType":…}, also as the AWS CLI's create-replication-task request and describe-replication-tasks reply hold
/// them. An input is an object, a string with JSON, a URL, or a reference (file://… or a path) relative to the file. What
/// only AWS can use is a notice, an unknown member an error.
TaskFile read_task_file(const std::string& path, Problems& problems);

}  // namespace dmskafka

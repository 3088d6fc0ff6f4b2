#pragma once
#include <string>
#include <string_view>

#include "core/settings/source_settings.h"

namespace dmskafka::postgres {

/// What a task has in the database is named after it.
struct TaskObjects {
  std::string task;         ///< the part of the names that stands for the task: [a-z0-9_]+
  std::string slot;         ///< SlotName, or the publication's name
  std::string publication;  ///< of tables whose changes are all published
  std::string
      insert_publication;  ///< of tables without a usable replica identity: inserts and truncates only

  bool captures_ddl =
      false;  ///< CaptureDdls: the insert publication holds the table of ddl_capture.h as well

  /// The comment that marks a publication as made by this task: it also names the slot, which can carry no mark.
  std::string mark() const;
};

/// How all names of ours begin.
constexpr std::string_view kObjectPrefix = "dmskafka_";
constexpr std::string_view kInsertSuffix = "_inserts";

TaskObjects task_objects(std::string_view task_id, const SourceSettings& settings);

}  // namespace dmskafka::postgres

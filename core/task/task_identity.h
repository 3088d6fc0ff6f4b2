#pragma once
#include <optional>

#include "core/base/result.h"
#include "core/task/checkpoint_store.h"

namespace dmskafka {

/// Compares a run with what the state file holds of its task (`before`), and refuses another task, source, target or mapping
/// by name. Errors: kStateFile.
Result<void> check_same_task(const TaskRecord& before, const TaskRecord& now);

}  // namespace dmskafka

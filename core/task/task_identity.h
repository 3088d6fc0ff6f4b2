#pragma once
#include <cstdint>
#include <optional>

#include "core/base/result.h"
#include "core/task/checkpoint_store.h"

namespace dmskafka {

/// Whether another server may have taken the place of the one that a task began with. kIfLogMoves: where its log's positions hold
/// there, too; the log itself says then whether it goes on.
enum class OtherServer : std::uint8_t { kRefuse, kIfLogMoves };

/// Compares a run with what the state file holds of its task (`before`), and refuses another task, source, target or mapping
/// by name. Errors: kStateFile.
Result<void> check_same_task(const TaskRecord& before, const TaskRecord& now,
                             OtherServer other_server = OtherServer::kRefuse);

}  // namespace dmskafka

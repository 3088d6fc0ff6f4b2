#pragma once
#include <memory>
#include <optional>
#include <string>

#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/task_inputs.h"
#include "core/task/cdc.h"
#include "core/task/checkpoint_store.h"
#include "core/task/full_load.h"
#include "core/task/source.h"

namespace dmskafka {

// What full-load and cdc have in common.

/// False for a target that keeps nothing: it has nothing to resume into, so a second run that sent "only the rest" would
/// send nothing.
bool keeps_state(const TaskInputs& inputs);
Result<std::unique_ptr<CheckpointStore>> open_store(const TaskInputs& inputs);
/// "state file x.dmskafka", for the first line of a run.
std::string state_text(const TaskInputs& inputs, bool restart);
ProgressStyle progress_style(const LoggingOptions& options, TargetKind target);

/// What is open while a task runs.
struct OpenTask {
  Source& source;
  CheckpointStore& store;
  TaskProgress& progress;
};
/// What a command adds to the flags.
struct FollowOptions {
  bool restart = false;
  bool until_current = false;
};
/// Follows changes; see run_cdc().
Result<void> follow_changes(const CommandContext& context, const TaskInputs& inputs, const OpenTask& open,
                            const FollowOptions& how, CdcSummary& summary);

/// Says how it ended, and gives the exit status.
ExitStatus report_followed(const CommandContext& context, const TaskInputs& inputs, const CdcSummary& summary,
                           const TaskProgress& progress, Result<void> followed);

}  // namespace dmskafka

#pragma once
#include <memory>
#include <optional>
#include <string>

#include "cli/exit_status.h"
#include "cli/logging.h"
#include "cli/options.h"
#include "cli/screen.h"
#include "cli/stop_signals.h"
#include "cli/task_inputs.h"
#include "core/settings/settings_reader.h"
#include "core/task/full_load.h"

namespace dmskafka {

/// What every command works with. All references outlive the command.
struct CommandContext {
  const Options& options;
  StopSignals& signals;
  Screen& screen;  ///< standard error
  const Logging& logging;
};

// Each runs its command and has said everything when it returns.
ExitStatus run_full_load_command(const CommandContext& context);
ExitStatus run_cdc_command(const CommandContext& context);
ExitStatus run_cleanup_command(const CommandContext& context);
ExitStatus run_dry_run_command(const CommandContext& context);
ExitStatus run_validate_mapping_command(const CommandContext& context);
ExitStatus run_status_command(const CommandContext& context);

/// What both a load and its preview begin with: says the problems of the inputs, and gives the exit status when they cannot be
/// worked with. nullopt: they can, and what is needed is there.
enum class Need : std::uint8_t { kNothing, kSource, kSourceAndTarget };
std::optional<ExitStatus> refuse_inputs(const CommandContext& context, const TaskInputs& inputs, Need need);
/// Connects to the task's source and passes on what it warns of. REQUIRES: inputs.source.
/// `state_file`: beside which a source may keep a copy of itself; "": of a task that keeps none.
Result<std::unique_ptr<Source>> connect_source(const CommandContext& context, const TaskInputs& inputs,
                                               const std::string& state_file = "");
/// The task as the inputs describe it, to be changed where a command differs. All references outlive it.
FullLoadTask full_load_task(const TaskInputs& inputs, const Planner& planner, const TaskSettings& settings,
                            Source& source, CheckpointStore& store, TaskProgress& progress);

/// Says why the command fails, and gives its exit status.
ExitStatus fail(const CommandContext& context, const Error& error);
/// The same for inputs whose problems are already said. REQUIRES: !problems.ok().
ExitStatus fail_with_problems(const CommandContext& context, const Problems& problems);

}  // namespace dmskafka

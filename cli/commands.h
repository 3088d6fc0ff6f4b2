#pragma once
#include "cli/exit_status.h"
#include "cli/logging.h"
#include "cli/options.h"
#include "cli/screen.h"
#include "cli/stop_signals.h"
#include "core/settings/settings_reader.h"

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

/// Says why the command fails, and gives its exit status.
ExitStatus fail(const CommandContext& context, const Error& error);
/// The same for inputs whose problems are already said. REQUIRES: !problems.ok().
ExitStatus fail_with_problems(const CommandContext& context, const Problems& problems);

}  // namespace dmskafka

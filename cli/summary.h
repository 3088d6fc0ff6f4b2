#pragma once
#include <optional>
#include <string>

#include "cli/exit_status.h"
#include "cli/logging.h"
#include "cli/screen.h"
#include "core/base/error.h"
#include "core/task/full_load.h"
#include "core/task/task_progress.h"

namespace dmskafka {

/// Everything the last lines of a load say.
struct LoadOutcome {
  const FullLoadSummary& summary;
  const TaskProgress& progress;
  std::optional<Error> failure;  ///< nullopt: done
  ExitStatus status = ExitStatus::kDone;
  std::string state_file;  ///< "": none is kept
  int signal = 0;          ///< that stopped the load; 0: none
};

/// What messages do not hold although the source has it, a line for each table and kind.
std::string losses_text(const TaskProgress& progress);
/// The summary for people, lines with their newlines: what was copied and how fast, the tables in error with their
/// reasons, why the process exits as it does, and what to do next.
std::string summary_text(const LoadOutcome& outcome);
/// The members of its --log-format json line, beginning with a comma.
std::string summary_json_members(const LoadOutcome& outcome);

/// Says it, also under --quiet when the load failed.
void report_outcome(const LoadOutcome& outcome, Screen& screen, const LoggingOptions& options);

}  // namespace dmskafka

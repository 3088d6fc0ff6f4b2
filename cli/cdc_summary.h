#pragma once
#include <optional>
#include <string>

#include "cli/exit_status.h"
#include "cli/logging.h"
#include "cli/screen.h"
#include "core/base/error.h"
#include "core/task/cdc.h"

namespace dmskafka {

/// Everything the last lines of following changes say.
struct CdcOutcome {
  const CdcSummary& summary;
  const TaskProgress& progress;
  std::optional<Error> failure;  ///< nullopt: a stop condition held
  ExitStatus status = ExitStatus::kDone;
  std::string state_file;  ///< "": none is kept
  int signal = 0;
};

std::string cdc_summary_text(const CdcOutcome& outcome);
/// The members of its --log-format json line, beginning with a comma.
std::string cdc_summary_json_members(const CdcOutcome& outcome);
/// Says it, also under --quiet when it failed.
void report_cdc_outcome(const CdcOutcome& outcome, Screen& screen, const LoggingOptions& options);

}  // namespace dmskafka

#include "cli/commands.h"

#include <fmt/format.h>

#include "core/base/logging.h"

namespace dmskafka {

ExitStatus fail(const CommandContext& context, const Error& error) {
  const ExitStatus status = exit_status_of(error.code(), context.signals.received());
  log_error(error.to_string());
  if (status == ExitStatus::kBug)
    log_error("this is a bug in dmskafka: please report it with the command and these lines");
  return status;
}

ExitStatus fail_with_problems(const CommandContext& context, const Problems& problems) {
  if (problems.errors.size() > 1)
    log_error(fmt::format("{} errors; nothing was done", problems.errors.size()));
  return exit_status_of(problems.errors.front().code(), context.signals.received());
}

}  // namespace dmskafka

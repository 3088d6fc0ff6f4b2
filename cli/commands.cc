#include "cli/commands.h"

#include <fmt/format.h>

#include "cli/problem_report.h"
#include "cli/wiring.h"
#include "core/base/logging.h"

namespace dmskafka {

ExitStatus fail(const CommandContext& context, const Error& error) {
  const ExitStatus status = exit_status_of(error.code(), context.signals.received());
  log_error(error.to_string());
  if (status == ExitStatus::kBug)
    log_error("this is a bug in dmskafka: please report it with the command and these lines");
  return status;
}

std::optional<ExitStatus> refuse_inputs(const CommandContext& context, const TaskInputs& inputs, Need need) {
  log_problems(inputs.problems);
  if (!inputs.problems.ok()) return fail_with_problems(context, inputs.problems);
  if (need != Need::kNothing && !inputs.source)
    return fail(context, Error(ErrorCode::kCommandLine, "the task file names no Source; give --source"));
  if (need == Need::kSourceAndTarget && !inputs.target)
    return fail(context, Error(ErrorCode::kCommandLine, "the task file names no Target; give --target"));
  context.logging.obey(inputs.task);
  return std::nullopt;
}

Result<std::unique_ptr<Source>> connect_source(const CommandContext& context, const TaskInputs& inputs,
                                               const std::string& state_file) {
  DMSKAFKA_ASSIGN(std::unique_ptr<Source> source,
                  open_source(*inputs.source, inputs.task, context.signals.token(), state_file));
  for (const std::string& warning : source->warnings()) log_warning(warning);
  return source;
}

FullLoadTask full_load_task(const TaskInputs& inputs, const Planner& planner, const TaskSettings& settings,
                            Source& source, CheckpointStore& store, TaskProgress& progress) {
  return {.source = source,
          .planner = planner,
          .store = store,
          .progress = progress,
          .settings = settings,
          .task_id = inputs.task_id,
          .target_name = inputs.target ? inputs.target->display_name() : "preview",
          .message_bytes_max =
              inputs.target ? inputs.target->kafka.message_max_bytes : KafkaSettings{}.message_max_bytes,
          .clock = WallClock::from_environment(),
          .restart = false,
          .rows_max_per_table = std::nullopt,
          .only_tables = {}};
}

ExitStatus fail_with_problems(const CommandContext& context, const Problems& problems) {
  if (problems.errors.size() > 1)
    log_error(fmt::format("{} errors; nothing was done", problems.errors.size()));
  return exit_status_of(problems.errors.front().code(), context.signals.received());
}

}  // namespace dmskafka

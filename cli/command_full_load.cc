#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "cli/commands.h"
#include "cli/consumed_printer.h"
#include "cli/progress.h"
#include "cli/summary.h"
#include "cli/task_inputs.h"
#include "cli/wiring.h"

namespace dmskafka {
namespace {

// A target that keeps nothing has nothing to resume into: a second run that sent "only the rest" would send nothing.
bool keeps_state(const TaskInputs& inputs) {
  const bool target_keeps =
      inputs.target->kind == TargetKind::kKafka || inputs.target->kind == TargetKind::kStdout;
  return target_keeps || inputs.state_file_given;
}

Result<std::unique_ptr<CheckpointStore>> open_store(const TaskInputs& inputs) {
  if (!keeps_state(inputs)) return make_null_checkpoint_store();
  return open_checkpoint_store({inputs.state_file, inputs.task.dmskafka.data_error_bytes_max});
}

// The first line of a load. What it resumes is said by the engine, once it has checked that it may.
std::string opening_line(const TaskInputs& inputs, bool restart) {
  const auto state = [&] {
    if (!keeps_state(inputs))
      return std::string("no state file, since that target keeps nothing after the end");
    return fmt::format("state file {}{}", inputs.state_file,
                       restart ? ", whose content --restart discards" : "");
  };
  return fmt::format("full load of {} into {} ({})", inputs.source->display_name(),
                     inputs.target->display_name(), state());
}

ProgressStyle progress_style(const LoggingOptions& options, TargetKind target) {
  if (options.verbosity == Verbosity::kQuiet) return ProgressStyle::kNone;
  if (options.format == LogFormat::kJson) return ProgressStyle::kJson;
  if (!terminal_of(STDERR_FILENO).is_terminal) return ProgressStyle::kLines;
  // Messages that scroll over the same terminal would tear a live block apart.
  const bool prints = target == TargetKind::kStdout || target == TargetKind::kEmbedded;
  return prints && isatty(STDOUT_FILENO) == 1 ? ProgressStyle::kLines : ProgressStyle::kLive;
}

Result<void> load(const CommandContext& context, const TaskInputs& inputs, TaskProgress& progress,
                  FullLoadSummary& summary) {
  const Options& options = context.options;
  log_info(opening_line(inputs, options.restart));
  progress.set_phase("connecting to the source");
  DMSKAFKA_ASSIGN(const std::unique_ptr<Source> source,
                  connect_source(context, inputs, keeps_state(inputs) ? inputs.state_file : std::string()));
  // After the source: a mistyped address leaves no empty state file behind.
  progress.set_phase("opening the state file");
  DMSKAFKA_ASSIGN(const std::unique_ptr<CheckpointStore> store, open_store(inputs));

  ConsumedPrinter printer(stdout, context.signals.source());
  const SinkFactory make_sink =
      sink_factory(*inputs.target, inputs.task, inputs.task_id,
                   [&printer](const ConsumedMessage& message) { printer.print(message); });
  FullLoadTask task = full_load_task(inputs, *inputs.planner, inputs.task, *source, *store, progress);
  task.restart = options.restart;
  auto loaded = run_full_load(task, make_sink, summary, context.signals.token());
  const std::optional<Error> print_failure = printer.finish();
  auto closed = store->close();
  // A failed stream stops the task, which then only says that it was stopped.
  if (print_failure && (loaded || loaded.error().code() == ErrorCode::kCancelled)) return *print_failure;
  if (!loaded) return loaded;
  return closed;
}

}  // namespace

ExitStatus run_full_load_command(const CommandContext& context) {
  const TaskInputs inputs = read_task_inputs(context.options);
  if (const auto refused = refuse_inputs(context, inputs, Need::kSourceAndTarget)) return *refused;

  TaskProgress progress;
  FullLoadSummary summary;
  Result<void> loaded;
  {
    const ProgressDisplay display(progress, context.screen,
                                  progress_style(context.logging.options(), inputs.target->kind));
    loaded = load(context, inputs, progress, summary);
  }
  LoadOutcome outcome{summary,
                      progress,
                      std::nullopt,
                      ExitStatus::kDone,
                      keeps_state(inputs) ? inputs.state_file : std::string(),
                      context.signals.received()};
  if (!loaded) {
    outcome.failure = loaded.error();
    outcome.status = exit_status_of(loaded.error().code(), outcome.signal);
  }
  report_outcome(outcome, context.screen, context.logging.options());
  return outcome.status;
}

}  // namespace dmskafka

#include "cli/task_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <utility>

#include "cli/cdc_summary.h"
#include "cli/consumed_printer.h"
#include "cli/figures.h"
#include "cli/wiring.h"

namespace dmskafka {

bool keeps_state(const TaskInputs& inputs) {
  const bool target_keeps =
      inputs.target->kind == TargetKind::kKafka || inputs.target->kind == TargetKind::kStdout;
  return target_keeps || inputs.state_file_given;
}

Result<std::unique_ptr<CheckpointStore>> open_store(const TaskInputs& inputs) {
  if (!keeps_state(inputs)) return make_null_checkpoint_store();
  return open_checkpoint_store({inputs.state_file, inputs.task.dmskafka.data_error_bytes_max});
}

std::string state_text(const TaskInputs& inputs, bool restart) {
  if (!keeps_state(inputs)) return "no state file, since that target keeps nothing after the end";
  return fmt::format("state file {}{}", inputs.state_file,
                     restart ? ", whose content --restart discards" : "");
}

ProgressStyle progress_style(const LoggingOptions& options, TargetKind target) {
  if (options.verbosity == Verbosity::kQuiet) return ProgressStyle::kNone;
  if (options.format == LogFormat::kJson) return ProgressStyle::kJson;
  if (!terminal_of(STDERR_FILENO).is_terminal) return ProgressStyle::kLines;
  // Messages that scroll over the same terminal would tear a live block apart.
  const bool prints = target == TargetKind::kStdout || target == TargetKind::kEmbedded;
  return prints && isatty(STDOUT_FILENO) == 1 ? ProgressStyle::kLines : ProgressStyle::kLive;
}

Result<void> follow_changes(const CommandContext& context, const TaskInputs& inputs, const OpenTask& open,
                            const FollowOptions& how, CdcSummary& summary) {
  const Options& options = context.options;
  ConsumedPrinter printer(stdout, context.signals.source());
  const SinkFactory make_sink =
      sink_factory(*inputs.target, inputs.task, inputs.task_id, SinkUse::kFollow,
                   [&printer](const ConsumedMessage& message) { printer.print(message); });
  CdcTask task{.source = open.source,
               .planner = *inputs.planner,
               .store = open.store,
               .progress = open.progress,
               .settings = inputs.task,
               .task_id = inputs.task_id,
               .target_name = inputs.target->display_name(),
               .message_bytes_max = inputs.target->kafka.message_max_bytes,
               .clock = WallClock::from_environment(),
               .restart = how.restart,
               .start_position = options.cdc_start_position,
               .stop = {options.cdc_stop_position, options.until_current || how.until_current, std::nullopt}};
  if (options.idle_timeout) {
    task.stop.idle_timeout = std::chrono::seconds(static_cast<std::int64_t>(*options.idle_timeout));
  }
  auto followed = run_cdc(task, make_sink, summary, context.signals.token());
  const std::optional<Error> print_failure = printer.finish();
  // A failed stream stops the task, which then only says that it was stopped.
  if (print_failure && (followed || followed.error().code() == ErrorCode::kCancelled)) return *print_failure;
  return followed;
}

ExitStatus report_followed(const CommandContext& context, const TaskInputs& inputs, const CdcSummary& summary,
                           const TaskProgress& progress, Result<void> followed) {
  if (followed && summary.rows_failed != 0) {
    followed =
        Error(ErrorCode::kTablesInError, fmt::format("{} messages not delivered", summary.rows_failed));
  }
  const auto in_error =
      static_cast<std::uint64_t>(std::ranges::count_if(progress.tables(), [](const TableProgress& table) {
        return table.state.load() == TableState::kTableError;
      }));
  if (followed && in_error != 0) {
    followed = Error(ErrorCode::kTablesInError, fmt::format("{} in error, and not followed",
                                                            counted(in_error, "table is", "tables are")));
  }
  CdcOutcome outcome{summary,
                     progress,
                     std::nullopt,
                     ExitStatus::kDone,
                     keeps_state(inputs) ? inputs.state_file : std::string(),
                     context.signals.received()};
  if (!followed) {
    outcome.failure = followed.error();
    outcome.status = exit_status_of(followed.error().code(), outcome.signal);
  }
  report_cdc_outcome(outcome, context.screen, context.logging.options());
  return outcome.status;
}

}  // namespace dmskafka

#include <fmt/format.h>

#include <cstdio>
#include <utility>

#include "cli/cdc_summary.h"
#include "cli/commands.h"
#include "cli/consumed_printer.h"
#include "cli/summary.h"
#include "cli/task_run.h"
#include "cli/wiring.h"
#include "core/task/change_log.h"

namespace dmskafka {
namespace {

// The first line of a load. What it resumes is said by the engine, once it has checked that it may.
std::string opening_line(const TaskInputs& inputs, bool restart) {
  return fmt::format("full load of {} into {} ({})", inputs.source->display_name(),
                     inputs.target->display_name(), state_text(inputs, restart));
}

/// What changes once the rows are copied.
enum class After : std::uint8_t { kNothing, kPrepared, kFollow };

/// As the command line and the settings say before anything is loaded.
After after_load(const Options& options, const TaskInputs& inputs) {
  if (options.prepare_cdc) return After::kPrepared;
  // SPEC MigrationType full-load-and-cdc: "Migrate existing data and replicate ongoing changes".
  const bool follows = options.then_cdc || inputs.migration_type == MigrationType::kFullLoadAndCdc;
  return follows ? After::kFollow : After::kNothing;
}

// SPEC StopTaskCachedChangesNotApplied: "stop a task before cached changes are applied"; StopTaskCachedChangesApplied: "stop
// a task after a full load completes and cached changes are applied". A later run goes on.
bool loaded_now(const FullLoadSummary& summary) {
  return summary.tables_completed != 0 || summary.tables_in_error != 0;
}

bool stops_with_load(const TaskInputs& inputs, const FullLoadSummary& summary) {
  if (!inputs.task.stop_task_cached_changes_not_applied || !loaded_now(summary)) return false;
  log_info(
      "the task ends with its load (StopTaskCachedChangesNotApplied); the next run sends the changes since");
  return true;
}

bool stops_when_current(const TaskInputs& inputs, const FullLoadSummary& summary) {
  return inputs.task.stop_task_cached_changes_applied && loaded_now(summary);
}

Result<void> load(const CommandContext& context, const TaskInputs& inputs, const OpenTask& open,
                  FullLoadSummary& summary) {
  // Not before the state file is ours: a run that is refused has nothing to warn of.
  for (const std::string& warning : open.source.warnings()) log_warning(warning);
  ChangeLog* change_log = nullptr;
  if (after_load(context.options, inputs) != After::kNothing) {
    DMSKAFKA_ASSIGN(change_log, open.source.change_log(inputs.task_id));
  }

  ConsumedPrinter printer(stdout, context.signals.source());
  const SinkFactory make_sink =
      sink_factory(*inputs.target, inputs.task, inputs.task_id, SinkUse::kLoad,
                   [&printer](const ConsumedMessage& message) { printer.print(message); });
  FullLoadTask task =
      full_load_task(inputs, *inputs.planner, inputs.task, open.source, open.store, open.progress);
  task.restart = context.options.restart;
  task.change_log = change_log;
  auto loaded = run_full_load(task, make_sink, summary, context.signals.token());
  const std::optional<Error> print_failure = printer.finish();
  // A failed stream stops the task, which then only says that it was stopped.
  if (print_failure && (loaded || loaded.error().code() == ErrorCode::kCancelled)) return *print_failure;
  return loaded;
}

ExitStatus report_load(const CommandContext& context, const TaskInputs& inputs,
                       const FullLoadSummary& summary, const TaskProgress& progress,
                       const Result<void>& loaded) {
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

/// What a load and the following after it came to.
struct Outcomes {
  FullLoadSummary load_summary;
  Result<void> loaded;
  bool followed_too = false;
  CdcSummary cdc_summary;
  Result<void> followed;
};

void run(const CommandContext& context, const TaskInputs& inputs, TaskProgress& progress, Outcomes& out) {
  const Options& options = context.options;
  log_info(opening_line(inputs, options.restart));
  progress.set_phase("connecting to the source");
  auto source = open_source(*inputs.source, inputs.task, context.signals.token(),
                            keeps_state(inputs) ? inputs.state_file : std::string());
  if (!source) {
    out.loaded = std::move(source).error();
    return;
  }
  // After the source: a mistyped address leaves no empty state file behind.
  progress.set_phase("opening the state file");
  auto store = open_store(inputs);
  if (!store) {
    out.loaded = std::move(store).error();
    return;
  }
  const OpenTask open{**source, **store, progress};
  out.loaded = load(context, inputs, open, out.load_summary);
  // Tables in error are left out of what follows; the others have all they need.
  const bool complete = out.loaded || out.loaded.error().code() == ErrorCode::kTablesInError;
  if (complete && after_load(options, inputs) == After::kFollow &&
      !stops_with_load(inputs, out.load_summary)) {
    report_load(context, inputs, out.load_summary, progress, out.loaded);
    out.followed_too = true;
    out.followed =
        follow_changes(context, inputs, open, {.until_current = stops_when_current(inputs, out.load_summary)},
                       out.cdc_summary);
  }
  auto closed = (*store)->close();
  Result<void>& last = out.followed_too ? out.followed : out.loaded;
  if (last && !closed) last = std::move(closed);
}

}  // namespace

ExitStatus run_full_load_command(const CommandContext& context) {
  const TaskInputs inputs = read_task_inputs(context.options);
  if (const auto refused = refuse_inputs(context, inputs, Need::kSourceAndTarget)) return *refused;
  TaskProgress progress;
  Outcomes out;
  {
    const ProgressDisplay display(progress, context.screen,
                                  progress_style(context.logging.options(), inputs.target->kind));
    run(context, inputs, progress, out);
  }
  if (!out.followed_too) return report_load(context, inputs, out.load_summary, progress, out.loaded);
  // What the load left in error stays said by the exit status.
  if (out.followed && !out.loaded) out.followed = out.loaded;
  return report_followed(context, inputs, out.cdc_summary, progress, std::move(out.followed));
}

}  // namespace dmskafka

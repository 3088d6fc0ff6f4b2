#include <fmt/format.h>

#include <utility>

#include "cli/commands.h"
#include "cli/task_run.h"
#include "cli/wiring.h"

namespace dmskafka {
namespace {

Result<void> follow(const CommandContext& context, const TaskInputs& inputs, TaskProgress& progress,
                    CdcSummary& summary) {
  const bool restart = context.options.restart;
  log_info(fmt::format("following the changes of {} into {} ({})", inputs.source->display_name(),
                       inputs.target->display_name(), state_text(inputs, restart)));
  progress.set_phase("connecting to the source");
  // Not connect_source(): what a source warns of concerns a load.
  DMSKAFKA_ASSIGN(const std::unique_ptr<Source> source,
                  open_source(*inputs.source, inputs.task, context.signals.token()));
  // After the source: a mistyped address leaves no empty state file behind.
  progress.set_phase("opening the state file");
  DMSKAFKA_ASSIGN(const std::unique_ptr<CheckpointStore> store, open_store(inputs));
  auto followed = follow_changes(context, inputs, {*source, *store, progress}, {.restart = restart}, summary);
  auto closed = store->close();
  if (!followed) return followed;
  return closed;
}

}  // namespace

ExitStatus run_cdc_command(const CommandContext& context) {
  const TaskInputs inputs = read_task_inputs(context.options);
  if (const auto refused = refuse_inputs(context, inputs, Need::kSourceAndTarget)) return *refused;

  TaskProgress progress;
  CdcSummary summary;
  Result<void> followed;
  {
    const ProgressDisplay display(progress, context.screen,
                                  progress_style(context.logging.options(), inputs.target->kind));
    followed = follow(context, inputs, progress, summary);
  }
  return report_followed(context, inputs, summary, progress, std::move(followed));
}

}  // namespace dmskafka

#include <fmt/format.h>

#include <cstdio>

#include "cli/commands.h"
#include "cli/figures.h"
#include "cli/problem_report.h"
#include "cli/table_report.h"
#include "cli/task_inputs.h"
#include "cli/wiring.h"

namespace dmskafka {
namespace {

Result<std::vector<SelectedTableReport>> look_at_source(const CommandContext& context, TaskInputs& inputs) {
  DMSKAFKA_ASSIGN(const std::unique_ptr<Source> source,
                  open_source(*inputs.source, inputs.task, context.signals.token()));
  for (std::string& warning : source->warnings()) {
    inputs.problems.warnings.push_back(Error(ErrorCode::kSourceRejected, std::move(warning)));
  }
  return report_tables(*source, *inputs.planner, inputs.task, inputs.problems);
}

ExitStatus verdict(const CommandContext& context, const Problems& problems) {
  const int signal = context.signals.received();
  if (!problems.ok()) return exit_status_of(problems.errors.front().code(), signal);
  const bool warnings_count = context.options.strict && !problems.warnings.empty();
  return warnings_count ? exit_status_of(problems.warnings.front().code(), signal) : ExitStatus::kDone;
}

void print_json(const Problems& problems, const std::vector<SelectedTableReport>& tables) {
  std::string out = "{\"problems\":[";
  for (const ReportedProblem& problem : in_reading_order(problems)) {
    out += (out.back() == '[' ? "" : ",") + problem_json(problem);
  }
  fmt::print("{}],\"tables\":{}}}\n", out, tables_json(tables));
}

std::string verdict_line(const TaskInputs& inputs, const std::vector<SelectedTableReport>& tables,
                         bool connected) {
  const Problems& problems = inputs.problems;
  std::string line = "checked " + inputs.checked;
  if (connected) line += fmt::format(", {} selected", counted(tables.size(), "table", "tables"));
  if (!problems.ok()) return line + ": " + counted(problems.errors.size(), "error", "errors");
  if (!problems.warnings.empty())
    return line + ": " + counted(problems.warnings.size(), "warning", "warnings");
  return line + ": no problem found";
}

}  // namespace

ExitStatus run_validate_mapping_command(const CommandContext& context) {
  TaskInputs inputs = read_task_inputs(context.options);
  std::vector<SelectedTableReport> tables;
  const bool connect = inputs.source && source_is_built(inputs.source->kind) && inputs.problems.ok() &&
                       !context.options.offline;
  if (connect) {
    auto seen = look_at_source(context, inputs);
    if (seen) {
      tables = std::move(seen).value();
    } else {
      inputs.problems.errors.push_back(std::move(seen).error());
    }
  }
  if (context.options.json) {
    print_json(inputs.problems, tables);
  } else {
    log_problems(inputs.problems);
    if (connect && !tables.empty()) fmt::print("{}", tables_text(tables));
    // SPEC IncludeNullAndEmpty: "Include NULL and empty columns in the target. The default is false."
    if (connect && inputs.target && !inputs.target->kafka.include_null_and_empty) {
      fmt::print(
          "columns that are NULL or an empty string are left out of messages (IncludeNullAndEmpty is "
          "false)\n");
    }
    log_info(verdict_line(inputs, tables, connect));
  }
  return verdict(context, inputs.problems);
}

}  // namespace dmskafka

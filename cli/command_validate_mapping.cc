#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "cli/commands.h"
#include "cli/figures.h"
#include "cli/problem_report.h"
#include "cli/table_report.h"
#include "cli/task_inputs.h"
#include "cli/wiring.h"

namespace dmskafka {
namespace {

Result<SourceReport> look_at_source(const CommandContext& context, TaskInputs& inputs) {
  DMSKAFKA_ASSIGN(const std::unique_ptr<Source> source,
                  open_source(*inputs.source, inputs.task, context.signals.token()));
  for (std::string& warning : source->warnings()) {
    inputs.problems.warnings.push_back(Error(ErrorCode::kSourceRejected, std::move(warning)));
  }
  return report_tables(*source, inputs, inputs.problems);
}

// Whatever is wrong with what was checked is 3, also a table that may not be read; only a source that could not be asked has
// its own status.
ExitStatus verdict(const CommandContext& context, const Problems& problems) {
  if (problems.ok()) {
    const bool warnings_count = context.options.strict && !problems.warnings.empty();
    return warnings_count ? ExitStatus::kSettings : ExitStatus::kDone;
  }
  const auto about_inputs = [](const Error& error) {
    return exit_status_of(error.code(), 0) == ExitStatus::kSettings ||
           error.code() == ErrorCode::kTableUnreadable;
  };
  if (std::ranges::any_of(problems.errors, about_inputs)) return ExitStatus::kSettings;
  return exit_status_of(problems.errors.front().code(), context.signals.received());
}

void print_json(const Problems& problems, const SourceReport& report) {
  std::string out = "{\"problems\":[";
  for (const ReportedProblem& problem : in_reading_order(problems)) {
    out += (out.back() == '[' ? "" : ",") + problem_json(problem);
  }
  fmt::print("{}],{}}}\n", out, report_json(report));
}

std::string verdict_line(const TaskInputs& inputs, const SourceReport& report, bool connected) {
  const Problems& problems = inputs.problems;
  std::string line = "checked " + inputs.checked;
  if (connected) line += fmt::format(", {} selected", counted(report.tables.size(), "table", "tables"));
  if (!problems.ok()) return line + ": " + counted(problems.errors.size(), "error", "errors");
  if (!problems.warnings.empty())
    return line + ": " + counted(problems.warnings.size(), "warning", "warnings");
  return line + ": no problem found";
}

}  // namespace

ExitStatus run_validate_mapping_command(const CommandContext& context) {
  TaskInputs inputs = read_task_inputs(context.options);
  SourceReport report;
  const bool connect = inputs.source && inputs.problems.ok() && !context.options.offline;
  if (connect) {
    auto seen = look_at_source(context, inputs);
    if (seen) {
      report = std::move(seen).value();
    } else {
      inputs.problems.errors.push_back(std::move(seen).error());
    }
  }
  if (context.options.json) {
    print_json(inputs.problems, report);
  } else {
    log_problems(inputs.problems);
    if (connect) fmt::print("{}", report_text(report));
    // SPEC IncludeNullAndEmpty: "Include NULL and empty columns in the target. The default is false."
    if (connect && inputs.target && !inputs.target->kafka.include_null_and_empty) {
      fmt::print(
          "columns that are NULL or an empty string are left out of messages (IncludeNullAndEmpty is "
          "false)\n");
    }
    log_info(verdict_line(inputs, report, connect));
  }
  return verdict(context, inputs.problems);
}

}  // namespace dmskafka

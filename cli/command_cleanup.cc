#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/problem_report.h"
#include "cli/task_inputs.h"
#include "cli/wiring.h"
#include "core/json/json_writer.h"
#include "core/task/change_log.h"

namespace dmskafka {
namespace {

struct Cleaned {
  std::vector<LogResource> removed;
  std::vector<LogResource> others;  ///< of our kind, made by somebody else: left alone
};

Result<Cleaned> clean(const CommandContext& context, const TaskInputs& inputs) {
  DMSKAFKA_ASSIGN(const std::unique_ptr<Source> source,
                  open_source(*inputs.source, inputs.task, context.signals.token()));
  DMSKAFKA_ASSIGN(ChangeLog* const log, source->change_log(inputs.task_id));
  Cleaned cleaned;
  DMSKAFKA_ASSIGN(cleaned.removed, log->remove_resources());
  DMSKAFKA_ASSIGN(cleaned.others, log->list_resources());
  std::erase_if(cleaned.others, [](const LogResource& resource) { return resource.ours; });
  return cleaned;
}

void print_text(const TaskInputs& inputs, const Cleaned& cleaned) {
  if (cleaned.removed.empty()) fmt::print("task {} has nothing in the source\n", inputs.task_id);
  for (const LogResource& resource : cleaned.removed) {
    fmt::print("removed the {} {}\n", resource.kind, resource.name);
  }
  if (!cleaned.others.empty()) fmt::print("left by others, and not touched:\n");
  for (const LogResource& resource : cleaned.others) {
    fmt::print("  {} {}{}\n", resource.kind, resource.name,
               resource.detail.empty() ? "" : fmt::format(": {}", resource.detail));
  }
}

std::string json_list(const std::vector<LogResource>& resources) {
  std::string out = "[";
  for (const LogResource& resource : resources) {
    out += fmt::format("{}{{\"kind\":{},\"name\":{},\"detail\":{}}}", out.size() == 1 ? "" : ",",
                       json_quoted(resource.kind), json_quoted(resource.name), json_quoted(resource.detail));
  }
  return out + "]";
}

}  // namespace

ExitStatus run_cleanup_command(const CommandContext& context) {
  const TaskInputs inputs = read_task_inputs(context.options);
  log_problems(inputs.problems);
  if (!inputs.problems.ok()) return fail_with_problems(context, inputs.problems);
  if (!inputs.source)
    return fail(context, Error(ErrorCode::kCommandLine, "the task file names no Source; give --source"));
  const auto cleaned = clean(context, inputs);
  if (!cleaned) return fail(context, cleaned.error());
  if (context.options.json) {
    fmt::print("{{\"task_id\":{},\"removed\":{},\"others\":{}}}\n", json_quoted(inputs.task_id),
               json_list(cleaned->removed), json_list(cleaned->others));
  } else {
    print_text(inputs, *cleaned);
  }
  return ExitStatus::kDone;
}

}  // namespace dmskafka

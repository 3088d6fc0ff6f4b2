#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "cli/commands.h"
#include "cli/figures.h"
#include "cli/problem_report.h"
#include "cli/task_inputs.h"
#include "cli/wiring.h"
#include "core/json/json_reader.h"

namespace dmskafka {
namespace {

// The tables behind --table. Names may hold dots, so the catalogue decides where the schema ends; a table name alone is
// enough when only one schema has it.
Result<std::vector<TableName>> named_tables(const std::vector<std::string>& wanted, Source& source) {
  std::vector<TableName> tables;
  if (wanted.empty()) return tables;
  DMSKAFKA_ASSIGN(const std::vector<CatalogTable> catalog, source.list_tables());
  std::vector<std::string> texts;
  for (const CatalogTable& table : catalog) texts.push_back(table.name.text());
  for (const std::string& text : wanted) {
    const std::size_t before = tables.size();
    for (const CatalogTable& table : catalog) {
      if (table.name.text() == text) tables.push_back(table.name);
    }
    if (tables.size() != before) continue;
    for (const CatalogTable& table : catalog) {
      if (table.name.table == text) tables.push_back(table.name);
    }
    if (tables.size() == before + 1) continue;
    if (tables.size() > before) {
      return Error(ErrorCode::kCommandLine, fmt::format("--table {}: several schemas have this table", text))
          .expected("schema.table");
    }
    std::vector<std::string_view> views(texts.begin(), texts.end());
    for (const CatalogTable& table : catalog) views.push_back(table.name.table);
    const std::string_view nearest = nearest_name(text, views);
    return Error(ErrorCode::kCommandLine,
                 fmt::format("--table {}: the source has no such table{}", text,
                             nearest.empty() ? std::string() : fmt::format("; did you mean {}?", nearest)));
  }
  return tables;
}

PrintingSinkOptions printing_options(const Options& options, const TaskSettings& task) {
  const Terminal terminal = terminal_of(STDOUT_FILENO);
  PrintingSinkOptions printing;
  printing.stream = stdout;
  const bool pretty = options.format == OutputFormat::kPretty ||
                      (options.format == OutputFormat::kAuto && terminal.is_terminal);
  printing.format = pretty ? PrintFormat::kPretty : PrintFormat::kNdjson;
  printing.colours = terminal.colours;
  printing.partitions = options.partitions ? options.partitions : task.dmskafka.topic_partitions;
  return printing;
}

Result<void> preview(const CommandContext& context, const TaskInputs& inputs, FullLoadSummary& summary) {
  DMSKAFKA_ASSIGN(const std::unique_ptr<Source> source,
                  open_source(*inputs.source, inputs.task, context.signals.token()));
  for (const std::string& warning : source->warnings()) log_warning(warning);
  DMSKAFKA_ASSIGN(std::vector<TableName> tables, named_tables(context.options.tables, *source));
  const std::unique_ptr<CheckpointStore> store = make_null_checkpoint_store();
  TaskProgress progress;
  const FullLoadTask task{.source = *source,
                          .planner = *inputs.planner,
                          .store = *store,
                          .progress = progress,
                          .settings = inputs.task,
                          .task_id = inputs.task_id,
                          .target_name = "preview",
                          .message_bytes_max = inputs.target ? inputs.target->kafka.message_max_bytes
                                                             : KafkaSettings{}.message_max_bytes,
                          .clock = WallClock::from_environment(),
                          .restart = false,
                          .rows_max_per_table = context.options.limit,
                          .only_tables = std::move(tables)};
  return run_full_load(task, preview_sink_factory(printing_options(context.options, inputs.task)), summary,
                       context.signals.token());
}

}  // namespace

ExitStatus run_dry_run_command(const CommandContext& context) {
  const TaskInputs inputs = read_task_inputs(context.options);
  log_problems(inputs.problems);
  if (!inputs.problems.ok()) return fail_with_problems(context, inputs.problems);
  if (!inputs.source)
    return fail(context, Error(ErrorCode::kCommandLine, "the task file names no Source; give --source"));
  log_info(fmt::format("dry run of {}: at most {} of each table; nothing is sent",
                       inputs.source->display_name(), counted(context.options.limit, "row", "rows")));
  FullLoadSummary summary;
  if (auto previewed = preview(context, inputs, summary); !previewed) return fail(context, previewed.error());
  log_info(fmt::format("{} and {} of {}; nothing was sent",
                       counted(summary.rows_delivered, "data record", "data records"),
                       counted(summary.control_records, "control record", "control records"),
                       counted(summary.tables_selected, "table", "tables")));
  return ExitStatus::kDone;
}

}  // namespace dmskafka

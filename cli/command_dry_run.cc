#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/commands.h"
#include "cli/figures.h"
#include "cli/input_preview.h"
#include "cli/preview.h"
#include "cli/task_inputs.h"
#include "cli/wiring.h"
#include "core/base/logging.h"
#include "core/json/json_reader.h"

namespace dmskafka {
namespace {

constexpr std::uint64_t kRowsOfTable = 5;  // of a source, unless --limit says otherwise

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

Result<void> preview(const CommandContext& context, const TaskInputs& inputs, FullLoadSummary& summary) {
  const Options& options = context.options;
  DMSKAFKA_ASSIGN(const std::unique_ptr<Source> source, connect_source(context, inputs));
  DMSKAFKA_ASSIGN(std::vector<TableName> tables, named_tables(options.tables, *source));
  const std::unique_ptr<CheckpointStore> store = make_null_checkpoint_store();
  const PreviewPlanner planner(*inputs.planner, options.keys);
  TaskProgress progress;
  TaskSettings settings = inputs.task;
  // Control records have keys of their own.
  if (!options.keys.empty()) settings.target_table_prep_mode = TargetTablePrepMode::kDoNothing;
  FullLoadTask task = full_load_task(inputs, planner, settings, *source, *store, progress);
  task.rows_max_per_table = options.limit.value_or(kRowsOfTable);
  task.only_tables = std::move(tables);
  return run_full_load(task, preview_sink_factory(preview_printing(context, inputs, planner)), summary,
                       context.signals.token());
}

ExitStatus preview_source(const CommandContext& context, const TaskInputs& inputs) {
  log_info(fmt::format("dry run of {}: at most {} of each table; nothing is sent",
                       inputs.source->display_name(),
                       counted(context.options.limit.value_or(kRowsOfTable), "row", "rows")));
  FullLoadSummary summary;
  if (auto previewed = preview(context, inputs, summary); !previewed) return fail(context, previewed.error());
  log_info(fmt::format("{} and {} of {}; nothing was sent",
                       counted(summary.rows_delivered, "data record", "data records"),
                       counted(summary.control_records, "control record", "control records"),
                       counted(summary.tables_selected, "table", "tables")));
  return ExitStatus::kDone;
}

ExitStatus preview_given_rows(const CommandContext& context, const TaskInputs& inputs) {
  log_info(fmt::format("dry run of the rows in {}; nothing is sent",
                       *context.options.rows == "-" ? "standard input" : *context.options.rows));
  InputPreviewSummary summary;
  if (auto previewed = preview_input(context, inputs, summary); !previewed)
    return fail(context, previewed.error());
  log_info(fmt::format("{} of {}; nothing was sent", counted(summary.records, "data record", "data records"),
                       counted(summary.rows, "row", "rows")));
  return ExitStatus::kDone;
}

}  // namespace

ExitStatus run_dry_run_command(const CommandContext& context) {
  const TaskInputs inputs = read_task_inputs(context.options);
  const bool given_rows = context.options.rows.has_value();
  if (const auto refused = refuse_inputs(context, inputs, given_rows ? Need::kNothing : Need::kSource))
    return *refused;
  return given_rows ? preview_given_rows(context, inputs) : preview_source(context, inputs);
}

}  // namespace dmskafka

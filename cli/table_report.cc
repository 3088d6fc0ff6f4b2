#include "cli/table_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/figures.h"
#include "core/json/json_writer.h"

namespace dmskafka {
namespace {

constexpr std::string_view kind_name(TableKind kind) { return kind == TableKind::kView ? "view" : "table"; }

Result<SelectedTableReport> report_table(TableSchema described, const Planner& planner, Problems& problems) {
  const auto schema = std::make_shared<const TableSchema>(std::move(described));
  DMSKAFKA_ASSIGN(const std::unique_ptr<const TablePlan> plan, planner.plan(schema));
  for (const Error& warning : plan->warnings()) problems.warnings.push_back(warning);
  for (const std::string& remark : plan->remarks())
    problems.notices.push_back(
        Error(ErrorCode::kInvalidMapping, fmt::format("{}: {}", schema->name.text(), remark)));
  SelectedTableReport report{schema->name, schema->kind, {}, plan->topic()};
  for (const std::uint32_t column : schema->primary_key)
    report.key_columns.push_back(schema->columns[column].name);
  return report;
}

std::string key_text(const SelectedTableReport& table) {
  std::string text;
  for (const std::string& column : table.key_columns) text += (text.empty() ? "" : ", ") + column;
  return text.empty() ? "(none)" : text;
}

void note_tables_without_key(const std::vector<SelectedTableReport>& tables, Problems& problems) {
  std::string names;
  std::size_t count = 0;
  for (const SelectedTableReport& table : tables) {
    if (!table.key_columns.empty()) continue;
    if (++count <= 10) names += (names.empty() ? "" : ", ") + table.name.text();
  }
  if (count == 0) return;
  if (count > 10) names += fmt::format(" and {} more", count - 10);
  problems.notices.push_back(
      Error(ErrorCode::kInvalidMapping,
            fmt::format("without a primary key all messages of a table have one key and go to one "
                        "partition: {}",
                        names)));
}

}  // namespace

Result<std::vector<SelectedTableReport>> report_tables(Source& source, const Planner& planner,
                                                       const TaskSettings& task, Problems& problems) {
  DMSKAFKA_ASSIGN(const std::vector<CatalogTable> catalog, source.list_tables());
  const std::vector<SelectedTable> selected = planner.select(catalog);
  if (selected.empty()) {
    Error error(task.fail_on_no_tables_captured ? ErrorCode::kInvalidMapping : ErrorCode::kInvalidSettings,
                fmt::format("the mapping selects none of the source's {}",
                            counted(catalog.size(), "table", "tables")));
    (task.fail_on_no_tables_captured ? problems.errors : problems.warnings).push_back(std::move(error));
  }
  std::vector<TableName> names;
  for (const SelectedTable& table : selected) names.push_back(table.name);
  DMSKAFKA_ASSIGN(std::vector<Result<TableSchema>> described, source.describe_tables(names));
  std::vector<SelectedTableReport> tables;
  for (std::size_t i = 0; i < described.size(); ++i) {
    auto report = described[i] ? report_table(std::move(described[i]).value(), planner, problems)
                               : Result<SelectedTableReport>(described[i].error());
    if (report) {
      tables.push_back(std::move(report).value());
    } else {
      problems.errors.push_back(report.error().while_doing(names[i].text()));
    }
  }
  note_tables_without_key(tables, problems);
  return tables;
}

std::string tables_text(const std::vector<SelectedTableReport>& tables) {
  std::size_t name_width = 5;
  std::size_t key_width = 3;
  for (const SelectedTableReport& table : tables) {
    name_width = std::max(name_width, table.name.text().size());
    key_width = std::max(key_width, key_text(table).size());
  }
  std::string text =
      fmt::format("{:<{}}  {:<5}  {:<{}}  topic\n", "table", name_width, "kind", "key", key_width);
  for (const SelectedTableReport& table : tables) {
    text += fmt::format("{:<{}}  {:<5}  {:<{}}  {}\n", table.name.text(), name_width, kind_name(table.kind),
                        key_text(table), key_width, table.topic);
  }
  return text;
}

std::string tables_json(const std::vector<SelectedTableReport>& tables) {
  std::string out = "[";
  for (const SelectedTableReport& table : tables) {
    out += fmt::format("{}{{\"schema\":{},\"table\":{},\"kind\":\"{}\",\"key\":[", out.size() == 1 ? "" : ",",
                       json_quoted(table.name.schema), json_quoted(table.name.table), kind_name(table.kind));
    for (const std::string& column : table.key_columns)
      out += (out.back() == '[' ? "" : ",") + json_quoted(column);
    out += fmt::format("],\"topic\":{}}}", json_quoted(table.topic));
  }
  return out + "]";
}

}  // namespace dmskafka

#include "cli/table_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "cli/figures.h"
#include "cli/table_findings.h"
#include "core/json/json_writer.h"

namespace dmskafka {
namespace {

constexpr std::size_t kNamesShown = 10;  // of a rule's tables, for people; JSON has them all

constexpr std::string_view kind_name(TableKind kind) { return kind == TableKind::kView ? "view" : "table"; }

SelectedTableReport report_table(const TablePlan& plan) {
  const TableSchema& schema = plan.schema();
  const TableSchema& shown = plan.shown_schema();
  SelectedTableReport report{schema.name,    schema.kind, plan.topic(),   plan.target_name(),
                             plan.outline(), false,       schema.old_row, {}};
  report.has_key = shown.has_primary_key();
  for (const ColumnSchema& column : shown.columns) {
    if (column.lob) report.lob_columns.push_back(column.name);
  }
  return report;
}

void note_plan(const TablePlan& plan, Problems& problems) {
  for (const Error& warning : plan.warnings()) problems.warnings.push_back(warning);
  for (const std::string& remark : plan.remarks()) {
    problems.notices.push_back(
        Error(ErrorCode::kInvalidMapping, fmt::format("{}: {}", plan.schema().name.text(), remark)));
  }
}

void note_nothing_selected(std::size_t catalog_size, const TaskSettings& task, Problems& problems) {
  Error error(ErrorCode::kInvalidMapping, fmt::format("the mapping selects none of the source's {}",
                                                      counted(catalog_size, "table", "tables")));
  (task.fail_on_no_tables_captured ? problems.errors : problems.warnings).push_back(std::move(error));
}

/// Cells in columns as wide as their widest; the last is as long as it is.
class TextTable {
 public:
  void add(std::vector<std::string> cells, std::string below = "") {
    widths_.resize(std::max(widths_.size(), cells.size()));
    for (std::size_t i = 0; i < cells.size(); ++i) widths_[i] = std::max(widths_[i], cells[i].size());
    rows_.push_back({std::move(cells), std::move(below)});
  }
  std::string text() const {
    std::string out;
    for (const auto& [cells, below] : rows_) {
      for (std::size_t i = 0; i + 1 < cells.size(); ++i) out += fmt::format("{:<{}}  ", cells[i], widths_[i]);
      out += cells.back() + "\n" + below;
    }
    return out;
  }

 private:
  std::vector<std::size_t> widths_;
  std::vector<std::pair<std::vector<std::string>, std::string>> rows_;
};

std::string names_text(const std::vector<TableName>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < kNamesShown; ++i)
    text += (i == 0 ? "" : ", ") + names[i].text();
  if (names.size() > kNamesShown) text += fmt::format(" and {} more", names.size() - kNamesShown);
  return text.empty() ? "(none)" : text;
}

std::string key_text(const KeyOutline& key) { return fmt::format("{} {}", key.type, key.text); }

std::string members_text(const SelectedTableReport& table) {
  std::string text = "    data: ";
  for (std::size_t i = 0; i < table.outline.members.size(); ++i) {
    const PlanOutline::Member& member = table.outline.members[i];
    text += fmt::format("{}{} {}", i == 0 ? "" : ", ", member.name, member.type);
  }
  return text + "\n";
}

std::string key_json(const KeyOutline& key) {
  return fmt::format("{{\"type\":{},\"text\":{},\"constant\":{},\"decided_by\":{}}}", json_quoted(key.type),
                     json_quoted(key.text), key.constant, json_quoted(key.decided_by));
}

std::string name_json(const TableName& name) {
  return fmt::format("{{\"schema\":{},\"table\":{}}}", json_quoted(name.schema), json_quoted(name.table));
}

std::string table_json(const SelectedTableReport& table) {
  std::string members;
  for (const PlanOutline::Member& member : table.outline.members) {
    members += fmt::format("{}{{\"name\":{},\"type\":{}}}", members.empty() ? "" : ",",
                           json_quoted(member.name), json_quoted(member.type));
  }
  return fmt::format(
      "{{\"schema\":{},\"table\":{},\"kind\":\"{}\",\"topic\":{},\"topic_decided_by\":{},\"shown_as\":{},"
      "\"load_key\":{},\"cdc_key\":{},\"data\":[{}],\"data_decided_by\":{}}}",
      json_quoted(table.name.schema), json_quoted(table.name.table), kind_name(table.kind),
      json_quoted(table.topic), json_quoted(table.outline.topic_decided_by), name_json(table.target),
      key_json(table.outline.load_key), key_json(table.outline.change_key), members,
      json_quoted(table.outline.value_decided_by));
}

}  // namespace

Result<SourceReport> report_tables(Source& source, const TaskInputs& inputs, Problems& problems) {
  DMSKAFKA_ASSIGN(const std::vector<CatalogTable> catalog, source.list_tables());
  const std::vector<SelectedTable> selected = inputs.planner->select(catalog);
  if (selected.empty()) note_nothing_selected(catalog.size(), inputs.task, problems);
  for (Error& idle : inputs.planner->idle_rules(catalog)) problems.warnings.push_back(std::move(idle));
  std::vector<TableName> names;
  for (const SelectedTable& table : selected) names.push_back(table.name);
  DMSKAFKA_ASSIGN(std::vector<Result<TableSchema>> described, source.describe_tables(names));
  SourceReport report{inputs.planner->rule_reach(catalog), {}};
  std::vector<std::unique_ptr<const TablePlan>> plans;
  std::vector<const TablePlan*> pointers;
  for (std::size_t i = 0; i < described.size(); ++i) {
    auto plan =
        described[i]
            ? inputs.planner->plan(std::make_shared<const TableSchema>(std::move(described[i]).value()))
            : Result<std::unique_ptr<const TablePlan>>(described[i].error());
    if (!plan) {
      problems.errors.push_back(plan.error().while_doing(names[i].text()));
      continue;
    }
    note_plan(**plan, problems);
    report.tables.push_back(report_table(**plan));
    pointers.push_back(plan->get());
    plans.push_back(std::move(plan).value());
  }
  for (Error& clash : inputs.planner->clashes(pointers)) problems.errors.push_back(std::move(clash));
  note_findings(report.tables, inputs, problems);
  return report;
}

std::string report_text(const SourceReport& report) {
  std::string text;
  if (!report.rules.empty()) {
    TextTable rules;
    rules.add({"rule", "type", "action", "tables"});
    for (const RuleReach& rule : report.rules) {
      rules.add({std::to_string(rule.id), std::string(rule.type), rule.action.empty() ? "-" : rule.action,
                 names_text(rule.tables)});
    }
    text += rules.text() + "\n";
  }
  if (report.tables.empty()) return text;
  TextTable tables;
  tables.add({"table", "kind", "topic", "shown as", "load key", "CDC key"});
  for (const SelectedTableReport& table : report.tables) {
    tables.add({table.name.text(), std::string(kind_name(table.kind)), table.topic, table.target.text(),
                key_text(table.outline.load_key), key_text(table.outline.change_key)},
               members_text(table));
  }
  return text + tables.text();
}

std::string report_json(const SourceReport& report) {
  std::string rules;
  for (const RuleReach& rule : report.rules) {
    std::string names;
    for (const TableName& name : rule.tables) names += (names.empty() ? "" : ",") + name_json(name);
    rules +=
        fmt::format("{}{{\"id\":{},\"type\":\"{}\",\"action\":{},\"tables\":[{}]}}", rules.empty() ? "" : ",",
                    rule.id, rule.type, rule.action.empty() ? "null" : json_quoted(rule.action), names);
  }
  std::string tables;
  for (const SelectedTableReport& table : report.tables)
    tables += (tables.empty() ? "" : ",") + table_json(table);
  return fmt::format("\"rules\":[{}],\"tables\":[{}]", rules, tables);
}

}  // namespace dmskafka

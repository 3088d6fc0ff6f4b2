#include "core/task/load_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "core/base/logging.h"
#include "core/task/task_identity.h"

namespace dmskafka {
namespace {

/// Thread: the task's.
class Chooser {
 public:
  Chooser(const FullLoadTask& task, LoadAttempt attempt)
      : task_(task), again_(attempt == LoadAttempt::kAgain) {}

  Result<LoadChoice> run() {
    DMSKAFKA_TRY(open_task_record());
    DMSKAFKA_TRY(choose_tables());
    return std::move(choice_);
  }

 private:
  /// Compares this run with what the state file knows, and refuses another task by name.
  Result<void> open_task_record() {
    DMSKAFKA_ASSIGN(const SourceIdentity source, task_.source.identity());
    if (task_.restart && !again_) DMSKAFKA_TRY(task_.store.discard_task());
    DMSKAFKA_ASSIGN(const std::optional<TaskRecord> before, task_.store.load_task());
    choice_.record.task_id = task_.task_id;
    choice_.record.source = source;
    choice_.record.target = task_.target_name;
    choice_.record.mapping_digest = task_.planner.digest();
    if (!before) return task_.store.save_task(choice_.record);
    choice_.resumed = true;
    choice_.record.snapshot_position = before->snapshot_position;
    return check_same_task(*before, choice_.record);
  }

  /// Catalogue → selection → plans; splits what an earlier run has done from what is to do.
  Result<void> choose_tables() {
    task_.progress.set_phase("reading the catalogue");
    DMSKAFKA_ASSIGN(const std::vector<CatalogTable> catalog, task_.source.list_tables());
    std::vector<SelectedTable> selected = task_.planner.select(catalog);
    if (!task_.only_tables.empty()) {
      std::erase_if(selected, [&](const SelectedTable& table) {
        return std::ranges::find(task_.only_tables, table.name) == task_.only_tables.end();
      });
    }
    if (again_) {
      keep_unended(selected);
    } else {
      choice_.tables_selected = selected.size();
      if (selected.empty()) return no_tables();
    }

    std::vector<TableName> names;
    names.reserve(selected.size());
    for (const SelectedTable& table : selected) names.push_back(table.name);
    DMSKAFKA_ASSIGN(std::vector<Result<TableSchema>> schemas, task_.source.describe_tables(names));
    DMSKAFKA_ASSIGN(const std::vector<TableLoadRecord> records, task_.store.load_tables());
    std::map<TableName, const TableLoadRecord*> record_of;
    for (const TableLoadRecord& record : records) record_of[record.name] = &record;
    for (std::size_t i = 0; i < selected.size(); ++i) {
      const auto found = record_of.find(selected[i].name);
      std::optional<TableLoadRecord> before;
      if (found != record_of.end()) before = *found->second;
      DMSKAFKA_TRY(add_table(selected[i], std::move(schemas[i]), before));
    }
    DMSKAFKA_TRY(check_together());
    order_tables();
    if (again_) return {};
    task_.progress.ready.store(true);
    announce();
    return {};
  }

  /// Others look at the progress meanwhile, so its tables stay the same: none that came since is added.
  void keep_unended(std::vector<SelectedTable>& selected) {
    std::set<TableName> unended;
    for (TableProgress& table : task_.progress.tables()) {
      ++choice_.tables_selected;
      const TableState state = table.state.load();
      if (state == TableState::kTableCompleted) ++choice_.tables_done_before;
      if (state == TableState::kTableCompleted || state == TableState::kTableError) continue;
      if (std::ranges::find(selected, table.name, &SelectedTable::name) != selected.end()) {
        unended.insert(table.name);
      } else {
        choice_.undescribed.push_back(UndescribedTable{
            &table,
            Error(ErrorCode::kTableUnreadable,
                  fmt::format("{} is gone from the source since the load began", table.name.text()))});
      }
    }
    std::erase_if(selected, [&](const SelectedTable& table) { return !unended.contains(table.name); });
  }

  /// As at the start of a rerun. Bytes, failed records and control records go on: they count what this run did.
  TableProgress& begin_again(const TableName& name) {
    TableProgress& table = *std::ranges::find(task_.progress.tables(), name, &TableProgress::name);
    table.state.store(TableState::kBeforeLoad);
    table.rows_read.store(0);
    table.rows_delivered.store(0);
    table.rows_filtered.store(0);
    table.expressions_failed.store(0);
    table.suspended.store(false);
    table.set_error("");
    return table;
  }

  Result<void> no_tables() const {
    // SPEC FailOnNoTablesCaptured: "set to true to cause a task to fail when the transformation rules defined
    // for a task find no tables when the task starts".
    if (!task_.settings.fail_on_no_tables_captured) return {};
    return Error(ErrorCode::kInvalidMapping,
                 "no tables were found: the selection rules match none of the source's tables, or the user "
                 "may see none")
        .hint("validate-mapping --source shows what each rule matches");
  }

  Result<void> add_table(const SelectedTable& selected, Result<TableSchema> schema,
                         const std::optional<TableLoadRecord>& before) {
    TableProgress& progress = again_ ? begin_again(selected.name) : task_.progress.add_table(selected.name);
    if (!again_ && before && before->state == TableState::kTableCompleted) {
      progress.state.store(TableState::kTableCompleted);
      progress.rows_delivered.store(before->rows_delivered);
      progress.bytes_delivered.store(before->bytes_delivered);
      progress.rows_failed.store(before->rows_failed);
      progress.values_cut.store(before->values_cut);
      ++choice_.tables_done_before;
      choice_.rows_before += before->rows_delivered;
      choice_.bytes_before += before->bytes_delivered;
      return {};
    }
    if (!schema) {
      if (schema.error().code() != ErrorCode::kTableUnreadable) return std::move(schema).error();
      choice_.undescribed.push_back(UndescribedTable{&progress, schema.error()});
      return {};
    }
    auto table_schema = std::make_shared<const TableSchema>(std::move(schema).value());
    if (!again_) progress.rows_estimate = table_schema->rows_estimate.value_or(0);
    DMSKAFKA_ASSIGN(std::unique_ptr<const TablePlan> plan, task_.planner.plan(table_schema));
    for (const Error& warning : plan->warnings()) log_warning(warning.to_string());
    for (const std::string& remark : plan->remarks())
      log_warning(fmt::format("{}: {}", selected.name.text(), remark));
    choice_.todo.push_back(
        std::make_unique<TableLoad>(std::move(table_schema), std::move(plan), progress, before));
    choice_.todo.back()->load_order = selected.load_order;
    return {};
  }

  Result<void> check_together() const {
    std::vector<const TablePlan*> plans;
    for (const auto& table : choice_.todo) plans.push_back(table->plan.get());
    const std::vector<Error> clashes = task_.planner.clashes(plans);
    if (clashes.empty()) return {};
    for (std::size_t i = 1; i < clashes.size(); ++i) log_error(clashes[i].to_string());
    return clashes.front();
  }

  /// Within one load-order the largest first: the end of the load is then not one big table alone.
  void order_tables() {
    if (task_.rows_max_per_table) return;  // a preview shows the tables by name
    std::ranges::stable_sort(choice_.todo, [](const auto& a, const auto& b) {
      if (a->load_order != b->load_order) return a->load_order > b->load_order;
      return a->schema->bytes_estimate > b->schema->bytes_estimate;
    });
  }

  /// What this run does, and why, in one line.
  void announce() const {
    const std::size_t todo = choice_.todo.size() + choice_.undescribed.size();
    if (!choice_.resumed) {
      log_info(fmt::format("task {}: new load of {} table{}", task_.task_id, todo, todo == 1 ? "" : "s"));
    } else if (todo == 0) {
      log_info(
          fmt::format("task {}: all {} tables were loaded before; nothing to do (--restart loads them again)",
                      task_.task_id, choice_.tables_done_before));
    } else {
      log_info(fmt::format(
          "task {}: resuming: {} of {} tables were loaded before and are not sent again; loading {}",
          task_.task_id, choice_.tables_done_before, choice_.tables_selected, todo));
    }
  }

  const FullLoadTask& task_;
  const bool again_;
  LoadChoice choice_;
};

}  // namespace

Result<LoadChoice> choose_load(const FullLoadTask& task, LoadAttempt attempt) {
  return Chooser(task, attempt).run();
}

}  // namespace dmskafka

#include "core/task/cdc_start.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "core/base/logging.h"
#include "core/task/task_identity.h"

namespace dmskafka {
namespace {

using Schemas = std::vector<std::shared_ptr<const TableSchema>>;

std::vector<const TableSchema*> pointers(const Schemas& tables) {
  std::vector<const TableSchema*> list;
  for (const auto& table : tables) list.push_back(table.get());
  return list;
}

/// All findings at once; warnings do not stand in the way.
Result<void> check_preflight(ChangeLog& log, const Schemas& tables) {
  DMSKAFKA_ASSIGN(const std::vector<PreflightFinding> findings, log.preflight(pointers(tables)));
  std::string problems;
  std::string repairs;
  for (const PreflightFinding& finding : findings) {
    if (finding.severity == PreflightFinding::Severity::kWarning) {
      log_warning(finding.repair.empty() ? finding.problem
                                         : fmt::format("{} ({})", finding.problem, finding.repair));
      continue;
    }
    problems += fmt::format("{}{}", problems.empty() ? "" : "; ", finding.problem);
    if (!finding.repair.empty()) {
      repairs += fmt::format("{}{}", repairs.empty() ? "" : "\n  ", finding.repair);
    }
  }
  if (problems.empty()) return {};
  return Error(ErrorCode::kSourceRejected, fmt::format("changes cannot be followed: {}", problems))
      .hint(repairs);
}

/// `tables` as they were at the checkpoint, and those that were renamed or dropped since: the log still speaks of them.
Result<Schemas> known_tables(CheckpointStore& store, const ChangeLog& log, const Schemas& tables) {
  DMSKAFKA_ASSIGN(const std::vector<TableSchema> stored, store.load_schemas());
  std::map<TableName, std::shared_ptr<const TableSchema>> known_of;
  for (const TableSchema& schema : stored) {
    known_of[schema.name] = std::make_shared<const TableSchema>(schema);
  }
  Schemas known;
  for (const auto& table : tables) {
    auto found = known_of.find(table->name);
    // One that has another name since is known by its old one, until the log tells.
    if (found == known_of.end() && log.handles_identify_tables()) {
      found = std::ranges::find_if(
          known_of, [&](const auto& one) { return one.second->source_handle == table->source_handle; });
    }
    known.push_back(found != known_of.end() ? found->second : table);
    if (found != known_of.end()) known_of.erase(found);
  }
  for (const auto& [name, schema] : known_of) known.push_back(schema);
  return known;
}

class Chooser {
 public:
  Chooser(const CdcTask& task, ChangeLog& log, std::stop_token stop)
      : task_(task), log_(log), stop_(std::move(stop)) {}

  Result<CdcStart> run() {
    DMSKAFKA_TRY(open_task_record());
    DMSKAFKA_TRY(read_tables());
    DMSKAFKA_ASSIGN(std::optional<CdcCheckpoint> stored, task_.store.load_checkpoint());
    if (stored) {
      DMSKAFKA_TRY(resume(std::move(*stored)));
    } else {
      start_.kind = TaskStart::kFirst;
      DMSKAFKA_TRY(task_.start_position.empty() ? start_now() : start_at_position());
    }
    task_.progress.ready.store(true);
    return std::move(start_);
  }

 private:
  Result<void> open_task_record() {
    TaskRecord record;
    record.task_id = task_.task_id;
    DMSKAFKA_ASSIGN(record.source, task_.source.identity());
    record.target = task_.target_name;
    record.mapping_digest = task_.planner.digest();
    if (task_.restart) DMSKAFKA_TRY(task_.store.discard_task());
    DMSKAFKA_ASSIGN(const std::optional<TaskRecord> before, task_.store.load_task());
    if (!before) return task_.store.save_task(record);
    return check_same_task(*before, record, OtherServer::kIfLogMoves);
  }

  /// The tables to follow: selected, describable, and loaded if they are to be loaded at all.
  Result<void> read_tables() {
    task_.progress.set_phase("reading the catalogue");
    DMSKAFKA_ASSIGN(const std::vector<CatalogTable> catalog, task_.source.list_tables());
    std::vector<TableName> names;
    for (const SelectedTable& table : task_.planner.select(catalog)) {
      if (table.kind == TableKind::kTable) names.push_back(table.name);
    }
    if (names.empty() && task_.settings.fail_on_no_tables_captured) {
      return Error(ErrorCode::kInvalidMapping,
                   "no tables were found: the selection rules match none of the source's tables, or the user "
                   "may see none")
          .hint("validate-mapping --source shows what each rule matches");
    }
    DMSKAFKA_ASSIGN(const std::vector<TableLoadRecord> records, task_.store.load_tables());
    std::map<TableName, TableLoadRecord> record_of;
    for (const TableLoadRecord& record : records) record_of[record.name] = record;
    announced_before_ = !records.empty();
    loaded_before_ = std::ranges::any_of(
        records, [](const TableLoadRecord& table) { return table.state == TableState::kTableCompleted; });
    DMSKAFKA_TRY(check_load(records));
    DMSKAFKA_ASSIGN(std::vector<Result<TableSchema>> schemas, task_.source.describe_tables(names));
    DMSKAFKA_ASSIGN(start_.statistics, task_.store.load_statistics());
    for (std::size_t i = 0; i < names.size(); ++i) {
      DMSKAFKA_TRY(add_table(names[i], std::move(schemas[i]), record_of));
    }
    return {};
  }

  /// Rows of a table that is still being loaded would come after changes that are newer than they are.
  Result<void> check_load(const std::vector<TableLoadRecord>& records) const {
    const auto unfinished = std::ranges::count_if(records, [](const TableLoadRecord& table) {
      // A table that was only ever followed keeps that it was announced, and nothing else.
      const bool only_followed = table.state == TableState::kBeforeLoad && table.control_records_sent;
      return table.state != TableState::kTableCompleted && table.state != TableState::kTableError &&
             !only_followed;
    });
    if (unfinished == 0) return {};
    return Error(ErrorCode::kStateFile, fmt::format("the full load of this task is not complete: {} of {} "
                                                    "tables are not done",
                                                    unfinished, records.size()))
        .hint("run full-load --then-cdc again (or full-load --prepare-cdc, then cdc): it resumes");
  }

  Result<void> add_table(const TableName& name, Result<TableSchema> schema,
                         const std::map<TableName, TableLoadRecord>& record_of) {
    TableProgress& progress = progress_of(name);
    const auto record = record_of.find(name);
    if (record != record_of.end() && record->second.state == TableState::kTableError) {
      progress.state.store(TableState::kTableError);
      progress.set_error(record->second.error);
      log_warning(fmt::format("{} is not followed: it is in error ({})", name.text(), record->second.error));
      return {};
    }
    if (!schema) {
      if (schema.error().code() != ErrorCode::kTableUnreadable) return std::move(schema).error();
      progress.set_error(schema.error().to_string());
      progress.state.store(TableState::kTableError);
      log_error(fmt::format("{}: {}", name.text(), schema.error().to_string()));
      return {};
    }
    progress.state.store(TableState::kTableCompleted);
    for (const TableStatistics& table : start_.statistics) {
      if (table.name != name) continue;
      progress.inserts.store(table.inserts);
      progress.updates.store(table.updates);
      progress.deletes.store(table.deletes);
      progress.ddls.store(table.ddls);
    }
    start_.tables.push_back(std::make_shared<const TableSchema>(std::move(schema).value()));
    if (record == record_of.end()) start_.announce.push_back(name);
    return {};
  }

  TableProgress& progress_of(const TableName& name) {
    auto& tables = task_.progress.tables();  // of a load before, with --then-cdc
    const auto found = std::ranges::find(tables, name, &TableProgress::name);
    return found != tables.end() ? *found : task_.progress.add_table(name);
  }

  Result<void> resume(CdcCheckpoint stored) {
    if (!task_.start_position.empty()) {
      DMSKAFKA_ASSIGN(const LogPosition asked, log_.parse_position(task_.start_position));
      if (!(asked == stored.position)) {
        return Error(ErrorCode::kStateFile,
                     fmt::format("--cdc-start-position {}: the task has its own checkpoint, {}",
                                 task_.start_position, stored.position.text))
            .hint("leave the flag out to go on from the checkpoint, or add --restart to discard it");
      }
    }
    DMSKAFKA_ASSIGN(stored.position, log_.restore_position(stored.position.bytes));
    start_.from = std::move(stored);
    // A checkpoint that a load left is none of a task that was followed.
    const bool followed = start_.from.started || start_.from.transactions != 0 || start_.from.commit_us != 0;
    if (!followed) start_.kind = TaskStart::kFirst;
    DMSKAFKA_ASSIGN(start_.known, known_tables(task_.store, log_, start_.tables));
    DMSKAFKA_TRY(forget_announced());
    DMSKAFKA_TRY(refuse_unloaded());
    log_info(
        fmt::format("task {}: going on from the checkpoint {}", task_.task_id, start_.from.position.text));
    return {};
  }

  /// A table that the log told of before, or that has another name since, is not new. Until a first start has announced
  /// its tables, all of them are.
  Result<void> forget_announced() {
    if (!announced_before_) return {};
    DMSKAFKA_ASSIGN(const std::vector<TableSchema> stored, task_.store.load_schemas());
    std::erase_if(start_.announce, [&](const TableName& name) {
      const auto table =
          std::ranges::find_if(start_.tables, [&](const auto& each) { return each->name == name; });
      return std::ranges::any_of(stored, [&](const TableSchema& known) {
        return known.name == name || (log_.handles_identify_tables() && table != start_.tables.end() &&
                                      known.source_handle == (*table)->source_handle);
      });
    });
    return {};
  }

  /// A task whose rows were loaded is not followed with a table whose rows were not: that table is left out by name, and stays
  /// in error until it is loaded.
  Result<void> refuse_unloaded() {
    if (!loaded_before_) return {};
    for (const TableName& name : std::exchange(start_.announce, {})) {
      TableLoadRecord record;
      record.name = name;
      record.state = TableState::kTableError;
      record.error =
          "it came into the source after the load of this task, and its rows were not loaded: full-load "
          "--then-cdc "
          "loads it, and goes on";
      log_error(fmt::format("{} is not followed: {}", name.text(), record.error));
      TableProgress& progress = progress_of(name);
      progress.set_error(record.error);
      progress.state.store(TableState::kTableError);
      DMSKAFKA_TRY(task_.store.save_table(record));
      const auto of_name = [&](const auto& table) { return table->name == name; };
      std::erase_if(start_.tables, of_name);
      std::erase_if(start_.known, of_name);
    }
    return {};
  }

  Result<void> start_now() {
    DMSKAFKA_TRY(refuse_leftovers());
    task_.progress.set_phase("preparing the source's log");
    DMSKAFKA_ASSIGN(const ChangeLog::Prepared prepared,
                    prepare_cdc(log_, task_.store, start_.tables, ChangeLog::WithSnapshot::kNo, stop_));
    start_.from.position = prepared.start;
    start_.known = start_.tables;
    log_info(
        fmt::format("task {}: there is no position yet: following what is committed from now on, {}; rows "
                    "that exist already are not sent (full-load --then-cdc sends them)",
                    task_.task_id, prepared.start.text));
    return {};
  }

  /// A state file that was lost must not look like a first start.
  Result<void> refuse_leftovers() {
    if (task_.restart) return {};
    DMSKAFKA_ASSIGN(const std::vector<LogResource> resources, log_.list_resources());
    const auto ours = std::ranges::find(resources, true, &LogResource::ours);
    if (ours == resources.end()) return {};
    return Error(ErrorCode::kPositionLost,
                 fmt::format(
                     "the source has the {} {} of this task, but the state file has no position: starting "
                     "now would leave out what was committed since",
                     ours->kind, ours->name))
        .hint(
            "give the --state file that belongs to it; or a --cdc-start-position; or --restart to start now");
  }

  Result<void> start_at_position() {
    DMSKAFKA_ASSIGN(const LogPosition asked, log_.parse_position(task_.start_position));
    DMSKAFKA_TRY(check_preflight(log_, start_.tables));
    start_.from.position = asked;
    start_.known = start_.tables;
    CheckpointUpdate update;
    update.checkpoint = start_.from;
    update.checkpoint.saved_us = WallClock().now().microseconds;
    update.schemas = start_.tables;
    // Proves that the source still has everything from there on, before the position counts as this task's.
    DMSKAFKA_TRY(log_.open_stream({start_.tables, start_.known}, asked, stop_));
    DMSKAFKA_TRY(task_.store.save_checkpoint(update));
    log_info(
        fmt::format("task {}: following from {}, as --cdc-start-position says", task_.task_id, asked.text));
    return {};
  }

  const CdcTask& task_;
  ChangeLog& log_;
  const std::stop_token stop_;
  CdcStart start_;
  bool announced_before_ = false;  // or loaded: a record of a table is stored
  bool loaded_before_ = false;
};

}  // namespace

Result<ChangeLog::Prepared> prepare_cdc(ChangeLog& log, CheckpointStore& store, const Schemas& tables,
                                        ChangeLog::WithSnapshot with_snapshot, std::stop_token stop) {
  DMSKAFKA_TRY(check_preflight(log, tables));
  DMSKAFKA_ASSIGN(ChangeLog::Prepared prepared,
                  log.prepare(pointers(tables), with_snapshot, std::move(stop)));
  CheckpointUpdate update;
  update.checkpoint.position = prepared.start;
  update.checkpoint.saved_us = WallClock().now().microseconds;
  update.schemas = tables;
  DMSKAFKA_TRY(store.save_checkpoint(update));
  return prepared;
}

Result<void> refresh_cdc_start(const CdcTask& task, CdcStart& start) {
  DMSKAFKA_ASSIGN(std::optional<CdcCheckpoint> stored, task.store.load_checkpoint());
  if (!stored) return Error(ErrorCode::kInternal, "the checkpoint of a task that follows is gone");
  start.from = std::move(*stored);
  DMSKAFKA_ASSIGN(start.statistics, task.store.load_statistics());
  std::vector<TableName> names;
  for (const auto& table : start.tables) names.push_back(table->name);
  DMSKAFKA_ASSIGN(std::vector<Result<TableSchema>> schemas, task.source.describe_tables(names));
  Schemas tables;
  for (std::size_t i = 0; i < schemas.size(); ++i) {
    if (schemas[i]) {
      tables.push_back(std::make_shared<const TableSchema>(std::move(schemas[i]).value()));
    } else if (schemas[i].error().code() != ErrorCode::kTableUnreadable) {
      return std::move(schemas[i]).error();
    }
  }
  start.tables = std::move(tables);
  DMSKAFKA_ASSIGN(const ChangeLog* const log, task.source.change_log(task.task_id));
  DMSKAFKA_ASSIGN(start.known, known_tables(task.store, *log, start.tables));
  return {};
}

Result<CdcStart> choose_cdc_start(const CdcTask& task, ChangeLog& log, std::stop_token stop) {
  return Chooser(task, log, std::move(stop)).run();
}

}  // namespace dmskafka

#include "core/task/new_tables.h"

#include <fmt/format.h>

#include "core/base/logging.h"

namespace dmskafka {
namespace {

constexpr std::chrono::seconds kLookEvery{10};

}  // namespace

NewTables::NewTables(const CdcTask& task, const std::vector<std::shared_ptr<const TableSchema>>& followed)
    : task_(task), next_(std::chrono::steady_clock::now() + kLookEvery) {
  for (const TableProgress* table : task.progress.table_list()) known_.insert(table->name);
  for (const auto& table : followed) {
    known_.insert(table->name);
    if (!table->source_handle.empty()) handles_.insert(table->source_handle);
  }
}

void NewTables::look(std::chrono::steady_clock::time_point now) {
  if (now < next_) return;
  if (const auto asked = ask(); !asked) {
    const std::string words = "looking for new tables: " + asked.error().to_string();
    log(failed_ ? LogLevel::kDebug : LogLevel::kWarning, words);
    failed_ = true;
  } else {
    failed_ = false;
  }
  next_ = std::chrono::steady_clock::now() + kLookEvery;
}

Result<void> NewTables::ask() {
  DMSKAFKA_ASSIGN(const std::vector<CatalogTable> catalog, task_.source.list_tables());
  // The log itself may have told of one, and it is followed.
  for (const TableProgress* table : task_.progress.table_list()) known_.insert(table->name);
  std::vector<TableName> unknown;
  for (const SelectedTable& table : task_.planner.select(catalog)) {
    if (table.kind == TableKind::kTable && !known_.contains(table.name)) unknown.push_back(table.name);
  }
  if (unknown.empty()) return {};
  DMSKAFKA_ASSIGN(const std::vector<Result<TableSchema>> schemas, task_.source.describe_tables(unknown));
  // Not before: where the source failed, the next look asks again.
  known_.insert(unknown.begin(), unknown.end());
  for (std::size_t i = 0; i < schemas.size(); ++i) {
    if (schemas[i] && handles_.contains(schemas[i]->source_handle)) continue;
    log_warning(fmt::format(
        "{} came into the source, and the rules select it: this run does not follow it; full-load --then-cdc "
        "loads it, and goes on",
        unknown[i].text()));
  }
  return {};
}

}  // namespace dmskafka

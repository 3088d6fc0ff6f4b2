#include "sources/postgres/snapshot.h"

#include <fmt/format.h>

#include <charconv>

#include "sources/postgres/catalog.h"
#include "sources/postgres/lsn.h"
#include "sources/postgres/segment_planner.h"
#include "sources/postgres/snapshot_reader.h"
#include "sources/postgres/sql/queries.h"
#include "sources/postgres/table_locks.h"

namespace dmskafka::postgres {
namespace {

Result<std::uint32_t> parse_xmin(std::string_view text) {
  std::uint32_t xmin = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), xmin);
  if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size()) return xmin;
  return Error(ErrorCode::kInternal, fmt::format("the snapshot's xmin \"{}\" is no transaction id", text));
}

}  // namespace

Result<std::unique_ptr<PostgresSnapshot>> PostgresSnapshot::open(
    Connection leader, std::shared_ptr<const SourceSettings> settings,
    std::span<const TableSchema* const> tables, const Options& options, const std::stop_token& stop) {
  std::unique_ptr<PostgresSnapshot> snapshot(new PostgresSnapshot(std::move(leader), options));
  snapshot->facts_.settings = std::move(settings);
  DMSKAFKA_TRY(snapshot->take(tables, stop));
  return snapshot;
}

Result<void> PostgresSnapshot::take(std::span<const TableSchema* const> tables, const std::stop_token& stop) {
  if (options_.import.empty()) {
    DMSKAFKA_TRY(read_position(stop));
  } else {
    position_ = options_.import_position;
  }
  if (options_.lock_tables) {
    LockOptions lock_options;
    lock_options.snapshot = options_.import;
    DMSKAFKA_ASSIGN(TableLocks locks, begin_with_locks(leader_, tables, lock_options, stop));
    facts_.locked = std::move(locks.locked);
    facts_.unreadable = std::move(locks.unreadable);
    if (!options_.import.empty()) DMSKAFKA_TRY(look_for_rewrites(stop));
  } else {
    DMSKAFKA_TRY(begin_transaction(leader_, options_.import, stop));
  }
  DMSKAFKA_ASSIGN(const QueryResult exported, leader_.query(kSnapshotSql, {}, stop));
  facts_.name = exported.text(0, 0);
  facts_.proof = exported.text(0, 1);
  DMSKAFKA_ASSIGN(xmin_, parse_xmin(exported.text(0, 2)));
  DMSKAFKA_ASSIGN(layouts_, read_table_layouts(leader_, facts_.locked, stop));
  return compare_schemas(tables, stop);
}

Result<void> PostgresSnapshot::read_position(const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(const QueryResult row, leader_.query(kWalPositionSql, {}, stop));
  if (row.is_null(0, 0)) return {};
  const auto lsn = parse_lsn(row.text(0, 0));
  if (!lsn)
    return Error(ErrorCode::kInternal,
                 fmt::format("the server's log position \"{}\" is no LSN", row.text(0, 0)));
  position_ = lsn_position(*lsn);
  return {};
}

Result<void> PostgresSnapshot::look_for_rewrites(const std::stop_token& stop) {
  for (const TableSchema* table : facts_.locked) {
    const std::string oid = TableHandle::parse(table->source_handle).oid;
    DMSKAFKA_ASSIGN(const QueryResult rewritten, leader_.query(kRewrittenRelationsSql, {oid}, stop));
    rewritten_meanwhile_ |= rewritten.text(0, 0) != "0";
  }
  return {};
}

/// Between the description and the locks a table may have changed. Its rows would then not fit the description.
Result<void> PostgresSnapshot::compare_schemas(std::span<const TableSchema* const> tables,
                                               const std::stop_token& stop) {
  std::vector<TableName> names;
  for (const TableSchema* table : tables) names.push_back(table->name);
  DMSKAFKA_ASSIGN(const auto now,
                  read_table_schemas(leader_, *facts_.settings, names, Remarks::kQuiet, stop));
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const TableSchema& then = *tables[i];
    if (!now[i]) {
      facts_.unreadable.emplace(&then, now[i].error());
    } else if (now[i]->source_handle != then.source_handle || now[i]->columns != then.columns ||
               now[i]->primary_key != then.primary_key) {
      facts_.unreadable.emplace(
          &then, Error(ErrorCode::kTableUnreadable,
                       fmt::format("{}: the table was altered while the load began", then.name.text()))
                     .hint("run the load again"));
    }
  }
  return {};
}

Result<std::unique_ptr<SnapshotReader>> PostgresSnapshot::open_reader(std::stop_token stop) {
  DMSKAFKA_ASSIGN(Connection connection, open_snapshot_connection(facts_, stop));
  return std::unique_ptr<SnapshotReader>(
      std::make_unique<PostgresSnapshotReader>(facts_, std::move(connection)));
}

Result<SegmentPlan> PostgresSnapshot::plan_segments(const TableSchema& table, const SegmentRequest& request) {
  if (facts_.unreadable.contains(&table))
    return SegmentPlan{"", {Segment{&table, 0, ""}}, {}};  // its reader says why
  return SegmentPlanner({leader_, xmin_, layouts_, facts_.locked}).plan(table, request);
}

Result<ResumedSegments> PostgresSnapshot::resume_segments(const TableSchema& table, const std::string& token,
                                                          std::span<const StoredSegment> stored) {
  return SegmentPlanner({leader_, xmin_, layouts_, facts_.locked}).resume(table, token, stored);
}

}  // namespace dmskafka::postgres

#include "sources/mysql/snapshot.h"

#include <fmt/format.h>

#include <utility>

#include "core/base/logging.h"
#include "sources/mysql/catalog.h"
#include "sources/mysql/identifier.h"
#include "sources/mysql/segment_planner.h"
#include "sources/mysql/snapshot_reader.h"

namespace dmskafka::mysql {
namespace {

using Unreadable = std::map<const TableSchema*, Error>;

/// The first look at a table takes its metadata lock, which the transaction keeps: no ALTER TABLE or TRUNCATE can come between
/// the ranges of a table. A view's rows may be costly, so it is only opened.
Result<void> touch_tables(std::vector<Connection>& sessions, std::span<const TableSchema* const> tables,
                          Unreadable& unreadable, const std::stop_token& stop) {
  for (Connection& session : sessions) {
    for (const TableSchema* table : tables) {
      if (unreadable.contains(table)) continue;
      const int rows = table->kind == TableKind::kTable ? 1 : 0;
      DMSKAFKA_ASSIGN(
          const Connection::Outcome outcome,
          session.run(fmt::format("SELECT 1 FROM {} LIMIT {}", quote_table(table->name), rows), stop));
      if (!outcome.failure) continue;
      Error error = table_error(*outcome.failure, table->name, session.account());
      if (error.code() != ErrorCode::kTableUnreadable) return error;
      unreadable.emplace(table, std::move(error));
    }
  }
  return {};
}

/// Between the description and the locks a table may have changed. Its rows would then not fit the description.
Result<void> compare_schemas(Connection& connection, std::span<const TableSchema* const> tables,
                             Unreadable& unreadable, const std::stop_token& stop) {
  std::vector<TableName> names;
  for (const TableSchema* table : tables) names.push_back(table->name);
  DMSKAFKA_ASSIGN(const auto now, read_table_schemas(connection, names, stop));
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const TableSchema& then = *tables[i];
    if (!now[i]) {
      unreadable.emplace(&then, now[i].error());
    } else if (now[i]->source_handle != then.source_handle || now[i]->columns != then.columns ||
               now[i]->primary_key != then.primary_key) {
      unreadable.emplace(
          &then, Error(ErrorCode::kTableUnreadable,
                       fmt::format("{}: the table was altered while the load began", then.name.text()))
                     .hint("run the load again"));
    }
  }
  return {};
}

void warn_of_tables_outside(std::span<const TableSchema* const> tables) {
  std::string names;
  std::size_t count = 0;
  for (const TableSchema* table : tables) {
    if (table->kind == TableKind::kView || TableHandle::parse(table->source_handle).transactional) continue;
    if (++count > 10) continue;
    names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", table->name.text(),
                         TableHandle::parse(table->source_handle).engine);
  }
  if (count == 0) return;
  log_warning(
      fmt::format("no snapshot holds the rows of engines without transactions: {}{}. They are read as they "
                  "are at that time; what is "
                  "written meanwhile may be sent twice when changes are followed",
                  names, count > 10 ? fmt::format(" and {} more", count - 10) : ""));
}

}  // namespace

SessionPool::SessionPool(Connection control, std::vector<Connection> sessions)
    : size_(static_cast<std::uint32_t>(sessions.size())),
      control_(std::move(control)),
      idle_(std::move(sessions)) {}

std::optional<Connection> SessionPool::take() {
  MutexLock lock(mutex_);
  if (idle_.empty()) return std::nullopt;
  std::optional<Connection> session = std::move(idle_.back());
  idle_.pop_back();
  return session;
}

void SessionPool::give_back(Connection session) noexcept {
  if (!session.in_transaction()) return end(session.session_id());
  MutexLock lock(mutex_);
  idle_.push_back(std::move(session));  // within the capacity it had: never allocates
}

void SessionPool::abandon_rows(Connection& session) noexcept {
  MutexLock lock(mutex_);
  session.abandon_rows(&control_);
}

void SessionPool::end(std::uint64_t session) noexcept {
  MutexLock lock(mutex_);
  control_.end_session(session);
}

Result<std::unique_ptr<MysqlSnapshot>> MysqlSnapshot::open(Connection control,
                                                           std::shared_ptr<const SourceSettings> settings,
                                                           std::span<const TableSchema* const> tables,
                                                           const Options& options,
                                                           const std::stop_token& stop) {
  std::unique_ptr<MysqlSnapshot> snapshot(new MysqlSnapshot(stop));
  warn_of_tables_outside(tables);
  DMSKAFKA_ASSIGN(ConsistentMoment moment, take_moment(control, settings, options.moment, stop));
  if (options.lock_tables) {
    DMSKAFKA_TRY(touch_tables(moment.sessions, tables, snapshot->unreadable_, stop));
  }
  DMSKAFKA_TRY(compare_schemas(control, tables, snapshot->unreadable_, stop));
  if (moment.position) snapshot->position_ = to_log_position(*moment.position);
  snapshot->description_ = fmt::format("{} sessions {}", moment.sessions.size(),
                                       moment.position ? "at " + print_position(*moment.position)
                                                       : "at a place that the server does not tell");
  snapshot->pool_ = std::make_unique<SessionPool>(std::move(control), std::move(moment.sessions));
  return snapshot;
}

Result<std::unique_ptr<SnapshotReader>> MysqlSnapshot::open_reader(std::stop_token) {
  std::optional<Connection> session = pool_->take();
  if (!session) {
    return Error(ErrorCode::kSourceUnavailable,
                 "MySQL: a session of the snapshot was lost, and no other one can see what it saw");
  }
  return std::unique_ptr<SnapshotReader>(
      std::make_unique<MysqlSnapshotReader>(*pool_, unreadable_, *std::move(session)));
}

template <typename Ask>
auto MysqlSnapshot::with_session(Ask ask) -> decltype(ask(std::declval<Connection&>())) {
  std::optional<Connection> session = pool_->take();
  if (!session) return Error(ErrorCode::kSourceUnavailable, "MySQL: the snapshot's sessions were lost");
  auto answer = ask(*session);
  pool_->give_back(*std::move(session));
  return answer;
}

Result<SegmentPlan> MysqlSnapshot::plan_segments(const TableSchema& table, const SegmentRequest& request) {
  if (unreadable_.contains(&table))
    return SegmentPlan{"", {Segment{&table, 0, ""}}, {}};  // its reader says why
  return with_session(
      [&](Connection& session) { return SegmentPlanner(session, stop_).plan(table, request); });
}

Result<ResumedSegments> MysqlSnapshot::resume_segments(const TableSchema& table, const std::string& token,
                                                       std::span<const StoredSegment> stored) {
  return with_session(
      [&](Connection& session) { return SegmentPlanner(session, stop_).resume(table, token, stored); });
}

}  // namespace dmskafka::mysql

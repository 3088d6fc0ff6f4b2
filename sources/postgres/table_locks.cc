#include "sources/postgres/table_locks.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "core/base/logging.h"
#include "core/base/pause.h"
#include "sources/postgres/catalog.h"
#include "sources/postgres/identifier.h"
#include "sources/postgres/sql/queries.h"

namespace dmskafka::postgres {
namespace {

using Clock = std::chrono::steady_clock;
using Tables = std::vector<const TableSchema*>;

constexpr std::chrono::seconds kNoLimit{0};
constexpr std::chrono::seconds kSayWaitingEvery{10};

std::string begin_statement(const std::string& snapshot) {
  const std::string begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
  // The name is hexadecimal digits and dashes, given by the server.
  return snapshot.empty() ? begin : fmt::format("{}; SET TRANSACTION SNAPSHOT '{}'", begin, snapshot);
}

Result<void> run_checked(Connection& connection, const std::string& statements, const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(const Connection::Outcome outcome, connection.run(statements, kNoLimit, stop));
  if (outcome.failure) return query_error(*outcome.failure);
  return {};
}

Result<Tables> lockable(Connection& connection, std::span<const TableSchema* const> tables,
                        const std::stop_token& stop) {
  std::map<std::string, const TableSchema*> by_oid;
  std::vector<std::string> oids;
  for (const TableSchema* table : tables) {
    oids.push_back(TableHandle::parse(table->source_handle).oid);
    by_oid.emplace(oids.back(), table);
  }
  DMSKAFKA_ASSIGN(const QueryResult rows, connection.query(kLockableTablesSql, {array_literal(oids)}, stop));
  Tables found;
  for (int row = 0; row < rows.rows(); ++row) found.push_back(by_oid.at(std::string(rows.text(row, 0))));
  return found;
}

std::string lock_statement(const TableSchema& table) {
  // Without ONLY the locks would reach the children of an inheritance parent, which are tables of their own here.
  const char* only = TableHandle::parse(table.source_handle).relation_kind == 'p' ? "" : "ONLY ";
  return fmt::format("LOCK TABLE {}{} IN ACCESS SHARE MODE;", only, quote_table(table.name));
}

struct Attempt {
  const TableSchema* failed = nullptr;  ///< the first table that could not be locked; null: all are
  NativeError failure;
};

/// One text for all: two thousand tables are one round trip. The first failure ends it.
Result<Attempt> try_locks(Connection& connection, const Tables& tables, const LockOptions& options,
                          const std::stop_token& stop) {
  DMSKAFKA_TRY(run_checked(connection,
                           fmt::format("{}; SET LOCAL lock_timeout = {};", begin_statement(options.snapshot),
                                       options.wait_each.count()),
                           stop));
  std::string statements;
  for (const TableSchema* table : tables) statements += lock_statement(*table);
  if (statements.empty()) return Attempt{};
  DMSKAFKA_ASSIGN(const Connection::Outcome outcome, connection.run(statements, kNoLimit, stop));
  if (!outcome.failure) return Attempt{};
  DMSKAFKA_TRY(run_checked(connection, "ROLLBACK", stop));
  return Attempt{tables.at(outcome.completed), *outcome.failure};
}

std::string lock_holders(Connection& connection, const TableSchema& table, const std::stop_token& stop) {
  const auto holders = connection.query(kLockHoldersSql, {TableHandle::parse(table.source_handle).oid}, stop);
  if (!holders || holders->rows() != 1 || holders->is_null(0, 0)) return "another session";
  return fmt::format("the session with pid {}", holders->text(0, 0));
}

class Locking {
 public:
  Locking(Connection& connection, const LockOptions& options, const std::stop_token& stop)
      : connection_(connection), options_(options), stop_(stop), until_(Clock::now() + options.patience) {}

  Result<TableLocks> lock(Tables tables) {
    while (true) {
      DMSKAFKA_ASSIGN(const Attempt attempt, try_locks(connection_, tables, options_, stop_));
      if (attempt.failed == nullptr) break;
      const std::string_view state = attempt.failure.sqlstate;
      if (state == "53200") {  // out of shared memory: the lock table is full
        log_warning(
            fmt::format("the tables are read without locks, since the server has no room for them ({})",
                        attempt.failure.message));
        tables.clear();
      } else if (state == "55P03" && Clock::now() < until_) {
        say_waiting(*attempt.failed);
        pause(options_.wait_each / 2, stop_);
        if (stop_.stop_requested())
          return Error(ErrorCode::kCancelled, "stopped while waiting for table locks");
      } else {
        DMSKAFKA_TRY(give_up(*attempt.failed, attempt.failure));
        tables.erase(std::find(tables.begin(), tables.end(), attempt.failed));
      }
    }
    locks_.locked.insert(tables.begin(), tables.end());
    return std::move(locks_);
  }

 private:
  void say_waiting(const TableSchema& table) {
    if (Clock::now() < next_words_) return;
    next_words_ = Clock::now() + kSayWaitingEvery;
    log_warning(fmt::format("waiting for {}, which holds or wants an ACCESS EXCLUSIVE lock on {}",
                            lock_holders(connection_, table, stop_), table.name.text()));
  }

  Result<void> give_up(const TableSchema& table, const NativeError& failure) {
    const TableAccess access{table.name, connection_.user(),
                             TableHandle::parse(table.source_handle).row_security};
    Error error = table_error(failure, access);
    if (failure.sqlstate == "55P03") {
      error = Error(ErrorCode::kTableUnreadable,
                    fmt::format("{}: could not be locked for reading within {} s", table.name.text(),
                                std::chrono::duration_cast<std::chrono::seconds>(options_.patience).count()))
                  .hint(lock_holders(connection_, table, stop_) +
                        " holds or wants an ACCESS EXCLUSIVE lock on it");
    }
    if (error.code() != ErrorCode::kTableUnreadable) return error;
    locks_.unreadable.emplace(&table, std::move(error));
    return {};
  }

  Connection& connection_;
  const LockOptions& options_;
  const std::stop_token& stop_;
  const Clock::time_point until_;
  Clock::time_point next_words_{};
  TableLocks locks_;
};

}  // namespace

Result<TableLocks> begin_with_locks(Connection& connection, std::span<const TableSchema* const> tables,
                                    const LockOptions& options, const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(Tables to_lock, lockable(connection, tables, stop));
  return Locking(connection, options, stop).lock(std::move(to_lock));
}

Result<void> begin_transaction(Connection& connection, const std::string& snapshot,
                               const std::stop_token& stop) {
  return run_checked(connection, begin_statement(snapshot), stop);
}

}  // namespace dmskafka::postgres

#pragma once
#include <chrono>
#include <map>
#include <set>
#include <span>
#include <stop_token>
#include <string>

#include "core/base/result.h"
#include "core/base/table_schema.h"
#include "sources/postgres/connection.h"

namespace dmskafka::postgres {

/// What came of locking.
struct TableLocks {
  std::set<const TableSchema*> locked;
  std::map<const TableSchema*, Error>
      unreadable;  ///< gone, or locked by somebody else for longer than our patience
};

struct LockOptions {
  std::chrono::milliseconds wait_each{
      800};  ///< under PostgreSQL's deadlock_timeout: nobody's transaction dies for ours
  std::chrono::milliseconds patience{60'000};
  /// A snapshot that another session exported and that the transaction shall have; "": its own, taken after the locks.
  /// A rewrite may then lie between the snapshot and the locks, which the caller checks.
  std::string snapshot = {};
};

/// Begins the transaction of a snapshot with ACCESS SHARE locks on `tables`, before anything takes the snapshot itself:
/// so that no TRUNCATE or rewrite, which would show our snapshot an empty table, lies between the two.
/// While a lock cannot be had, all are given back between the attempts, so that whoever holds it can finish.
/// Errors: query_error(), kCancelled.
Result<TableLocks> begin_with_locks(Connection& connection, std::span<const TableSchema* const> tables,
                                    const LockOptions& options, const std::stop_token& stop);

/// Begins it without locks. `snapshot`: as in LockOptions.
Result<void> begin_transaction(Connection& connection, const std::string& snapshot,
                               const std::stop_token& stop);

}  // namespace dmskafka::postgres

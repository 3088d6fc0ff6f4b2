#pragma once
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/mutex.h"
#include "core/task/change_log.h"

namespace dmskafka::fake {

/// One thing that a transaction of a FakeLog did.
struct FakeEvent {
  LogEventKind kind = LogEventKind::kChanges;
  Operation operation = Operation::kInsert;
  std::string table;   ///< in schema "s"
  std::string before;  ///< the only column; "": no image
  std::string after;
  std::vector<std::string> columns = {};  ///< kTable: the columns from here on
  std::string new_table = {};             ///< kRenameTable
};

struct FakeTransaction {
  std::uint64_t id = 0;
  std::int64_t commit_us = 0;
  std::vector<FakeEvent> events;
};

/// A database's log in memory: it survives the streams that read it. Positions are the numbers of transactions, from 1.
struct FakeLog {
  Mutex mutex;
  std::deque<FakeTransaction> transactions
      GUARDED_BY(mutex);  ///< a reference to one stays valid while more are added
  std::vector<std::uint64_t> acknowledged GUARDED_BY(mutex);  ///< positions, in the order of the calls
  std::uint64_t lost_up_to = 0;                               ///< positions before it are gone from the log
  std::size_t events_per_batch = 1'000;
  /// Called before an event is handed out; an error breaks the stream there.
  std::function<std::optional<Error>(std::uint64_t transaction, std::size_t event)> fail_read;
  std::set<const void*> batches GUARDED_BY(mutex);          ///< those that were filled
  ChangeBatch::Limits batch_limits GUARDED_BY(mutex) = {};  ///< of the last one
  std::vector<std::string> added GUARDED_BY(mutex);         ///< tables that add_tables() named
  std::vector<LogResource> resources;
  std::vector<PreflightFinding> findings;
  std::atomic<int> streams_opened{0};
  std::atomic<int> prepared{0};

  void add(FakeTransaction transaction) {
    MutexLock lock(mutex);
    transaction.id = transactions.size() + 100;
    transactions.push_back(std::move(transaction));
  }
  std::uint64_t size() {
    MutexLock lock(mutex);
    return transactions.size();
  }
};

LogPosition log_position(std::uint64_t number);
std::unique_ptr<ChangeLog> make_fake_change_log(FakeLog& log);

}  // namespace dmskafka::fake

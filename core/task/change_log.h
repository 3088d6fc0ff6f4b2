#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/log_batch.h"
#include "core/base/result.h"
#include "core/task/source.h"

namespace dmskafka {

/// How far a stream is, for people and for `status`.
struct ChangeStreamStatus {
  LogPosition received;    ///< everything up to here was read from the server
  LogPosition server_end;  ///< the end of the log as the server last told it
  std::optional<std::uint64_t>
      lag_bytes;  ///< from the acknowledged position to server_end, where positions are bytes
};

/// Reads committed changes from one database's log, oldest first, from a position on.
/// Thread: read() from one thread; acknowledge() and status() from any. The connection is kept alive by the stream
/// itself, also while nobody calls read() for minutes: a slow target must not end it.
class ChangeStream {
 public:
  virtual ~ChangeStream() = default;
  /// Fills the cleared `batch` until it is full, the log pauses, or `wait` is over (it may then be empty). Delivers early what it has:
  /// a change never waits for a fuller batch longer than a few milliseconds. Views point into `batch`.
  /// Errors: kSourceUnavailable (reconnect with a new stream and retry), kPositionLost (a new full load is needed),
  /// kSourceRejected, kCancelled.
  virtual Result<void> read(LogBatch& batch, std::chrono::milliseconds wait, std::stop_token stop) = 0;
  /// The server may forget its log up to `position`; it is told soon, not before this returns.
  /// REQUIRES: `position` is in the checkpoint store.
  virtual void acknowledge(const LogPosition& position) = 0;
  virtual ChangeStreamStatus status() const = 0;
};

/// A condition that following the log needs, and that does not hold.
struct PreflightFinding {
  enum class Severity : std::uint8_t { kWarning, kError };
  Severity severity = Severity::kError;
  std::string problem;  ///< what is wrong, with the names
  std::string repair;   ///< the statement or setting that mends it; "" when there is none
};

/// What a task keeps in the source (a slot, a publication, triggers), for `cleanup`.
struct LogResource {
  std::string kind;  ///< "replication slot", "publication", …
  std::string name;
  bool ours = false;   ///< made by this task
  std::string detail;  ///< what a person wants to know before removing it: retained bytes, in use by …
};

/// What `status` shows of the log that the source keeps for us.
struct LogRetention {
  LogPosition acknowledged;  ///< by the source's own account; of one that keeps none, the checkpoint
  LogPosition server_end;
  std::optional<std::uint64_t> retained_bytes;  ///< log behind that: the source must keep it for us
  std::optional<std::uint64_t> lag_bytes;       ///< from the acknowledged position to the end
  std::optional<std::uint64_t>
      bytes_to_limit;  ///< until the source gives our position up (max_slot_wal_keep_size)
  std::string state;   ///< the source's own word ("reserved", "lost", …)
};

/// The tables that a stream tells of.
struct StreamTables {
  using Schemas = std::span<const std::shared_ptr<const TableSchema>>;
  Schemas now;    ///< as the catalogue describes them
  Schemas known;  ///< as they were at the stream's start, and those that were renamed or dropped since
};

/// The log of a database. Thread: the task's own thread; streams say their own.
class ChangeLog {
 public:
  virtual ~ChangeLog() = default;

  /// True: a table keeps its source_handle whatever its name, and no other has it.
  virtual bool handles_identify_tables() const { return false; }
  /// Everything that stands in the way, all at once. `tables` are those to follow.
  virtual Result<std::vector<PreflightFinding>> preflight(std::span<const TableSchema* const> tables) = 0;

  /// What prepare() gives. The slot (or what the source calls it) is permanent from then on, until remove().
  struct Prepared {
    LogPosition start;  ///< following from here misses nothing of, and repeats nothing from, `snapshot`
    std::unique_ptr<Snapshot> snapshot;  ///< null when not asked for
  };
  enum class WithSnapshot : std::uint8_t { kNo, kYes };
  /// Makes what following needs, before the first row is read. What an earlier attempt of this task left behind without a stored
  /// position is replaced. Errors: as Source::open_snapshot(), kSourceRejected with the repairing statement.
  virtual Result<Prepared> prepare(std::span<const TableSchema* const> tables, WithSnapshot snapshot,
                                   std::stop_token stop) = 0;

  /// While the log is kept for this task: what is committed from now on in `tables`, which came later, is in it for the task
  /// as well. Before the snapshot from which they are loaded. Errors: as prepare().
  virtual Result<void> add_tables([[maybe_unused]] std::span<const TableSchema* const> tables,
                                  [[maybe_unused]] std::stop_token stop) {
    return {};
  }

  /// A position as people write it: native ("0/16B3748", "mysql-bin.000024:373"), or a DMS checkpoint string holding one.
  virtual Result<LogPosition> parse_position(std::string_view text) = 0;
  /// A stored position's `bytes` made whole again.
  virtual Result<LogPosition> restore_position(std::string_view bytes) = 0;
  /// The end of the log now: what --until-current waits for.
  virtual Result<LogPosition> current_end() = 0;

  /// Follows `tables.now` from `from`, exclusive of what ended there. Checks that the source still has everything after it.
  /// Errors: kPositionLost with what is missing and which command loads it again; kSourceUnavailable; kSourceRejected.
  virtual Result<std::unique_ptr<ChangeStream>> open_stream(const StreamTables& tables,
                                                            const LogPosition& from,
                                                            std::stop_token stop) = 0;

  /// `checkpoint`: the task's, for a source that keeps no account of it; empty: it has none.
  virtual Result<LogRetention> retention(const LogPosition& checkpoint) = 0;
  /// What is left in the source by this task and by others of our kind.
  virtual Result<std::vector<LogResource>> list_resources() = 0;
  /// Removes what this task made. Returns what was removed.
  virtual Result<std::vector<LogResource>> remove_resources() = 0;
};

}  // namespace dmskafka

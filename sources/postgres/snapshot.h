#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "core/task/source.h"
#include "sources/postgres/connection.h"
#include "sources/postgres/table_layout.h"

namespace dmskafka::postgres {

/// What a reader needs to know of its snapshot. Constant once the snapshot is open.
struct SnapshotFacts {
  std::shared_ptr<const SourceSettings> settings;
  std::string name;   ///< for SET TRANSACTION SNAPSHOT: "00000003-0000001B-1"
  std::string proof;  ///< txid_current_snapshot(): the same text on every connection that has it
  std::set<const TableSchema*> locked;             ///< no DDL can touch these while the snapshot lives
  std::map<const TableSchema*, Error> unreadable;  ///< why reading a table would be wrong or impossible
};

/// A snapshot that a leading connection holds and exports; it ends with that connection.
///
/// Without a slot position() is the write-ahead log's end just before the snapshot was taken: a place to look at, not the exact
/// start of following the log (a commit may be in the log and not yet visible). With one it is the slot's consistent point,
/// which is that start.
class PostgresSnapshot final : public Snapshot {
 public:
  struct Options {
    std::uint32_t readers_max = 1;
    bool lock_tables = true;
    /// The snapshot of a new replication slot, exported by the session that made it.
    std::string import;
    LogPosition import_position;
  };
  /// Takes over `leader`. Errors: those of Source::open_snapshot().
  static Result<std::unique_ptr<PostgresSnapshot>> open(Connection leader,
                                                        std::shared_ptr<const SourceSettings> settings,
                                                        std::span<const TableSchema* const> tables,
                                                        const Options& options, const std::stop_token& stop);

  /// Whether a table was truncated or rewritten between the imported snapshot and our locks: the snapshot then sees it empty.
  bool rewritten_meanwhile() const noexcept { return rewritten_meanwhile_; }

  const LogPosition& position() const override { return position_; }
  std::string description() const override { return facts_.name; }
  std::uint32_t readers_max() const override { return options_.readers_max; }
  Result<std::unique_ptr<SnapshotReader>> open_reader(std::stop_token stop) override;
  Result<SegmentPlan> plan_segments(const TableSchema& table, const SegmentRequest& request) override;
  /// A rewritten table is read again; of another, the rows touched since in finished ranges, where an update may have moved
  /// rows that were in unfinished ones.
  Result<ResumedSegments> resume_segments(const TableSchema& table, const std::string& token,
                                          std::span<const StoredSegment> stored) override;

 private:
  PostgresSnapshot(Connection leader, const Options& options)
      : leader_(std::move(leader)), options_(options) {}
  Result<void> take(std::span<const TableSchema* const> tables, const std::stop_token& stop);
  Result<void> read_position(const std::stop_token& stop);
  Result<void> look_for_rewrites(const std::stop_token& stop);
  Result<void> compare_schemas(std::span<const TableSchema* const> tables, const std::stop_token& stop);

  Connection
      leader_;  // once the snapshot is open only used in savepoints: an error outside would end the snapshot
  Options options_;
  SnapshotFacts facts_;
  LogPosition position_;
  bool rewritten_meanwhile_ = false;
  std::uint32_t xmin_ = 0;  // modulo 2^32
  std::map<const TableSchema*, TableLayout> layouts_;
};

}  // namespace dmskafka::postgres

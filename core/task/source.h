#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/change.h"
#include "core/base/log_position.h"
#include "core/base/processor_turn.h"
#include "core/base/result.h"
#include "core/base/row_condition.h"
#include "core/base/table_schema.h"
#include "core/task/parallel_load.h"

namespace dmskafka {

/// A range of one table's rows that one reader reads: the whole table, or a piece of it. `range` is the source's own text,
/// printed for people and stored with the progress; opaque elsewhere.
struct Segment {
  const TableSchema* table = nullptr;       ///< never null; outlives the segment
  std::uint32_t number = 0;                 ///< from 0 within the table
  std::string range;                        ///< "": the whole table
  const RowCondition* condition = nullptr;  ///< rows that are not wanted may be left out; null: all are
};

/// How a table is to be cut.
struct SegmentRequest {
  std::uint64_t bytes_wanted =
      16 << 20;  ///< in one range, about; where the user's own ranges are larger, they are cut too
  ParallelLoad parallel_load = {};
};

/// How a table is cut: ranges whose union is the table, each row in exactly one.
struct SegmentPlan {
  std::string token;  ///< The source's own: what it needs to continue this plan under a newer snapshot.
  std::vector<Segment> segments;
  std::vector<std::string> remarks =
      {};  ///< what people must hear of a request that could not be met as it stands
};

/// A segment of a stored plan, and whether all its rows were delivered.
struct StoredSegment {
  Segment segment;
  bool done = false;
};

/// What a stored plan still needs under a newer snapshot.
struct ResumedSegments {
  /// The plan no longer fits the table (it was rewritten): read it again from the start.
  bool reload = false;
  std::string reason;  ///< why, for people; "" when nothing is to be said
  /// Rows of the finished ranges that changed since the plan's first snapshot. Read beside the unfinished segments; never
  /// stored as done, because the next resume must look again.
  std::vector<Segment> catch_up;
};

/// Reads the rows of one segment under the snapshot of the SnapshotReader's Snapshot. Thread: one at a time.
class SegmentReader {
 public:
  enum class Status : std::uint8_t { kMore, kEnd };
  virtual ~SegmentReader() = default;
  /// Appends rows (Operation::kLoad) to the cleared `batch` until it is full or the segment ends; kEnd may
  /// come with the last rows. Values are views into `batch`. Blocks on the database; a stop request is seen
  /// within a second. Errors: kTableUnreadable (this table only), kSourceUnavailable (this connection broke),
  /// kCancelled.
  virtual Result<Status> read(ChangeBatch& batch, std::stop_token stop) = 0;
};

/// One connection that reads under a Snapshot. Thread: one at a time; several run in parallel.
class SnapshotReader {
 public:
  virtual ~SnapshotReader() = default;
  /// REQUIRES: the previous SegmentReader of this reader is gone. Errors: as SegmentReader::read().
  virtual Result<std::unique_ptr<SegmentReader>> open(const Segment& segment) = 0;
  /// From now on SegmentReader::read() works in `turn`, and does not hold it while it waits for the database. With rows it returns
  /// in a turn, in which the caller goes on; the caller ends it before the SegmentReader goes. A reader that cannot tell when it
  /// waits ignores all this. `turn` outlives the reader.
  virtual void work_in(ProcessorTurn& turn) { (void)turn; }
};

/// One consistent moment of the whole database, shared by all its readers. Outlives its readers. Thread: any.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  /// The log position of this moment: following the log from here misses nothing and repeats nothing. Empty
  /// when the source keeps no log we could follow.
  virtual const LogPosition& position() const = 0;
  /// The snapshot's identity for messages, e.g. PostgreSQL's "00000003-0000001B-1".
  virtual std::string description() const = 0;
  /// How many readers can be open at once (SQLite: 1).
  virtual std::uint32_t readers_max() const = 0;
  /// Another connection on this snapshot, which it proves to have. Errors: kSourceUnavailable,
  /// kSourceRejected.
  virtual Result<std::unique_ptr<SnapshotReader>> open_reader(std::stop_token stop) = 0;
  /// Cuts a table into ranges (one, when the source cannot cut it). Reads little: bounds, never rows of the whole table.
  /// Errors: kInvalidMapping: what the user asked for does not fit the table (a bound that is no value of its column, a
  /// partition that is not there); kSourceUnavailable.
  virtual Result<SegmentPlan> plan_segments(const TableSchema& table, const SegmentRequest& request) = 0;
  /// Continues a plan of an earlier run, made with `token` under an older snapshot.
  virtual Result<ResumedSegments> resume_segments(const TableSchema& table, const std::string& token,
                                                  std::span<const StoredSegment> stored) = 0;
};

/// What identifies a source across runs: kept in the state file, compared at every start.
struct SourceIdentity {
  std::string kind;    ///< "postgresql", "mysql", "mariadb", "sqlite"
  std::string server;  ///< system identifier, file UUID …; never a password
  std::string database;
  /// Not a part of the identity: positions of the log hold on another server, too, if it took over from this one (GTIDs).
  bool log_moves = false;
  friend bool operator==(const SourceIdentity& a, const SourceIdentity& b) {
    return a.kind == b.kind && a.server == b.server && a.database == b.database;
  }
};

/// A table of the source's catalogue, before selection.
struct CatalogTable {
  TableName name;
  TableKind kind = TableKind::kTable;
};

/// What the next snapshot of a source is for.
struct SnapshotUse {
  std::uint32_t readers = 1;    ///< that will be open at once, at most
  bool position_wanted = true;  ///< false: nobody will follow the log from there (a preview)
};

class ChangeLog;

/// A database. Thread: the task's own thread; what it hands out says its own.
class Source {
 public:
  virtual ~Source() = default;
  virtual Result<SourceIdentity> identity() = 0;
  /// All tables and views a user could mean: no system schemas, no objects of ours.
  virtual Result<std::vector<CatalogTable>> list_tables() = 0;
  /// The full description of some tables, in the order of `names`. A table that cannot be described is
  /// reported by its own error, the others still come.
  virtual Result<std::vector<Result<TableSchema>>> describe_tables(std::span<const TableName> names) = 0;
  /// Said before a snapshot is opened, by open_snapshot() or by the change log: where no reader can join a snapshot later, the
  /// source opens as many sessions as there will be readers.
  virtual void expect([[maybe_unused]] const SnapshotUse& use) {}
  /// One consistent moment over `tables`. The schemas must outlive the snapshot.
  /// Errors: kSourceUnavailable, kSourceRejected. A table that lacks a privilege does not fail here: its
  /// reader reports it.
  virtual Result<std::unique_ptr<Snapshot>> open_snapshot(std::span<const TableSchema* const> tables,
                                                          std::stop_token stop) = 0;
  /// The database's log, made for the task of this id (what it makes in the source is named after it). Lives as long as the
  /// source. Errors: kInvalidSettings when this source has no log we follow.
  virtual Result<ChangeLog*> change_log([[maybe_unused]] std::string_view task_id) {
    return Error(ErrorCode::kInvalidSettings, "this source has no log that can be followed");
  }
  /// Things the user should know before the load (writers will wait, rows are hidden …). May be empty.
  virtual std::vector<std::string> warnings() = 0;
};

}  // namespace dmskafka

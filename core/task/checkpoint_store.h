#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/log_position.h"
#include "core/base/result.h"
#include "core/base/table_schema.h"
#include "core/task/source.h"
#include "core/task/task_progress.h"

namespace dmskafka {

/// What makes a rerun the same task. A difference is refused by name, not guessed over.
struct TaskRecord {
  std::string task_id;
  SourceIdentity source;
  std::string target;             ///< TargetSettings::display_name()
  std::string mapping_digest;     ///< Planner::digest()
  LogPosition snapshot_position;  ///< of the first snapshot; empty when none was taken
};

/// How far the load of one table is.
struct TableLoadRecord {
  TableName name;
  TableState state = TableState::kBeforeLoad;
  bool control_records_sent = false;  ///< drop-table/create-table are sent once per load
  std::uint64_t rows_delivered = 0;
  std::uint64_t bytes_delivered = 0;
  std::uint64_t rows_failed = 0;
  std::uint64_t values_cut = 0;  ///< LOBs longer than LobMaxSize, of rows sent or not
  std::string error;             ///< why state is kTableError
  std::int64_t started_us = 0;   ///< since 1970, 0 when not started
  std::int64_t ended_us = 0;
};

/// One range of a table's load. Moved to done only when every row of it was reported.
struct SegmentLoadRecord {
  std::uint32_t number = 0;
  std::string range;
  bool done = false;
  std::uint64_t rows = 0;  ///< read and reported; 0 until done
};

/// How a table was cut, and how far its ranges are.
struct SegmentPlanRecord {
  TableName name;
  std::string token;  ///< SegmentPlan::token
  std::vector<SegmentLoadRecord> segments;
};

/// The threads of a load, for `status --json`.
struct LoadThreadsRecord {
  std::uint64_t reader_threads = 0;
  std::uint64_t sender_threads = 0;  ///< ParallelLoadThreads of one table; 0: the readers send themselves
  std::uint64_t queues_per_thread = 0;
  std::uint64_t buffer_records = 0;
  std::uint64_t queue_records_high_water = 0;  ///< most that any one queue ever held
};

/// The transaction that sent the last record before a position, for wire-format.md §3.1's "previous" members; 0: none did.
struct PreviousTransaction {
  std::uint64_t id = 0;
  std::uint64_t record = 0;  ///< number of its last record
  friend bool operator==(const PreviousTransaction&, const PreviousTransaction&) = default;
};

/// The log position from which changes are followed after a restart.
struct CdcCheckpoint {
  LogPosition position;  ///< everything up to it is delivered, or kept in data_error
  PreviousTransaction previous;
  std::int64_t commit_us = 0;  ///< commit time of the last transaction before it, 0: none yet
  std::int64_t saved_us = 0;
  std::uint64_t transactions = 0;  ///< committed transactions with changes of ours, since the task began
  std::int64_t caught_up_us = 0;   ///< when the log last had nothing more, 0: not seen yet
  bool started = false;            ///< its first start is announced
};

/// DMS's counters of one table, up to the checkpoint.
struct TableStatistics {
  TableName name;
  std::uint64_t inserts = 0;
  std::uint64_t updates = 0;
  std::uint64_t deletes = 0;
  std::uint64_t ddls = 0;  ///< control records of ALTER, DROP, RENAME and TRUNCATE
  std::int64_t last_update_us = 0;
};

/// What becomes durable together. Empty parts leave what is stored.
struct CheckpointUpdate {
  CdcCheckpoint checkpoint;
  std::vector<TableStatistics> statistics;  ///< of the tables that changed: the new counts
  /// Tables as the log describes them at the position, where that changed: an ALTER while the task is stopped is seen by
  /// comparing with them.
  std::vector<std::shared_ptr<const TableSchema>> schemas;
  std::vector<TableName> forgotten;  ///< dropped or renamed away; applied before `schemas`
};

/// A message that was not delivered, whole.
struct DataErrorRecord {
  TableName name;
  std::string topic;
  std::int32_t partition = -1;
  std::string_view key;
  std::string_view value;
  std::string reason;
  std::int64_t time_us = 0;
};

/// The state file of DESIGN §6: SQLite, WAL, synchronous=FULL, mode 0600, one process at a time.
/// Thread: any (locks itself). Every write is durable when it returns. After the first failed write the store is dead:
/// what is on disk is then unknown, so every later call repeats that failure. Errors: kStateFile.
class CheckpointStore {
 public:
  virtual ~CheckpointStore() = default;

  virtual Result<std::optional<TaskRecord>> load_task() = 0;
  virtual Result<void> save_task(const TaskRecord& task) = 0;
  /// Forgets the whole task (--restart), data_error included.
  virtual Result<void> discard_task() = 0;

  virtual Result<std::vector<TableLoadRecord>> load_tables() = 0;
  /// A completed table's segments are forgotten with the same write.
  virtual Result<void> save_table(const TableLoadRecord& table) = 0;

  virtual Result<std::vector<SegmentPlanRecord>> load_segment_plans() = 0;
  /// Replaces the plans of these tables, in one transaction.
  virtual Result<void> save_segment_plans(std::span<const SegmentPlanRecord> plans) = 0;
  /// Marks segments of a table done. REQUIRES: they are part of its stored plan.
  virtual Result<void> save_segments_done(const TableName& table,
                                          std::span<const SegmentLoadRecord> done) = 0;

  virtual Result<LoadThreadsRecord> load_threads() = 0;
  virtual Result<void> save_threads(const LoadThreadsRecord& threads) = 0;

  /// nullopt: changes were never followed, nor prepared to be; the command decides what that means.
  virtual Result<std::optional<CdcCheckpoint>> load_checkpoint() = 0;
  /// One transaction. REQUIRES: the position is not before the stored one; a checkpoint never moves back.
  virtual Result<void> save_checkpoint(const CheckpointUpdate& update) = 0;
  virtual Result<std::vector<TableStatistics>> load_statistics() = 0;
  /// The tables as they were at the checkpoint. Estimates are not kept.
  virtual Result<std::vector<TableSchema>> load_schemas() = 0;

  /// Errors: kStateFile also when `data_error` would exceed its bound (bytes_max of open()).
  virtual Result<void> add_data_error(const DataErrorRecord& record) = 0;
  virtual Result<std::uint64_t> count_data_errors() = 0;

  /// Reports the last write's failure; the destructor only releases handles.
  virtual Result<void> close() = 0;
};

struct CheckpointStoreOptions {
  std::string path;
  std::int64_t data_error_bytes_max = std::int64_t{1} << 30;
};

/// Opens or makes the state file and locks it for this process. Errors: kStateFile: not a database, of a newer schema
/// version, foreign (another application's), not writable, or held by another process, whose pid is named.
Result<std::unique_ptr<CheckpointStore>> open_checkpoint_store(const CheckpointStoreOptions& options);

/// Opens an existing state file for `status`: takes no lock and writes nothing, so it works while the task runs; every write
/// is refused. Errors: kStateFile, also when there is no such file.
Result<std::unique_ptr<CheckpointStore>> open_checkpoint_store_for_reading(const std::string& path);

/// Keeps nothing: dry-run.
std::unique_ptr<CheckpointStore> make_null_checkpoint_store();

}  // namespace dmskafka

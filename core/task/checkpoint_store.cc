#include "core/task/checkpoint_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/base/logging.h"
#include "core/base/mutex.h"
#include "core/task/state_file_lock.h"
#include "core/task/state_file_schema.h"

namespace dmskafka {
namespace {

constexpr int kBusyTimeoutMs = 10'000;
/// What a data_error row needs beside its texts and bytes.
constexpr std::int64_t kDataErrorRowBytes = 64;

struct CloseDatabase {
  void operator()(sqlite3* database) const noexcept { sqlite3_close_v2(database); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

Error state_file_error(const std::string& path, std::string what, std::string hint) {
  return Error(ErrorCode::kStateFile, fmt::format("state file {}: {}", path, std::move(what)))
      .hint(std::move(hint));
}

/// What SQLite's failure means to the person who has to mend it.
Error sqlite_failure(sqlite3* database, const std::string& path) {
  const int code = sqlite3_extended_errcode(database);
  const std::string text = sqlite3_errmsg(database);
  const int system_error = sqlite3_system_errno(database);
  const std::string cause = system_error != 0 && (code & 0xFF) != SQLITE_FULL
                                ? fmt::format("{}: {}", text, std::strerror(system_error))
                                : text;
  switch (code & 0xFF) {
    case SQLITE_FULL:
      return state_file_error(path, "the disk is full",
                              "make room, then run the same command again: it resumes");
    case SQLITE_NOTADB:
      return state_file_error(path, "this is not a state file: it is not an SQLite database",
                              "name another file with --state; this one was left as it is");
    case SQLITE_CORRUPT:
      return state_file_error(path, fmt::format("damaged: {}", cause),
                              "restore it from a backup, or move it away and load again from the start");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return state_file_error(
          path, fmt::format("another program has kept it locked for {} s", kBusyTimeoutMs / 1000),
          "end the transaction that is open in it (an sqlite3 shell?), then run the command again");
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return state_file_error(path, cause,
                              "the file and its directory must be writable by this user; see --state");
    case SQLITE_IOERR:
      return state_file_error(path, cause,
                              "check the disk (space, quota, limits), then run the same command again");
    default: return state_file_error(path, cause, "run the same command again; if it repeats, report it");
  }
}

/// A prepared statement: parameters are bound in order. A failure of any step is seen at run() or row().
class Statement {
 public:
  Statement(sqlite3* database, const char* sql) {
    code_ = sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr);
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(std::string_view text) {
    return note(sqlite3_bind_text64(statement_, ++bound_, text.data() == nullptr ? "" : text.data(),
                                    text.size(), SQLITE_STATIC, SQLITE_UTF8));
  }
  Statement& bind(std::int64_t number) { return note(sqlite3_bind_int64(statement_, ++bound_, number)); }
  Statement& bind(std::uint64_t number) { return bind(static_cast<std::int64_t>(number)); }
  Statement& bind(std::optional<std::uint32_t> number) {
    return number ? bind(std::int64_t{*number}) : note(sqlite3_bind_null(statement_, ++bound_));
  }
  Statement& bind_blob(std::string_view bytes) {
    return note(sqlite3_bind_blob64(statement_, ++bound_, bytes.data() == nullptr ? "" : bytes.data(),
                                    bytes.size(), SQLITE_STATIC));
  }
  /// True while there is a row. After false: ok() tells whether that was the end.
  bool row() {
    if (code_ == SQLITE_OK || code_ == SQLITE_ROW) code_ = sqlite3_step(statement_);
    return code_ == SQLITE_ROW;
  }
  bool run() {
    while (row()) {
    }
    return ok();
  }
  bool ok() const noexcept { return code_ == SQLITE_DONE; }
  /// Ready to be bound and run again.
  void reset() {
    sqlite3_reset(statement_);
    code_ = SQLITE_OK;
    bound_ = 0;
  }

  std::int64_t number(int column) { return sqlite3_column_int64(statement_, column); }
  std::uint64_t unsigned_number(int column) { return static_cast<std::uint64_t>(number(column)); }
  std::optional<std::uint32_t> optional_number(int column) {
    if (sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::nullopt;
    return static_cast<std::uint32_t>(number(column));
  }
  std::string text(int column) {
    const void* bytes = sqlite3_column_blob(statement_, column);  // TEXT as it is, BLOB too
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), size);
  }

 private:
  Statement& note(int code) {
    if (code_ == SQLITE_OK && code != SQLITE_OK) code_ = code;
    return *this;
  }
  sqlite3_stmt* statement_ = nullptr;
  int code_ = SQLITE_OK;
  int bound_ = 0;
};

Result<void> execute(sqlite3* database, const std::string& path, const char* sql) {
  if (sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return sqlite_failure(database, path);
}

Result<std::int64_t> read_number(sqlite3* database, const std::string& path, const char* sql) {
  Statement statement(database, sql);
  if (statement.row()) return statement.number(0);
  return sqlite_failure(database, path);
}

enum class FileContent : std::uint8_t {
  kEmpty,
  kVersion1,  ///< before change data capture
  kStateFile,
};

/// Looks before anything is written: somebody else's database stays as it is.
Result<FileContent> check_content(sqlite3* database, const std::string& path) {
  DMSKAFKA_ASSIGN(const std::int64_t objects,
                  read_number(database, path, "SELECT count(*) FROM sqlite_schema"));
  DMSKAFKA_ASSIGN(const std::int64_t application, read_number(database, path, "PRAGMA application_id"));
  DMSKAFKA_ASSIGN(const std::int64_t version, read_number(database, path, "PRAGMA user_version"));
  if (application != kStateFileApplicationId) {
    if (application == 0 && version == 0 && objects == 0) return FileContent::kEmpty;
    return state_file_error(path, "this is not a state file: it is another application's SQLite database",
                            "name another file with --state; this one was left as it is");
  }
  if (version > kStateFileSchemaVersion) {
    return state_file_error(
        path,
        fmt::format("made by a newer dmskafka: its schema version is {}, this program knows {}", version,
                    kStateFileSchemaVersion),
        "use the newer program, or another --state");
  }
  if (version == 1) return FileContent::kVersion1;
  if (version < kStateFileSchemaVersion) {
    return state_file_error(path, fmt::format("damaged: schema version {} does not exist", version),
                            "restore it from a backup, or move it away and load again from the start");
  }
  return FileContent::kStateFile;
}

/// A column that files have since some version of this program; one that is only read may be older.
struct LaterColumn {
  const char* table;
  const char* name;
};
constexpr LaterColumn kValuesCut{"table_load", "values_cut"};
constexpr LaterColumn kCaughtUp{"checkpoint", "caught_up_us"};
constexpr LaterColumn kStarted{"checkpoint", "started"};

Result<bool> has_column(sqlite3* database, const std::string& path, const LaterColumn& column) {
  const std::string sql = fmt::format("SELECT count(*) FROM pragma_table_info('{}') WHERE name = '{}'",
                                      column.table, column.name);
  DMSKAFKA_ASSIGN(const std::int64_t columns, read_number(database, path, sql.c_str()));
  return columns != 0;
}

class SqliteCheckpointStore : public CheckpointStore {
 public:
  /// `has_cdc_tables`: false for a file of version 1 that is only read.
  SqliteCheckpointStore(std::string path, std::unique_ptr<StateFileLock> lock, Database database,
                        std::int64_t data_error_bytes_max, bool has_cdc_tables)
      : path_(std::move(path)),
        data_error_bytes_max_(data_error_bytes_max),
        has_cdc_tables_(has_cdc_tables),
        lock_(std::move(lock)),
        database_(std::move(database)) {}

  Result<std::optional<TaskRecord>> load_task() override {
    MutexLock guard(mutex_);
    DMSKAFKA_TRY(usable());
    Statement statement(
        database_.get(),
        "SELECT task_id, source_kind, source_server, source_database, target, mapping_digest,"
        " snapshot_position, snapshot_position_text, snapshot_order_high, snapshot_order_low FROM task");
    if (!statement.row()) {
      if (!statement.ok()) return sqlite_failure(database_.get(), path_);
      return std::optional<TaskRecord>();
    }
    TaskRecord task;
    task.task_id = statement.text(0);
    task.source = SourceIdentity{statement.text(1), statement.text(2), statement.text(3)};
    task.target = statement.text(4);
    task.mapping_digest = statement.text(5);
    task.snapshot_position = LogPosition{statement.text(6), statement.text(7), statement.unsigned_number(8),
                                         statement.unsigned_number(9)};
    return std::optional<TaskRecord>(std::move(task));
  }

  Result<void> save_task(const TaskRecord& task) override {
    MutexLock guard(mutex_);
    DMSKAFKA_TRY(writable());
    Statement statement(
        database_.get(),
        "INSERT OR REPLACE INTO task (id, task_id, source_kind, source_server, source_database, target,"
        " mapping_digest, snapshot_position, snapshot_position_text, snapshot_order_high,"
        " snapshot_order_low) VALUES (1,?,?,?,?,?,?,?,?,?,?)");
    const LogPosition& position = task.snapshot_position;
    statement.bind(task.task_id).bind(task.source.kind).bind(task.source.server).bind(task.source.database);
    statement.bind(task.target).bind(task.mapping_digest).bind_blob(position.bytes).bind(position.text);
    statement.bind(position.order_high).bind(position.order_low);
    return write(statement);
  }

  Result<void> discard_task() override {
    MutexLock guard(mutex_);
    DMSKAFKA_TRY(writable());
    const char* sql =
        "BEGIN IMMEDIATE; DELETE FROM task; DELETE FROM table_load; DELETE FROM segment_plan; "
        "DELETE FROM segment_load; DELETE FROM load_threads; DELETE FROM checkpoint; "
        "DELETE FROM table_statistics; DELETE FROM table_schema; DELETE FROM column_schema; "
        "DELETE FROM data_error; COMMIT";
    if (auto done = execute(database_.get(), path_, sql); !done) return die(std::move(done).error());
    data_error_bytes_ = 0;
    return {};
  }

  Result<std::vector<TableLoadRecord>> load_tables() override {
    MutexLock guard(mutex_);
    DMSKAFKA_TRY(usable());
    // A file that is only read may be one that does not count them yet.
    DMSKAFKA_ASSIGN(const bool counts_cuts, has_column(database_.get(), path_, kValuesCut));
    const std::string sql = fmt::format(
        "SELECT schema_name, table_name, state, control_records_sent, rows_delivered, bytes_delivered,"
        " rows_failed, error, started_us, ended_us, {} FROM table_load ORDER BY schema_name, table_name",
        counts_cuts ? "values_cut" : "0");
    Statement statement(database_.get(), sql.c_str());
    std::vector<TableLoadRecord> tables;
    while (statement.row()) {
      TableLoadRecord table;
      table.name = TableName{statement.text(0), statement.text(1)};
      const std::string state = statement.text(2);
      DMSKAFKA_ASSIGN(table.state, state_of(state, table.name));
      table.control_records_sent = statement.number(3) != 0;
      table.rows_delivered = statement.unsigned_number(4);
      table.bytes_delivered = statement.unsigned_number(5);
      table.rows_failed = statement.unsigned_number(6);
      table.error = statement.text(7);
      table.started_us = statement.number(8);
      table.ended_us = statement.number(9);
      table.values_cut = statement.unsigned_number(10);
      tables.push_back(std::move(table));
    }
    if (!statement.ok()) return sqlite_failure(database_.get(), path_);
    return tables;
  }

  Result<void> save_table(const TableLoadRecord& table) override {
    MutexLock guard(mutex_);
    DMSKAFKA_TRY(writable());
    if (table.state != TableState::kTableCompleted) return write_table(table);
    return in_transaction([&]() REQUIRES_LOCK(mutex_) -> Result<void> {
      DMSKAFKA_TRY(forget_segments(table.name));
      return write_table(table);
    });
  }

  Result<std::vector<SegmentPlanRecord>> load_segment_plans() override {
    MutexLock guard(mutex_);
    DMSKAFKA_TRY(usable());
    Statement statement(database_.get(),
                        "SELECT schema_name, table_name, token, segment, range, done, rows FROM segment_plan"
                        " JOIN segment_load USING (schema_name, table_name)"
                        " ORDER BY schema_name, table_name, segment");
    std::vector<SegmentPlanRecord> plans;
    while (statement.row()) {
      const TableName name{statement.text(0), statement.text(1)};
      if (plans.empty() || plans.back().name != name)
        plans.push_back(SegmentPlanRecord{name, statement.text(2), {}});
      plans.back().segments.push_back(SegmentLoadRecord{static_cast<std::uint32_t>(statement.number(3)),
                                                        statement.text(4), statement.number(5) != 0,
                                                        statement.unsigned_number(6)});
    }
    if (!statement.ok()) return sqlite_failure(database_.get(), path_);
    return plans;
  }

  Result<void> save_segment_plans(std::span<const SegmentPlanRecord> plans) override {
    MutexLock guard(mutex_);
    DMSKAFKA_TRY(writable());
    return in_transaction([&]() REQUIRES_LOCK(mutex_) -> Result<void> {
      for (const SegmentPlanRecord& plan : plans) DMSKAFKA_TRY(write_segment_plan(plan));
      return {};
    });
  }

  Result<void> save_segments_done(const TableName& table, std::span<const SegmentLoadRecord> done) override {
    MutexLock guard(mutex_);
    DMSKAFKA_TRY(writable());
    return in_transaction([&]() REQUIRES_LOCK(mutex_) -> Result<void> {
      Statement statement(
          database_.get(),
          "UPDATE segment_load SET done = 1, rows = ? WHERE schema_name = ? AND table_name = ?"
          " AND segment = ?");
      for (const SegmentLoadRecord& segment : done) {
        statement.bind(segment.rows).bind(table.schema).bind(table.table).bind(std::int64_t{segment.number});
        DMSKAFKA_TRY(write(statement));
        statement.reset();
      }
      return {};
    });
  }

  Result<LoadThreadsRecord> load_threads() override {
    MutexLock guard(mutex_);
    DMSKAFKA_TRY(usable());
    Statement statement(database_.get(),
                        "SELECT reader_threads, sender_threads, queues_per_thread, buffer_records,"
                        " queue_records_high_water FROM load_threads");
    if (!statement.row()) {
      if (!statement.ok()) return sqlite_failure(database_.get(), path_);
      return LoadThreadsRecord{};
    }
    return LoadThreadsRecord{statement.unsigned_number(0), statement.unsigned_number(1),
                             statement.unsigned_number(2), statement.unsigned_number(3),
                             statement.unsigned_number(4)};
  }

  Result<void> save_threads(const LoadThreadsRecord& threads) override {
    MutexLock guard(mutex_);
    DMSKAFKA_TRY(writable());
    Statement statement(
        database_.get(),
        "INSERT OR REPLACE INTO load_threads (id, reader_threads, sender_threads, queues_per_thread,"
        " buffer_records, queue_records_high_water) VALUES (1,?,?,?,?,?)");
    statement.bind(threads.reader_threads).bind(threads.sender_threads).bind(threads.queues_per_thread);
    statement.bind(threads.buffer_records).bind(threads.queue_records_high_water);
    return write(statement);
  }

  Result<std::optional<CdcCheckpoint>> load_checkpoint() override {
    MutexLock guard(mutex_);
    DMSKAFKA_TRY(usable());
    if (!has_cdc_tables_) return std::optional<CdcCheckpoint>();
    return read_checkpoint();
  }

  Result<void> save_checkpoint(const CheckpointUpdate& update) override {
    MutexLock guard(mutex_);
    DMSKAFKA_TRY(writable());
    DMSKAFKA_ASSIGN(const std::optional<CdcCheckpoint> before, read_checkpoint());
    if (before && update.checkpoint.position < before->position) {
      return Error(ErrorCode::kInternal, fmt::format("a checkpoint would move back from {} to {}",
                                                     before->position.text, update.checkpoint.position.text));
    }
    return in_transaction([&]() REQUIRES_LOCK(mutex_) -> Result<void> {
      DMSKAFKA_TRY(write_checkpoint(update.checkpoint));
      for (const TableStatistics& table : update.statistics) DMSKAFKA_TRY(write_statistics(table));
      for (const TableName& table : update.forgotten) DMSKAFKA_TRY(forget_schema(table));
      for (const auto& schema : update.schemas) DMSKAFKA_TRY(write_schema(*schema));
      return {};
    });
  }

  Result<std::vector<TableStatistics>> load_statistics() override {
    MutexLock guard(mutex_);
    DMSKAFKA_TRY(usable());
    std::vector<TableStatistics> tables;
    if (!has_cdc_tables_) return tables;
    Statement statement(database_.get(),
                        "SELECT schema_name, table_name, inserts, updates, deletes, ddls, last_update_us"
                        " FROM table_statistics ORDER BY schema_name, table_name");
    while (statement.row()) {
      tables.push_back(TableStatistics{TableName{statement.text(0), statement.text(1)},
                                       statement.unsigned_number(2), statement.unsigned_number(3),
                                       statement.unsigned_number(4), statement.unsigned_number(5),
                                       statement.number(6)});
    }
    if (!statement.ok()) return sqlite_failure(database_.get(), path_);
    return tables;
  }

  Result<std::vector<TableSchema>> load_schemas() override {
    MutexLock guard(mutex_);
    DMSKAFKA_TRY(usable());
    if (!has_cdc_tables_) return std::vector<TableSchema>();
    return read_schemas();
  }

  Result<void> add_data_error(const DataErrorRecord& record) override {
    MutexLock guard(mutex_);
    DMSKAFKA_TRY(writable());
    const auto bytes = static_cast<std::int64_t>(record.key.size() + record.value.size() +
                                                 record.reason.size() + record.topic.size()) +
                       kDataErrorRowBytes;
    // The store lives on: what is on disk is known, and the progress up to here must still be saved.
    if (bytes > data_error_bytes_max_ - data_error_bytes_) {
      return state_file_error(
          path_,
          fmt::format("data_error holds {} bytes of undelivered messages; one of {} more would pass"
                      " DataErrorBytesMax = {}",
                      data_error_bytes_, bytes, data_error_bytes_max_),
          "see why so many messages fail (SELECT reason, count(*) FROM data_error GROUP BY 1), or raise"
          " DataErrorBytesMax");
    }
    Statement statement(
        database_.get(),
        "INSERT INTO data_error (time_us, bytes, schema_name, table_name, topic, partition, reason, key,"
        " value) VALUES (?,?,?,?,?,?,?,?,?)");
    statement.bind(record.time_us)
        .bind(bytes)
        .bind(record.name.schema)
        .bind(record.name.table)
        .bind(record.topic);
    statement.bind(std::int64_t{record.partition})
        .bind(record.reason)
        .bind_blob(record.key)
        .bind_blob(record.value);
    DMSKAFKA_TRY(write(statement));
    data_error_bytes_ += bytes;
    return {};
  }

  Result<std::uint64_t> count_data_errors() override {
    MutexLock guard(mutex_);
    DMSKAFKA_TRY(usable());
    DMSKAFKA_ASSIGN(const std::int64_t count,
                    read_number(database_.get(), path_, "SELECT count(*) FROM data_error"));
    return static_cast<std::uint64_t>(count);
  }

  Result<void> close() override {
    MutexLock guard(mutex_);
    // SQLite checkpoints the WAL into the file here and removes it; a failure of that loses nothing.
    database_.reset();
    lock_.reset();
    if (failure_) return *failure_;
    return {};
  }

  /// Once, before anybody else has the store.
  Result<void> count_data_error_bytes() {
    MutexLock guard(mutex_);
    DMSKAFKA_ASSIGN(data_error_bytes_,
                    read_number(database_.get(), path_, "SELECT coalesce(sum(bytes), 0) FROM data_error"));
    return {};
  }

 private:
  Result<void> write_table(const TableLoadRecord& table) REQUIRES_LOCK(mutex_) {
    Statement statement(
        database_.get(),
        "INSERT OR REPLACE INTO table_load (schema_name, table_name, state, control_records_sent,"
        " rows_delivered, bytes_delivered, rows_failed, error, started_us, ended_us, values_cut)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?)");
    statement.bind(table.name.schema).bind(table.name.table).bind(table_state_name(table.state));
    statement.bind(std::int64_t{table.control_records_sent})
        .bind(table.rows_delivered)
        .bind(table.bytes_delivered);
    statement.bind(table.rows_failed).bind(table.error).bind(table.started_us).bind(table.ended_us);
    statement.bind(table.values_cut);
    return write(statement);
  }

  Result<void> forget_segments(const TableName& table) REQUIRES_LOCK(mutex_) {
    for (const char* sql : {"DELETE FROM segment_load WHERE schema_name = ? AND table_name = ?",
                            "DELETE FROM segment_plan WHERE schema_name = ? AND table_name = ?"}) {
      Statement statement(database_.get(), sql);
      statement.bind(table.schema).bind(table.table);
      DMSKAFKA_TRY(write(statement));
    }
    return {};
  }

  Result<void> write_segment_plan(const SegmentPlanRecord& plan) REQUIRES_LOCK(mutex_) {
    DMSKAFKA_TRY(forget_segments(plan.name));
    if (plan.segments.empty()) return {};
    Statement head(database_.get(),
                   "INSERT INTO segment_plan (schema_name, table_name, token) VALUES (?,?,?)");
    head.bind(plan.name.schema).bind(plan.name.table).bind(plan.token);
    DMSKAFKA_TRY(write(head));
    Statement statement(database_.get(),
                        "INSERT INTO segment_load (schema_name, table_name, segment, range, done, rows)"
                        " VALUES (?,?,?,?,?,?)");
    for (const SegmentLoadRecord& segment : plan.segments) {
      statement.bind(plan.name.schema)
          .bind(plan.name.table)
          .bind(std::int64_t{segment.number})
          .bind(segment.range);
      statement.bind(std::int64_t{segment.done}).bind(segment.rows);
      DMSKAFKA_TRY(write(statement));
      statement.reset();
    }
    return {};
  }

  Result<std::optional<CdcCheckpoint>> read_checkpoint() REQUIRES_LOCK(mutex_) {
    DMSKAFKA_ASSIGN(const bool has_caught_up, has_column(database_.get(), path_, kCaughtUp));
    DMSKAFKA_ASSIGN(const bool has_started, has_column(database_.get(), path_, kStarted));
    const std::string sql = fmt::format(
        "SELECT position, position_text, order_high, order_low, previous_transaction,"
        " previous_record, commit_us, saved_us, transactions, {}, {} FROM checkpoint",
        has_caught_up ? kCaughtUp.name : "0", has_started ? kStarted.name : "0");
    Statement statement(database_.get(), sql.c_str());
    if (!statement.row()) {
      if (!statement.ok()) return sqlite_failure(database_.get(), path_);
      return std::optional<CdcCheckpoint>();
    }
    CdcCheckpoint checkpoint;
    checkpoint.position = LogPosition{statement.text(0), statement.text(1), statement.unsigned_number(2),
                                      statement.unsigned_number(3)};
    checkpoint.previous = PreviousTransaction{statement.unsigned_number(4), statement.unsigned_number(5)};
    checkpoint.commit_us = statement.number(6);
    checkpoint.saved_us = statement.number(7);
    checkpoint.transactions = statement.unsigned_number(8);
    checkpoint.caught_up_us = statement.number(9);
    checkpoint.started = statement.number(10) != 0;
    return std::optional<CdcCheckpoint>(std::move(checkpoint));
  }

  Result<void> write_checkpoint(const CdcCheckpoint& checkpoint) REQUIRES_LOCK(mutex_) {
    Statement statement(
        database_.get(),
        "INSERT OR REPLACE INTO checkpoint (id, position, position_text, order_high, order_low,"
        " previous_transaction, previous_record, commit_us, saved_us, transactions, caught_up_us, started)"
        " VALUES (1,?,?,?,?,?,?,?,?,?,?,?)");
    const LogPosition& position = checkpoint.position;
    statement.bind_blob(position.bytes)
        .bind(position.text)
        .bind(position.order_high)
        .bind(position.order_low);
    statement.bind(checkpoint.previous.id).bind(checkpoint.previous.record);
    statement.bind(checkpoint.commit_us).bind(checkpoint.saved_us).bind(checkpoint.transactions);
    statement.bind(checkpoint.caught_up_us).bind(std::int64_t{checkpoint.started});
    return write(statement);
  }

  Result<void> write_statistics(const TableStatistics& table) REQUIRES_LOCK(mutex_) {
    Statement statement(database_.get(),
                        "INSERT OR REPLACE INTO table_statistics (schema_name, table_name, inserts, updates,"
                        " deletes, ddls, last_update_us) VALUES (?,?,?,?,?,?,?)");
    statement.bind(table.name.schema).bind(table.name.table).bind(table.inserts).bind(table.updates);
    statement.bind(table.deletes).bind(table.ddls).bind(table.last_update_us);
    return write(statement);
  }

  Result<void> forget_schema(const TableName& table) REQUIRES_LOCK(mutex_) {
    for (const char* sql : {"DELETE FROM column_schema WHERE schema_name = ? AND table_name = ?",
                            "DELETE FROM table_schema WHERE schema_name = ? AND table_name = ?"}) {
      Statement statement(database_.get(), sql);
      statement.bind(table.schema).bind(table.table);
      DMSKAFKA_TRY(write(statement));
    }
    return {};
  }

  Result<void> write_schema(const TableSchema& table) REQUIRES_LOCK(mutex_) {
    DMSKAFKA_TRY(forget_schema(table.name));
    Statement head(database_.get(),
                   "INSERT INTO table_schema (schema_name, table_name, kind, source_handle, old_row) VALUES "
                   "(?,?,?,?,?)");
    head.bind(table.name.schema).bind(table.name.table).bind(static_cast<std::int64_t>(table.kind));
    head.bind(table.source_handle).bind(static_cast<std::int64_t>(table.old_row));
    DMSKAFKA_TRY(write(head));
    Statement statement(
        database_.get(),
        "INSERT INTO column_schema (schema_name, table_name, place, name, type, value_kind, length, "
        "precision,"
        " scale, nullable, lob, collation, source_type, number, key_place)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    for (std::uint32_t place = 0; place < table.columns.size(); ++place) {
      const ColumnSchema& column = table.columns[place];
      statement.bind(table.name.schema).bind(table.name.table).bind(std::int64_t{place}).bind(column.name);
      statement.bind(dms_type_name(column.type)).bind(static_cast<std::int64_t>(column.value_kind));
      statement.bind(column.length).bind(column.precision).bind(column.scale);
      statement.bind(std::int64_t{column.nullable}).bind(std::int64_t{column.lob}).bind(column.collation);
      statement.bind(column.source_type).bind(std::int64_t{column.number}).bind(key_place(table, place));
      DMSKAFKA_TRY(write(statement));
      statement.reset();
    }
    return {};
  }

  static std::optional<std::uint32_t> key_place(const TableSchema& table, std::uint32_t column) {
    for (std::uint32_t i = 0; i < table.primary_key.size(); ++i) {
      if (table.primary_key[i] == column) return i;
    }
    return std::nullopt;
  }

  Result<std::vector<TableSchema>> read_schemas() REQUIRES_LOCK(mutex_) {
    std::vector<TableSchema> tables;
    Statement head(database_.get(),
                   "SELECT schema_name, table_name, kind, source_handle, old_row FROM table_schema"
                   " ORDER BY schema_name, table_name");
    while (head.row()) {
      TableSchema& table = tables.emplace_back();
      table.name = TableName{head.text(0), head.text(1)};
      table.kind = static_cast<TableKind>(head.number(2));
      table.source_handle = head.text(3);
      table.old_row = static_cast<OldRow>(head.number(4));
    }
    if (!head.ok()) return sqlite_failure(database_.get(), path_);
    Statement columns(
        database_.get(),
        "SELECT name, type, value_kind, length, precision, scale, nullable, lob, collation,"
        " source_type, number, key_place FROM column_schema WHERE schema_name = ? AND table_name = ?"
        " ORDER BY place");
    for (TableSchema& table : tables) {
      columns.bind(table.name.schema).bind(table.name.table);
      while (columns.row()) DMSKAFKA_TRY(read_column(columns, table));
      if (!columns.ok()) return sqlite_failure(database_.get(), path_);
      columns.reset();
    }
    return tables;
  }

  Result<void> read_column(Statement& row, TableSchema& table) const {
    ColumnSchema column;
    column.name = row.text(0);
    const std::string type = row.text(1);
    const auto found = dms_type_of(type);
    if (!found) {
      return state_file_error(
          path_,
          fmt::format("damaged: {}.{} has the unknown type \"{}\"", table.name.text(), column.name, type),
          "restore it from a backup, or move it away and load again from the start");
    }
    column.type = *found;
    column.value_kind = static_cast<ValueKind>(row.number(2));
    column.length = row.optional_number(3);
    column.precision = row.optional_number(4);
    column.scale = row.optional_number(5);
    column.nullable = row.number(6) != 0;
    column.lob = row.number(7) != 0;
    column.collation = row.text(8);
    column.source_type = row.text(9);
    column.number = static_cast<std::uint32_t>(row.number(10));
    if (const auto place = row.optional_number(11)) {
      if (table.primary_key.size() <= *place) table.primary_key.resize(*place + 1);
      table.primary_key[*place] = static_cast<std::uint32_t>(table.columns.size());
    }
    table.columns.push_back(std::move(column));
    return {};
  }

  static std::optional<DmsType> dms_type_of(std::string_view name) {
    for (int i = 0; i <= static_cast<int>(DmsType::kString); ++i) {
      if (dms_type_name(static_cast<DmsType>(i)) == name) return static_cast<DmsType>(i);
    }
    return std::nullopt;
  }

  /// All of `writes` or nothing. A failure in it has ended the store already, and SQLite rolls back with it.
  template <typename Writes>
  Result<void> in_transaction(Writes writes) REQUIRES_LOCK(mutex_) {
    if (auto begun = execute(database_.get(), path_, "BEGIN IMMEDIATE"); !begun)
      return die(std::move(begun).error());
    DMSKAFKA_TRY(writes());
    if (auto done = execute(database_.get(), path_, "COMMIT"); !done) return die(std::move(done).error());
    return {};
  }

  Result<void> usable() const REQUIRES_LOCK(mutex_) {
    if (failure_) return *failure_;
    if (!database_) return Error(ErrorCode::kStateFile, fmt::format("state file {}: it is closed", path_));
    return {};
  }
  Result<void> writable() const REQUIRES_LOCK(mutex_) {
    DMSKAFKA_TRY(usable());
    if (!lock_)
      return Error(ErrorCode::kStateFile, fmt::format("state file {}: it is open for reading only", path_));
    return {};
  }
  Error die(Error error) REQUIRES_LOCK(mutex_) {
    failure_ = error;
    return error;
  }
  Result<void> write(Statement& statement) REQUIRES_LOCK(mutex_) {
    if (statement.run()) return {};
    return die(sqlite_failure(database_.get(), path_));
  }
  Result<TableState> state_of(const std::string& text, const TableName& table) const {
    for (const TableState state :
         {TableState::kBeforeLoad, TableState::kFullLoad, TableState::kTableCompleted,
          TableState::kTableCancelled, TableState::kTableError}) {
      if (table_state_name(state) == text) return state;
    }
    return state_file_error(path_,
                            fmt::format("damaged: {} has the unknown state \"{}\"", table.text(), text),
                            "restore it from a backup, or move it away and load again from the start");
  }

  const std::string path_;
  const std::int64_t data_error_bytes_max_;
  const bool has_cdc_tables_;
  mutable Mutex mutex_;
  std::unique_ptr<StateFileLock> lock_
      GUARDED_BY(mutex_);                 // null: reading only. Let go after the database is closed.
  Database database_ GUARDED_BY(mutex_);  // null: closed
  std::optional<Error> failure_ GUARDED_BY(mutex_);
  std::int64_t data_error_bytes_ GUARDED_BY(mutex_) = 0;
};

/// Absolute and without links: one name for the lock, the database and SQLite's -wal. SQLite gives an absolute path no
/// special meaning, where "file:x" and ":memory:" have one.
Result<std::string> resolve(const std::string& path) {
  std::error_code failed;
  const std::filesystem::path absolute = std::filesystem::absolute(path, failed);
  const std::filesystem::path resolved =
      failed ? absolute : std::filesystem::weakly_canonical(absolute, failed);
  if (path.empty() || failed || std::filesystem::is_directory(resolved, failed)) {
    return state_file_error(path, path.empty() ? "the name is empty" : "this is not a file's name",
                            "name a file with --state");
  }
  return resolved.string();
}

/// A new file is 0600 from its first moment; SQLite gives -wal and -shm the same mode.
Result<void> create_if_missing(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) == 0) {
    if (S_ISREG(status.st_mode)) return {};
    return state_file_error(path, "this is not a regular file", "name another file with --state");
  }
  // An existing file is never opened here: closing it would drop the locks SQLite may hold on it in this process.
  const int descriptor = open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return state_file_error(path, fmt::format("cannot be created: {}", std::strerror(errno)),
                            "choose a directory that can be written with --state");
  }
  ::close(descriptor);
  return {};
}

/// It holds whole messages in data_error: only its owner should read it.
void tighten_mode(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm"}) {
    const std::string file = path + suffix;
    struct stat status {};
    if (stat(file.c_str(), &status) != 0 || (status.st_mode & 077U) == 0) continue;
    if (chmod(file.c_str(), status.st_mode & 0700U) == 0) {
      log_info(fmt::format("state file {}: others could read it; its mode is now {:04o}", file,
                           status.st_mode & 0700U));
    } else {
      log_warning(fmt::format("state file {}: others can read it, and its mode cannot be changed: {}", file,
                              std::strerror(errno)));
    }
  }
}

Result<Database> open_database(const std::string& path, int flags) {
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  Database database(handle);  // also after a failure: it carries the text
  if (handle == nullptr) return state_file_error(path, "out of memory", "free some and try again");
  if (code != SQLITE_OK) return sqlite_failure(handle, path);
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  // The last one to close a database folds its WAL into it: only for a database that proved to be ours to write.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  return database;
}

/// A file made before a column was there gets it.
Result<void> add_column(sqlite3* database, const std::string& path, const LaterColumn& column) {
  DMSKAFKA_ASSIGN(const bool there, has_column(database, path, column));
  if (there) return {};
  const std::string sql =
      fmt::format("ALTER TABLE {} ADD COLUMN {} INTEGER NOT NULL DEFAULT 0", column.table, column.name);
  return execute(database, path, sql.c_str());
}

Result<void> prepare_for_writing(sqlite3* database, const std::string& path) {
  DMSKAFKA_ASSIGN(const FileContent content, check_content(database, path));
  sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
  tighten_mode(path);
  Statement journal(database, "PRAGMA journal_mode = WAL");
  if (!journal.row()) return sqlite_failure(database, path);
  if (const std::string mode = journal.text(0); mode != "wal") {
    return state_file_error(path, fmt::format("SQLite cannot use WAL here (journal mode \"{}\")", mode),
                            "keep the state file on a local disk, not on a network file system; see --state");
  }
  journal.run();
  // FULL: a commit is on the disk when it returns. SQLite syncs the directory when it creates the -wal.
  DMSKAFKA_TRY(execute(database, path, "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864"));
  const bool filled = content == FileContent::kStateFile || content == FileContent::kVersion1;
  if (filled) DMSKAFKA_TRY(add_column(database, path, kValuesCut));
  if (content == FileContent::kStateFile) {
    DMSKAFKA_TRY(add_column(database, path, kCaughtUp));
    return add_column(database, path, kStarted);
  }
  const char* const rest = content == FileContent::kVersion1
                               ? "DROP TABLE checkpoint; DROP TABLE table_statistics;"
                               : kStateFileSchema;
  const std::string create =
      fmt::format("BEGIN IMMEDIATE; {} {} PRAGMA application_id = {}; PRAGMA user_version = {}; COMMIT", rest,
                  kStateFileCdcTables, kStateFileApplicationId, kStateFileSchemaVersion);
  return execute(database, path, create.c_str());
}

class NullCheckpointStore : public CheckpointStore {
 public:
  Result<std::optional<TaskRecord>> load_task() override { return std::optional<TaskRecord>(); }
  Result<void> save_task(const TaskRecord&) override { return {}; }
  Result<void> discard_task() override { return {}; }
  Result<std::vector<TableLoadRecord>> load_tables() override { return std::vector<TableLoadRecord>(); }
  Result<void> save_table(const TableLoadRecord&) override { return {}; }
  Result<std::vector<SegmentPlanRecord>> load_segment_plans() override {
    return std::vector<SegmentPlanRecord>();
  }
  Result<void> save_segment_plans(std::span<const SegmentPlanRecord>) override { return {}; }
  Result<void> save_segments_done(const TableName&, std::span<const SegmentLoadRecord>) override {
    return {};
  }
  Result<LoadThreadsRecord> load_threads() override { return LoadThreadsRecord{}; }
  Result<void> save_threads(const LoadThreadsRecord&) override { return {}; }
  Result<std::optional<CdcCheckpoint>> load_checkpoint() override { return std::optional<CdcCheckpoint>(); }
  Result<void> save_checkpoint(const CheckpointUpdate&) override { return {}; }
  Result<std::vector<TableStatistics>> load_statistics() override { return std::vector<TableStatistics>(); }
  Result<std::vector<TableSchema>> load_schemas() override { return std::vector<TableSchema>(); }
  Result<void> add_data_error(const DataErrorRecord&) override { return {}; }
  Result<std::uint64_t> count_data_errors() override { return std::uint64_t{0}; }
  Result<void> close() override { return {}; }
};

}  // namespace

Result<std::unique_ptr<CheckpointStore>> open_checkpoint_store(const CheckpointStoreOptions& options) {
  DMSKAFKA_ASSIGN(const std::string path, resolve(options.path));
  DMSKAFKA_ASSIGN(std::unique_ptr<StateFileLock> lock, StateFileLock::acquire(path));
  DMSKAFKA_TRY(create_if_missing(path));
  DMSKAFKA_ASSIGN(Database database, open_database(path, SQLITE_OPEN_READWRITE));
  DMSKAFKA_TRY(prepare_for_writing(database.get(), path));
  auto store = std::make_unique<SqliteCheckpointStore>(path, std::move(lock), std::move(database),
                                                       options.data_error_bytes_max, true);
  DMSKAFKA_TRY(store->count_data_error_bytes());
  return std::unique_ptr<CheckpointStore>(std::move(store));
}

Result<std::unique_ptr<CheckpointStore>> open_checkpoint_store_for_reading(const std::string& path) {
  DMSKAFKA_ASSIGN(const std::string resolved, resolve(path));
  if (access(resolved.c_str(), R_OK) != 0) {
    if (errno != ENOENT) return state_file_error(resolved, std::strerror(errno), "see --state");
    return state_file_error(resolved, "there is no such file",
                            "no load has run with it yet; give --state or --task-id as the load had them");
  }
  DMSKAFKA_ASSIGN(Database database, open_database(resolved, SQLITE_OPEN_READONLY));
  DMSKAFKA_ASSIGN(const FileContent content, check_content(database.get(), resolved));
  if (content == FileContent::kEmpty) {
    return state_file_error(resolved, "it is empty",
                            "no load has run with it yet; give --state as the load had it");
  }
  return std::unique_ptr<CheckpointStore>(std::make_unique<SqliteCheckpointStore>(
      resolved, nullptr, std::move(database), 0, content == FileContent::kStateFile));
}

std::unique_ptr<CheckpointStore> make_null_checkpoint_store() {
  return std::make_unique<NullCheckpointStore>();
}

}  // namespace dmskafka

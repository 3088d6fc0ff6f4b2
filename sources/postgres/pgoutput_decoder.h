#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/base/log_batch.h"
#include "core/base/result.h"
#include "sources/postgres/lsn.h"
#include "sources/postgres/pgoutput_message.h"

namespace dmskafka::postgres {

/// A relation of the log as the table that it stands for.
struct FollowedRelation {
  std::shared_ptr<const TableSchema> schema;  ///< null: not followed, its changes are passed over
  std::uint32_t table = 0;                    ///< the table's oid: of a leaf, that of its root
  /// Column of the log -> column of the schema, or kNoColumn.
  std::vector<std::uint32_t> column_of;
  /// Columns of the log whose value in an old row (K or O) is real; in the others a null says nothing.
  std::vector<bool> known_in_old;
  /// How many relations of the log make up the table: 1, or the leaves of a partitioned one that is published by its leaves.
  std::size_t parts = 1;

  /// The table through which DDL travels (ddl_capture.h): each row inserted is a statement.
  bool ddl_audit = false;

  static constexpr std::uint32_t kNoColumn = UINT32_MAX;
};

/// Knows which relations are followed, and as which tables. Called by the decoder, on its thread.
class RelationCatalog {
 public:
  virtual ~RelationCatalog() = default;
  /// Errors end the stream. The schema stays the same object while the table does.
  virtual Result<FollowedRelation> resolve(const RelationMessage& relation) = 0;
  /// A statement dropped the table. Null: it is not followed, or that was told already.
  virtual std::shared_ptr<const TableSchema> drop([[maybe_unused]] std::uint32_t oid) { return nullptr; }
  /// Puts into `row` the values that the log did not repeat (kUnchanged), as the source has them now, into the memory of
  /// `batch`. Returns the columns that it found. Errors end the stream.
  virtual Result<std::vector<std::uint32_t>> fetch_unchanged(
      [[maybe_unused]] const FollowedRelation& followed, [[maybe_unused]] std::span<Value> row,
      [[maybe_unused]] ChangeBatch& batch) {
    return std::vector<std::uint32_t>();
  }
};

/// Turns the messages of pgoutput, protocol version 1, into events and changes. Pure: no I/O of its own.
/// PostgreSQL's manual: "Logical Replication Message Formats".
///
///   B  final_lsn u64, commit time u64, xid u32         begins a transaction; it comes whole, in the order of commits
///   C  flags u8, commit_lsn u64, end_lsn u64, time u64
///   R  oid u32, schema, table, identity u8, n u16, n × (flags u8, name, type u32, modifier u32)
///   I  oid u32, 'N', row        U  oid u32, ['K' or 'O', row], 'N', row        D  oid u32, 'K' or 'O', row
///   T  n u32, options u8, n × oid u32                  M  flags u8, lsn u64, prefix, size u32, bytes
///   O  origin and Y  type tell us nothing.   row: n u16, n × ('n' | 'u' | 't' size u32 bytes)
///
/// Only begin and commit have positions that are ordered; those of rows are not looked at.
/// Thread: one at a time.
class PgoutputDecoder {
 public:
  /// Transactions that committed before `from` are passed over. `catalog` outlives it.
  /// `system_id` goes into positions.
  PgoutputDecoder(RelationCatalog& catalog, Lsn from, std::string system_id)
      : catalog_(catalog), from_(from), system_id_(std::move(system_id)), last_end_(from) {}

  /// REQUIRED before the first message that goes into another (or a cleared) batch.
  void start_batch() noexcept { transaction_ = nullptr; }
  /// Appends what the message says. Errors: kSourceRejected (bytes that are no message), those of the catalog.
  Result<void> decode(std::string_view message, LogBatch& batch);

  bool in_transaction() const noexcept { return open_; }
  /// Of the last transaction that began; 0 before the first.
  std::int64_t commit_microseconds() const noexcept { return commit_microseconds_; }
  /// The end of the last transaction that was handed over; `from` before the first.
  Lsn last_end() const noexcept { return last_end_; }

 private:
  struct Relation {
    RelationMessage message;
    FollowedRelation followed;
  };

  Result<void> begin(MessageReader& reader);
  Result<void> commit(MessageReader& reader, LogBatch& batch);
  Result<void> relation(MessageReader& reader);
  Result<void> change(std::string_view message, LogBatch& batch);
  Result<void> statement(const Relation& audit, MessageReader& reader, LogBatch& batch);
  Result<void> truncate(MessageReader& reader, LogBatch& batch);
  Result<Relation*> find(std::uint32_t oid);
  void tell_table(const FollowedRelation& followed, LogBatch& batch);
  LogEvent& table_event(LogEventKind kind, std::shared_ptr<const TableSchema> schema, LogBatch& batch);
  const SourceTransaction* transaction(LogBatch& batch);
  std::string_view stream_position(LogBatch& batch) const;
  bool passing_over() const noexcept { return final_lsn_ < from_; }

  RelationCatalog& catalog_;
  const Lsn from_;
  const std::string system_id_;
  Lsn last_end_;
  std::unordered_map<std::uint32_t, Relation> relations_;
  Relation* last_relation_ = nullptr;  // changes of one table follow one another
  std::unordered_map<std::uint32_t, std::shared_ptr<const TableSchema>>
      told_;  // by table: its last table event
  const TableSchema* last_told_ = nullptr;

  // The open transaction.
  bool open_ = false;
  Lsn final_lsn_ = 0;
  std::int64_t commit_microseconds_ = 0;
  std::uint32_t xid_ = 0;
  std::uint64_t record_ = 0;                        // the last record's number
  std::string position_text_;                       // "00000002/7C007178"
  const SourceTransaction* transaction_ = nullptr;  // its copy in the current batch
};

}  // namespace dmskafka::postgres

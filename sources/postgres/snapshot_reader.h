#pragma once
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "core/task/source.h"
#include "sources/postgres/connection.h"
#include "sources/postgres/row_conditions.h"
#include "sources/postgres/snapshot.h"

namespace dmskafka::postgres {

/// A new connection whose transaction has the snapshot, which is proved.
/// Errors: those of Connection::open(); kSourceUnavailable also when the snapshot has ended.
Result<Connection> open_snapshot_connection(const SnapshotFacts& facts, const std::stop_token& stop);

/// The table as a SELECT names it: `ONLY "s"."t"`, or without ONLY where the rows are in partitions.
std::string from_clause(const TableSchema& table);

/// `SELECT "a", "b" FROM ONLY "s"."t"`: every column of the schema, in its order, of one segment, without the rows that the
/// server may leave out. Errors: kStateFile: a range that is none of ours.
Result<std::string> select_statement(const Segment& segment, ServerEncoding encoding);

class PostgresSnapshotReader final : public SnapshotReader {
 public:
  /// `facts` outlives it.
  PostgresSnapshotReader(const SnapshotFacts& facts, Connection connection)
      : facts_(facts), connection_(std::move(connection)) {}
  Result<std::unique_ptr<SegmentReader>> open(const Segment& segment) override;
  void work_in(ProcessorTurn& turn) override { turn_ = &turn; }

 private:
  Result<void> ensure_snapshot();

  const SnapshotFacts& facts_;
  Connection connection_;
  ProcessorTurn* turn_ = nullptr;  // null: nobody takes turns
};

/// Reads by SELECT in single-row mode: measured faster than COPY in text form, whose escapes would have to be undone.
class PostgresSegmentReader final : public SegmentReader {
 public:
  /// `turn` null: nobody takes turns.
  PostgresSegmentReader(Connection& connection, const SnapshotFacts& facts, const TableSchema& table,
                        std::string statement, ProcessorTurn* turn)
      : connection_(connection),
        facts_(facts),
        table_(table),
        statement_(std::move(statement)),
        turn_(turn) {}
  PostgresSegmentReader(const PostgresSegmentReader&) = delete;
  PostgresSegmentReader& operator=(const PostgresSegmentReader&) = delete;
  ~PostgresSegmentReader() override { connection_.abandon(); }

  Result<Status> read(ChangeBatch& batch, std::stop_token stop) override;

 private:
  Result<void> start(const std::stop_token& stop);
  Result<Status> read_rows(ChangeBatch& batch, const std::stop_token& stop);
  void take_turn(const std::stop_token& stop) {
    if (turn_ != nullptr) turn_->take(stop);
  }
  void end_turn() noexcept {
    if (turn_ != nullptr) turn_->end();
  }
  Result<void> check_not_rewritten(const std::stop_token& stop);
  Error failure(const pg_result* refusal);
  TableAccess access() const;

  Connection& connection_;
  const SnapshotFacts& facts_;
  const TableSchema& table_;
  const std::string statement_;
  ProcessorTurn* const turn_;
  bool started_ = false;
};

}  // namespace dmskafka::postgres

#include "sources/postgres/snapshot_reader.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <cstring>

#include "sources/postgres/catalog.h"
#include "sources/postgres/identifier.h"
#include "sources/postgres/row_range.h"
#include "sources/postgres/sql/queries.h"

namespace dmskafka::postgres {
namespace {

/// Rows that came are handed over when nothing more comes for so long: a slow view must not keep them.
constexpr std::chrono::milliseconds kPartialBatchWait{250};

Result<void> adopt_snapshot(Connection& connection, const SnapshotFacts& facts, const std::stop_token& stop) {
  // The name is hexadecimal digits and dashes, given by the server.
  const std::string statements = fmt::format(
      "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '{}'", facts.name);
  DMSKAFKA_ASSIGN(const Connection::Outcome outcome,
                  connection.run(statements, std::chrono::seconds(60), stop));
  if (outcome.failure) {
    return Error(ErrorCode::kSourceUnavailable,
                 fmt::format("the snapshot {} is gone: {}", facts.name, outcome.failure->message))
        .hint("the connection that held it ended");
  }
  DMSKAFKA_ASSIGN(const QueryResult proof,
                  connection.query("select pg_catalog.txid_current_snapshot()::text", {}, stop));
  if (proof.text(0, 0) != facts.proof) {
    return Error(ErrorCode::kInternal,
                 fmt::format("a reader does not have the snapshot {}: it sees {} instead of {}", facts.name,
                             proof.text(0, 0), facts.proof));
  }
  return {};
}

ServerEncoding server_encoding(const Connection& connection) {
  return connection.parameter("server_encoding") == "UTF8" ? ServerEncoding::kUtf8 : ServerEncoding::kOther;
}

/// The one copy of a row: from libpq's memory into the batch's.
void append_row(const pg_result* row, const TableSchema& table, ChangeBatch& batch) {
  const int columns = PQnfields(row);
  const std::span<Value> values = batch.allocate_values(static_cast<std::size_t>(columns));
  // Each question to libpq checks its arguments anew, so that as few as possible are asked: first the values as libpq holds
  // them, then the same in the batch.
  std::size_t bytes = 0;
  for (int i = 0; i < columns; ++i) {
    const auto size = static_cast<std::uint32_t>(PQgetlength(row, 0, i));
    const bool null = size == 0 && PQgetisnull(row, 0, i) != 0;
    values[static_cast<std::size_t>(i)] =
        null ? Value::null() : Value(ValueForm::kText, PQgetvalue(row, 0, i), size);
    bytes += size;
  }
  char* to = batch.allocate_bytes(bytes);
  for (Value& value : values) {
    if (value.is_null()) continue;
    const std::string_view text = value.view();
    std::memcpy(to, text.data(), text.size());
    value = Value(ValueForm::kText, to, static_cast<std::uint32_t>(text.size()));
    to += text.size();
  }
  Change& change = batch.add();
  change.operation = Operation::kLoad;
  change.table = &table;
  change.after = values;
}

}  // namespace

Result<Connection> open_snapshot_connection(const SnapshotFacts& facts, const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(Connection connection, Connection::open(facts.settings, stop));
  DMSKAFKA_TRY(adopt_snapshot(connection, facts, stop));
  return connection;
}

std::string from_clause(const TableSchema& table) {
  // The children of an inheritance parent are tables of their own; those of a partitioned table are its rows.
  const bool only = TableHandle::parse(table.source_handle).relation_kind == 'r';
  return (only ? "ONLY " : "") + quote_table(table.name);
}

Result<std::string> select_statement(const Segment& segment, ServerEncoding encoding) {
  const TableSchema& table = *segment.table;
  std::string statement = "SELECT ";
  for (const ColumnSchema& column : table.columns) {
    if (&column != &table.columns.front()) statement += ", ";
    statement += quote_identifier(column.name);
  }
  std::string from = from_clause(table);
  std::string condition;
  if (!segment.range.empty()) {
    DMSKAFKA_ASSIGN(const RowRange range, parse_row_range(segment.range));
    if (range.partition) from = "ONLY " + quote_table(*range.partition);
    condition = row_condition(range);
  }
  if (segment.condition != nullptr) {
    const std::string rows = condition_sql(table, *segment.condition, encoding);
    if (!rows.empty()) condition = condition.empty() ? rows : fmt::format("({}) AND {}", condition, rows);
  }
  statement += " FROM " + from;
  return condition.empty() ? statement : statement + " WHERE " + condition;
}

Result<std::unique_ptr<SegmentReader>> PostgresSnapshotReader::open(const Segment& segment) {
  if (const auto reason = facts_.unreadable.find(segment.table); reason != facts_.unreadable.end())
    return reason->second;
  DMSKAFKA_ASSIGN(std::string statement, select_statement(segment, server_encoding(connection_)));
  DMSKAFKA_TRY(ensure_snapshot());
  return std::unique_ptr<SegmentReader>(std::make_unique<PostgresSegmentReader>(
      connection_, facts_, *segment.table, std::move(statement), turn_));
}

/// An abandoned or refused SELECT took the transaction, and with it the snapshot; a broken connection took both.
Result<void> PostgresSnapshotReader::ensure_snapshot() {
  if (connection_.in_transaction()) return {};
  const std::stop_token never;  // both ways are bounded by themselves
  if (connection_.usable()) {
    DMSKAFKA_ASSIGN(const Connection::Outcome outcome,
                    connection_.run("ROLLBACK", std::chrono::seconds(60), never));
    if (outcome.failure) return query_error(*outcome.failure);
    return adopt_snapshot(connection_, facts_, never);
  }
  DMSKAFKA_ASSIGN(connection_, open_snapshot_connection(facts_, never));
  return {};
}

TableAccess PostgresSegmentReader::access() const {
  return TableAccess{table_.name, connection_.user(), TableHandle::parse(table_.source_handle).row_security};
}

Result<void> PostgresSegmentReader::start(const std::stop_token& stop) {
  started_ = true;
  return connection_.start_rows(statement_, stop);
}

Result<SegmentReader::Status> PostgresSegmentReader::read(ChangeBatch& batch, std::stop_token stop) {
  if (!started_) DMSKAFKA_TRY(start(stop));
  if (stop.stop_requested())
    return Error(ErrorCode::kCancelled, "stopped while reading " + table_.name.text());
  take_turn(stop);
  DMSKAFKA_ASSIGN(const Status status, read_rows(batch, stop));
  if (!batch.empty()) take_turn(stop);
  return status;
}

Result<SegmentReader::Status> PostgresSegmentReader::read_rows(ChangeBatch& batch,
                                                               const std::stop_token& stop) {
  ResultHandle row;
  while (!batch.full()) {
    switch (connection_.next_row(row, kPartialBatchWait, stop, turn_)) {
      case Connection::Row::kRow: append_row(row.get(), table_, batch); break;
      case Connection::Row::kEnd: DMSKAFKA_TRY(check_not_rewritten(stop)); return Status::kEnd;
      case Connection::Row::kFailed: return failure(row.get());
      case Connection::Row::kNotYet:
        if (stop.stop_requested())
          return Error(ErrorCode::kCancelled, "stopped while reading " + table_.name.text());
        if (!batch.empty()) return Status::kMore;
        break;
    }
  }
  return Status::kMore;
}

/// Of a rewritten table the rows we got may be fewer than the snapshot has. A lock keeps rewriters out, but only while the
/// connection that holds it lives, and a reader goes on without that one.
Result<void> PostgresSegmentReader::check_not_rewritten(const std::stop_token& stop) {
  end_turn();
  DMSKAFKA_ASSIGN(
      const QueryResult rewritten,
      connection_.query(kRewrittenRelationsSql, {TableHandle::parse(table_.source_handle).oid}, stop));
  if (rewritten.text(0, 0) == "0") return {};
  if (facts_.locked.contains(&table_)) {
    return Error(
        ErrorCode::kSourceUnavailable,
        fmt::format(
            "{}: the table was truncated or rewritten after the connection that held its lock was lost",
            table_.name.text()));
  }
  return Error(ErrorCode::kTableUnreadable, fmt::format("{}: the table was truncated or rewritten while it "
                                                        "was read without a lock, so rows may be missing",
                                                        table_.name.text()))
      .hint("run the load again, with LockTables on");
}

Error PostgresSegmentReader::failure(const pg_result* refusal) {
  end_turn();
  const NativeError native = native_error(refusal, connection_.native());
  connection_.finish_failed();
  if (!connection_.usable()) return query_error(native);
  return table_error(native, access());
}

}  // namespace dmskafka::postgres

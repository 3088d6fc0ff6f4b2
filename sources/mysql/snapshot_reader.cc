#include "sources/mysql/snapshot_reader.h"

#include <utility>

#include "sources/mysql/identifier.h"
#include "sources/mysql/key_values.h"
#include "sources/mysql/row_range.h"
#include "sources/mysql/segment_planner.h"

namespace dmskafka::mysql {

Result<std::string> select_statement(const Segment& segment) {
  const TableSchema& table = *segment.table;
  std::string statement = "SELECT ";
  for (const ColumnSchema& column : table.columns) {
    if (&column != &table.columns.front()) statement += ", ";
    statement += select_expression(column);
  }
  DMSKAFKA_ASSIGN(const RowRange range, parse_row_range(segment.range));
  statement += " FROM " + from_clause(table.name, range.partition);
  if (!range.keys) return statement;
  for (const std::string& name : range.keys->columns) {
    if (table.find_column(name)) continue;
    return Error(ErrorCode::kStateFile, "the state file holds a range of a column that is gone: " + name);
  }
  return statement + " WHERE " + range_condition(table, *range.keys);
}

Result<std::unique_ptr<SegmentReader>> MysqlSnapshotReader::open(const Segment& segment) {
  if (const auto reason = unreadable_.find(segment.table); reason != unreadable_.end()) return reason->second;
  if (!session_.in_transaction()) {
    return Error(ErrorCode::kSourceUnavailable,
                 "MySQL: a session lost its transaction, and the snapshot with it");
  }
  DMSKAFKA_ASSIGN(std::string statement, select_statement(segment));
  return std::unique_ptr<SegmentReader>(
      std::make_unique<MysqlSegmentReader>(pool_, session_, *segment.table, std::move(statement)));
}

Result<SegmentReader::Status> MysqlSegmentReader::read(ChangeBatch& batch, std::stop_token stop) {
  if (!started_) {
    started_ = true;
    DMSKAFKA_ASSIGN(const std::optional<NativeError> refusal, session_.start_rows(statement_, stop));
    if (refusal) return failure(*refusal, stop);
  }
  const Interruption interruption(session_, stop);
  char** values = nullptr;
  const unsigned long* lengths = nullptr;
  while (!batch.full()) {
    switch (session_.next_row(values, lengths)) {
      case Connection::Row::kRow: values_.add_row(values, lengths, batch); break;
      case Connection::Row::kEnd: return Status::kEnd;
      case Connection::Row::kFailed: return failure(session_.failure(), stop);
    }
  }
  return Status::kMore;
}

Error MysqlSegmentReader::failure(const NativeError& native, const std::stop_token& stop) {
  if (stop.stop_requested())
    return Error(ErrorCode::kCancelled, "stopped while reading " + table_.name.text());
  return table_error(native, table_.name, session_.account());
}

}  // namespace dmskafka::mysql

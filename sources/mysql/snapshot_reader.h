#pragma once
#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include "core/task/source.h"
#include "sources/mysql/connection.h"
#include "sources/mysql/snapshot.h"
#include "sources/mysql/value_reader.h"

namespace dmskafka::mysql {

/// `SELECT a, b FROM s.t`: every column of the schema, in its order, of one segment. Errors: kStateFile: a range that is none of
/// ours.
Result<std::string> select_statement(const Segment& segment);

class MysqlSnapshotReader final : public SnapshotReader {
 public:
  /// `pool` and `unreadable` outlive it.
  MysqlSnapshotReader(SessionPool& pool, const std::map<const TableSchema*, Error>& unreadable,
                      Connection session)
      : pool_(pool), unreadable_(unreadable), session_(std::move(session)) {}
  MysqlSnapshotReader(const MysqlSnapshotReader&) = delete;
  MysqlSnapshotReader& operator=(const MysqlSnapshotReader&) = delete;
  ~MysqlSnapshotReader() override { pool_.give_back(std::move(session_)); }
  Result<std::unique_ptr<SegmentReader>> open(const Segment& segment) override;

 private:
  SessionPool& pool_;
  const std::map<const TableSchema*, Error>& unreadable_;
  Connection session_;
};

/// Reads by the text protocol, row by row as they come.
class MysqlSegmentReader final : public SegmentReader {
 public:
  MysqlSegmentReader(SessionPool& pool, Connection& session, const TableSchema& table, std::string statement)
      : pool_(pool), session_(session), table_(table), values_(table), statement_(std::move(statement)) {}
  MysqlSegmentReader(const MysqlSegmentReader&) = delete;
  MysqlSegmentReader& operator=(const MysqlSegmentReader&) = delete;
  ~MysqlSegmentReader() override { pool_.abandon_rows(session_); }
  Result<Status> read(ChangeBatch& batch, std::stop_token stop) override;

 private:
  Error failure(const NativeError& native, const std::stop_token& stop);

  SessionPool& pool_;
  Connection& session_;
  const TableSchema& table_;
  const ValueReader values_;
  const std::string statement_;
  bool started_ = false;
};

}  // namespace dmskafka::mysql

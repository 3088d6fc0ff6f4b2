#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/task/source.h"
#include "sources/mysql/connection.h"

namespace dmskafka::mysql {

using Cell = std::optional<std::string>;
using Rows = std::vector<std::vector<Cell>>;

/// A server that the environment names.
struct TestServer {
  std::string name;  ///< "MariaDB", "MySQL 8", "MySQL 5.7"
  SourceSettings settings;
};
/// Those there are, or the one whose variable DMSKAFKA_TEST_ONLY names; none, with words on the terminal: the test is skipped.
const std::vector<TestServer>& test_servers();

/// A plain session: it prepares what a test reads, and says by itself what is there. Throws std::runtime_error when a statement
/// fails: a test that cannot prepare has failed.
class TestSession {
 public:
  explicit TestSession(const SourceSettings& settings);
  /// The rows of the last statement.
  Rows exec(const std::string& statements);
  /// The number of the error of a statement that must fail.
  unsigned exec_failing(const std::string& statement);

 private:
  struct Close {
    void operator()(st_mysql* handle) const noexcept;
  };
  std::unique_ptr<st_mysql, Close> handle_;
};

/// A database of its own; dropped at the end.
class TestDatabase {
 public:
  explicit TestDatabase(const TestServer& server);
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  const std::string& name() const { return name_; }
  TableName table(std::string table_name) const { return {name_, std::move(table_name)}; }
  TestSession session() const { return TestSession(settings_); }
  const SourceSettings& settings() const { return settings_; }
  std::unique_ptr<Source> open_source(std::uint32_t connections_max = 4, bool lock_tables = true) const;

 private:
  std::string name_;
  SourceSettings settings_;
};

/// A source with a snapshot of some tables.
struct Opened {
  Opened(const TestDatabase& database, const std::vector<std::string>& tables,
         std::uint32_t connections_max = 4, bool lock_tables = true);
  std::unique_ptr<SnapshotReader> reader() const;

  std::unique_ptr<Source> source;
  std::vector<TableSchema> schemas;
  std::unique_ptr<Snapshot> snapshot;
};

/// Reads a table, or one segment, to its end; bytes as 0x and digits. Throws with the Error's text when reading fails.
Rows read_all(SnapshotReader& reader, const TableSchema& table);
Rows read_segment(SnapshotReader& reader, const Segment& segment);
/// The error that reading must give.
Error read_failure(SnapshotReader& reader, const TableSchema& table, std::stop_token stop = {});
std::vector<TableSchema> describe(Source& source, const std::vector<TableName>& names);
std::vector<const TableSchema*> pointers(const std::vector<TableSchema>& schemas);
/// Asks until `SELECT condition` is true; throws after half a minute.
void wait_until(TestSession& session, const std::string& condition);

}  // namespace dmskafka::mysql

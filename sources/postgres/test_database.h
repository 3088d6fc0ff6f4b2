#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/task/source.h"
#include "sources/postgres/connection.h"

namespace dmskafka::postgres {

using Cell = std::optional<std::string>;
using Rows = std::vector<std::vector<Cell>>;

/// A plain libpq session: it prepares what a test reads, and says by itself what is there.
class TestSession {
 public:
  /// Throws std::runtime_error, like all of its calls: a test that cannot prepare has failed.
  explicit TestSession(const std::string& uri);
  Rows exec(const std::string& statements);
  /// The SQLSTATE of a statement that must fail.
  std::string exec_failing(const std::string& statement);
  int version() const;

 private:
  ConnectionHandle handle_;
};

/// A database of its own on the server that DMSKAFKA_TEST_POSTGRES (a URI of a superuser) names; dropped at the end.
class TestDatabase {
 public:
  /// False, with words on the terminal, when the environment names no server: the test is skipped.
  static bool available();
  explicit TestDatabase(const std::string& options = "");
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  TestSession session() const { return TestSession(uri_); }
  SourceSettings settings() const;
  std::unique_ptr<Source> open_source(std::uint32_t connections_max = 4, bool lock_tables = true) const;

 private:
  std::string name_;
  std::string uri_;
};

/// Reads a table to its end. Throws with the Error's text when reading fails.
Rows read_all(SnapshotReader& reader, const TableSchema& table);
/// The same for one segment.
Rows read_segment(SnapshotReader& reader, const Segment& segment);
std::vector<TableSchema> describe(Source& source, const std::vector<TableName>& names);
std::vector<const TableSchema*> pointers(const std::vector<TableSchema>& schemas);

}  // namespace dmskafka::postgres

#pragma once
#include <doctest/doctest.h>
#include <sqlite3.h>
#include <stdlib.h>  // mkdtemp

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/settings/source_settings.h"
#include "sources/sqlite/sqlite_source.h"

namespace dmskafka {

/// A database file in a directory of its own, and the connection of "the application" that writes to it.
class TestDatabase {
 public:
  explicit TestDatabase(const std::string& sql = "", const std::string& name = "shop.db") {
    std::string directory = (std::filesystem::temp_directory_path() / "dmskafka-sqlite-XXXXXX").string();
    REQUIRE(mkdtemp(directory.data()) != nullptr);
    directory_ = std::filesystem::canonical(directory);
    path_ = (directory_ / name).string();
    REQUIRE(sqlite3_open(path_.c_str(), &handle_) == SQLITE_OK);
    execute(sql);
  }
  ~TestDatabase() {
    sqlite3_close_v2(handle_);
    std::filesystem::remove_all(directory_);
  }
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  void execute(const std::string& sql) {
    const int code = try_execute(sql);
    INFO(sqlite3_errmsg(handle_));
    REQUIRE(code == SQLITE_OK);
  }
  int try_execute(const std::string& sql) {
    return sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  }
  const std::string& path() const { return path_; }
  const std::filesystem::path& directory() const { return directory_; }
  sqlite3* handle() const { return handle_; }

 private:
  std::filesystem::path directory_;
  std::string path_;
  sqlite3* handle_ = nullptr;
};

inline SourceSettings sqlite_settings(const std::string& file) {
  SourceSettings settings;
  settings.kind = SourceKind::kSqlite;
  settings.file = file;
  return settings;
}

inline std::unique_ptr<Source> open_source(const std::string& file) {
  auto source = open_sqlite_source(sqlite_settings(file));
  if (!source) FAIL(source.error().to_string());
  return std::move(source).value();
}

inline TableSchema describe(Source& source, const std::string& table) {
  const std::vector<TableName> names{TableName{"main", table}};
  auto schemas = source.describe_tables(names);
  if (!schemas) FAIL(schemas.error().to_string());
  if (!schemas.value().at(0)) FAIL(schemas.value().at(0).error().to_string());
  return schemas.value().at(0).value();
}

/// A snapshot and its one reader, on one table.
struct OpenTable {
  TableSchema schema;
  std::unique_ptr<Snapshot> snapshot;
  std::unique_ptr<SnapshotReader> reader;
  std::unique_ptr<SegmentReader> rows;
};

inline std::unique_ptr<OpenTable> open_table(Source& source, const std::string& table) {
  auto open = std::make_unique<OpenTable>();
  open->schema = describe(source, table);
  const TableSchema* schema = &open->schema;
  auto snapshot = source.open_snapshot({&schema, 1}, {});
  if (!snapshot) FAIL(snapshot.error().to_string());
  open->snapshot = std::move(snapshot).value();
  open->reader = open->snapshot->open_reader({}).value();
  auto rows = open->reader->open(Segment{&open->schema, 0, ""});
  if (!rows) FAIL(rows.error().to_string());
  open->rows = std::move(rows).value();
  return open;
}

/// A value that outlives its batch.
struct KeptValue {
  ValueForm form;
  std::string bytes;
  friend bool operator==(const KeptValue&, const KeptValue&) = default;
};
using KeptRow = std::vector<KeptValue>;

inline std::vector<KeptRow> read_all(SegmentReader& rows) {
  std::vector<KeptRow> kept;
  ChangeBatch batch;
  for (;;) {
    batch.clear();
    auto status = rows.read(batch, {});
    if (!status) FAIL(status.error().to_string());
    for (const Change& change : batch.changes()) {
      CHECK(change.operation == Operation::kLoad);
      KeptRow row;
      for (const Value& value : change.after) row.push_back({value.form(), std::string(value.view())});
      kept.push_back(std::move(row));
    }
    if (status.value() == SegmentReader::Status::kEnd) return kept;
  }
}

}  // namespace dmskafka

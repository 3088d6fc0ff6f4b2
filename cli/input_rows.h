#pragma once
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/change.h"
#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/json/json_reader.h"

namespace dmskafka {

/// Rows and changes from NDJSON, one a line, in the stead of a database:
///
///   {"schema": "public", "table": "orders", "row": {"id": 1, "note": null}}
///   {"schema": "public", "table": "orders", "op": "update", "row": {"id": 1, "note": "a"}, "before": {"id": 1, "note": null}}
///
/// "op": load (the default), insert, update or delete; documented names are taken, too. A delete's row is its "before", or
/// its "row". Further members, all optional: "primary-key" (names of columns), "types" ({"id": "int8"}, AWS's words) and
/// "replica-identity" (PostgreSQL's; without it old rows are whole, as of MySQL) of the table, which hold for it from that line
/// on; "transaction-id", "transaction-record-id", "commit-timestamp", "stream-position" and "unchanged-columns" (long values
/// that the log does not repeat) of a change. A column without a type takes each value by its JSON kind, as SQLite's do.
///
/// Thread: one at a time.
class InputRows {
 public:
  /// `file`: a path, "-" for standard input. Errors: kInvalidSettings.
  static Result<InputRows> open(const std::string& file);

  /// One line. The table's schema is another object whenever a line made it another table.
  struct Row {
    std::shared_ptr<const TableSchema> schema;
    Change change;
  };
  /// The next row, whose values live until the next call; nullopt at the end. `now` is the commit time of a change without
  /// one. Errors: kInvalidSettings with the place, kSourceRejected when the file cannot be read further.
  Result<std::optional<Row>> next(WallTime now);

 private:
  struct FileCloser {
    void operator()(std::FILE* file) const noexcept;
  };
  InputRows(std::string name, std::FILE* file) : name_(std::move(name)), file_(file) {}

  Result<bool> read_line(std::string& line);
  Result<Row> read_row(const JsonValue& line, WallTime now);
  Result<void> extend(const JsonValue& line, std::shared_ptr<const TableSchema>& schema) const;
  Result<RowView> values_of(const JsonValue* row, const JsonValue* unchanged, const TableSchema& schema);
  Result<void> read_transaction(const JsonValue& line, WallTime now, Change& change);
  Error at_line(Error error) const;

  std::string name_;
  std::unique_ptr<std::FILE, FileCloser> file_;
  std::uint32_t line_ = 0;
  std::uint64_t changes_ = 0;
  struct LastRecord {
    std::uint64_t id = 0;
    std::uint64_t record = 0;
  };
  LastRecord last_;         // the record before, whatever its transaction
  LastRecord before_last_;  // the last one of another transaction
  std::map<TableName, std::shared_ptr<const TableSchema>> tables_;
  ChangeBatch batch_;
};

}  // namespace dmskafka

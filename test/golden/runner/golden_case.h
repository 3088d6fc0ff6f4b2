#pragma once
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/change.h"
#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/base/table_schema.h"
#include "core/task/planner.h"

namespace dmskafka {

/// One thing that a case asks for: a row event where nothing else is set.
struct GoldenRecord {
  std::optional<ControlOperation> control;  ///< as a full load sends it
  std::optional<ControlOperation> event;    ///< of the log
  std::optional<TaskStart> start;
  std::shared_ptr<const TableSchema> altered;  ///< the table from here on
  Change change;
};

/// What `table.json` of a golden case says:
///
///   {"task-id": "…", "timestamp": "2025-06-10T11:28:47.326434Z",
///    "table": {"schema": "public", "name": "demo", "primary-key": ["id"],
///              "columns": [{"name": "id", "type": "INT32", "kind": "integer", "nullable": false,
///                           "length": 1, "precision": 1, "scale": 1, "lob": true, "collation": "…", "number": 1}],
///              "old-row": "whole", "full", "key", "other" or "nothing"},
///    "catalog": [{"schema": "public", "name": "demo"}, …],
///    "records": [{"control": "create-table"},
///                {"load": ["393", "Test", null]},
///                {"update": […], "before": […],
///                 "transaction": {"id": 1, "record": 1, "commit": "…", "position": "…", "previous": 1, "previous-record": 1}},
///                {"event": "truncate-table"}, {"start": "first" or "resumed"},
///                {"alter": a table, for this event and the rows behind it}]}
///
/// With a catalog, of tables with these columns, what the mapping says of a whole source comes first.
/// A value is the text a source would give, null, or an object: {"hex": "ff41"} text by its bytes, {"integer": "5"},
/// {"real": "1.5"} and {"bytes": "ff"} for SQLite's forms, {"absent": true}, {"unchanged": true}.
class GoldenCase {
 public:
  static Result<std::unique_ptr<GoldenCase>> read(const std::filesystem::path& file);

  /// True when there is more than what a full load sends.
  bool follows_changes() const;

  std::string task_id;
  WallTime timestamp;
  std::shared_ptr<const TableSchema> schema;
  std::vector<GoldenRecord> records;
  std::vector<CatalogTable> catalog;

 private:
  friend class GoldenReader;
  std::shared_ptr<const TableSchema> now_;  // while reading
  std::deque<std::string> texts_;           // what values point into
  std::deque<std::vector<Value>> rows_;
  std::deque<SourceTransaction> transactions_;
};

}  // namespace dmskafka

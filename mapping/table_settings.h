#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/json_location.h"
#include "core/base/result.h"
#include "core/base/table_schema.h"
#include "core/json/json_reader.h"
#include "core/settings/settings_reader.h"
#include "core/task/parallel_load.h"
#include "mapping/object_locator.h"

namespace dmskafka {

/// lob-settings of a table: what stands in the stead of LimitedSizeLobMode and LobMaxSize.
struct LobLimit {
  std::optional<std::int64_t> kilobytes;  ///< unset: LOBs are sent whole
};

/// A table-settings rule.
struct TableSettingsRule {
  std::int64_t id = 0;
  ObjectLocator locator;
  ParallelLoad parallel_load = {};              ///< its columns are still names:
  std::vector<std::string> range_columns = {};  ///< parallel-load of the type "ranges"
  JsonLocation columns_at = {};
  std::optional<LobLimit> lob_limit = {};  ///< unset: that of the task settings
  JsonLocation defined_at = {};
};

/// Reads a table-settings rule. Problems go to `problems`; nullopt when one of them is an error.
std::optional<TableSettingsRule> read_table_settings(const JsonValue& rule, std::int64_t id,
                                                     Problems& problems);

/// How the rule has the table cut.
/// Errors: kInvalidMapping when a column of the ranges is none of the table's, or a LOB.
Result<ParallelLoad> parallel_load_of(const TableSettingsRule& rule, const TableSchema& table);

}  // namespace dmskafka

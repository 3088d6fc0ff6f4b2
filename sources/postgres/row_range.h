#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/key_range.h"
#include "core/base/result.h"
#include "core/base/table_schema.h"
#include "sources/postgres/ctid_ranges.h"

namespace dmskafka::postgres {

/// What a segment reads: the rows of a table, or of one of its partitions, that lie in some pages or in a range of keys;
/// of those perhaps only the ones that are not older than a snapshot.
///   pages 0-2048
///   keys ("id") from ('1000') to ('2000')
///   partition "sales"."orders_2024": pages 2048-
///   partition "sales"."orders_2024": all rows
///   touched since 731: pages 0-2048,4096-
struct RowRange {
  std::optional<TableName> partition;
  std::vector<PageRange> pages;  ///< empty: any page
  std::optional<KeyRange> keys;
  std::optional<std::uint32_t>
      touched_since;  ///< xmin of the snapshot that read the rows before, modulo 2^32
  friend bool operator==(const RowRange&, const RowRange&) = default;
};

/// The text that is stored and shown.
std::string print_row_range(const RowRange& range);
/// Errors: kStateFile: the text is none of ours.
Result<RowRange> parse_row_range(std::string_view text);

/// The condition for a WHERE clause, "" where every row is meant. Pages need TID range scans (PostgreSQL 14) to be fast.
std::string row_condition(const RowRange& range);

/// What a stored plan remembers of its table and of the snapshot that first read it.
struct PlanToken {
  enum class Kind : std::uint8_t {
    kFiles,   ///< ranges of pages hold as long as the files are the same
    kTables,  ///< ranges of keys hold as long as the rows are in the same tables
    kNone,    ///< nothing tells which rows were written since: the plan cannot be continued
  };
  Kind kind = Kind::kFiles;
  std::uint32_t snapshot_xmin = 0;
  std::string relations = {};  ///< kFiles: "oid:relfilenode,…" of the table or its leaves; kTables: "oid,…"
  friend bool operator==(const PlanToken&, const PlanToken&) = default;
};
std::string print_plan_token(const PlanToken& token);
/// Errors: kStateFile.
Result<PlanToken> parse_plan_token(std::string_view text);

/// Ranges that lie side by side as one, the others as they are. REQUIRES: in the order of their plan.
std::vector<RowRange> join_row_ranges(const std::vector<RowRange>& ranges);

}  // namespace dmskafka::postgres

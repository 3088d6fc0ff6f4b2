#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <stop_token>
#include <string>

#include "core/base/result.h"
#include "core/base/table_schema.h"
#include "sources/postgres/connection.h"

namespace dmskafka::postgres {

/// How a table lies on the disk, its partitions included.
struct TableLayout {
  std::uint64_t pages_max = 0;    ///< of the largest leaf
  std::uint64_t bytes_total = 0;  ///< of all leaves, with what is stored out of line
  std::string files;  ///< "oid:relfilenode,…": another text after a rewrite, an attach or a detach
  bool heap = false;  ///< it can be cut by ctid: a heap table, or a partitioned table of nothing else
};

/// The layout of the `tables`, as far as they have one. REQUIRES: they are locked, so that their files stay.
Result<std::map<const TableSchema*, TableLayout>> read_table_layouts(
    Connection& connection, const std::set<const TableSchema*>& tables, const std::stop_token& stop);

/// The first version with TID range scans; before it the same condition would scan the whole table for each range.
constexpr int kTidRangeScanVersion = 140'000;

}  // namespace dmskafka::postgres

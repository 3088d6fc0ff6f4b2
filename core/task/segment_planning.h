#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/task/checkpoint_store.h"
#include "core/task/source.h"
#include "core/task/table_load.h"

namespace dmskafka {

/// Small enough that a kill loses little and readers end together, large enough that a range costs nothing.
constexpr std::uint64_t kSegmentBytes = 16 << 20;

struct SegmentPlanningOptions {
  bool whole_tables = false;  ///< a preview reads a table's first rows: no ranges
  std::uint64_t segment_bytes = kSegmentBytes;
};

struct PlannedSegments {
  std::uint64_t rows_done_before = 0;  ///< in ranges that an earlier run finished
  std::vector<std::string> notes;
};

/// Cuts every table into its ranges: those an earlier run left unfinished, or new ones, which are stored before the first row
/// is read. A table that is one range is not stored: a resume reads it whole.
Result<PlannedSegments> plan_all_segments(const std::vector<std::unique_ptr<TableLoad>>& tables,
                                          Snapshot& snapshot, CheckpointStore& store,
                                          const SegmentPlanningOptions& options);

}  // namespace dmskafka

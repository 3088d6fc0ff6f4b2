#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "core/task/source.h"
#include "sources/postgres/connection.h"
#include "sources/postgres/key_bounds.h"
#include "sources/postgres/row_range.h"
#include "sources/postgres/table_layout.h"

namespace dmskafka::postgres {

/// A table that holds rows of another one: a leaf of its partitions, or the table itself.
struct Leaf {
  TableName name;
  std::string oid;
  char relation_kind = 'r';
  bool heap = false;
  bool readable_alone = false;  ///< we may read it by its own name, and see the same rows as through its root
  std::uint64_t heap_bytes = 0;
  std::uint64_t bytes = 0;  ///< with what is stored out of line
  std::vector<std::string>
      path;  ///< the partitions on the way to it, its own name last; empty: not partitioned
};

/// Cuts tables into segments, and continues such plans under a newer snapshot. Asks the snapshot's leader, always inside a
/// savepoint: an error must not end the transaction, and locks are given back. Thread: the task's.
class SegmentPlanner {
 public:
  /// What the snapshot knows. All outlive the planner.
  struct Facts {
    Connection& leader;
    std::uint32_t xmin;  ///< of the snapshot, modulo 2^32
    const std::map<const TableSchema*, TableLayout>& layouts;
    const std::set<const TableSchema*>& locked;
  };
  explicit SegmentPlanner(const Facts& facts) : facts_(facts) {}

  Result<SegmentPlan> plan(const TableSchema& table, const SegmentRequest& request);
  Result<ResumedSegments> resume(const TableSchema& table, const std::string& token,
                                 std::span<const StoredSegment> stored);

 private:
  /// Ranges that are not segments yet.
  struct Draft {
    std::vector<RowRange> ranges;
    PlanToken token;
    std::vector<std::string> remarks;
  };
  Result<Draft> draft(const TableSchema& table, const SegmentRequest& request);
  Result<Draft> draft_automatic(const TableSchema& table, std::uint64_t bytes_wanted);
  Result<Draft> draft_user_ranges(const TableSchema& table, const SegmentRequest& request);
  Result<Draft> draft_partitions(const TableSchema& table, const SegmentRequest& request);

  Result<std::vector<KeyRange>> cut_primary_key(const TableSchema& table, const std::string& from,
                                                std::uint64_t heap_bytes, std::uint64_t ranges_wanted);
  Result<std::vector<RowRange>> cut_leaf(const TableSchema& table, const Leaf& leaf,
                                         std::uint64_t bytes_wanted);
  Result<std::vector<KeyBound>> sort_bounds(const KeyColumns& columns, std::vector<KeyBound> bounds,
                                            const JsonLocation& at);
  Result<std::vector<Leaf>> read_leaves(const TableSchema& table);
  /// None where the server refuses: then there are no samples, and no bounds of ours.
  Result<std::vector<KeyBound>> sample_bounds(const KeyColumns& columns, const BoundSample& sample);
  template <typename Ask>
  auto in_savepoint(Ask ask) -> decltype(ask());

  bool by_pages(const TableSchema& table) const;
  PlanToken token_of(const std::vector<Leaf>& leaves) const;

  const Facts facts_;
};

}  // namespace dmskafka::postgres

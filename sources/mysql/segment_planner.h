#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/task/source.h"
#include "sources/mysql/connection.h"
#include "sources/mysql/row_range.h"

namespace dmskafka::mysql {

/// `SELECT … FROM` names the rows of a table, or of one of its partitions, so.
std::string from_clause(const TableName& table, const std::optional<std::string>& partition);

/// Cuts tables into segments, and continues such plans under a newer snapshot. Asks a session of the snapshot, which already
/// holds its tables: another one would wait behind an ALTER TABLE that waits for us. Thread: the task's.
class SegmentPlanner {
 public:
  /// `connection` outlives it.
  SegmentPlanner(Connection& connection, std::stop_token stop)
      : connection_(connection), stop_(std::move(stop)) {}

  Result<SegmentPlan> plan(const TableSchema& table, const SegmentRequest& request);
  Result<ResumedSegments> resume(const TableSchema& table, const std::string& token,
                                 std::span<const StoredSegment> stored);

 private:
  /// Ranges that are not segments yet; none: the table as a whole.
  struct Draft {
    std::vector<RowRange> ranges;
    std::string token;
    std::vector<std::string> remarks;
  };
  /// A piece of a table that a partitioning has made: the whole where there is none.
  struct Part {
    std::string name;
    std::string parent;  ///< of a subpartition
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
  };
  /// Columns that an index begins with, and its name.
  struct CutColumns {
    std::string index;
    std::vector<std::uint32_t> columns;
  };
  Result<Draft> draft(const TableSchema& table, const SegmentRequest& request);
  Result<Draft> draft_automatic(const TableSchema& table, std::uint64_t bytes_wanted);
  Result<Draft> draft_user_ranges(const TableSchema& table, const SegmentRequest& request);
  Result<Draft> draft_partitions(const TableSchema& table, const SegmentRequest& request);
  static std::string partitions_token(const std::vector<Part>& parts);
  Result<std::vector<RowRange>> cut_part(const TableSchema& table, const Part& part,
                                         std::uint64_t bytes_wanted);
  Result<std::vector<KeyBound>> cut(const TableSchema& table, const Part& part, const CutColumns& by,
                                    std::uint64_t bytes_wanted);
  /// Of the primary key, as far as its columns have an order that literals have too. nullopt: none.
  Result<std::optional<CutColumns>> key_columns(const TableSchema& table);
  Result<std::optional<CutColumns>> index_of(const TableSchema& table,
                                             const std::vector<std::uint32_t>& columns);
  Result<std::vector<Part>> read_parts(const TableSchema& table);
  Result<std::vector<KeyBound>> sorted(const TableSchema& table, const ParallelLoad& load,
                                       std::vector<KeyBound> bounds);

  Connection& connection_;
  std::stop_token stop_;
};

}  // namespace dmskafka::mysql

#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/json_location.h"

namespace dmskafka {

/// How the user wants one table to be cut (a table-settings rule). Whatever is asked, each row is in exactly one range.
struct ParallelLoad {
  enum class Type : std::uint8_t {
    kAutomatic,   ///< by ranges of our own
    kRanges,      ///< by the values of `columns`
    kPartitions,  ///< by the partitions that the table has in its database
  };
  Type type = Type::kAutomatic;
  std::vector<std::uint32_t> columns;  ///< kRanges: indices into TableSchema::columns
  /// kRanges: upper bounds, one value for each column, in any order. A row belongs to the first bound, by the order of the
  /// columns' types, that it lies below; to a last range behind all of them; or, with NULL in one of the columns, to one
  /// of its own.
  std::vector<std::vector<std::string>> boundaries;
  std::vector<std::string>
      partitions;  ///< kPartitions: names that must be partitions of the table; may be empty
  JsonLocation defined_at;
};

}  // namespace dmskafka

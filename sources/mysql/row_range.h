#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/base/key_range.h"
#include "core/base/result.h"

namespace dmskafka::mysql {

/// What a segment reads: the rows of a table, or of one of its partitions, perhaps only those in a range of keys.
///   keys ("id") from ('1000') to ('2000')
///   partition "p2024": keys ("id") to ('1000')
///   partition "p2024": all rows
struct RowRange {
  std::optional<std::string> partition;
  std::optional<KeyRange> keys;
  friend bool operator==(const RowRange&, const RowRange&) = default;
};

/// The text that is stored and shown; "" for all rows of a table.
std::string print_row_range(const RowRange& range);
/// Errors: kStateFile: the text is none of ours.
Result<RowRange> parse_row_range(std::string_view text);

}  // namespace dmskafka::mysql

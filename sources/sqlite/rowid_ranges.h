#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace dmskafka::sqlite {

/// Rowids [first, end); open where absent. The first and the last range of a table are open, because rows may be older or
/// newer than the bounds that were looked at.
struct RowidRange {
  std::optional<std::int64_t> first;
  std::optional<std::int64_t> end;
  friend bool operator==(const RowidRange&, const RowidRange&) = default;
};

/// "rowid ..100", "rowid 100..200", "rowid 200..": what is stored and shown.
std::string print_rowid_range(const RowidRange& range);
/// Errors: kStateFile: the text is none of ours.
Result<RowidRange> parse_rowid_range(std::string_view text);

/// At most `count` ranges of equal width over [lowest, highest].
std::vector<RowidRange> cut_rowids(std::int64_t lowest, std::int64_t highest, std::uint64_t count);

}  // namespace dmskafka::sqlite

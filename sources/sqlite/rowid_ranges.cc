#include "sources/sqlite/rowid_ranges.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace dmskafka::sqlite {
namespace {

constexpr std::string_view kPrefix = "rowid ";
constexpr std::string_view kDots = "..";

/// "" is an open end.
bool parse_bound(std::string_view text, std::optional<std::int64_t>& bound) {
  if (text.empty()) return true;
  std::int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return false;
  bound = number;
  return true;
}

}  // namespace

std::string print_rowid_range(const RowidRange& range) {
  std::string text(kPrefix);
  if (range.first) text += fmt::format("{}", *range.first);
  text += kDots;
  if (range.end) text += fmt::format("{}", *range.end);
  return text;
}

Result<RowidRange> parse_rowid_range(std::string_view text) {
  RowidRange range;
  const std::size_t dots = text.find(kDots);
  if (text.starts_with(kPrefix) && dots != std::string_view::npos &&
      parse_bound(text.substr(kPrefix.size(), dots - kPrefix.size()), range.first) &&
      parse_bound(text.substr(dots + kDots.size()), range.end)) {
    return range;
  }
  return Error(ErrorCode::kStateFile,
               fmt::format("the state file holds a range that is none of ours: \"{}\"", text))
      .hint("restore it from a backup, or use --restart to load again from the start");
}

std::vector<RowidRange> cut_rowids(std::int64_t lowest, std::int64_t highest, std::uint64_t count) {
  // In unsigned arithmetic, because the span of two 64-bit numbers does not fit a signed one.
  const std::uint64_t span = static_cast<std::uint64_t>(highest) - static_cast<std::uint64_t>(lowest);
  const std::uint64_t step = span / std::max<std::uint64_t>(1, count) + 1;
  std::vector<RowidRange> ranges{RowidRange{}};
  for (std::uint64_t passed = step; passed != 0 && passed <= span; passed += step) {
    const auto bound = static_cast<std::int64_t>(static_cast<std::uint64_t>(lowest) + passed);
    ranges.back().end = bound;
    ranges.push_back(RowidRange{bound, std::nullopt});
    if (span - passed < step) break;
  }
  return ranges;
}

}  // namespace dmskafka::sqlite

#include "sources/postgres/ctid_ranges.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace dmskafka::postgres {
namespace {

constexpr std::string_view kPages = "pages ";
constexpr std::string_view kTouched = "touched since ";
constexpr std::string_view kXmin = "xmin ";
constexpr std::string_view kFiles = " files ";

Error damaged(std::string_view what, std::string_view text) {
  return Error(ErrorCode::kStateFile,
               fmt::format("the state file holds {} that is none of ours: \"{}\"", what, text))
      .hint("restore it from a backup, or use --restart to load again from the start");
}

/// Takes `prefix` off the front of `text`.
bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

template <typename Number>
bool take_number(std::string_view& text, Number& number) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
  return true;
}

bool take_range(std::string_view& text, PageRange& range) {
  if (!take_number(text, range.first) || !take(text, "-")) return false;
  std::uint64_t end = 0;
  if (take_number(text, end)) range.end = end;
  return true;
}

std::string range_condition(const PageRange& range) {
  std::string condition = fmt::format("ctid >= '({},0)'::tid", range.first);
  if (range.end) condition += fmt::format(" AND ctid < '({},0)'::tid", *range.end);
  return condition;
}

}  // namespace

std::string print_ctid_segment(const CtidSegment& segment) {
  std::string text;
  if (segment.touched_since) text += fmt::format("{}{}: ", kTouched, *segment.touched_since);
  text += kPages;
  for (const PageRange& range : segment.pages) {
    if (&range != &segment.pages.front()) text += ',';
    text += fmt::format("{}-", range.first);
    if (range.end) text += fmt::format("{}", *range.end);
  }
  return text;
}

Result<CtidSegment> parse_ctid_segment(std::string_view text) {
  std::string_view rest = text;
  CtidSegment segment;
  if (take(rest, kTouched)) {
    std::uint32_t xmin = 0;
    if (!take_number(rest, xmin) || !take(rest, ": ")) return damaged("a range", text);
    segment.touched_since = xmin;
  }
  if (!take(rest, kPages)) return damaged("a range", text);
  do {
    PageRange range;
    if (!take_range(rest, range)) return damaged("a range", text);
    segment.pages.push_back(range);
  } while (take(rest, ","));
  if (!rest.empty()) return damaged("a range", text);
  return segment;
}

std::string ctid_condition(const CtidSegment& segment) {
  std::string condition;
  for (const PageRange& range : segment.pages) {
    if (!condition.empty()) condition += " OR ";
    condition += "(" + range_condition(range) + ")";
  }
  if (!segment.touched_since) return condition;
  // Transaction ids wrap: the distance decides. A row of the ancient past may seem new and is then read once more.
  return fmt::format("({}) AND ((xmin::text::bigint - {}) & 4294967295) < 2147483648", condition,
                     *segment.touched_since);
}

std::vector<PageRange> cut_pages(std::uint64_t pages_max, std::uint64_t bytes_total,
                                 std::uint64_t bytes_wanted) {
  const std::uint64_t wanted = std::max<std::uint64_t>(1, (bytes_total + bytes_wanted - 1) / bytes_wanted);
  const std::uint64_t count = std::max<std::uint64_t>(1, std::min(wanted, pages_max));
  const std::uint64_t step = std::max<std::uint64_t>(1, (pages_max + count - 1) / count);
  std::vector<PageRange> ranges;
  for (std::uint64_t first = 0; first < std::max<std::uint64_t>(1, pages_max); first += step) {
    ranges.push_back(PageRange{first, first + step});
  }
  ranges.back().end.reset();
  return ranges;
}

std::vector<PageRange> join_ranges(const std::vector<PageRange>& ranges) {
  std::vector<PageRange> joined;
  for (const PageRange& range : ranges) {
    if (!joined.empty() && joined.back().end == range.first) {
      joined.back().end = range.end;
    } else {
      joined.push_back(range);
    }
  }
  return joined;
}

std::string print_plan_token(const PlanToken& token) {
  return fmt::format("{}{}{}{}", kXmin, token.snapshot_xmin, kFiles, token.files);
}

Result<PlanToken> parse_plan_token(std::string_view text) {
  std::string_view rest = text;
  PlanToken token;
  if (!take(rest, kXmin) || !take_number(rest, token.snapshot_xmin) || !take(rest, kFiles)) {
    return damaged("a load plan", text);
  }
  token.files = rest;
  return token;
}

}  // namespace dmskafka::postgres

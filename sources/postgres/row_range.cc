#include "sources/postgres/row_range.h"

#include <fmt/format.h>

#include <charconv>

#include "sources/postgres/identifier.h"

namespace dmskafka::postgres {
namespace {

constexpr std::string_view kPages = "pages ";
constexpr std::string_view kAllRows = "all rows";
constexpr std::string_view kPartition = "partition ";
constexpr std::string_view kTouched = "touched since ";
constexpr std::string_view kXmin = "xmin ";
constexpr std::string_view kFiles = " files ";
constexpr std::string_view kTables = " tables ";
constexpr std::string_view kNotResumable = "not resumable";

Error damaged(std::string_view what, std::string_view text) {
  return Error(ErrorCode::kStateFile,
               fmt::format("the state file holds {} that is none of ours: \"{}\"", what, text))
      .hint("restore it from a backup, or use --restart to load again from the start");
}

template <typename Number>
bool take_number(std::string_view& text, Number& number) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
  return true;
}

bool take_pages(std::string_view& text, std::vector<PageRange>& pages) {
  do {
    PageRange range;
    if (!take_number(text, range.first) || !take_prefix(text, "-")) return false;
    std::uint64_t end = 0;
    if (take_number(text, end)) range.end = end;
    pages.push_back(range);
  } while (take_prefix(text, ","));
  return true;
}

bool take_partition(std::string_view& text, std::optional<TableName>& partition) {
  auto schema = take_quoted(text, '"');
  if (!schema || !take_prefix(text, ".")) return false;
  auto table = take_quoted(text, '"');
  if (!table || !take_prefix(text, ": ")) return false;
  partition = TableName{*std::move(schema), *std::move(table)};
  return true;
}

bool take_touched(std::string_view& text, std::optional<std::uint32_t>& since) {
  std::uint32_t xmin = 0;
  if (!take_number(text, xmin) || !take_prefix(text, ": ")) return false;
  since = xmin;
  return true;
}

bool take_row_range(std::string_view& text, RowRange& range) {
  if (take_prefix(text, kTouched) && !take_touched(text, range.touched_since)) return false;
  if (take_prefix(text, kPartition) && !take_partition(text, range.partition)) return false;
  if (take_prefix(text, kAllRows)) return true;
  if (take_prefix(text, kPages)) return take_pages(text, range.pages);
  range.keys = take_key_range(text);
  return range.keys.has_value();
}

std::string page_condition(const PageRange& range) {
  std::string condition = fmt::format("ctid >= '({},0)'::tid", range.first);
  if (range.end) condition += fmt::format(" AND ctid < '({},0)'::tid", *range.end);
  return condition;
}

std::string pages_condition(const std::vector<PageRange>& pages) {
  std::string condition;
  for (const PageRange& range : pages) {
    if (!condition.empty()) condition += " OR ";
    condition += "(" + page_condition(range) + ")";
  }
  return condition;
}

/// ("a", "b"), or "a" alone: a row of one is an ordinary comparison, which every index and every version knows.
template <typename Print>
std::string row_of(const std::vector<std::string>& elements, Print print) {
  std::string row;
  for (const std::string& element : elements) {
    if (!row.empty()) row += ", ";
    row += print(element);
  }
  return elements.size() == 1 ? row : "(" + row + ")";
}

std::string keys_condition(const KeyRange& keys) {
  std::string condition;
  const auto add = [&condition](std::string_view joint, const std::string& term) {
    if (!condition.empty()) condition += joint;
    condition += term;
  };
  if (keys.nulls) {
    for (const std::string& column : keys.columns) add(" OR ", quote_identifier(column) + " IS NULL");
    return "(" + condition + ")";
  }
  const std::string columns = row_of(keys.columns, quote_identifier);
  if (keys.first) add(" AND ", columns + " >= " + row_of(*keys.first, quote_literal));
  if (keys.end) add(" AND ", columns + " < " + row_of(*keys.end, quote_literal));
  // A comparison of rows may be decided before it comes to a column with NULL; that row is in the range of its own.
  for (std::size_t i = keys.first || keys.end ? 1 : 0; i < keys.columns.size(); ++i) {
    add(" AND ", quote_identifier(keys.columns[i]) + " IS NOT NULL");
  }
  return condition;
}

bool side_by_side(const RowRange& a, const RowRange& b) {
  if (a.partition != b.partition || a.touched_since != b.touched_since) return false;
  if (a.keys && b.keys) {
    return a.keys->columns == b.keys->columns && !a.keys->nulls && !b.keys->nulls && a.keys->end &&
           a.keys->end == b.keys->first;
  }
  return !a.pages.empty() && !b.pages.empty() && a.pages.back().end == b.pages.front().first;
}

}  // namespace

std::string print_row_range(const RowRange& range) {
  std::string text;
  if (range.touched_since) text += fmt::format("{}{}: ", kTouched, *range.touched_since);
  if (range.partition) text += fmt::format("{}{}: ", kPartition, quote_table(*range.partition));
  if (range.keys) return text + print_key_range(*range.keys);
  if (range.pages.empty()) return text += kAllRows;
  text += kPages;
  for (const PageRange& pages : range.pages) {
    if (&pages != &range.pages.front()) text += ',';
    text += fmt::format("{}-", pages.first);
    if (pages.end) text += fmt::format("{}", *pages.end);
  }
  return text;
}

Result<RowRange> parse_row_range(std::string_view text) {
  std::string_view rest = text;
  RowRange range;
  if (!take_row_range(rest, range) || !rest.empty()) return damaged("a range", text);
  return range;
}

std::string row_condition(const RowRange& range) {
  std::string condition = range.keys ? keys_condition(*range.keys) : pages_condition(range.pages);
  if (!range.touched_since) return condition;
  if (!condition.empty()) condition = "(" + condition + ") AND ";
  // Transaction ids wrap: the distance decides. A row of the ancient past may seem new and is then read once more.
  return condition +
         fmt::format("((xmin::text::bigint - {}) & 4294967295) < 2147483648", *range.touched_since);
}

std::string print_plan_token(const PlanToken& token) {
  if (token.kind == PlanToken::Kind::kNone) return std::string(kNotResumable);
  return fmt::format("{}{}{}{}", kXmin, token.snapshot_xmin,
                     token.kind == PlanToken::Kind::kFiles ? kFiles : kTables, token.relations);
}

Result<PlanToken> parse_plan_token(std::string_view text) {
  std::string_view rest = text;
  PlanToken token;
  if (rest == kNotResumable) return PlanToken{PlanToken::Kind::kNone, 0, ""};
  if (!take_prefix(rest, kXmin) || !take_number(rest, token.snapshot_xmin))
    return damaged("a load plan", text);
  if (take_prefix(rest, kTables)) {
    token.kind = PlanToken::Kind::kTables;
  } else if (!take_prefix(rest, kFiles)) {
    return damaged("a load plan", text);
  }
  token.relations = rest;
  return token;
}

std::vector<RowRange> join_row_ranges(const std::vector<RowRange>& ranges) {
  std::vector<RowRange> joined;
  for (const RowRange& range : ranges) {
    if (joined.empty() || !side_by_side(joined.back(), range)) {
      joined.push_back(range);
    } else if (range.keys) {
      joined.back().keys->end = range.keys->end;
    } else {
      joined.back().pages.back().end = range.pages.back().end;
    }
  }
  return joined;
}

}  // namespace dmskafka::postgres

#include "core/base/key_range.h"

namespace dmskafka {
namespace {

constexpr std::string_view kKeys = "keys ";
constexpr std::string_view kNull = " null";
constexpr std::string_view kFrom = " from ";
constexpr std::string_view kTo = " to ";

std::string print_list(const std::vector<std::string>& texts, char quote) {
  std::string list = "(";
  for (const std::string& text : texts) {
    if (list.size() > 1) list += ',';
    list += quoted(text, quote);
  }
  return list += ')';
}

std::optional<std::vector<std::string>> take_list(std::string_view& text, char quote) {
  std::vector<std::string> list;
  if (!take_prefix(text, "(")) return std::nullopt;
  do {
    auto element = take_quoted(text, quote);
    if (!element) return std::nullopt;
    list.push_back(*std::move(element));
  } while (take_prefix(text, ","));
  if (!take_prefix(text, ")")) return std::nullopt;
  return list;
}

/// False: there is `word` and no bound of so many columns behind it.
bool take_bound(std::string_view& text, std::string_view word, std::size_t columns,
                std::optional<KeyBound>& bound) {
  if (!take_prefix(text, word)) return true;
  bound = take_list(text, '\'');
  return bound && bound->size() == columns;
}

}  // namespace

std::string quoted(std::string_view text, char quote) {
  std::string result(1, quote);
  for (const char c : text) {
    if (c == quote) result += quote;
    result += c;
  }
  return result += quote;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::optional<std::string> take_quoted(std::string_view& text, char quote) {
  std::string content;
  if (!take_prefix(text, std::string_view(&quote, 1))) return std::nullopt;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == quote && !take_prefix(text, std::string_view(&quote, 1))) return content;
    content += c;
  }
  return std::nullopt;
}

std::string print_key_range(const KeyRange& range) {
  std::string text(kKeys);
  text += print_list(range.columns, '"');
  if (range.nulls) return text += kNull;
  if (range.first) text.append(kFrom).append(print_list(*range.first, '\''));
  if (range.end) text.append(kTo).append(print_list(*range.end, '\''));
  return text;
}

std::optional<KeyRange> take_key_range(std::string_view& text) {
  KeyRange range;
  if (!take_prefix(text, kKeys)) return std::nullopt;
  auto columns = take_list(text, '"');
  if (!columns) return std::nullopt;
  range.columns = *std::move(columns);
  range.nulls = take_prefix(text, kNull);
  if (range.nulls) return range;
  if (!take_bound(text, kFrom, range.columns.size(), range.first) ||
      !take_bound(text, kTo, range.columns.size(), range.end)) {
    return std::nullopt;
  }
  return range;
}

std::vector<KeyRange> cut_by_bounds(const std::vector<std::string>& columns,
                                    const std::vector<KeyBound>& bounds, KeyNulls nulls) {
  std::vector<KeyRange> ranges;
  std::optional<KeyBound> first;
  for (const KeyBound& bound : bounds) {
    ranges.push_back(KeyRange{columns, first, bound, false});
    first = bound;
  }
  ranges.push_back(KeyRange{columns, first, std::nullopt, false});
  if (nulls == KeyNulls::kPossible) ranges.push_back(KeyRange{columns, std::nullopt, std::nullopt, true});
  return ranges;
}

}  // namespace dmskafka

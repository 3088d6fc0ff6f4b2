#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace dmskafka {

/// One value for each column of a KeyRange, in the source's own text.
using KeyBound = std::vector<std::string>;

/// Rows of a table by the order that the source has for some columns: those from `first` on and before `end`, compared
/// column after column, or those with NULL in one of the columns. A bound is absent where the range is open.
///   keys ("id") to ('1000')
///   keys ("region","year") from ('EU','2020') to ('US','2021')
///   keys ("region") null
struct KeyRange {
  std::vector<std::string> columns;
  std::optional<KeyBound> first;
  std::optional<KeyBound> end;
  bool nulls = false;
  friend bool operator==(const KeyRange&, const KeyRange&) = default;
};

/// The text that is stored and shown.
std::string print_key_range(const KeyRange& range);
/// Takes a printed range off the front of `text`; nullopt, with `text` at any place, when there is none.
std::optional<KeyRange> take_key_range(std::string_view& text);

/// Whether rows can have NULL in a column of the ranges.
enum class KeyNulls : bool { kNone, kPossible };
/// The ranges between `bounds`, which rise; behind them the one of the rows with NULL, where there can be any. Every row is
/// in exactly one.
std::vector<KeyRange> cut_by_bounds(const std::vector<std::string>& columns,
                                    const std::vector<KeyBound>& bounds, KeyNulls nulls);

/// Takes `prefix` off the front of `text`.
bool take_prefix(std::string_view& text, std::string_view prefix);
/// Takes a text in `quote` characters, doubled inside, off the front of `text`.
std::optional<std::string> take_quoted(std::string_view& text, char quote);
std::string quoted(std::string_view text, char quote);

}  // namespace dmskafka

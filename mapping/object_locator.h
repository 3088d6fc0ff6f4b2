#pragma once
#include <compare>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/table_schema.h"

namespace dmskafka {

/// A name with the wildcards of table mappings. Case-sensitive; one character is one Unicode code point.
///   %      any run of characters, also none        _      any one character
///   [_]    that character itself                   [ab]   one of a set
///   [a-d]  one of a range; sets and ranges mix: [a-dx]
class NamePattern {
 public:
  /// What is wrong with `text` as a pattern, e.g. `"[" without "]"`; "" when nothing is.
  static std::string check(std::string_view text);
  /// REQUIRES: check(text) is "".
  static NamePattern wildcard(std::string_view text);
  /// Matches `name` only; no character of it is special.
  static NamePattern exact(std::string_view name);

  bool matches(std::string_view name) const;
  /// The pattern as wildcards, equal for patterns that were written alike; for the digest.
  const std::string& canonical() const noexcept { return canonical_; }

 private:
  using Range = std::pair<char32_t, char32_t>;  // both ends belong to it
  struct Element {
    enum class Kind : unsigned char { kAnyRun, kAnyOne, kOneOf } kind;
    std::vector<Range> ranges;  // kOneOf: sorted
    bool accepts(char32_t character) const;
    friend bool operator==(const Element&, const Element&) = default;
  };

  static std::string parse(std::string_view text, std::vector<Element>& elements);
  explicit NamePattern(std::vector<Element> elements);

  std::vector<Element> elements_;
  std::string canonical_;
};

/// True when `text` holds a wildcard other than `_`, which names are full of: `%` or a bracket. Where exact
/// names are asked for, `_` means itself.
bool has_wildcard(std::string_view text);

/// Which tables a rule means.
struct ObjectLocator {
  enum class TableType : unsigned char { kTable, kView, kAll };
  NamePattern schema;
  NamePattern table;
  TableType type = TableType::kTable;

  /// Every table, no view.
  static ObjectLocator everything() { return {NamePattern::wildcard("%"), NamePattern::wildcard("%")}; }
  bool matches(const TableName& name, TableKind kind) const;
  /// "schema|table|type", canonical; for the digest.
  std::string canonical() const;
};

}  // namespace dmskafka

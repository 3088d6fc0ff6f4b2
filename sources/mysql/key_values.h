#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/key_range.h"
#include "core/base/table_schema.h"

namespace dmskafka::mysql {

/// How the values of a column are written in SQL as bounds of a range, and how one between two of them is found.
enum class KeyFamily : std::uint8_t {
  kInteger,  ///< BIT too, as a number
  kDecimal,
  kDate,
  kDatetime,  ///< TIMESTAMP too
  kTime,
  kText,   ///< in the order of the column's collation
  kBytes,  ///< bounds are hexadecimal digits
  kOther,  ///< UUID, INET6, INET4: the server knows their order, we don't
  kNone,  ///< no order that a comparison with a literal has too (ENUM, SET, JSON …), or none that is exact (FLOAT)
};
KeyFamily key_family(const ColumnSchema& column);

/// The expression that gives a column's value as the text of a bound.
std::string bound_expression(const ColumnSchema& column);
/// Whether `bound` has the form of the column's values, as far as its letters tell.
bool is_bound(const ColumnSchema& column, std::string_view bound);
/// The literal to compare the column with. REQUIRES: is_bound().
std::string bound_literal(const ColumnSchema& column, std::string_view bound);
/// The same of the column's own type and order, to sort bounds by.
std::string ordered_literal(const ColumnSchema& column, std::string_view bound);

/// A text between two values of the column, above `low` and not above `high` as far as can be told here: the server's order
/// decides. nullopt: none, or the family has none (kDate, kDatetime, kDecimal: midpoint_query()).
std::optional<std::string> midpoint(const ColumnSchema& column, std::string_view low, std::string_view high);
/// A SELECT that gives it. nullopt: the family has none.
std::optional<std::string> midpoint_query(const ColumnSchema& column, std::string_view low,
                                          std::string_view high);

/// The rows of a range as a condition, compared column after column. REQUIRES: its columns are the table's, none is kNone, and
/// its bounds are values of theirs.
std::string range_condition(const TableSchema& table, const KeyRange& range);

}  // namespace dmskafka::mysql

#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/base/table_schema.h"

namespace dmskafka {

/// A table as its messages show it, after the transformations.
struct ShownTable {
  TableSchema schema;                     ///< names, columns and key as shown
  std::vector<std::uint32_t> slots;       ///< where the value of each column stands in the row
  std::vector<std::string> source_names;  ///< of each column; "" for an added one
};

/// Without any transformation.
ShownTable shown_as_it_is(const TableSchema& source);

/// What came of looking a column up.
struct ColumnMatch {
  std::optional<std::uint32_t> index;  ///< into the names; none: `fault` says why
  std::string fault;                   ///< "no column \"x\"", or which two it could mean
  std::string expected;                ///< the nearest name, quoted; "" when none is near
};
/// The column that a rule means by `name`: an exact match first, else the only one that differs in case alone.
ColumnMatch find_column_of_rule(std::string_view name, const std::vector<std::string>& names);

/// The same in a shown table: its shown names first, then its source names.
ColumnMatch find_shown_column(std::string_view name, const ShownTable& table);

/// kInvalidMapping about a rule that does not fit a table.
Error rule_misfit(const JsonLocation& at, const TableName& table, const ColumnMatch& match);

}  // namespace dmskafka

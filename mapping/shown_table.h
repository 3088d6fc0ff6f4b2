#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/base/table_schema.h"
#include "core/settings/task_settings.h"

namespace dmskafka {

/// A column that shows the value before an update (add-before-image-columns).
struct OldColumn {
  std::uint32_t of = 0;  ///< the shown column whose old value it is
  BeforeImageSettings::ColumnFilter filter = BeforeImageSettings::ColumnFilter::kPkOnly;
};

/// A table as its messages show it, after the transformations. A row's values stand in slots: the source's columns, what is
/// computed of them, and from slot `row_width` on the same of the row before an update, where it is shown.
struct ShownTable {
  TableSchema schema;                     ///< names, columns and key as shown
  std::vector<std::uint32_t> slots;       ///< where the value of each column stands in the row
  std::vector<std::string> source_names;  ///< of each column; "" for an added one
  std::uint32_t row_width = 0;
  std::vector<std::optional<OldColumn>> old_columns = {};  ///< of each column; none: it is of the row itself
  std::vector<std::uint32_t> key_slots = {};               ///< of the key's values as the source gives them
};

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

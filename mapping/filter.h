#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/change.h"
#include "core/base/json_location.h"
#include "core/base/result.h"
#include "core/base/row_condition.h"
#include "core/base/table_schema.h"
#include "core/json/json_reader.h"
#include "core/settings/settings_reader.h"
#include "mapping/number_text.h"

namespace dmskafka {

struct FilterCondition {
  FilterOperator op = FilterOperator::kEq;
  std::string low;   ///< value or start-value
  std::string high;  ///< end-value
  JsonLocation at;
};

/// One filter of a selection rule: a row passes when one of its conditions holds.
struct Filter {
  std::string column;
  JsonLocation column_at;
  std::vector<FilterCondition> conditions;
};

/// Reads "filters" of a selection rule. Problems go to `problems`.
std::vector<Filter> read_filters(const JsonValue& filters, Problems& problems);

/// The filters of one table, which a row must all pass. Immutable; any thread; allocates nothing.
///
/// Values are compared as SQLite does: numbers by their exact value, everything else byte by byte, dates in the form
/// YYYY-MM-DD[ HH:MM:SS], where years before 1 and after 9999 and infinity stand in their place. Against NULL no comparison holds, "noteq" neither. A row that lacks the column passes.
class RowFilter {
 public:
  /// Errors: kInvalidMapping for a column that the table lacks or that is a LOB, and for a value that is no number beside
  /// a column of numbers.
  static Result<RowFilter> compile(const std::vector<Filter>& filters, const TableSchema& table);

  bool empty() const noexcept { return columns_.empty(); }
  bool passes(RowView row) const;
  /// The same for a source: a clause for each filter.
  const RowCondition& condition() const noexcept { return condition_; }
  /// True when it asks about none but these columns.
  bool asks_only(std::span<const std::uint32_t> columns) const noexcept;

 private:
  struct Operand {
    std::string text;
    std::optional<std::string> number;  ///< the text, when it is one
  };
  struct Condition {
    FilterOperator op;
    Operand low, high;
  };
  struct Column {
    std::uint32_t index;
    ValueKind kind;
    std::vector<Condition> conditions;
  };

  static Result<Operand> operand(std::string text, const FilterCondition& condition,
                                 const ColumnSchema& column);
  static bool holds(const Condition& condition, ValueKind kind, const Value& value);
  static int compare(ValueKind kind, const Value& value, const Operand& operand);

  std::vector<Column> columns_;
  RowCondition condition_;
};

}  // namespace dmskafka

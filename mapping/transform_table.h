#pragma once
#include <memory>
#include <span>
#include <vector>

#include "core/base/result.h"
#include "core/base/table_schema.h"
#include "mapping/computed_columns.h"
#include "mapping/shown_table.h"
#include "mapping/transformation.h"
#include "mapping/value_settings.h"

namespace dmskafka {

/// A table with its transformations applied.
struct TransformedTable {
  ShownTable shown;
  std::shared_ptr<const ComputedColumns> computed;  ///< null when each value is one of the row's own
  bool schema_renamed = false;                      ///< a rule gave the schema its name
  std::vector<std::int64_t> rules;                  ///< ids of those that met something in the table
  std::vector<Error> warnings;                      ///< rules without effect, since another came first
};

/// Applies `rules`, which stand in the order of their ids. Rules of different targets compose; of two that name one object,
/// or mask one column, or change one type, the one with the lower id counts. A rule also sees the columns that rules before
/// it added. Errors: kInvalidMapping with the place of the rule that does not fit the table.
/// `old_rows`: whether old rows are shown, whatever the rules say.
Result<TransformedTable> transform_table(const TableSchema& source, std::span<const TransformationRule> rules,
                                         const ValueSettings& settings,
                                         OldRows old_rows = OldRows::kNotShown);

}  // namespace dmskafka

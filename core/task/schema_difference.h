#pragma once
#include <string>
#include <vector>

#include "core/base/table_schema.h"
#include "core/task/planner.h"

namespace dmskafka {

/// One step on the way from one version of a table to the next: a control record.
struct SchemaStep {
  ControlOperation operation = ControlOperation::kColumnTypeChange;
  TableSchema before;
  TableSchema after;
  std::vector<std::string> columns;  ///< `column-names`; a rename's old name, then its new one
};

/// The steps from `before` to `after`, in the order in which each leaves a table that could exist: rename-table, drop-column,
/// rename-column (change-columns where the type changed with the name), column-type-change, add-column. Empty when a
/// consumer would see no difference. What the source does not number is told apart by name, type and place: a column that
/// went and one of the same type that came at its place are a rename.
std::vector<SchemaStep> schema_difference(const TableSchema& before, const TableSchema& after);

}  // namespace dmskafka

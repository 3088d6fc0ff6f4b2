#pragma once
#include <memory>
#include <string>

#include "core/task/planner.h"
#include "mapping/rule_set.h"
#include "mapping/selection.h"
#include "mapping/table_mapping.h"

namespace dmskafka {

/// The object-mapping rule of a table: that of the lowest id. Null: there is none.
const ObjectMappingRule* object_mapping_of(const TableName& name, TableKind kind, const RuleSet& rules);

/// The rules and settings resolved against one version of one table. Immutable; any thread. Errors: kInvalidMapping with the
/// place of the rule that does not fit the table.
Result<std::unique_ptr<const TablePlan>> make_table_plan(std::shared_ptr<const TableSchema> schema,
                                                         const RuleSet& rules, const Selection& selection,
                                                         const MappingContext& context);

}  // namespace dmskafka

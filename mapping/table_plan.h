#pragma once
#include <memory>
#include <string>

#include "core/task/planner.h"
#include "mapping/control_record.h"
#include "mapping/data_record.h"
#include "mapping/table_mapping.h"

namespace dmskafka {

/// The rules and settings resolved against one version of one table. Immutable; any thread.
std::unique_ptr<const TablePlan> make_table_plan(std::shared_ptr<const TableSchema> schema,
                                                 const MappingContext& context);

}  // namespace dmskafka

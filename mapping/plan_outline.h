#pragma once
#include "core/settings/task_settings.h"
#include "core/task/planner.h"
#include "mapping/object_mapping.h"
#include "mapping/record_shape.h"
#include "mapping/transform_table.h"

namespace dmskafka {

/// What a plan was made from.
struct PlanParts {
  const TableSchema& source;
  const TransformedTable& table;
  const RecordShape& shape;
  const ObjectMappingRule* mapping;  ///< null: no rule of the table
  const TaskSettings& task;
};

/// The plan in words for people.
PlanOutline outline_of(const PlanParts& parts);

}  // namespace dmskafka

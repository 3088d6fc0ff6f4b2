#pragma once
#include <string>
#include <vector>

#include "cli/task_inputs.h"
#include "core/task/source.h"

namespace dmskafka {

/// A table that the mapping selects, as validate-mapping shows it.
struct SelectedTableReport {
  TableName name;
  TableKind kind = TableKind::kTable;
  std::vector<std::string> key_columns;
  std::string topic;
  TableName target;  ///< as messages show it
};

/// The selected tables of a real source. What does not fit becomes a problem: tables that cannot be described or planned,
/// tables without a key, a mapping that selects nothing. Errors: the source's.
Result<std::vector<SelectedTableReport>> report_tables(Source& source, const Planner& planner,
                                                       const TaskSettings& task, Problems& problems);

std::string tables_text(const std::vector<SelectedTableReport>& tables);
std::string tables_json(const std::vector<SelectedTableReport>& tables);

}  // namespace dmskafka

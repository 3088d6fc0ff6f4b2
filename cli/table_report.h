#pragma once
#include <string>
#include <vector>

#include "cli/task_inputs.h"
#include "core/task/planner.h"
#include "core/task/source.h"

namespace dmskafka {

/// A table that the mapping selects, as validate-mapping shows it.
struct SelectedTableReport {
  TableName name;
  TableKind kind = TableKind::kTable;
  std::string topic;
  TableName target;  ///< as messages show it
  PlanOutline outline;
  bool has_key = false;                  ///< in the messages
  OldRow old_row = OldRow::kWhole;       ///< what the log tells of it
  std::vector<std::string> lob_columns;  ///< that messages carry
};

/// What a mapping makes of a real source.
struct SourceReport {
  std::vector<RuleReach> rules;
  std::vector<SelectedTableReport> tables;
};

/// The selected tables of a real source. What does not fit becomes a problem: tables that cannot be described or planned,
/// what is wrong with tables together, a mapping that selects nothing, and what table_findings.h says. Errors: the source's.
Result<SourceReport> report_tables(Source& source, const TaskInputs& inputs, Problems& problems);

/// Two tables of text: the rules with what they match, the tables with what becomes of them.
std::string report_text(const SourceReport& report);
/// `"rules":[…],"tables":[…]`
std::string report_json(const SourceReport& report);

}  // namespace dmskafka

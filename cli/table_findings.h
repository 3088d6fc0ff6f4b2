#pragma once
#include <vector>

#include "cli/table_report.h"
#include "cli/task_inputs.h"

namespace dmskafka {

/// What is right, and yet not what one may expect, of the selected tables: those of one name, those whose messages all go to
/// one partition, those whose load and CDC keys differ, those whose log tells nothing of old rows, LOBs without a key.
void note_findings(const std::vector<SelectedTableReport>& tables, const TaskInputs& inputs,
                   Problems& problems);

}  // namespace dmskafka

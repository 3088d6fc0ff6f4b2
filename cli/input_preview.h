#pragma once
#include <cstdint>

#include "cli/commands.h"
#include "cli/task_inputs.h"

namespace dmskafka {

struct InputPreviewSummary {
  std::uint64_t rows = 0;     ///< read
  std::uint64_t records = 0;  ///< printed; the others were not selected
};

/// Prints the messages that the rows of --input become, in their order, by the same path that a load's rows take. Nothing is
/// sent, and no database is asked. Errors: kInvalidSettings for a line that is no row, kInvalidMapping for rules that do not fit
/// it, those of the stream; kTablesInError when a message could not be sent as it is.
Result<void> preview_input(const CommandContext& context, const TaskInputs& inputs,
                           InputPreviewSummary& summary);

}  // namespace dmskafka

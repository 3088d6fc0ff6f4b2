#include "core/task/task_progress.h"

namespace dmskafka {

// SPEC Table states: "Table does not exist", "Before load", "Full load", "Table completed", "Table cancelled", "Table error".
std::string_view table_state_name(TableState state) noexcept {
  switch (state) {
    case TableState::kBeforeLoad: return "Before load";
    case TableState::kFullLoad: return "Full load";
    case TableState::kTableCompleted: return "Table completed";
    case TableState::kTableCancelled: return "Table cancelled";
    case TableState::kTableError: return "Table error";
  }
  return "Table error";
}

}  // namespace dmskafka

#include "core/task/task_progress.h"

#include <fmt/format.h>

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

std::vector<std::string> rule_notes(const TableProgress& table) {
  std::vector<std::string> notes;
  const auto note = [&](const std::atomic<std::uint64_t>& counter, std::string_view one,
                        std::string_view several) {
    const std::uint64_t count = counter.load();
    if (count != 0)
      notes.push_back(fmt::format("{}: {} {}", table.name.text(), count, count == 1 ? one : several));
  };
  note(table.rows_filtered, "row left out by the mapping's filters",
       "rows left out by the mapping's filters");
  note(table.rows_unseen,
       "update left out by the mapping's filters, whose old row the log does not show: a consumer may still "
       "have the row",
       "updates left out by the mapping's filters, whose old rows the log does not show: consumers may still "
       "have the rows");
  note(table.expressions_failed, "expression could not be evaluated and gave NULL",
       "expressions could not be evaluated and gave NULL");
  note(table.keys_incomplete,
       "record has a key without a value that the log does not show, and may stand in another partition than "
       "its row",
       "records have keys without a value that the log does not show, and may stand in other partitions than "
       "their rows");
  return notes;
}

}  // namespace dmskafka

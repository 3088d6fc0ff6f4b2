#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/row.h"
#include "core/base/table_schema.h"
#include "core/settings/task_settings.h"

namespace dmskafka {

/// When the value of one column before an update is shown (wire-format.md §3.4).
struct OldValue {
  std::uint32_t new_slot = 0;  ///< of the column's value after it
  /// Only where the update changed the key: PostgreSQL's log tells the old key then alone.
  bool with_changed_key = false;
  /// Where the log does not have it, the key did not change: the new value.
  bool else_new = false;

  /// `value` as the log has it, or what stands for it; absent: it is not shown.
  Value shown(const Value& value, RowView row, bool key_changed) const noexcept {
    if (with_changed_key && !key_changed) return {};
    return value.is_known() || !else_new ? value : row[new_slot];
  }
};

/// What of `table`'s column is shown of old rows. `key`: it is a column of the key; `filter` passed.
OldValue old_value_of(const TableSchema& table, BeforeImageSettings::ColumnFilter filter, bool key,
                      std::uint32_t new_slot, Dialect dialect) noexcept;

/// True for a column that a column-filter passes. REQUIRES: of the source.
bool passes(BeforeImageSettings::ColumnFilter filter, bool key, bool lob, bool strict) noexcept;

/// True when the values at `slots` are known in both rows and differ.
bool key_changed(std::span<const std::uint32_t> slots, RowView row, RowView old_row) noexcept;

}  // namespace dmskafka

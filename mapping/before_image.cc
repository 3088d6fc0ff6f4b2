#include "mapping/before_image.h"

namespace dmskafka {

// SPEC wire-format §3.4: "pk-only PG: old key columns if the key changed, else {}; documented: always the key columns
// (unchanged = the new row's). MySQL: key columns always. non-lob: every column the log gives but LOBs; all: LOBs too. PG
// needs REPLICA IDENTITY FULL, otherwise as pk-only."
OldValue old_value_of(const TableSchema& table, BeforeImageSettings::ColumnFilter filter, bool key,
                      std::uint32_t new_slot, Dialect dialect) noexcept {
  OldValue value{new_slot};
  const bool documented = dialect == Dialect::kDocumented;
  switch (table.old_row) {
    case OldRow::kWhole: break;
    case OldRow::kFull:
      value.with_changed_key = !documented && filter == BeforeImageSettings::ColumnFilter::kPkOnly;
      break;
    case OldRow::kKeyWhenChanged:
      value.with_changed_key = !documented;
      value.else_new = documented && key;
      break;
    case OldRow::
        kOtherColumns:  // The key may have changed without the log saying so: what it gives is shown.
    case OldRow::kNothing: break;
  }
  return value;
}

// SPEC wire-format §3.4: "all: LOBs too (strict: never)".
bool passes(BeforeImageSettings::ColumnFilter filter, bool key, bool lob, bool strict) noexcept {
  switch (filter) {
    case BeforeImageSettings::ColumnFilter::kPkOnly: return key;
    case BeforeImageSettings::ColumnFilter::kNonLob: return !lob;
    case BeforeImageSettings::ColumnFilter::kAll: return !lob || !strict;
  }
  return true;
}

bool key_changed(std::span<const std::uint32_t> slots, RowView row, RowView old_row) noexcept {
  if (old_row.empty()) return false;
  for (const std::uint32_t slot : slots) {
    const Value& before = old_row[slot];
    const Value& after = row[slot];
    if (!before.is_known() || !after.is_known()) continue;
    if (before.form() != after.form() || before.view() != after.view()) return true;
  }
  return false;
}

}  // namespace dmskafka

#include "mapping/lob_columns.h"

namespace dmskafka {

LobColumns lob_columns_of(const TaskSettings& task) noexcept {
  // SPEC SupportLobs: "When the value is set to false, LOB columns are not migrated."
  if (!task.support_lobs) return LobColumns::kLeftOut;
  return task.dmskafka.dialect == Dialect::kDmsStrict ? LobColumns::kSentWithKey : LobColumns::kSent;
}

bool is_sent(LobColumns lobs, const TableSchema& schema, std::uint32_t column) noexcept {
  if (!schema.columns[column].lob || schema.is_key_column(column)) return true;
  switch (lobs) {
    case LobColumns::kSent: return true;
    case LobColumns::kSentWithKey: return schema.has_primary_key();
    case LobColumns::kLeftOut: return false;
  }
  return true;
}

std::vector<std::string> lob_remarks(LobColumns lobs, const TableSchema& schema) {
  std::string names;
  for (std::uint32_t i = 0; i < schema.columns.size(); ++i) {
    if (!is_sent(lobs, schema, i)) names += (names.empty() ? "" : ", ") + schema.columns[i].name;
  }
  if (names.empty()) return {};
  const char* const why = lobs == LobColumns::kLeftOut
                              ? "SupportLobs is false"
                              : "Dialect dms-strict, as DMS, sends none of a table without a primary key";
  return {"LOB columns are left out: " + names + " (" + why + ")"};
}

}  // namespace dmskafka

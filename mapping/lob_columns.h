#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/table_schema.h"
#include "core/settings/task_settings.h"

namespace dmskafka {

/// Which LOB columns messages carry, in `data` and in the table's definition alike. A LOB column of the primary key is always
/// carried whole, since without it rows could not be told apart.
enum class LobColumns : std::uint8_t {
  kSent,
  kSentWithKey,  ///< dms-strict: not of a table without a primary key
  kLeftOut,      ///< SupportLobs is false
};

LobColumns lob_columns_of(const TaskSettings& task) noexcept;
bool is_sent(LobColumns lobs, const TableSchema& schema, std::uint32_t column) noexcept;
/// What people must hear of a table: the columns that are left out, and why. Empty when there are none.
std::vector<std::string> lob_remarks(LobColumns lobs, const TableSchema& schema);

}  // namespace dmskafka

#pragma once
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/settings/source_settings.h"
#include "sources/postgres/connection.h"

namespace dmskafka::postgres {

/// The table through which DDL travels, named as DMS's.
constexpr std::string_view kDdlAuditTable = "awsdms_ddl_audit";

/// What captures DDL in this database: an event trigger that writes into a table. One for all tasks.
struct DdlCapture {
  bool ours = false;  ///< and not DMS's, which does not tell how a table was at the time
  bool enabled = false;
  std::string schema;
  std::uint32_t table = 0;                ///< oid
  std::vector<std::string> publications;  ///< that hold the table
};

/// nullopt: nothing captures DDL. Errors: query_error(), kCancelled.
Result<std::optional<DdlCapture>> read_ddl_capture(Connection& connection, const std::stop_token& stop);

/// Makes it when CaptureDdls asks for it. Where that takes more rights than we have, or DMS's own is there, it says so, and DDL is
/// seen later, by what it does. Errors: query_error(), kCancelled.
Result<void> ensure_ddl_capture(Connection& connection, const SourceSettings& settings,
                                const std::stop_token& stop);

/// Errors: query_error(), kCancelled.
Result<void> drop_ddl_capture(Connection& connection, const DdlCapture& capture, const std::stop_token& stop);

}  // namespace dmskafka::postgres

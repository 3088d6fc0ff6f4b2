#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/base/table_schema.h"
#include "core/settings/source_settings.h"
#include "core/task/source.h"
#include "sources/postgres/connection.h"

namespace dmskafka::postgres {

/// What TableSchema::source_handle holds: "16385 r", or "16385 r rls".
struct TableHandle {
  std::string oid;
  char relation_kind =
      'r';  ///< pg_class.relkind: r table, p partitioned, v view, m materialised view, f foreign
  bool row_security = false;  ///< pg_class.relrowsecurity

  std::string to_text() const;
  /// REQUIRES: `text` was made by to_text().
  static TableHandle parse(std::string_view text);
};

/// The catalogue, through one connection. A constant number of queries, however many tables.
/// Errors of all: query_error() and kCancelled.

/// `server` is the system identifier; where the role may not read it, "database-oid:N", which tells databases of one
/// server apart but not two servers.
Result<SourceIdentity> read_identity(Connection& connection, const std::stop_token& stop);
Result<std::vector<CatalogTable>> read_tables(Connection& connection, const std::stop_token& stop);
/// What a user should hear about a table (columns left out …) is said when it is described, not when it is compared.
enum class Remarks : bool { kQuiet, kLog };
/// In the order of `names`; a table that is not there or may not be read has an error of its own (kTableUnreadable).
Result<std::vector<Result<TableSchema>>> read_table_schemas(Connection& connection,
                                                            const SourceSettings& settings,
                                                            std::span<const TableName> names, Remarks remarks,
                                                            const std::stop_token& stop);

}  // namespace dmskafka::postgres

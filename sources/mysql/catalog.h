#pragma once
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/base/table_schema.h"
#include "core/task/source.h"
#include "sources/mysql/connection.h"

namespace dmskafka::mysql {

/// What TableSchema::source_handle holds: "InnoDB transactional", "InnoDB transactional partitioned", "MyISAM", "" for a view.
struct TableHandle {
  std::string engine;
  bool transactional = false;  ///< its rows belong to a snapshot
  bool partitioned = false;

  std::string to_text() const;
  static TableHandle parse(std::string_view text);
};

/// The catalogue, through one connection; a number of queries that does not grow with the number of tables of a schema.
/// Errors of all: query_error() and kCancelled.

/// `server` is MySQL's server UUID, or MariaDB's server_uid with its server_id. `database` is empty: all of them are the source.
Result<SourceIdentity> read_identity(Connection& connection, const std::stop_token& stop);
Result<std::vector<CatalogTable>> read_tables(Connection& connection, const std::stop_token& stop);
/// In the order of `names`; a table that is not there or may not be read has an error of its own (kTableUnreadable).
Result<std::vector<Result<TableSchema>>> read_table_schemas(Connection& connection,
                                                            std::span<const TableName> names,
                                                            const std::stop_token& stop);

}  // namespace dmskafka::mysql

#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/base/table_schema.h"
#include "core/task/source.h"
#include "sources/sqlite/connection.h"

namespace dmskafka::sqlite {

/// The schema that a database file's tables are in.
constexpr std::string_view kSchemaName = "main";
/// Tables whose names begin so are ours (the change log of CDC), never data.
constexpr std::string_view kOwnPrefix = "_dmskafka_";

struct Catalog {
  std::vector<CatalogTable> tables;  ///< by name
  /// Virtual tables whose module this program lacks: they cannot be read, nor their shadow tables be told from others.
  std::vector<std::string> unknown_modules;
};
Result<Catalog> read_catalog(Connection& connection);

/// Errors: kTableUnreadable: no such table, or a view that does not hold any more.
Result<TableSchema> describe_table(Connection& connection, const TableName& name);

}  // namespace dmskafka::sqlite

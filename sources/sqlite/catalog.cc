#include "sources/sqlite/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "sources/sqlite/declared_type.h"

namespace dmskafka::sqlite {
namespace {

// PRAGMA table_xinfo, column "hidden": 0 ordinary, 1 hidden in a virtual table, 2 generated virtual, 3 generated stored.
constexpr std::int64_t kHiddenInVirtualTable = 1;

struct ListedTable {
  std::string type;  // table, view, virtual, shadow
  bool without_rowid = false;
};

Result<std::optional<ListedTable>> find_table(Connection& connection, const std::string& name) {
  // Names are matched exactly: SQLite ignores case, table mappings do not.
  DMSKAFKA_ASSIGN(Statement statement, Statement::prepare(connection,
                                                          "SELECT type, wr FROM pragma_table_list(?1)"
                                                          " WHERE schema = 'main' AND name = ?1"));
  statement.bind(name);
  DMSKAFKA_ASSIGN(const bool found, statement.step());
  if (!found) return std::optional<ListedTable>();
  return std::optional<ListedTable>(ListedTable{std::string(statement.text(0)), statement.number(1) != 0});
}

/// A primary key of a rowid table that has no index of its own is the rowid: never NULL, though not declared so.
Result<bool> key_has_index(Connection& connection, const std::string& table) {
  DMSKAFKA_ASSIGN(Statement statement,
                  Statement::prepare(
                      connection, "SELECT count(*) FROM pragma_index_list(?1, 'main') WHERE origin = 'pk'"));
  statement.bind(table);
  DMSKAFKA_TRY(statement.step());
  return statement.number(0) != 0;
}

Result<void> read_columns(Connection& connection, const ListedTable& listed, TableSchema& schema) {
  DMSKAFKA_ASSIGN(Statement statement, Statement::prepare(connection,
                                                          "SELECT name, type, \"notnull\", pk, hidden FROM"
                                                          " pragma_table_xinfo(?1, 'main') ORDER BY cid"));
  statement.bind(schema.name.table);
  std::vector<std::pair<std::int64_t, std::uint32_t>> key;  // place in the key from 1, column
  for (;;) {
    DMSKAFKA_ASSIGN(const bool found, statement.step());
    if (!found) break;
    if (statement.number(4) == kHiddenInVirtualTable) continue;
    ColumnSchema column;
    column.name = statement.text(0);
    column.source_type = statement.text(1);
    column.value_kind = ValueKind::kDynamic;
    column.nullable = statement.number(2) == 0;
    describe_declared_type(column.source_type, column);
    if (const std::int64_t place = statement.number(3); place > 0) {
      key.emplace_back(place, static_cast<std::uint32_t>(schema.columns.size()));
    }
    schema.columns.push_back(std::move(column));
  }
  std::sort(key.begin(), key.end());
  for (const auto& [place, column] : key) schema.primary_key.push_back(column);
  if (schema.primary_key.size() == 1 && listed.type == "table" && !listed.without_rowid) {
    DMSKAFKA_ASSIGN(const bool has_index, key_has_index(connection, schema.name.table));
    if (!has_index) schema.columns[schema.primary_key.front()].nullable = false;
  }
  return {};
}

/// ANALYZE's count where there is one, else the span of the rowids where the file could hold so many rows.
Result<std::optional<std::uint64_t>> estimate_rows(Connection& connection, const ListedTable& listed,
                                                   const TableSchema& schema) {
  std::optional<std::uint64_t> none;
  if (listed.type != "table") return none;
  DMSKAFKA_ASSIGN(const std::int64_t analyzed,
                  connection.number("SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'"));
  if (analyzed != 0) {
    DMSKAFKA_ASSIGN(
        Statement statement,
        Statement::prepare(connection, "SELECT max(CAST(stat AS INTEGER)) FROM sqlite_stat1 WHERE tbl = ?1"));
    statement.bind(schema.name.table);
    DMSKAFKA_TRY(statement.step());
    if (const std::int64_t rows = statement.number(0); rows > 0)
      return std::optional(static_cast<std::uint64_t>(rows));
  }
  if (listed.without_rowid || schema.find_column("rowid")) return none;
  const std::string table = quote_identifier(schema.name.table);
  // As REAL: the span of all rowids does not fit an integer.
  DMSKAFKA_ASSIGN(
      const std::int64_t span,
      connection.number(fmt::format("SELECT CAST(coalesce((SELECT max(rowid) FROM main.{0}), 0) * 1.0 -"
                                    " coalesce((SELECT min(rowid) FROM main.{0}), 1) + 1 AS INTEGER)",
                                    table)));
  DMSKAFKA_ASSIGN(const std::int64_t pages, connection.number("PRAGMA page_count"));
  DMSKAFKA_ASSIGN(const std::int64_t page_bytes, connection.number("PRAGMA page_size"));
  constexpr std::int64_t kRowBytesMin = 5;  // cell pointer, sizes, rowid
  if (span < 0 || span > pages * page_bytes / kRowBytesMin) return none;
  return std::optional(static_cast<std::uint64_t>(span));
}

bool is_reserved(std::string_view name) {
  return name.starts_with("sqlite_") || name.starts_with(kOwnPrefix);
}

}  // namespace

Result<Catalog> read_catalog(Connection& connection) {
  DMSKAFKA_ASSIGN(Statement statement,
                  Statement::prepare(connection,
                                     "SELECT name, type, ncol FROM pragma_table_list WHERE schema = 'main'"
                                     " AND type <> 'shadow' ORDER BY name"));
  Catalog catalog;
  for (;;) {
    DMSKAFKA_ASSIGN(const bool found, statement.step());
    if (!found) return catalog;
    std::string name(statement.text(0));
    if (is_reserved(name)) continue;
    if (statement.text(1) == "virtual" && statement.number(2) == 0) catalog.unknown_modules.push_back(name);
    const TableKind kind = statement.text(1) == "view" ? TableKind::kView : TableKind::kTable;
    catalog.tables.push_back(CatalogTable{TableName{std::string(kSchemaName), std::move(name)}, kind});
  }
}

Result<TableSchema> describe_table(Connection& connection, const TableName& name) {
  const auto unreadable = [&](std::string_view what) {
    return Error(ErrorCode::kTableUnreadable,
                 fmt::format("sqlite:{}: {}: {}", connection.path(), name.text(), what));
  };
  if (name.schema != kSchemaName) return unreadable("no such schema; SQLite's is \"main\"");
  DMSKAFKA_ASSIGN(const std::optional<ListedTable> listed, find_table(connection, name.table));
  if (!listed) return unreadable("no such table");
  TableSchema schema;
  schema.name = name;
  schema.kind = listed->type == "view" ? TableKind::kView : TableKind::kTable;
  DMSKAFKA_TRY(read_columns(connection, *listed, schema));
  if (schema.columns.empty())
    return unreadable("its columns are unknown: its virtual-table module is not in this program");
  DMSKAFKA_ASSIGN(schema.rows_estimate, estimate_rows(connection, *listed, schema));
  return schema;
}

}  // namespace dmskafka::sqlite

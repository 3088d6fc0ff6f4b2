#include "sources/postgres/catalog.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <unordered_map>

#include "core/base/logging.h"
#include "sources/postgres/column_types.h"
#include "sources/postgres/identifier.h"
#include "sources/postgres/sql/queries.h"

namespace dmskafka::postgres {
namespace {

template <typename Integer>
Integer to_integer(std::string_view text) {
  Integer value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// The columns of describe_tables.sql.
enum TableField : int {
  kNumber,
  kOid,
  kRelationKind,
  kRowSecurity,
  kMayUseSchema,
  kMaySelect,
  kRowCount,
  kBytes,
  kKey,
  kIdentity
};
/// The columns of describe_columns.sql.
enum ColumnField : int {
  kRelation,
  kAttributeNumber,
  kName,
  kRequired,
  kGenerated,
  kPrintedType,
  kTypeName,
  kTypeBuiltIn,
  kTypeKind,
  kTypeArray,
  kTypeModifier,
};

/// The rows of describe_columns.sql that belong to one table.
struct RowRange {
  int first = 0;
  int end = 0;
};

Result<TableHandle> find_table(const QueryResult& tables, int row, const TableName& name,
                               const std::string& role) {
  if (tables.is_null(row, kOid)) {
    return Error(ErrorCode::kTableUnreadable, fmt::format("{}: there is no such table", name.text()));
  }
  TableHandle handle{std::string(tables.text(row, kOid)), tables.text(row, kRelationKind).front(),
                     tables.boolean(row, kRowSecurity)};
  const TableAccess access{name, role, handle.row_security};
  if (!tables.boolean(row, kMayUseSchema)) return missing_schema_privilege(access);
  if (!tables.boolean(row, kMaySelect)) return missing_privilege(access);
  return handle;
}

OldRow old_row(char identity) {
  switch (identity) {
    case 'f': return OldRow::kFull;
    case 'd': return OldRow::kKeyWhenChanged;
    case 'i': return OldRow::kOtherColumns;
    default: return OldRow::kNothing;
  }
}

ColumnSchema make_column(const QueryResult& columns, int row, const SourceSettings& settings) {
  ColumnSchema column;
  column.name = columns.text(row, kName);
  column.number = to_integer<std::uint32_t>(columns.text(row, kAttributeNumber));
  column.nullable = !columns.boolean(row, kRequired);
  column.source_type = columns.text(row, kPrintedType);
  const ColumnType type{std::string(columns.text(row, kTypeName)), columns.boolean(row, kTypeBuiltIn),
                        columns.text(row, kTypeKind).front(), columns.boolean(row, kTypeArray),
                        to_integer<std::int32_t>(columns.text(row, kTypeModifier))};
  set_column_type(type, settings, column);
  return column;
}

/// Fills columns and key. The log never carries generated columns (before PostgreSQL 18, and virtual ones at no time), so
/// they are left out of the load too: one table has one shape.
void add_columns(const QueryResult& columns, RowRange range, std::string_view key,
                 const SourceSettings& settings, Remarks remarks, TableSchema& schema) {
  std::unordered_map<std::string_view, std::uint32_t> index_of;  // by attribute number
  std::string generated;
  for (int row = range.first; row < range.end; ++row) {
    if (!columns.text(row, kGenerated).empty()) {
      generated += (generated.empty() ? "" : ", ") + std::string(columns.text(row, kName));
      continue;
    }
    index_of.emplace(columns.text(row, kAttributeNumber), static_cast<std::uint32_t>(schema.columns.size()));
    schema.columns.push_back(make_column(columns, row, settings));
  }
  while (!key.empty()) {
    const std::size_t end = std::min(key.find(' '), key.size());
    const auto column = index_of.find(key.substr(0, end));
    if (column == index_of.end()) {  // a part of a key is no key
      schema.primary_key.clear();
      if (remarks == Remarks::kLog)
        log_warning(
            fmt::format("{}: its primary key has a generated column, so it is loaded as a table without key",
                        schema.name.text()));
      break;
    }
    schema.primary_key.push_back(column->second);
    key.remove_prefix(std::min(end + 1, key.size()));
  }
  if (!generated.empty() && remarks == Remarks::kLog) {
    log_info(fmt::format("{}: generated columns are left out: {}", schema.name.text(), generated));
  }
}

void add_estimates(const QueryResult& tables, int row, TableSchema& schema) {
  // reltuples is a float4; -1 (from 14 on), or 0 in 0 pages, of a table that was never analysed.
  const double rows = tables.is_null(row, kRowCount) ? -1 : std::atof(tables.text(row, kRowCount).data());
  schema.bytes_estimate =
      tables.is_null(row, kBytes) ? 0 : to_integer<std::uint64_t>(tables.text(row, kBytes));
  if (rows > 0 || (rows >= 0 && schema.bytes_estimate > 0)) {
    schema.rows_estimate = static_cast<std::uint64_t>(std::llround(rows));
  }
}

std::string columns_statement(int server_version) {
  std::string statement(kDescribeColumnsSql);
  constexpr std::string_view mark = "{generated},";  // the comment at its head names it without a comma
  statement.replace(statement.find(mark), mark.size(),
                    server_version >= 120000 ? "a.attgenerated," : "''::text,");
  return statement;
}

std::unordered_map<std::string_view, RowRange> group_by_relation(const QueryResult& columns) {
  std::unordered_map<std::string_view, RowRange> ranges;
  for (int row = 0; row < columns.rows(); ++row) {
    RowRange& range = ranges.try_emplace(columns.text(row, kRelation), RowRange{row, row}).first->second;
    range.end = row + 1;
  }
  return ranges;
}

}  // namespace

std::string TableHandle::to_text() const {
  return fmt::format("{} {}{}", oid, relation_kind, row_security ? " rls" : "");
}

TableHandle TableHandle::parse(std::string_view text) {
  TableHandle handle;
  const std::size_t blank = text.find(' ');
  if (blank == std::string_view::npos || blank + 1 >= text.size()) return handle;
  handle.oid = text.substr(0, blank);
  handle.relation_kind = text[blank + 1];
  handle.row_security = text.ends_with(" rls");
  return handle;
}

Result<SourceIdentity> read_identity(Connection& connection, const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(const QueryResult row, connection.query(kIdentitySql, {}, stop));
  if (row.rows() != 1)
    return Error(ErrorCode::kSourceRejected, "PostgreSQL does not name the database we are connected to");
  const std::string server =
      row.is_null(0, 0) ? fmt::format("database-oid:{}", row.text(0, 1)) : std::string(row.text(0, 0));
  return SourceIdentity{"postgresql", server, std::string(row.text(0, 2))};
}

Result<std::vector<CatalogTable>> read_tables(Connection& connection, const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(const QueryResult result, connection.query(kListTablesSql, {}, stop));
  std::vector<CatalogTable> tables;
  tables.reserve(static_cast<std::size_t>(result.rows()));
  for (int row = 0; row < result.rows(); ++row) {
    const std::string_view kind = result.text(row, 2);
    tables.push_back({{std::string(result.text(row, 0)), std::string(result.text(row, 1))},
                      kind == "r" || kind == "p" ? TableKind::kTable : TableKind::kView});
  }
  return tables;
}

Result<std::vector<Result<TableSchema>>> read_table_schemas(Connection& connection,
                                                            const SourceSettings& settings,
                                                            std::span<const TableName> names, Remarks remarks,
                                                            const std::stop_token& stop) {
  std::vector<std::string> schema_names;
  std::vector<std::string> table_names;
  for (const TableName& name : names) {
    schema_names.push_back(name.schema);
    table_names.push_back(name.table);
  }
  DMSKAFKA_ASSIGN(
      const QueryResult tables,
      connection.query(kDescribeTablesSql, {array_literal(schema_names), array_literal(table_names)}, stop));
  if (static_cast<std::size_t>(tables.rows()) != names.size()) {
    return Error(ErrorCode::kInternal, "describe_tables.sql does not give one row for each table");
  }
  std::vector<std::string> oids;
  for (int row = 0; row < tables.rows(); ++row) {
    if (!tables.is_null(row, kOid)) oids.emplace_back(tables.text(row, kOid));
  }
  DMSKAFKA_ASSIGN(const QueryResult columns, connection.query(columns_statement(connection.server_version()),
                                                              {array_literal(oids)}, stop));
  const auto ranges = group_by_relation(columns);

  std::vector<Result<TableSchema>> schemas;
  schemas.reserve(names.size());
  for (int row = 0; row < tables.rows(); ++row) {
    const TableName& name = names[static_cast<std::size_t>(row)];
    auto handle = find_table(tables, row, name, connection.user());
    if (!handle) {
      schemas.emplace_back(std::move(handle).error());
      continue;
    }
    TableSchema schema;
    schema.name = name;
    schema.kind =
        handle->relation_kind == 'r' || handle->relation_kind == 'p' ? TableKind::kTable : TableKind::kView;
    schema.source_handle = handle->to_text();
    schema.old_row = old_row(tables.text(row, kIdentity).front());
    add_estimates(tables, row, schema);
    if (const auto range = ranges.find(tables.text(row, kOid)); range != ranges.end()) {
      add_columns(columns, range->second, tables.text(row, kKey), settings, remarks, schema);
    }
    schemas.emplace_back(std::move(schema));
  }
  return schemas;
}

}  // namespace dmskafka::postgres

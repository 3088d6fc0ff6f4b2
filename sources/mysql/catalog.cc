#include "sources/mysql/catalog.h"

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <optional>
#include <set>

#include "sources/mysql/column_types.h"
#include "sources/mysql/identifier.h"
#include "sources/mysql/sql/queries.h"

namespace dmskafka::mysql {
namespace {

constexpr std::string_view kTransactional = " transactional";
constexpr std::string_view kPartitioned = " partitioned";

template <typename Integer>
std::optional<Integer> to_integer(std::string_view text) {
  Integer value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || parsed.ec != std::errc()) return std::nullopt;
  return value;
}

/// The columns of describe_tables.sql.
enum TableField : std::size_t { kTable, kTableType, kEngine, kRowCount, kBytes, kOptions, kTransactions };
/// The columns of describe_columns.sql.
enum ColumnField : std::size_t {
  kColumnTable,
  kName,
  kNullable,
  kDataType,
  kColumnType,
  kCollation,
  kLength,
  kPrecision,
  kScale,
  kFractionDigits,
  kPrivileges,
};

std::string filled(std::string_view query, const std::string& schema, const std::set<std::string>& tables) {
  std::string list;
  for (const std::string& table : tables) list += (list.empty() ? "" : ", ") + quote_literal(table);
  std::string statement(query);
  const auto fill = [&statement](std::string_view mark, const std::string& with) {
    statement.replace(statement.find(mark), mark.size(), with);
  };
  fill("{schema}", quote_literal(schema));
  fill("{tables}", list);
  return statement;
}

ColumnSchema make_column(const QueryResult& columns, std::size_t row) {
  ColumnSchema column;
  column.name = columns.text(row, kName);
  column.nullable = columns.text(row, kNullable) == "YES";
  ColumnType type;
  type.data_type = columns.text(row, kDataType);
  type.column_type = columns.text(row, kColumnType);
  type.collation = columns.text(row, kCollation);
  type.length = to_integer<std::uint64_t>(columns.text(row, kLength));
  type.precision = to_integer<std::uint32_t>(columns.text(row, kPrecision));
  type.scale = to_integer<std::uint32_t>(columns.text(row, kScale));
  type.fraction_digits = to_integer<std::uint32_t>(columns.text(row, kFractionDigits));
  set_column_type(type, column);
  return column;
}

/// What the catalogue says of the tables of one schema, by their names.
class SchemaReader {
 public:
  SchemaReader(Connection& connection, const std::string& schema)
      : connection_(connection), schema_(schema) {}

  Result<void> read(const std::set<std::string>& tables, const std::stop_token& stop) {
    DMSKAFKA_ASSIGN(tables_, connection_.query(filled(kDescribeTablesSql, schema_, tables), stop));
    DMSKAFKA_ASSIGN(columns_, connection_.query(filled(kDescribeColumnsSql, schema_, tables), stop));
    DMSKAFKA_ASSIGN(keys_, connection_.query(filled(kDescribeKeysSql, schema_, tables), stop));
    for (std::size_t row = 0; row < tables_.rows(); ++row) table_rows_[tables_.text(row, kTable)] = row;
    for (std::size_t row = 0; row < columns_.rows(); ++row)
      column_rows_[columns_.text(row, kColumnTable)].push_back(row);
    for (std::size_t row = 0; row < keys_.rows(); ++row) key_rows_[keys_.text(row, 0)].push_back(row);
    return {};
  }

  Result<TableSchema> table(const TableName& name) const {
    const auto found = table_rows_.find(name.table);
    if (found == table_rows_.end()) {
      return Error(ErrorCode::kTableUnreadable,
                   fmt::format("{}: there is no such table, or no right to see it", name.text()));
    }
    TableSchema schema;
    schema.name = name;
    describe(found->second, schema);
    DMSKAFKA_TRY(add_columns(schema));
    add_key(schema);
    return schema;
  }

 private:
  void describe(std::size_t row, TableSchema& schema) const {
    const bool view = tables_.text(row, kTableType) == "VIEW";
    schema.kind = view ? TableKind::kView : TableKind::kTable;
    schema.bytes_estimate = to_integer<std::uint64_t>(tables_.text(row, kBytes)).value_or(0);
    if (!view) schema.rows_estimate = to_integer<std::uint64_t>(tables_.text(row, kRowCount));
    TableHandle handle;
    handle.engine = tables_.text(row, kEngine);
    handle.transactional = tables_.text(row, kTransactions) == "YES";
    handle.partitioned = tables_.text(row, kOptions).find("partitioned") != std::string_view::npos;
    schema.source_handle = handle.to_text();
  }

  Result<void> add_columns(TableSchema& schema) const {
    bool readable = false;
    if (const auto rows = column_rows_.find(schema.name.table); rows != column_rows_.end()) {
      for (const std::size_t row : rows->second) {
        readable |= columns_.text(row, kPrivileges).find("select") != std::string_view::npos;
        schema.columns.push_back(make_column(columns_, row));
      }
    }
    if (readable) return {};
    const bool view = schema.kind == TableKind::kView && schema.columns.empty();
    return Error(
               ErrorCode::kTableUnreadable,
               view
                   ? fmt::format(
                         "{}: the view cannot be described: what it selects from is gone, or may not be read",
                         schema.name.text())
                   : fmt::format("{}: user {} has no permission to read the table", schema.name.text(),
                                 quote_account(connection_.account())))
        .hint(fmt::format("GRANT SELECT ON {} TO {};", quote_table(schema.name),
                          quote_account(connection_.account())));
  }

  void add_key(TableSchema& schema) const {
    const auto rows = key_rows_.find(schema.name.table);
    if (rows == key_rows_.end()) return;
    for (const std::size_t row : rows->second) {
      const auto column = schema.find_column(keys_.text(row, 1));
      if (!column) return schema.primary_key.clear();  // a part of a key is no key
      schema.primary_key.push_back(*column);
    }
  }

  Connection& connection_;
  const std::string& schema_;
  QueryResult tables_;
  QueryResult columns_;
  QueryResult keys_;
  std::map<std::string_view, std::size_t> table_rows_;
  std::map<std::string_view, std::vector<std::size_t>> column_rows_;
  std::map<std::string_view, std::vector<std::size_t>> key_rows_;
};

}  // namespace

std::string TableHandle::to_text() const {
  return fmt::format("{}{}{}", engine, transactional ? kTransactional : "", partitioned ? kPartitioned : "");
}

TableHandle TableHandle::parse(std::string_view text) {
  TableHandle handle;
  handle.engine = text.substr(0, text.find(' '));
  handle.transactional = text.find(kTransactional) != std::string_view::npos;
  handle.partitioned = text.ends_with(kPartitioned);
  return handle;
}

Result<SourceIdentity> read_identity(Connection& connection, const std::stop_token& stop) {
  const bool mariadb = connection.version().is_mariadb();
  DMSKAFKA_ASSIGN(
      const QueryResult names,
      connection.query("SHOW GLOBAL VARIABLES WHERE Variable_name IN ('server_uuid', 'server_uid', "
                       "'server_id', 'gtid_mode')",
                       stop));
  std::map<std::string_view, std::string_view> values;
  for (std::size_t row = 0; row < names.rows(); ++row) values[names.text(row, 0)] = names.text(row, 1);
  const std::string server = mariadb ? fmt::format("{} {}", values["server_uid"], values["server_id"])
                                     : std::string(values["server_uuid"]);
  SourceIdentity identity{mariadb ? "mariadb" : "mysql", server, ""};
  identity.log_moves = mariadb || values["gtid_mode"] == "ON";
  return identity;
}

Result<std::vector<CatalogTable>> read_tables(Connection& connection, const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(const QueryResult result, connection.query(kListTablesSql, stop));
  std::vector<CatalogTable> tables;
  tables.reserve(result.rows());
  for (std::size_t row = 0; row < result.rows(); ++row) {
    tables.push_back({{std::string(result.text(row, 0)), std::string(result.text(row, 1))},
                      result.text(row, 2) == "VIEW" ? TableKind::kView : TableKind::kTable});
  }
  return tables;
}

Result<std::vector<Result<TableSchema>>> read_table_schemas(Connection& connection,
                                                            std::span<const TableName> names,
                                                            const std::stop_token& stop) {
  std::map<std::string, std::set<std::string>> tables_of;
  for (const TableName& name : names) tables_of[name.schema].insert(name.table);
  std::map<std::string, SchemaReader> readers;
  for (const auto& [schema, tables] : tables_of) {
    SchemaReader& reader = readers.try_emplace(schema, connection, schema).first->second;
    DMSKAFKA_TRY(reader.read(tables, stop));
  }
  std::vector<Result<TableSchema>> schemas;
  schemas.reserve(names.size());
  for (const TableName& name : names) schemas.push_back(readers.at(name.schema).table(name));
  return schemas;
}

}  // namespace dmskafka::mysql

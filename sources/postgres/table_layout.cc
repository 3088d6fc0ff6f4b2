#include "sources/postgres/table_layout.h"

#include <charconv>
#include <string_view>

#include "sources/postgres/catalog.h"
#include "sources/postgres/sql/queries.h"

namespace dmskafka::postgres {
namespace {

std::uint64_t to_number(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

Result<std::map<const TableSchema*, TableLayout>> read_table_layouts(
    Connection& connection, const std::set<const TableSchema*>& tables, const std::stop_token& stop) {
  std::map<std::string, const TableSchema*, std::less<>> table_of;
  std::string oids;
  for (const TableSchema* table : tables) {
    const std::string oid = TableHandle::parse(table->source_handle).oid;
    oids += (oids.empty() ? "" : ",") + oid;
    table_of.emplace(oid, table);
  }
  std::map<const TableSchema*, TableLayout> layouts;
  if (oids.empty()) return layouts;
  DMSKAFKA_ASSIGN(const QueryResult rows, connection.query(kTableLayoutsSql, {"{" + oids + "}"}, stop));
  for (int row = 0; row < rows.rows(); ++row) {
    const auto table = table_of.find(rows.text(row, 0));
    if (table == table_of.end()) continue;
    layouts.emplace(table->second, TableLayout{to_number(rows.text(row, 2)), to_number(rows.text(row, 3)),
                                               std::string(rows.text(row, 4)), rows.boolean(row, 1)});
  }
  return layouts;
}

}  // namespace dmskafka::postgres

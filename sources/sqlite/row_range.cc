#include "sources/sqlite/row_range.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "sources/sqlite/connection.h"

namespace dmskafka::sqlite {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::size_t digits_at(std::string_view text, std::size_t from) {
  std::size_t end = from;
  while (end < text.size() && is_digit(text[end])) ++end;
  return end;
}

/// A literal of SQLite, or one after a sign.
bool is_number(std::string_view text) {
  std::size_t at = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  std::size_t end = digits_at(text, at);
  std::size_t digits = end - at;
  if (end < text.size() && text[end] == '.') {
    at = end + 1;
    end = digits_at(text, at);
    digits += end - at;
  }
  if (digits == 0) return false;
  if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
    at = end + 1;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    end = digits_at(text, at);
    if (end == at) return false;
  }
  return end == text.size();
}

std::string column_name(std::string_view name) { return "t." + quote_identifier(name); }

const ColumnSchema* find(const TableSchema& table, std::string_view name) {
  const auto column = table.find_column(name);
  return column ? &table.columns[*column] : nullptr;
}

/// Column after column, as a comparison of rows: of one alone it is an ordinary comparison.
template <typename Print>
std::string row_of(std::size_t count, Print print) {
  std::string row;
  for (std::size_t i = 0; i < count; ++i) {
    if (i != 0) row += ", ";
    row += print(i);
  }
  return count == 1 ? row : "(" + row + ")";
}

std::string keys_condition(const TableSchema& table, const KeyRange& keys) {
  std::string condition;
  const auto add = [&condition](std::string_view joint, const std::string& term) {
    if (!condition.empty()) condition += joint;
    condition += term;
  };
  const std::size_t count = keys.columns.size();
  if (keys.nulls) {
    for (const std::string& column : keys.columns) add(" OR ", column_name(column) + " IS NULL");
    return "(" + condition + ")";
  }
  const std::string columns = row_of(count, [&](std::size_t i) { return column_name(keys.columns[i]); });
  const auto literals = [&](const KeyBound& bound) {
    return row_of(count, [&](std::size_t i) {
      const ColumnSchema* column = find(table, keys.columns[i]);
      return bound_literal(bound[i], affinity_of(column->source_type));
    });
  };
  if (keys.first) add(" AND ", columns + " >= " + literals(*keys.first));
  if (keys.end) add(" AND ", columns + " < " + literals(*keys.end));
  // A comparison of rows may be decided before it comes to a column with NULL; that row is in the range of its own.
  for (std::size_t i = keys.first || keys.end ? 1 : 0; i < count; ++i) {
    add(" AND ", column_name(keys.columns[i]) + " IS NOT NULL");
  }
  return condition;
}

std::string rowid_condition(const TableSchema& table, const RowidRange& range) {
  const std::string rowid = column_name(table.columns[table.primary_key.front()].name);
  std::string condition;
  if (range.first) condition = fmt::format("{} >= {}", rowid, *range.first);
  if (range.end) condition += fmt::format("{}{} < {}", range.first ? " AND " : "", rowid, *range.end);
  return condition;
}

}  // namespace

Affinity affinity_of(std::string_view declared_type) {
  std::string type(declared_type);
  std::ranges::transform(type, type.begin(), [](unsigned char c) { return std::toupper(c); });
  const auto has = [&type](const char* part) { return type.find(part) != std::string::npos; };
  if (has("INT")) return Affinity::kNumeric;
  if (has("CHAR") || has("CLOB") || has("TEXT")) return Affinity::kText;
  return type.empty() || has("BLOB") ? Affinity::kNone : Affinity::kNumeric;
}

std::string bound_literal(std::string_view bound, Affinity affinity) {
  if (affinity != Affinity::kText && is_number(bound)) return std::string(bound);
  return quoted(bound, '\'');
}

Result<std::string> segment_condition(const TableSchema& table, const std::string& range) {
  if (range.empty()) return std::string();
  std::string_view rest = range;
  if (const auto keys = take_key_range(rest); keys && rest.empty()) {
    const bool known = std::ranges::all_of(
        keys->columns, [&](const std::string& column) { return find(table, column) != nullptr; });
    if (known) return keys_condition(table, *keys);
  }
  DMSKAFKA_ASSIGN(const RowidRange rowids, parse_rowid_range(range));
  return rowid_condition(table, rowids);
}

std::string sort_bounds_statement(const TableSchema& table, const std::vector<std::uint32_t>& columns,
                                  const std::vector<KeyBound>& bounds) {
  // A compound sorts by the collations of its first SELECT's columns.
  std::string statement = "SELECT ";
  std::string order;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    statement += column_name(table.columns[columns[c]].name) + ", ";
    order += (c == 0 ? "" : ", ") + std::to_string(c + 1);
  }
  statement += fmt::format("0 FROM main.{} AS t WHERE 0 UNION ALL SELECT * FROM (VALUES ",
                           quote_identifier(table.name.table));
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    statement += i == 0 ? "(" : ", (";
    for (std::size_t c = 0; c < columns.size(); ++c) {
      statement += bound_literal(bounds[i][c], affinity_of(table.columns[columns[c]].source_type)) + ", ";
    }
    statement += std::to_string(i) + ")";
  }
  return statement + ") ORDER BY " + order;
}

}  // namespace dmskafka::sqlite

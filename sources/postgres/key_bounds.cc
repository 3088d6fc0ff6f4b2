#include "sources/postgres/key_bounds.h"

#include <fmt/format.h>

#include <algorithm>

#include "sources/postgres/identifier.h"
#include "sources/postgres/sql/queries.h"

namespace dmskafka::postgres {
namespace {

// Pages looked at for each range: with eight, ranges come out within about a third of the size wanted.
constexpr std::uint64_t kPagesPerRange = 8;
constexpr std::uint64_t kPagesMin = 1'000;

/// print(0), print(1), … with commas between.
template <typename Print>
std::string list(std::size_t count, Print print) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    if (i != 0) text += ", ";
    text += print(i);
  }
  return text;
}

}  // namespace

Result<KeyColumns> read_key_columns(Connection& connection, const std::string& oid,
                                    const std::vector<std::string>& names, const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(const QueryResult rows,
                  connection.query(kKeyColumnsSql, {oid, array_literal(names)}, stop));
  if (static_cast<std::size_t>(rows.rows()) != names.size()) {
    return Error(ErrorCode::kInternal, "key_columns.sql does not give one row for each column");
  }
  KeyColumns columns;
  columns.names = names;
  for (int row = 0; row < rows.rows(); ++row) {
    columns.ordered = columns.ordered && rows.boolean(row, 0);
    columns.nullable = columns.nullable || !rows.boolean(row, 1);
    columns.types.emplace_back(rows.text(row, 2));
    columns.collates.emplace_back(rows.text(row, 3));
    columns.indexed = rows.boolean(row, 4);
  }
  return columns;
}

std::string sort_bounds_statement(const KeyColumns& columns, const std::vector<KeyBound>& bounds) {
  const std::size_t count = columns.names.size();
  const std::string arrays = list(count, [&](std::size_t i) {
    std::vector<std::string> values;
    for (const KeyBound& bound : bounds) values.push_back(bound[i]);
    return quote_literal(array_literal(values)) + "::" + columns.types[i] + "[]";
  });
  const std::string texts = list(count, [](std::size_t i) { return fmt::format("c{}::text", i); });
  const std::string names = list(count, [](std::size_t i) { return fmt::format("c{}", i); });
  // Qualified, for a bare c0 would be the text that is selected.
  const std::string order =
      list(count, [&](std::size_t i) { return fmt::format("b.c{}{}", i, columns.collates[i]); });
  return fmt::format("SELECT {} FROM unnest({}) AS b({}) GROUP BY {} ORDER BY {}", texts, arrays, names,
                     names, order);
}

std::string sample_bounds_statement(const KeyColumns& columns, const BoundSample& sample) {
  const std::size_t count = columns.names.size();
  const auto column = [&](std::size_t i) { return "t." + quote_identifier(columns.names[i]); };
  const std::string chosen =
      list(count, [&](std::size_t i) { return fmt::format("{} AS c{}", column(i), i); });
  const std::string order = list(count, column);
  std::string known;
  for (std::size_t i = 0; i < count; ++i) {
    known += (i == 0 ? " WHERE " : " AND ") + column(i) + " IS NOT NULL";
  }
  const std::uint64_t pages_wanted = std::max(kPagesMin, sample.ranges * kPagesPerRange);
  const double percent = std::min(100.0, 100.0 * static_cast<double>(pages_wanted) /
                                             static_cast<double>(std::max<std::uint64_t>(1, sample.pages)));
  const std::string texts = list(count, [](std::size_t i) { return fmt::format("c{}::text", i); });
  return fmt::format(
      "SELECT {0} FROM (SELECT {1}, row_number() OVER (ORDER BY {2}) - 1 AS place, count(*) OVER () AS total"
      " FROM {3} AS t TABLESAMPLE SYSTEM ({4:.6f}){5}) AS s"
      " WHERE place > 0 AND place * {6} / total <> (place - 1) * {6} / total ORDER BY place",
      texts, chosen, order, sample.from, percent, known, sample.ranges);
}

std::vector<KeyBound> bounds_of(const QueryResult& rows, std::size_t columns) {
  std::vector<KeyBound> bounds;
  for (int row = 0; row < rows.rows(); ++row) {
    KeyBound& bound = bounds.emplace_back();
    for (std::size_t i = 0; i < columns; ++i) bound.emplace_back(rows.text(row, static_cast<int>(i)));
    // Rows of the sample may be equal in these columns.
    if (bounds.size() > 1 && bound == bounds[bounds.size() - 2]) bounds.pop_back();
  }
  return bounds;
}

}  // namespace dmskafka::postgres

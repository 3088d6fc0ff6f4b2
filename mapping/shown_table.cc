#include "mapping/shown_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/json/json_reader.h"

namespace dmskafka {

namespace {

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_but_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

ColumnMatch find_column_of_rule(std::string_view name, const std::vector<std::string>& names) {
  if (const auto exact = std::find(names.begin(), names.end(), name); exact != names.end()) {
    return {static_cast<std::uint32_t>(exact - names.begin()), "", ""};
  }
  ColumnMatch match;
  for (std::uint32_t i = 0; i < names.size(); ++i) {
    if (!equal_but_case(name, names[i])) continue;
    if (match.index) {
      return {std::nullopt,
              fmt::format("\"{}\" could be \"{}\" or \"{}\"", name, names[*match.index], names[i]),
              "the column's name in its own case"};
    }
    match.index = i;
  }
  if (match.index) return match;
  const std::vector<std::string_view> views(names.begin(), names.end());
  const std::string_view nearest = nearest_name(name, views);
  return {std::nullopt, fmt::format("no column \"{}\"", name),
          nearest.empty() ? std::string() : fmt::format("\"{}\"", nearest)};
}

ColumnMatch find_shown_column(std::string_view name, const ShownTable& table) {
  std::vector<std::string> shown;
  for (const ColumnSchema& column : table.schema.columns) shown.push_back(column.name);
  const auto exact = std::find(table.source_names.begin(), table.source_names.end(), name);
  ColumnMatch match = find_column_of_rule(name, shown);
  if (match.index && shown[*match.index] == name) return match;
  if (exact != table.source_names.end() && !name.empty()) {
    return {static_cast<std::uint32_t>(exact - table.source_names.begin()), "", ""};
  }
  if (match.index) return match;
  if (ColumnMatch by_source = find_column_of_rule(name, table.source_names); by_source.index)
    return by_source;
  return match;
}

Error rule_misfit(const JsonLocation& at, const TableName& table, const ColumnMatch& match) {
  Error error(ErrorCode::kInvalidMapping, fmt::format("{} in {}", match.fault, table.text()));
  error = std::move(error).at(at);
  return match.expected.empty() ? error : std::move(error).expected(match.expected);
}

}  // namespace dmskafka

#include "sources/sqlite/declared_type.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>

namespace dmskafka::sqlite {
namespace {

struct DeclaredType {
  std::string name;  // upper case, blanks at its end removed
  std::optional<std::uint32_t> first;
  std::optional<std::uint32_t> second;
};

// ASCII only, as in SQLite.
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

std::optional<std::uint32_t> parse_number(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  std::uint32_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

// type-name: name+ [ "(" signed-number [ "," signed-number ] ")" ]   https://sqlite.org/syntax/type-name.html
DeclaredType parse(std::string_view text) {
  DeclaredType type;
  const std::size_t open = text.find('(');
  for (const char c : text.substr(0, open)) type.name += upper(c);
  while (!type.name.empty() && type.name.back() == ' ') type.name.pop_back();
  const std::size_t close = text.find(')', open == std::string_view::npos ? text.size() : open);
  if (close == std::string_view::npos) return type;
  const std::string_view arguments = text.substr(open + 1, close - open - 1);
  const std::size_t comma = arguments.find(',');
  type.first = parse_number(arguments.substr(0, comma));
  if (comma != std::string_view::npos) type.second = parse_number(arguments.substr(comma + 1));
  return type;
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool contains(std::string_view name, std::string_view part) {
  return name.find(part) != std::string_view::npos;
}

void set_sized(ColumnSchema& column, DmsType type, std::optional<std::uint32_t> length) {
  column.type = type;
  column.length = length;
  column.lob = !length.has_value();
}

}  // namespace

void describe_declared_type(std::string_view declared_type, ColumnSchema& column) {
  const DeclaredType type = parse(declared_type);
  const std::string_view name = type.name;
  // Names whose meaning people rely on, though SQLite itself knows only their affinity.
  if (is_one_of(name, {"BOOLEAN", "BOOL"})) {
    column.type = DmsType::kBool;
  } else if (name == "DATE") {
    column.type = DmsType::kDate32;
  } else if (name == "TIME") {
    column.type = DmsType::kTime32;
  } else if (name == "DATETIME" || name.starts_with("TIMESTAMP")) {
    column.type = DmsType::kTimestamp;
  } else if (is_one_of(name, {"DECIMAL", "NUMERIC", "DEC", "NUMBER"})) {
    column.type = DmsType::kDecimal;
    column.precision = type.first;
    column.scale = type.second;
  } else if (is_one_of(name, {"BINARY", "VARBINARY"})) {
    set_sized(column, DmsType::kBinary, type.first);
  } else if (contains(name, "INT")) {  // from here on https://sqlite.org/datatype3.html §3.1, in its order
    // Every integer may have 64 bits, also one declared SMALLINT.
    column.type = DmsType::kInt64;
  } else if (contains(name, "CHAR") || contains(name, "CLOB") || contains(name, "TEXT")) {
    set_sized(column, DmsType::kString, type.first);
  } else if (contains(name, "BLOB")) {
    set_sized(column, DmsType::kBinary, type.first);
  } else if (contains(name, "REAL") || contains(name, "FLOA") || contains(name, "DOUB")) {
    column.type = DmsType::kDouble;
  } else {
    // No type, ANY, JSON, UUID …: whatever it is, text can hold it.
    set_sized(column, DmsType::kString, std::nullopt);
  }
}

}  // namespace dmskafka::sqlite

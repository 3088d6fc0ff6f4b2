#include "sources/mysql/column_types.h"

#include <array>

namespace dmskafka::mysql {
namespace {

/// DMS: "If precision is 39 or greater, then use STRING."
constexpr std::uint32_t kDecimalPrecisionMax = 38;
constexpr std::uint32_t kTimeTextSize = 10;  // "-838:59:59"

struct IntegerType {
  std::string_view name;
  DmsType with_sign;
  DmsType without_sign;
};
constexpr auto kIntegerTypes = std::to_array<IntegerType>({
    {"tinyint", DmsType::kInt8, DmsType::kUint8},
    {"smallint", DmsType::kInt16, DmsType::kUint16},
    {"mediumint", DmsType::kInt32, DmsType::kUint32},
    {"int", DmsType::kInt32, DmsType::kUint32},
    {"bigint", DmsType::kInt64, DmsType::kUint64},
});

enum class Size : std::uint8_t {
  kDeclared,  ///< CHARACTER_MAXIMUM_LENGTH
  kFixed,     ///< SizedType::length
  kLob,       ///< none: what DMS treats as a LOB
};
/// Types of texts and bytes.
struct SizedType {
  std::string_view name;
  DmsType type;
  ValueKind kind;
  Size size = Size::kDeclared;
  std::uint32_t length = 0;
};
constexpr auto kSizedTypes = std::to_array<SizedType>({
    {"char", DmsType::kString, ValueKind::kString},
    {"varchar", DmsType::kString, ValueKind::kString},
    {"tinytext", DmsType::kString, ValueKind::kString, Size::kFixed, 255},
    {"text", DmsType::kString, ValueKind::kString, Size::kFixed, 65'535},
    {"mediumtext", DmsType::kString, ValueKind::kString, Size::kLob},
    {"longtext", DmsType::kString, ValueKind::kString, Size::kLob},
    {"json", DmsType::kString, ValueKind::kString, Size::kLob},
    {"enum", DmsType::kString, ValueKind::kString},
    {"set", DmsType::kString, ValueKind::kString},
    {"uuid", DmsType::kString, ValueKind::kString, Size::kFixed, 36},
    {"inet6", DmsType::kString, ValueKind::kString, Size::kFixed, 39},
    {"inet4", DmsType::kString, ValueKind::kString, Size::kFixed, 15},
    {"binary", DmsType::kBinary, ValueKind::kHexBytes},
    {"varbinary", DmsType::kBinary, ValueKind::kHexBytes},
    {"tinyblob", DmsType::kBinary, ValueKind::kHexBytes, Size::kFixed, 255},
    {"blob", DmsType::kBinary, ValueKind::kHexBytes, Size::kFixed, 65'535},
    {"vector", DmsType::kBinary, ValueKind::kHexBytes},
    {"mediumblob", DmsType::kBinary, ValueKind::kHexBytes, Size::kLob},
    {"longblob", DmsType::kBinary, ValueKind::kHexBytes, Size::kLob},
    {"geometry", DmsType::kBinary, ValueKind::kHexBytes, Size::kLob},
    {"point", DmsType::kBinary, ValueKind::kHexBytes, Size::kLob},
    {"linestring", DmsType::kBinary, ValueKind::kHexBytes, Size::kLob},
    {"polygon", DmsType::kBinary, ValueKind::kHexBytes, Size::kLob},
    {"multipoint", DmsType::kBinary, ValueKind::kHexBytes, Size::kLob},
    {"multilinestring", DmsType::kBinary, ValueKind::kHexBytes, Size::kLob},
    {"multipolygon", DmsType::kBinary, ValueKind::kHexBytes, Size::kLob},
    {"geometrycollection", DmsType::kBinary, ValueKind::kHexBytes, Size::kLob},
    {"geomcollection", DmsType::kBinary, ValueKind::kHexBytes, Size::kLob},
});

void set(ColumnSchema& column, DmsType type, ValueKind kind) {
  column.type = type;
  column.value_kind = kind;
}

bool set_integer(const ColumnType& type, ColumnSchema& column) {
  for (const IntegerType& known : kIntegerTypes) {
    if (type.data_type != known.name) continue;
    set(column, is_unsigned(type.column_type) ? known.without_sign : known.with_sign, ValueKind::kInteger);
    return true;
  }
  return false;
}

void set_decimal(const ColumnType& type, ColumnSchema& column) {
  const std::uint32_t precision = type.precision.value_or(10);
  const std::uint32_t scale = type.scale.value_or(0);
  if (precision > kDecimalPrecisionMax) {
    set(column, DmsType::kString, ValueKind::kDecimalAsString);
    column.length = precision + 3;  // sign, point, and a zero before it
    return;
  }
  set(column, DmsType::kDecimal, ValueKind::kDecimal);
  column.precision = precision;
  column.scale = scale;
}

void set_bit(const ColumnType& type, ColumnSchema& column) {
  const std::uint32_t bits = type.precision.value_or(1);
  if (bits == 1) return set(column, DmsType::kBool, ValueKind::kBoolean);
  set(column, DmsType::kBinary, ValueKind::kHexBytes);
  column.length = (bits + 7) / 8;
}

/// DMS's STRING, because hours go beyond 24 and below 0.
void set_time(const ColumnType& type, ColumnSchema& column) {
  set(column, DmsType::kString, ValueKind::kString);
  const std::uint32_t digits = type.fraction_digits.value_or(0);
  column.length = kTimeTextSize + (digits == 0 ? 0 : digits + 1);
}

bool set_other_number(const ColumnType& type, ColumnSchema& column) {
  const std::string_view name = type.data_type;
  if (name == "decimal") return set_decimal(type, column), true;
  if (name == "bit") return set_bit(type, column), true;
  if (name == "year") return set(column, DmsType::kInt16, ValueKind::kInteger), true;
  if (name == "float") return set(column, DmsType::kFloat, ValueKind::kFloat4), true;
  if (name == "double") return set(column, DmsType::kDouble, ValueKind::kFloat8), true;
  return false;
}

bool set_temporal(const ColumnType& type, ColumnSchema& column) {
  const std::string_view name = type.data_type;
  if (name == "date") return set(column, DmsType::kDate32, ValueKind::kDate), true;
  if (name == "time") return set_time(type, column), true;
  if (name != "datetime" && name != "timestamp") return false;
  set(column, DmsType::kTimestamp, ValueKind::kTimestamp);
  column.scale = type.fraction_digits.value_or(0);
  return true;
}

bool set_sized(const ColumnType& type, ColumnSchema& column) {
  for (const SizedType& known : kSizedTypes) {
    if (type.data_type != known.name) continue;
    set(column, known.type, known.kind);
    column.lob = known.size == Size::kLob;
    if (known.size == Size::kFixed) column.length = known.length;
    if (known.size == Size::kDeclared) column.length = static_cast<std::uint32_t>(type.length.value_or(0));
    return true;
  }
  return false;
}

/// What stands behind the parentheses of a printed type: "int(10) unsigned zerofill" -> " unsigned zerofill".
std::string_view attributes(std::string_view column_type) noexcept {
  const std::size_t end = column_type.rfind(')');
  return end == std::string_view::npos ? column_type.substr(type_word(column_type).size())
                                       : column_type.substr(end + 1);
}

}  // namespace

void set_column_type(const ColumnType& type, ColumnSchema& column) {
  column.source_type = type.column_type;
  column.collation = type.collation;
  if (set_integer(type, column) || set_other_number(type, column) || set_temporal(type, column) ||
      set_sized(type, column)) {
    return;
  }
  // A type of a plugin: its text, of whatever length.
  set(column, DmsType::kString, ValueKind::kString);
  column.lob = true;
}

std::string_view type_word(std::string_view column_type) noexcept {
  return column_type.substr(0, column_type.find_first_of("( "));
}

bool is_unsigned(std::string_view column_type) noexcept {
  return attributes(column_type).find("unsigned") != std::string_view::npos;
}

bool is_zerofill(std::string_view column_type) noexcept {
  const std::string_view word = type_word(column_type);
  // The labels of an enum are the user's own words.
  return word != "enum" && word != "set" &&
         attributes(column_type).find("zerofill") != std::string_view::npos;
}

}  // namespace dmskafka::mysql

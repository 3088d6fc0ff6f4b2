#include "sources/postgres/column_types.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace dmskafka::postgres {
namespace {

/// PostgreSQL stores a length with the size of its own length word added (VARHDRSZ).
constexpr std::int32_t kModifierHeader = 4;
/// DMS: "If precision is 39 or greater, then use STRING."
constexpr std::uint32_t kDecimalPrecisionMax = 38;
constexpr std::uint32_t kFractionDigits = 6;  // of times without a precision of their own

/// Built-in types whose modifier means nothing to us. length 0: none, which is a LOB for STRING and BINARY.
struct SimpleType {
  std::string_view name;
  DmsType type;
  ValueKind kind;
  std::uint32_t length = 0;
};

constexpr auto kSimpleTypes = std::to_array<SimpleType>({
    {"int2", DmsType::kInt16, ValueKind::kInteger},
    {"int4", DmsType::kInt32, ValueKind::kInteger},
    {"int8", DmsType::kInt64, ValueKind::kInteger},
    {"oid", DmsType::kUint32, ValueKind::kInteger},
    {"xid", DmsType::kUint32, ValueKind::kInteger},
    {"cid", DmsType::kUint32, ValueKind::kInteger},
    {"xid8", DmsType::kUint64, ValueKind::kInteger},
    {"float4", DmsType::kFloat, ValueKind::kFloat4},
    {"float8", DmsType::kDouble, ValueKind::kFloat8},
    {"date", DmsType::kDate32, ValueKind::kDate},
    {"bytea", DmsType::kBinary, ValueKind::kHexBytes},
    {"text", DmsType::kString, ValueKind::kString},
    {"json", DmsType::kString, ValueKind::kString},
    {"jsonb", DmsType::kString, ValueKind::kString},
    {"xml", DmsType::kString, ValueKind::kString},
    {"tsvector", DmsType::kString, ValueKind::kString},
    {"tsquery", DmsType::kString, ValueKind::kString},
    {"path", DmsType::kString, ValueKind::kString},
    {"polygon", DmsType::kString, ValueKind::kString},
    {"char", DmsType::kString, ValueKind::kString, 1},
    {"name", DmsType::kString, ValueKind::kString, 63},
    {"uuid", DmsType::kString, ValueKind::kString, 36},
    {"interval", DmsType::kString, ValueKind::kString, 128},
    {"inet", DmsType::kString, ValueKind::kString, 50},
    {"cidr", DmsType::kString, ValueKind::kString, 50},
    {"macaddr", DmsType::kString, ValueKind::kString, 18},
    {"macaddr8", DmsType::kString, ValueKind::kString, 24},
    {"point", DmsType::kString, ValueKind::kString, 255},
    {"line", DmsType::kString, ValueKind::kString, 255},
    {"lseg", DmsType::kString, ValueKind::kString, 255},
    {"box", DmsType::kString, ValueKind::kString, 255},
    {"circle", DmsType::kString, ValueKind::kString, 255},
    {"pg_lsn", DmsType::kString, ValueKind::kString, 18},
    {"tid", DmsType::kString, ValueKind::kString, 18},
});

void set(ColumnSchema& column, DmsType type, ValueKind kind) {
  column.type = type;
  column.value_kind = kind;
}

void set_text(ColumnSchema& column, std::optional<std::uint32_t> length) {
  set(column, DmsType::kString, ValueKind::kString);
  column.length = length;
  column.lob = !length.has_value();
}

std::uint32_t unsigned_modifier(std::int32_t modifier, std::int32_t header) {
  return static_cast<std::uint32_t>(modifier - header);
}

void set_numeric(std::int32_t modifier, const SourceSettings& settings, ColumnSchema& column) {
  if (modifier < kModifierHeader) {  // numeric: any number of digits before and after the point
    if (settings.map_unbounded_numeric_as_string) {
      set(column, DmsType::kString, ValueKind::kDecimalAsString);
    } else {
      set(column, DmsType::kDecimal, ValueKind::kDecimal);
    }
    return;
  }
  // numeric.h: ((precision << 16) | (scale & 0x7ff)) + VARHDRSZ; the 11 bits of scale are signed since 15.
  const std::uint32_t packed = unsigned_modifier(modifier, kModifierHeader);
  const auto signed_scale = static_cast<std::int32_t>((packed & 0x7FFU) ^ 0x400U) - 0x400;
  const std::uint32_t scale = signed_scale > 0 ? static_cast<std::uint32_t>(signed_scale) : 0;
  // numeric(3,-2) holds 12300: the digits before the point are more than its precision. numeric(2,4) holds 0.0099.
  const std::uint32_t below_zero = signed_scale < 0 ? static_cast<std::uint32_t>(-signed_scale) : 0;
  const std::uint32_t precision = std::max(((packed >> 16U) & 0xFFFFU) + below_zero, scale);
  if (precision > kDecimalPrecisionMax) {
    set_text(column, precision + 3);  // sign, point and a zero before it
    column.value_kind = ValueKind::kDecimalAsString;
    return;
  }
  set(column, DmsType::kDecimal, ValueKind::kDecimal);
  column.precision = precision;
  column.scale = scale;
}

void set_time(DmsType type, ValueKind kind, std::int32_t modifier, ColumnSchema& column) {
  set(column, type, kind);
  column.scale = modifier < 0 ? kFractionDigits : static_cast<std::uint32_t>(modifier);
}

/// varchar, char and bit strings: their own length, or the one that stands for "any" in DMS.
void set_characters(std::int32_t modifier, std::int32_t header, const SourceSettings& settings,
                    ColumnSchema& column) {
  set_text(column, modifier < header ? static_cast<std::uint32_t>(settings.unbounded_varchar_max_size)
                                     : unsigned_modifier(modifier, header));
}

bool set_type_with_modifier(const ColumnType& type, const SourceSettings& settings, ColumnSchema& column) {
  const std::string_view name = type.name;
  if (name == "varchar" && type.modifier < kModifierHeader && settings.long_varchar_as_lob) {
    set_text(column, std::nullopt);
  } else if (name == "varchar") {
    set_characters(type.modifier, kModifierHeader, settings, column);
  } else if (name == "bpchar") {
    set_characters(type.modifier, kModifierHeader, settings, column);
    if (settings.trim_space_in_char) column.value_kind = ValueKind::kBlankTrimmedString;
  } else if (name == "bit" || name == "varbit") {
    set_characters(type.modifier, 0, settings, column);
  } else if (name == "numeric") {
    set_numeric(type.modifier, settings, column);
  } else if (name == "timestamp") {
    set_time(DmsType::kTimestamp, ValueKind::kTimestamp, type.modifier, column);
  } else if (name == "timestamptz") {
    set_time(DmsType::kTimestamp, ValueKind::kTimestampUtc, type.modifier, column);
  } else if (name == "time") {
    set_time(DmsType::kTime32, ValueKind::kTime, type.modifier, column);
  } else if (name == "timetz") {
    set_time(DmsType::kTime32, ValueKind::kTimeWithZone, type.modifier, column);
  } else {
    return false;
  }
  return true;
}

bool set_type_by_settings(const ColumnType& type, const SourceSettings& settings, ColumnSchema& column) {
  if (type.name == "bool") {
    if (settings.map_boolean_as_boolean) {
      set(column, DmsType::kBool, ValueKind::kBoolean);
    } else {
      set_text(column, 5);
      column.value_kind = ValueKind::kBooleanAsString;
    }
    return true;
  }
  if (type.name == "money") {
    set(column, DmsType::kDecimal, ValueKind::kMoney);
    column.precision = kDecimalPrecisionMax;
    column.scale = 4;
    return true;
  }
  return false;
}

bool set_simple_type(const ColumnType& type, ColumnSchema& column) {
  const auto* simple = std::find_if(kSimpleTypes.begin(), kSimpleTypes.end(),
                                    [&](const SimpleType& t) { return t.name == type.name; });
  if (simple == kSimpleTypes.end()) return false;
  set(column, simple->type, simple->kind);
  if (simple->length != 0) column.length = simple->length;
  column.lob = simple->length == 0 && (simple->type == DmsType::kString || simple->type == DmsType::kBinary);
  return true;
}

}  // namespace

void set_column_type(const ColumnType& type, const SourceSettings& settings, ColumnSchema& column) {
  if (type.array || type.kind == 'c' || type.kind == 'm') return set_text(column, std::nullopt);
  if (type.kind == 'e') return set_text(column, 64);
  if (type.kind == 'r') return set_text(column, 255);
  const bool known =
      type.built_in && (set_type_with_modifier(type, settings, column) ||
                        set_type_by_settings(type, settings, column) || set_simple_type(type, column));
  if (!known) set_text(column, std::nullopt);
}

}  // namespace dmskafka::postgres

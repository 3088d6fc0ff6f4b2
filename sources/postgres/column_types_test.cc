#include "sources/postgres/column_types.h"

#include <doctest/doctest.h>

#include <optional>

namespace dmskafka::postgres {
namespace {

ColumnSchema mapped(const ColumnType& type, const SourceSettings& settings = {}) {
  ColumnSchema column;
  set_column_type(type, settings, column);
  return column;
}
ColumnType built_in(const char* name, std::int32_t modifier = -1) {
  return {name, true, 'b', false, modifier};
}

using Number = std::optional<std::uint32_t>;
constexpr auto kNone = std::nullopt;

struct Expected {
  const char* name;
  DmsType type;
  ValueKind kind;
  Number length;
  bool lob;
};

}  // namespace

TEST_CASE("column_types: every built-in type has DMS's type, length and LOB flag") {
  const Expected cases[] = {
      {"int2", DmsType::kInt16, ValueKind::kInteger, kNone, false},
      {"int4", DmsType::kInt32, ValueKind::kInteger, kNone, false},
      {"int8", DmsType::kInt64, ValueKind::kInteger, kNone, false},
      {"oid", DmsType::kUint32, ValueKind::kInteger, kNone, false},
      {"xid8", DmsType::kUint64, ValueKind::kInteger, kNone, false},
      {"float4", DmsType::kFloat, ValueKind::kFloat4, kNone, false},
      {"float8", DmsType::kDouble, ValueKind::kFloat8, kNone, false},
      {"date", DmsType::kDate32, ValueKind::kDate, kNone, false},
      {"bool", DmsType::kString, ValueKind::kBooleanAsString, 5, false},
      {"text", DmsType::kString, ValueKind::kString, kNone, true},
      {"bytea", DmsType::kBinary, ValueKind::kHexBytes, kNone, true},
      {"json", DmsType::kString, ValueKind::kString, kNone, true},
      {"jsonb", DmsType::kString, ValueKind::kString, kNone, true},
      {"xml", DmsType::kString, ValueKind::kString, kNone, true},
      {"tsvector", DmsType::kString, ValueKind::kString, kNone, true},
      {"uuid", DmsType::kString, ValueKind::kString, 36, false},
      {"inet", DmsType::kString, ValueKind::kString, 50, false},
      {"macaddr", DmsType::kString, ValueKind::kString, 18, false},
      {"interval", DmsType::kString, ValueKind::kString, 128, false},
      {"point", DmsType::kString, ValueKind::kString, 255, false},
      {"polygon", DmsType::kString, ValueKind::kString, kNone, true},
      {"regclass", DmsType::kString, ValueKind::kString, kNone, true},  // not in the table: text
  };
  for (const Expected& expected : cases) {
    CAPTURE(expected.name);
    const ColumnSchema column = mapped(built_in(expected.name));
    CHECK(column.type == expected.type);
    CHECK(column.value_kind == expected.kind);
    CHECK(column.length == expected.length);
    CHECK(column.lob == expected.lob);
  }
}

TEST_CASE("column_types: numeric takes precision and scale from its modifier") {
  const auto modifier = [](std::int32_t precision, std::int32_t scale) {
    return (precision << 16 | (scale & 0x7FF)) + 4;
  };
  const auto check = [](std::int32_t m, Number precision, Number scale) {
    const ColumnSchema column = mapped(built_in("numeric", m));
    CHECK(column.type == DmsType::kDecimal);
    CHECK(column.value_kind == ValueKind::kDecimal);
    CHECK(column.precision == precision);
    CHECK(column.scale == scale);
    CHECK_FALSE(column.lob);
  };
  CHECK(modifier(12, 2) == 786438);  // as a server stores numeric(12,2)
  check(modifier(12, 2), 12, 2);
  check(modifier(38, 38), 38, 38);
  check(modifier(1, 0), 1, 0);
  check(modifier(3, -2), 5, 0);
  check(modifier(2, 4), 4, 4);
  check(-1, kNone, kNone);
  const ColumnSchema wide = mapped(built_in("numeric", modifier(39, 5)));
  CHECK(wide.type == DmsType::kString);
  CHECK(wide.value_kind == ValueKind::kDecimalAsString);
  CHECK(wide.length == 42);
}

TEST_CASE("column_types: MapUnboundedNumericAsString concerns only numeric without precision") {
  SourceSettings settings;
  settings.map_unbounded_numeric_as_string = true;
  CHECK(mapped(built_in("numeric"), settings).value_kind == ValueKind::kDecimalAsString);
  CHECK(mapped(built_in("numeric"), settings).type == DmsType::kString);
  CHECK(mapped(built_in("numeric", 786438), settings).value_kind == ValueKind::kDecimal);
}

TEST_CASE("column_types: MapBooleanAsBoolean and TrimSpaceInChar choose the form of a value") {
  SourceSettings settings;
  settings.map_boolean_as_boolean = true;
  CHECK(mapped(built_in("bool"), settings).type == DmsType::kBool);
  CHECK(mapped(built_in("bool"), settings).value_kind == ValueKind::kBoolean);
  CHECK(mapped(built_in("bpchar", 14)).value_kind == ValueKind::kBlankTrimmedString);
  CHECK(mapped(built_in("bpchar", 14)).length == 10);
  settings.trim_space_in_char = false;
  CHECK(mapped(built_in("bpchar", 14), settings).value_kind == ValueKind::kString);
}

TEST_CASE("column_types: lengths of character and bit strings, with and without one") {
  SourceSettings settings;
  settings.unbounded_varchar_max_size = 12345;
  CHECK(mapped(built_in("varchar", 44)).length == 40);
  CHECK(mapped(built_in("varchar")).length == 8000);
  CHECK(mapped(built_in("varchar"), settings).length == 12345);
  CHECK_FALSE(mapped(built_in("varchar")).lob);
  settings.long_varchar_as_lob = true;
  CHECK(mapped(built_in("varchar"), settings).lob);
  CHECK_FALSE(mapped(built_in("varchar"), settings).length.has_value());
  CHECK_FALSE(mapped(built_in("varchar", 44), settings).lob);
  CHECK(mapped(built_in("bit", 3)).length == 3);  // no header in this modifier
  CHECK(mapped(built_in("varbit", 64)).length == 64);
}

TEST_CASE("column_types: times carry their number of fraction digits") {
  CHECK(mapped(built_in("timestamp")).scale == 6);
  CHECK(mapped(built_in("timestamp", 0)).scale == 0);
  CHECK(mapped(built_in("timestamptz", 3)).scale == 3);
  CHECK(mapped(built_in("timestamptz")).value_kind == ValueKind::kTimestampUtc);
  CHECK(mapped(built_in("time", 2)).scale == 2);
  CHECK(mapped(built_in("time")).value_kind == ValueKind::kTime);
  CHECK(mapped(built_in("timetz")).value_kind == ValueKind::kTimeWithZone);
  CHECK(mapped(built_in("timetz")).type == DmsType::kTime32);
}

TEST_CASE("column_types: money is an exact decimal") {
  const ColumnSchema money = mapped(built_in("money"));
  CHECK(money.type == DmsType::kDecimal);
  CHECK(money.value_kind == ValueKind::kMoney);
}

TEST_CASE("column_types: arrays, composites, enums, ranges and strangers are text") {
  CHECK(mapped({"_int4", true, 'b', true, -1}).lob);
  CHECK(mapped({"_numeric", true, 'b', true, 786438}).type == DmsType::kString);
  CHECK(mapped({"address", false, 'c', false, -1}).lob);
  CHECK(mapped({"mood", false, 'e', false, -1}).length == 64);
  CHECK(mapped({"int4range", true, 'r', false, -1}).length == 255);
  CHECK(mapped({"int4multirange", true, 'm', false, -1}).lob);
  // A user's type that merely bears a built-in's name.
  CHECK(mapped({"int4", false, 'b', false, -1}).type == DmsType::kString);
  CHECK(mapped({"geometry", false, 'b', false, 1234}).lob);
}

}  // namespace dmskafka::postgres

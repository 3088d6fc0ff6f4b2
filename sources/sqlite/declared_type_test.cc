#include "sources/sqlite/declared_type.h"

#include <doctest/doctest.h>

#include <optional>

namespace dmskafka::sqlite {
namespace {

struct Case {
  const char* declared;
  DmsType type;
  bool lob = false;
  std::optional<std::uint32_t> length = {};
  std::optional<std::uint32_t> precision = {};
  std::optional<std::uint32_t> scale = {};
};

TEST_CASE("declared_type: what a declared type becomes in table definitions") {
  const Case cases[] = {
      {"INTEGER", DmsType::kInt64},
      {"int", DmsType::kInt64},
      {"SMALLINT", DmsType::kInt64},
      {"UNSIGNED BIG INT", DmsType::kInt64},
      {"INT(11)", DmsType::kInt64},
      {"REAL", DmsType::kDouble},
      {"DOUBLE PRECISION", DmsType::kDouble},
      {"float", DmsType::kDouble},
      {"FLOATING POINT", DmsType::kInt64},  // SQLite's own surprise: it contains INT
      {"TEXT", DmsType::kString, true},
      {"CLOB", DmsType::kString, true},
      {"VARCHAR", DmsType::kString, true},
      {"VARCHAR(255)", DmsType::kString, false, 255},
      {"varchar ( 40 )", DmsType::kString, false, 40},
      {"NATIVE CHARACTER(70)", DmsType::kString, false, 70},
      {"VARCHAR(-1)", DmsType::kString, true},
      {"VARCHAR(99999999999)", DmsType::kString, true},
      {"BLOB", DmsType::kBinary, true},
      {"BLOB(16)", DmsType::kBinary, false, 16},
      {"BINARY(16)", DmsType::kBinary, false, 16},
      {"VARBINARY", DmsType::kBinary, true},
      {"BOOLEAN", DmsType::kBool},
      {"Bool", DmsType::kBool},
      {"DATE", DmsType::kDate32},
      {"TIME", DmsType::kTime32},
      {"DATETIME", DmsType::kTimestamp},
      {"TIMESTAMP", DmsType::kTimestamp},
      {"TIMESTAMP WITH TIME ZONE", DmsType::kTimestamp},
      {"NUMERIC", DmsType::kDecimal},
      {"DECIMAL(10,2)", DmsType::kDecimal, false, {}, 10, 2},
      {"DECIMAL( 10 , 2 )", DmsType::kDecimal, false, {}, 10, 2},
      {"numeric(8)", DmsType::kDecimal, false, {}, 8},
      {"", DmsType::kString, true},
      {"ANY", DmsType::kString, true},
      {"JSON", DmsType::kString, true},
      {"UUID", DmsType::kString, true},
      {"STRING", DmsType::kString, true},
      {"(", DmsType::kString, true},
      {"VARCHAR(", DmsType::kString, true},
      {")(", DmsType::kString, true},
  };
  for (const Case& expected : cases) {
    INFO(expected.declared);
    ColumnSchema column;
    describe_declared_type(expected.declared, column);
    CHECK(dms_type_name(column.type) == dms_type_name(expected.type));
    CHECK(column.lob == expected.lob);
    CHECK(column.length == expected.length);
    CHECK(column.precision == expected.precision);
    CHECK(column.scale == expected.scale);
  }
}

}  // namespace
}  // namespace dmskafka::sqlite

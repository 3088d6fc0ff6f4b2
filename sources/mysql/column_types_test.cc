#include "sources/mysql/column_types.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace dmskafka;         // NOLINT(google-build-using-namespace)
using namespace dmskafka::mysql;  // NOLINT(google-build-using-namespace)

namespace {

ColumnSchema column_of(const ColumnType& type) {
  ColumnSchema column;
  set_column_type(type, column);
  return column;
}

/// "INT32", "DECIMAL(12,2)", "STRING(5)", "STRING lob".
std::string shown(const ColumnType& type) {
  const ColumnSchema column = column_of(type);
  std::string text(dms_type_name(column.type));
  if (column.length) text += fmt::format("({})", *column.length);
  if (column.precision) text += fmt::format("({},{})", *column.precision, column.scale.value_or(0));
  if (!column.precision && column.scale) text += fmt::format("[{}]", *column.scale);
  return text + (column.lob ? " lob" : "");
}

ColumnType numeric(std::string name, std::string printed, std::uint32_t precision = 0,
                   std::uint32_t scale = 0) {
  ColumnType type;
  type.data_type = std::move(name);
  type.column_type = std::move(printed);
  type.precision = precision;
  type.scale = scale;
  return type;
}

ColumnType sized(std::string name, std::uint64_t length) {
  ColumnType type;
  type.column_type = name;
  type.data_type = std::move(name);
  type.length = length;
  return type;
}

ColumnType temporal(std::string name, std::uint32_t digits) {
  ColumnType type;
  type.column_type = name;
  type.data_type = std::move(name);
  type.fraction_digits = digits;
  return type;
}

}  // namespace

TEST_CASE("column_types: integers by width and sign") {
  CHECK(shown(numeric("tinyint", "tinyint(1)")) == "INT8");
  CHECK(shown(numeric("tinyint", "tinyint(3) unsigned")) == "UINT8");
  CHECK(shown(numeric("smallint", "smallint unsigned")) == "UINT16");
  CHECK(shown(numeric("mediumint", "mediumint(9)")) == "INT32");
  CHECK(shown(numeric("int", "int(5) unsigned zerofill")) == "UINT32");
  CHECK(shown(numeric("bigint", "bigint")) == "INT64");
  CHECK(shown(numeric("bigint", "bigint(20) unsigned")) == "UINT64");
  CHECK(shown(numeric("year", "year(4)")) == "INT16");
}

TEST_CASE("column_types: decimals of more than 38 digits are strings") {
  CHECK(shown(numeric("decimal", "decimal(12,2)", 12, 2)) == "DECIMAL(12,2)");
  CHECK(shown(numeric("decimal", "decimal(38,30)", 38, 30)) == "DECIMAL(38,30)");
  CHECK(shown(numeric("decimal", "decimal(39,0)", 39, 0)) == "STRING(42)");
  CHECK(column_of(numeric("decimal", "decimal(65,30)", 65, 30)).value_kind == ValueKind::kDecimalAsString);
  CHECK(shown(numeric("float", "float")) == "FLOAT");
  CHECK(shown(numeric("double", "double(10,2)")) == "DOUBLE");
}

TEST_CASE("column_types: BIT(1) is a boolean, wider ones are bytes") {
  CHECK(shown(numeric("bit", "bit(1)", 1)) == "BOOL");
  CHECK(column_of(numeric("bit", "bit(1)", 1)).value_kind == ValueKind::kBoolean);
  CHECK(shown(numeric("bit", "bit(2)", 2)) == "BINARY(1)");
  CHECK(shown(numeric("bit", "bit(9)", 9)) == "BINARY(2)");
  CHECK(shown(numeric("bit", "bit(64)", 64)) == "BINARY(8)");
}

TEST_CASE("column_types: dates and times") {
  CHECK(shown(temporal("date", 0)) == "DATE32");
  CHECK(shown(temporal("datetime", 0)) == "TIMESTAMP[0]");
  CHECK(shown(temporal("timestamp", 6)) == "TIMESTAMP[6]");
  CHECK(shown(temporal("time", 0)) == "STRING(10)");
  CHECK(shown(temporal("time", 6)) == "STRING(17)");
}

TEST_CASE("column_types: MEDIUM and LONG texts and blobs, JSON and geometry are LOBs") {
  CHECK(shown(sized("char", 5)) == "STRING(5)");
  CHECK(shown(sized("varchar", 0)) == "STRING(0)");
  CHECK(shown(sized("tinytext", 255)) == "STRING(255)");
  CHECK(shown(sized("text", 65'535)) == "STRING(65535)");
  CHECK(shown(sized("mediumtext", 16'777'215)) == "STRING lob");
  CHECK(shown(sized("longtext", 4'294'967'295)) == "STRING lob");
  CHECK(shown(sized("json", 0)) == "STRING lob");
  CHECK(shown(sized("binary", 16)) == "BINARY(16)");
  CHECK(shown(sized("blob", 65'535)) == "BINARY(65535)");
  CHECK(shown(sized("longblob", 4'294'967'295)) == "BINARY lob");
  CHECK(shown(sized("multipolygon", 0)) == "BINARY lob");
  CHECK(shown(sized("uuid", 0)) == "STRING(36)");
  CHECK(shown(sized("a_plugins_type", 0)) == "STRING lob");
}

TEST_CASE("column_types: an enum's labels are no attributes") {
  ColumnType type = sized("enum", 18);
  type.column_type = "enum('a unsigned zerofill',')','x')";
  CHECK(shown(type) == "STRING(18)");
  CHECK_FALSE(is_zerofill(type.column_type));
  CHECK(is_zerofill("int(5) unsigned zerofill"));
  CHECK(type_word("double unsigned") == "double");
  CHECK(is_unsigned("double unsigned"));
}

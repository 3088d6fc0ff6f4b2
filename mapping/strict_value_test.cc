#include "mapping/strict_value.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>

using namespace dmskafka;

// What each must become is typed from wire-format.md §5, "strict".

namespace {

ValueFormat strict(ValueKind kind) {
  ValueFormat format;
  format.kind = kind;
  format.strict = true;
  return format;
}
std::string json(const ValueFormat& format, std::string_view text) {
  ByteBuffer out;
  append_value(format, Value::text(text), out);
  return std::string(out.view());
}
std::string json(ValueKind kind, std::string_view text) { return json(strict(kind), text); }

}  // namespace

TEST_CASE("strict_value: integers above 16 digits are scientific") {
  CHECK(json(ValueKind::kInteger, "9999999999999999") == "9999999999999999");  // 16 digits
  CHECK(json(ValueKind::kInteger, "-9999999999999999") == "-9999999999999999");
  CHECK(json(ValueKind::kInteger, "10000000000000000") == "1e+16");  // 17
  CHECK(json(ValueKind::kInteger, "12345678901234567") == "1.2345678901234568e+16");
  CHECK(json(ValueKind::kInteger, "9223372036854775807") == "9.2233720368547758e+18");
  CHECK(json(ValueKind::kInteger, "-9223372036854775808") == "-9.2233720368547758e+18");
  CHECK(json(ValueKind::kInteger, "00000000000000000042") == "42");  // ZEROFILL
}

TEST_CASE("strict_value: UseLargeIntegerValue keeps the digits") {
  ValueFormat format = strict(ValueKind::kInteger);
  format.large_integers = true;
  CHECK(json(format, "9223372036854775807") == "9223372036854775807");
}

TEST_CASE("strict_value: an integer of SQLite likewise") {
  ByteBuffer out;
  const std::string_view digits = "9223372036854775807";
  append_value(strict(ValueKind::kDynamic), Value(ValueForm::kInteger, digits.data(), 19), out);
  CHECK(out.view() == "9.2233720368547758e+18");
}

TEST_CASE("strict_value: decimals go through a double") {
  CHECK(json(ValueKind::kDecimal, "1500.00") == "1500");
  CHECK(json(ValueKind::kDecimal, "46.57") == "46.57");
  CHECK(json(ValueKind::kDecimal, "123456789012345678.12") == "1.2345678901234568e+17");
  CHECK(json(ValueKind::kDecimal, "0.12345678901234567890") == "0.12345678901234568");
  CHECK(json(ValueKind::kDecimal, "-0.00001") == "-1e-05");
  CHECK(json(ValueKind::kMoney, "-$1,234.50") == "-1234.5");
  CHECK(json(ValueKind::kMoney, "$92,233,720,368,547,758.07") == "92233720368547760");
}

TEST_CASE("strict_value: a numeric without precision has 6 decimals, rounded half away from zero") {
  ValueFormat format = strict(ValueKind::kDecimal);
  format.unbounded_decimal = true;
  CHECK(json(format, "3.14159265358979") == "3.141593");
  CHECK(json(format, "-0.0000005") == "-1e-06");
  CHECK(json(format, "0.00000049") == "0");
  CHECK(json(format, "99.9999995") == "100");
  CHECK(json(format, "0.123456") == "0.123456");
  CHECK(json(format, std::string(400, '9')) == "null");  // beyond a double
  CHECK(json(format, "0." + std::string(399, '0') + "1") == "0");
}

TEST_CASE("strict_value: what is not finite is null") {
  for (const char* const text : {"NaN", "Infinity", "-Infinity"}) {
    CAPTURE(text);
    CHECK(json(ValueKind::kDecimal, text) == "null");
    CHECK(json(ValueKind::kFloat4, text) == "null");
    CHECK(json(ValueKind::kFloat8, text) == "null");
    CHECK(json(ValueKind::kDecimalAsString, text) == "\"" + std::string(text) + "\"");
  }
  const double infinity = std::numeric_limits<double>::infinity();
  ByteBuffer out;
  append_value(strict(ValueKind::kDynamic),
               Value(ValueForm::kReal, reinterpret_cast<const char*>(&infinity), sizeof infinity), out);
  CHECK(out.view() == "null");
}

TEST_CASE("strict_value: dates that are infinite or outside the years 1 to 9999 are null") {
  CHECK(json(ValueKind::kDate, "0001-01-01") == "\"0001-01-01\"");
  CHECK(json(ValueKind::kDate, "9999-12-31") == "\"9999-12-31\"");
  CHECK(json(ValueKind::kDate, "10000-01-01") == "null");
  CHECK(json(ValueKind::kDate, "0044-03-15 BC") == "null");
  CHECK(json(ValueKind::kDate, "infinity") == "null");
  CHECK(json(ValueKind::kTimestamp, "9999-12-31 23:59:59.999999") == "\"9999-12-31T23:59:59.999999Z\"");
  CHECK(json(ValueKind::kTimestamp, "-infinity") == "null");
  CHECK(json(ValueKind::kTimestampUtc, "4714-11-24 00:00:00+00 BC") == "null");
  CHECK(json(ValueKind::kTimestampUtc, "10000-01-01 00:00:00+00") == "null");
  CHECK(json(ValueKind::kTimestampUtc, "2024-02-29 12:00:00+00") == "\"2024-02-29T12:00:00Z\"");
}

TEST_CASE("strict_value: timetz loses its zone") {
  CHECK(json(ValueKind::kTimeWithZone, "04:05:06+02") == "\"04:05:06\"");
  CHECK(json(ValueKind::kTimeWithZone, "24:00:00.5-03:30") == "\"24:00:00.500000\"");
}

#include "mapping/value_text.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "test/support/random_rounds.h"

using namespace dmskafka;

namespace {

std::string json(ValueFormat format, const Value& value) {
  ByteBuffer out;
  append_value(format, value, out);
  return std::string(out.view());
}
std::string json(ValueKind kind, std::string_view text, std::uint32_t scale = 6) {
  return json(ValueFormat{kind, scale, true}, Value::text(text));
}

}  // namespace

TEST_CASE("value_text: integers and decimals are exact, whatever their size") {
  CHECK(json(ValueKind::kInteger, "-9223372036854775808") == "-9223372036854775808");
  CHECK(json(ValueKind::kInteger, "007") == "7");  // ZEROFILL; JSON has no leading zeros
  CHECK(json(ValueKind::kInteger, "000") == "0");
  CHECK(json(ValueKind::kDecimal, "1500.00") == "1500");
  CHECK(json(ValueKind::kDecimal, "46.57") == "46.57");
  CHECK(json(ValueKind::kDecimal, "-0.50") == "-0.5");
  CHECK(json(ValueKind::kDecimal, ".25") == "0.25");
  CHECK(json(ValueKind::kDecimal, "1000") == "1000");
  CHECK(json(ValueKind::kDecimal, "12345678901234567890123456789012345678901234567890.1234567890") ==
        "12345678901234567890123456789012345678901234567890.123456789");
  CHECK(json(ValueKind::kDecimal, "NaN") == "\"NaN\"");
  CHECK(json(ValueKind::kDecimal, "-Infinity") == "\"-Infinity\"");
  CHECK(json(ValueKind::kDecimalAsString, "1500.00") == "\"1500.00\"");
  CHECK(json(ValueKind::kMoney, "$1,234.50") == "1234.5");
  CHECK(json(ValueKind::kMoney, "-$1,234,567.00") == "-1234567");
}

TEST_CASE("value_text: a number that is none becomes a string, never broken JSON") {
  for (const std::string_view text : {"", "-", "1e5", "0x10", "1.2.3", ".", "1 ", "+1", "12a\""}) {
    const std::string shown = json(ValueKind::kInteger, text);
    CHECK(shown.front() == '"');
    CHECK(shown.back() == '"');
  }
  CHECK(json(ValueKind::kMoney, "1.234,50 €") == "\"1.234,50 €\"");
  CHECK(json(ValueKind::kBoolean, "maybe") == "\"maybe\"");
}

TEST_CASE(
    "value_text: MySQL's zero dates are null and counted; dates that lack only month or day keep their "
    "text") {
  CHECK(json(ValueKind::kDate, "0000-00-00") == "null");
  CHECK(json(ValueKind::kTimestamp, "0000-00-00 00:00:00", 0) == "null");
  CHECK(json(ValueKind::kTimestamp, "0000-00-00 00:00:00.000", 3) == "null");
  CHECK(json(ValueKind::kDate, "2024-00-00") == "\"2024-00-00\"");
  CHECK(json(ValueKind::kString, "0000-00-00") == "\"0000-00-00\"");
  ByteBuffer out;
  CHECK(append_value({ValueKind::kDate}, Value::text("0000-00-00"), out).zero_dates == 1);
  CHECK(append_value({ValueKind::kDate}, Value::text("2024-01-01"), out).zero_dates == 0);
}

TEST_CASE("value_text: floats as cJSON prints them") {
  CHECK(json(ValueKind::kFloat4, "2.2") == "2.20000005");
  CHECK(json(ValueKind::kFloat8, "55.0") == "55");
  CHECK(json(ValueKind::kFloat8, "0.23") == "0.23");
  CHECK(json(ValueKind::kFloat8, "0.30000000000000004") == "0.30000000000000004");
  CHECK(json(ValueKind::kFloat8, "1e+100") == "1e+100");
  CHECK(json(ValueKind::kFloat8, "0.00001") == "1e-05");
  CHECK(json(ValueKind::kFloat8, "-0") == "-0");
  CHECK(json(ValueKind::kFloat4, "Infinity") == "\"Infinity\"");
  CHECK(json(ValueKind::kFloat8, "-Infinity") == "\"-Infinity\"");
  CHECK(json(ValueKind::kFloat8, "NaN") == "\"NaN\"");
  CHECK(json(ValueKind::kFloat8, "1e400") == "\"Infinity\"");
  CHECK(json(ValueKind::kFloat8, "1e-400") == "0");
}

TEST_CASE("value_text: the short cut for doubles that are their own text gives what printf gives") {
  std::mt19937_64 random(3);  // NOLINT(cert-msc51-cpp): the same every time
  int wrong = 0;
  for (int i = 0; i < random_rounds(200'000); ++i) {
    std::string text = random() % 2 == 0 ? "-" : "";
    text += std::to_string(random() % 2 == 0 ? 0 : random() >> (random() % 64));
    if (random() % 4 != 0) {
      text += '.';
      for (std::size_t digits = random() % 12; digits > 0; --digits) {
        text += static_cast<char>('0' + (random() % 3 == 0 ? random() % 10 : 0));
      }
    }
    const double value = std::strtod(text.c_str(), nullptr);
    char expected[64];
    std::snprintf(expected, sizeof expected, "%1.15g", value);
    if (std::strtod(expected, nullptr) != value) std::snprintf(expected, sizeof expected, "%1.17g", value);
    if (json(ValueKind::kFloat8, text) != expected && wrong++ == 0) {
      INFO(text);
      CHECK(json(ValueKind::kFloat8, text) == expected);
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("value_text: booleans, strings and blanks") {
  CHECK(json(ValueKind::kBooleanAsString, "t") == "\"true\"");
  CHECK(json(ValueKind::kBooleanAsString, "f") == "\"false\"");
  CHECK(json(ValueKind::kBoolean, "1") == "true");
  CHECK(json(ValueKind::kBoolean, "0") == "false");
  CHECK(json(ValueKind::kString, "a\"b\\c/\n\x01ü") == "\"a\\\"b\\\\c/\\n\\u0001ü\"");
  CHECK(json(ValueKind::kBlankTrimmedString, " ab  ") == "\" ab\"");
}

TEST_CASE("value_text: dates and times, and those beyond range") {
  CHECK(json(ValueKind::kDate, "2018-01-02") == "\"2018-01-02\"");
  CHECK(json(ValueKind::kDate, "0044-03-15 BC") == "\"0044-03-15 BC\"");
  CHECK(json(ValueKind::kTimestamp, "2021-01-08 09:00:00") == "\"2021-01-08T09:00:00Z\"");
  CHECK(json(ValueKind::kTimestamp, "2010-11-01 00:02:00.1") == "\"2010-11-01T00:02:00.100000Z\"");
  CHECK(json(ValueKind::kTimestamp, "2010-11-01 00:02:00.1", 3) == "\"2010-11-01T00:02:00.100Z\"");
  CHECK(json(ValueKind::kTimestamp, "2010-11-01 00:02:00.000") == "\"2010-11-01T00:02:00Z\"");
  CHECK(json(ValueKind::kTimestamp, "infinity") == "\"infinity\"");
  CHECK(json(ValueKind::kTimestamp, "10000-01-01 00:00:00") == "\"10000-01-01 00:00:00\"");
  CHECK(json(ValueKind::kTimestamp, "0044-03-15 00:00:00 BC") == "\"0044-03-15 00:00:00 BC\"");
  CHECK(json(ValueKind::kTimestampUtc, "2021-01-08 09:00:00.5+00") == "\"2021-01-08T09:00:00.500000Z\"");
  CHECK(json(ValueKind::kTimestampUtc, "2021-01-08 09:00:00+02") == "\"2021-01-08 09:00:00+02\"");
  CHECK(json(ValueKind::kTimestampUtc, "-infinity") == "\"-infinity\"");
  CHECK(json(ValueKind::kTime, "04:05:06.789") == "\"04:05:06.789000\"");
  CHECK(json(ValueKind::kTime, "04:05:06.000") == "\"04:05:06\"");
  CHECK(json(ValueKind::kTime, "-838:59:59") == "\"-838:59:59\"");
  CHECK(json(ValueKind::kTimeWithZone, "04:05:06.5+05:30") == "\"04:05:06.500000+05:30\"");
  CHECK(json(ValueKind::kTimeWithZone, "04:05:06+02") == "\"04:05:06+02\"");
}

TEST_CASE("value_text: bytes") {
  CHECK(json(ValueKind::kHexBytes, "\\xdeadbeef09") == "\"0xDEADBEEF09\"");
  CHECK(json(ValueKind::kHexBytes, "\\x") == "\"0x\"");
  CHECK(json(ValueFormat{ValueKind::kHexBytes, 6, false}, Value::text("\\xab")) == "\"AB\"");
  const std::string raw("\x00\xff\x7f", 3);
  CHECK(json(ValueFormat{ValueKind::kDynamic, 6, true}, Value(ValueForm::kBytes, raw.data(), 3)) ==
        "\"0x00FF7F\"");
}

TEST_CASE("value_text: dynamic values by their form") {
  const ValueFormat dynamic{ValueKind::kDynamic, 6, true};
  const double real = 1.5;
  const double infinite = 1e308 * 10;
  const auto bytes = [](const double& value) { return reinterpret_cast<const char*>(&value); };
  CHECK(json(dynamic, Value(ValueForm::kInteger, "42", 2)) == "42");
  CHECK(json(dynamic, Value(ValueForm::kReal, bytes(real), 8)) == "1.5");
  CHECK(json(dynamic, Value(ValueForm::kReal, bytes(infinite), 8)) == "\"Infinity\"");
  CHECK(json(dynamic, Value::text("2")) == "\"2\"");
  CHECK(json(dynamic, Value::null()) == "null");
}

TEST_CASE("value_text: only text is empty") {
  CHECK(is_empty_string({ValueKind::kString, 6, true}, Value::text("")));
  CHECK_FALSE(is_empty_string({ValueKind::kString, 6, true}, Value::text(" ")));
  CHECK(is_empty_string({ValueKind::kBlankTrimmedString, 6, true}, Value::text("  ")));
  CHECK_FALSE(is_empty_string({ValueKind::kHexBytes, 6, true}, Value::text("\\x")));
  CHECK_FALSE(is_empty_string({ValueKind::kDynamic, 6, true}, Value(ValueForm::kBytes, "", 0)));
}

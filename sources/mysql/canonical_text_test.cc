#include "sources/mysql/canonical_text.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "test/support/random_rounds.h"

using namespace dmskafka::mysql;  // NOLINT(google-build-using-namespace)

namespace {

std::string float4(float value) {
  char text[kFloatTextSizeMax];
  return {text, print_float4(value, text)};
}
std::string float8(double value) {
  char text[kFloatTextSizeMax];
  return {text, print_float8(value, text)};
}

}  // namespace

// What `SELECT x` prints of a DOUBLE on MariaDB 10.11 and MySQL 8.0.
TEST_CASE("canonical_text: a double as the server prints it") {
  CHECK(float8(0) == "0");
  CHECK(float8(-0.0) == "-0");
  CHECK(float8(0.1) == "0.1");
  CHECK(float8(-1234.5) == "-1234.5");
  CHECK(float8(1e14) == "100000000000000");
  CHECK(float8(123456789012345) == "123456789012345");
  CHECK(float8(1e15) == "1e15");
  CHECK(float8(1234567890123456) == "1.234567890123456e15");
  CHECK(float8(1e-15) == "0.000000000000001");
  CHECK(float8(1e-16) == "1e-16");
  CHECK(float8(1.5e20) == "1.5e20");
  CHECK(float8(std::numeric_limits<double>::max()) == "1.7976931348623157e308");
  CHECK(float8(-std::numeric_limits<double>::min()) == "-2.2250738585072014e-308");
  CHECK(float8(std::numeric_limits<double>::denorm_min()) == "5e-324");
}

TEST_CASE("canonical_text: a float has the fewest digits that read back") {
  CHECK(float4(2.2F) == "2.2");
  CHECK(float4(16777216.0F) == "16777216");
  CHECK(float4(std::numeric_limits<float>::max()) == "3.4028235e38");
  CHECK(float4(1e20F) == "1e20");
  CHECK(float4(0.333333343F) == "0.33333334");
}

TEST_CASE("canonical_text: whatever the value, its text reads back to it and has room") {
  std::mt19937_64 random(7);
  for (int i = 0; i < dmskafka::random_rounds(20'000); ++i) {
    const auto bits = random();
    double value = 0;
    static_assert(sizeof bits == sizeof value);
    std::memcpy(&value, &bits, sizeof value);
    if (!(value - value == 0)) continue;  // not finite
    const std::string text = float8(value);
    REQUIRE(text.size() <= kFloatTextSizeMax);
    REQUIRE(std::strtod(text.c_str(), nullptr) == value);
    const auto small = static_cast<float>(value);
    if (!(small - small == 0)) continue;
    REQUIRE(std::strtof(float4(small).c_str(), nullptr) == small);
  }
}

TEST_CASE("canonical_text: ZEROFILL's padding is cut") {
  CHECK(without_padding("00042") == "42");
  CHECK(without_padding("000") == "0");
  CHECK(without_padding("0000.50") == "0.50");
  CHECK(without_padding("0.00") == "0.00");
  CHECK(without_padding("7") == "7");
  CHECK(without_padding("") == "");
}

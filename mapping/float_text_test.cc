#include "mapping/float_text.h"

#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>

#include "test/support/random_rounds.h"

using namespace dmskafka;

namespace {

std::string ours(double value) {
  std::array<char, kFloatTextSize> text;
  return {text.data(), format_float8(value, text.data())};
}
std::string ours(float value) {
  std::array<char, kFloatTextSize> text;
  return {text.data(), format_float4(value, text.data())};
}

// The C library, as wire-format.md §5 words it.
std::string printed(double value) {
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%1.15g", value);
  if (std::strtod(text.data(), nullptr) != value) std::snprintf(text.data(), text.size(), "%1.17g", value);
  return text.data();
}
std::string printed(float value) {
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%.9g", static_cast<double>(value));
  return text.data();
}

}  // namespace

TEST_CASE("float_text: the samples of real messages") {
  CHECK(ours(2.2F) == "2.20000005");
  CHECK(ours(55.0) == "55");
  CHECK(ours(0.23) == "0.23");
  CHECK(ours(20.2) == "20.2");
}

TEST_CASE("float_text: the corners are what printf says") {
  for (const double value : {0.0,
                             -0.0,
                             1.0,
                             -1.0,
                             1e-4,
                             1e-5,
                             1.5e-5,
                             0.00012345,
                             123456789012345.0,
                             1234567890123456.0,
                             1e14,
                             1e15,
                             1e16,
                             1e21,
                             9007199254740993.0,
                             0.1 + 0.2,
                             1.0 / 3,
                             100.0,
                             1e100,
                             5e-324,
                             2.2250738585072011e-308,
                             std::numeric_limits<double>::max(),
                             std::numeric_limits<double>::min(),
                             999999999999999.9,
                             9.5e-5}) {
    CHECK(ours(value) == printed(value));
    CHECK(ours(-value) == printed(-value));
    CHECK(ours(static_cast<float>(std::fmin(value, 3e38))) ==
          printed(static_cast<float>(std::fmin(value, 3e38))));
  }
}

TEST_CASE("float_text: half a million random doubles and floats of every size are what printf says") {
  std::mt19937_64 random(20240101);  // NOLINT(cert-msc51-cpp): the same every time
  std::uint64_t wrong = 0;
  for (int i = 0; i < random_rounds(500'000); ++i) {
    const std::uint64_t bits = random();
    // Any bits; plain decimals, as tables hold them; small ones; subnormals.
    const std::array<double, 4> values = {
        std::bit_cast<double>(bits),
        static_cast<double>(static_cast<std::int64_t>(bits) >> (bits % 60)) / 1000.0,
        std::ldexp(static_cast<double>(bits % 100'000'000), -static_cast<int>(random() % 60)),
        std::bit_cast<double>(bits >> 14U)};
    for (const double value : values) {
      if (std::isfinite(value) && ours(value) != printed(value) && wrong++ == 0)
        CHECK(ours(value) == printed(value));
    }
    const float single = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    if (std::isfinite(single) && ours(single) != printed(single) && wrong++ == 0) {
      CHECK(ours(single) == printed(single));
    }
  }
  CHECK(wrong == 0);
}

#include "core/base/clock.h"

#include <doctest/doctest.h>
#include <stdlib.h>  // setenv

#include <cstdint>
#include <cstdio>
#include <ctime>
#include <random>
#include <string>

namespace dmskafka {
namespace {

constexpr std::int64_t kYear0 = -62'167'219'200;      // 0000-01-01T00:00:00Z
constexpr std::int64_t kYear10000 = 253'402'300'800;  // 10000-01-01T00:00:00Z

std::string formatted(std::int64_t microseconds) {
  char text[kIso8601Size];
  format_iso8601(WallTime{microseconds}, text);
  return std::string(text, sizeof text);
}

/// The C library's calendar.
std::string by_gmtime(std::int64_t seconds, int microseconds) {
  const std::time_t time = seconds;
  std::tm fields{};
  REQUIRE(gmtime_r(&time, &fields) != nullptr);
  char text[80];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", fields.tm_year + 1900,
                fields.tm_mon + 1, fields.tm_mday, fields.tm_hour, fields.tm_min, fields.tm_sec,
                microseconds);
  return text;
}

TEST_CASE("clock: times at the edges, as date -u prints them") {
  CHECK(formatted(0) == "1970-01-01T00:00:00.000000Z");
  CHECK(formatted(1722214697983670) == "2024-07-29T00:58:17.983670Z");
  CHECK(formatted(-1) == "1969-12-31T23:59:59.999999Z");
  CHECK(formatted(-1'000'000) == "1969-12-31T23:59:59.000000Z");
  CHECK(formatted(951'782'399'999'999) == "2000-02-28T23:59:59.999999Z");
  CHECK(formatted(951'782'400'000'000) == "2000-02-29T00:00:00.000000Z");
  CHECK(formatted(kYear0 * 1'000'000) == "0000-01-01T00:00:00.000000Z");
  CHECK(formatted(kYear10000 * 1'000'000 - 1) == "9999-12-31T23:59:59.999999Z");
  CHECK(formatted(std::int64_t{4'107'542'400} * 1'000'000) ==
        "2100-03-01T00:00:00.000000Z");  // 2100 has no 29 February
}

TEST_CASE("clock: random times of the years 0 to 9999 agree with gmtime") {
  std::mt19937_64 random(20240729);
  std::uniform_int_distribution<std::int64_t> seconds(kYear0, kYear10000 - 1);
  std::uniform_int_distribution<int> fraction(0, 999'999);
  std::uint64_t wrong = 0;
  for (int i = 0; i < 100'000; ++i) {
    const std::int64_t second = seconds(random);
    const int microsecond = fraction(random);
    wrong += formatted(second * 1'000'000 + microsecond) != by_gmtime(second, microsecond);
  }
  CHECK(wrong == 0);
}

TEST_CASE("clock: a fixed clock tells its time, a real one the machine's") {
  const WallClock fixed(WallTime{42});
  CHECK(fixed.is_fixed());
  CHECK(fixed.now().microseconds == 42);
  const WallClock real;
  CHECK(!real.is_fixed());
  const std::int64_t before = static_cast<std::int64_t>(std::time(nullptr)) * 1'000'000;
  const std::int64_t now = real.now().microseconds;
  CHECK(now >= before);
  CHECK(now < before + 10'000'000);
}

TEST_CASE("clock: SOURCE_DATE_EPOCH fixes it, anything that is no number does not") {
  setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
  CHECK(WallClock::from_environment().now().microseconds == 1'700'000'000'000'000);
  for (const char* text : {"", "x", "1700000000x", "1.5", " 1"}) {
    setenv("SOURCE_DATE_EPOCH", text, 1);
    INFO(text);
    CHECK(!WallClock::from_environment().is_fixed());
  }
  unsetenv("SOURCE_DATE_EPOCH");
  CHECK(!WallClock::from_environment().is_fixed());
}

}  // namespace
}  // namespace dmskafka

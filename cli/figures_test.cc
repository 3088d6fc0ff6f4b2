#include "cli/figures.h"

#include <doctest/doctest.h>

namespace dmskafka {
namespace {
using namespace std::chrono_literals;

TEST_CASE("figures: counts are grouped by thousands") {
  CHECK(count_text(0) == "0");
  CHECK(count_text(999) == "999");
  CHECK(count_text(1000) == "1,000");
  CHECK(count_text(1234567) == "1,234,567");
  CHECK(count_text(18446744073709551615ULL) == "18,446,744,073,709,551,615");
  CHECK(counted(1, "row", "rows") == "1 row");
  CHECK(counted(0, "row", "rows") == "0 rows");
}

TEST_CASE("figures: bytes have three figures, and roll over to the next unit before 1000") {
  CHECK(bytes_text(0) == "0 B");
  CHECK(bytes_text(999) == "999 B");
  CHECK(bytes_text(1000) == "1.00 kB");
  CHECK(bytes_text(9995) == "10.0 kB");
  CHECK(bytes_text(99950) == "100 kB");
  CHECK(bytes_text(999499) == "999 kB");
  CHECK(bytes_text(999500) == "1.00 MB");
  CHECK(bytes_text(1.5e15) == "1.50 PB");
  CHECK(bytes_text(5e18) == "5000 PB");
}

TEST_CASE("figures: durations never read 60 seconds or 60 minutes") {
  CHECK(duration_text(0s) == "0.00 s");
  CHECK(duration_text(420ms) == "0.42 s");
  CHECK(duration_text(9994ms) == "9.99 s");
  CHECK(duration_text(9996ms) == "10.0 s");
  CHECK(duration_text(59960ms) == "1 min 00 s");
  CHECK(duration_text(245s) == "4 min 05 s");
  CHECK(duration_text(3599600ms) == "1 h 00 min");
  CHECK(duration_text(7980s) == "2 h 13 min");
}

}  // namespace
}  // namespace dmskafka

#include "sources/postgres/ctid_ranges.h"

#include <doctest/doctest.h>

using namespace dmskafka;
using namespace dmskafka::postgres;

TEST_CASE("ctid_ranges: ranges cover every page once, and the last one is open") {
  for (const std::uint64_t pages : {0UL, 1UL, 2UL, 3UL, 2047UL, 2048UL, 2049UL, 100000UL}) {
    for (const std::uint64_t bytes : {0UL, 8192UL, 16UL << 20, 500UL << 20}) {
      const auto ranges = cut_pages(pages, bytes, 16 << 20);
      REQUIRE_FALSE(ranges.empty());
      CHECK(ranges.front().first == 0);
      CHECK_FALSE(ranges.back().end.has_value());
      for (std::size_t i = 1; i < ranges.size(); ++i) CHECK(ranges[i - 1].end == ranges[i].first);
      CHECK(ranges.back().first <= pages);
    }
  }
}

TEST_CASE("ctid_ranges: 160 MiB in 16 MiB ranges of 2048 pages of 8 KiB") {
  const auto ranges = cut_pages(20'480, 160 << 20, 16 << 20);
  REQUIRE(ranges.size() == 10);
  CHECK(ranges[3] == PageRange{6'144, 8'192});
}

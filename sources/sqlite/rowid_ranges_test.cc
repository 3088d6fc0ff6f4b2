#include "sources/sqlite/rowid_ranges.h"

#include <doctest/doctest.h>

#include <limits>

using namespace dmskafka;
using namespace dmskafka::sqlite;

TEST_CASE("rowid_ranges: ranges join without a gap and are open at both ends") {
  constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();
  struct Case {
    std::int64_t lowest, highest;
    std::uint64_t count;
  };
  for (const Case& c : {Case{1, 1'000'000, 12}, Case{1, 1, 5}, Case{-5, 5, 100}, Case{kLowest, kHighest, 7},
                        Case{0, kHighest, 1}, Case{kHighest - 3, kHighest, 3}}) {
    const auto ranges = cut_rowids(c.lowest, c.highest, c.count);
    REQUIRE_FALSE(ranges.empty());
    CHECK(ranges.size() <= c.count);
    CHECK_FALSE(ranges.front().first.has_value());
    CHECK_FALSE(ranges.back().end.has_value());
    for (std::size_t i = 1; i < ranges.size(); ++i) {
      CHECK(ranges[i - 1].end == ranges[i].first);
      CHECK(*ranges[i].first > c.lowest);
      CHECK(*ranges[i].first <= c.highest);
      if (i > 1) CHECK(*ranges[i].first > *ranges[i - 1].first);
    }
  }
}

TEST_CASE("rowid_ranges: a million rows in four ranges") {
  const auto ranges = cut_rowids(1, 1'000'000, 4);
  REQUIRE(ranges.size() == 4);
  CHECK(print_rowid_range(ranges[0]) == "rowid ..250001");
  CHECK(print_rowid_range(ranges[1]) == "rowid 250001..500001");
  CHECK(print_rowid_range(ranges[3]) == "rowid 750001..");
}

TEST_CASE("rowid_ranges: what is stored is read back, and nothing else is taken") {
  for (const RowidRange& range :
       {RowidRange{}, RowidRange{std::nullopt, -5}, RowidRange{-5, 7}, RowidRange{7, std::nullopt}}) {
    auto parsed = parse_rowid_range(print_rowid_range(range));
    REQUIRE(parsed.ok());
    CHECK(*parsed == range);
  }
  for (const char* text : {"", "rowid", "rowid 1", "rowid 1..2 OR 1", "rowid x..", "pages 1-2"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_rowid_range(text).ok());
  }
}

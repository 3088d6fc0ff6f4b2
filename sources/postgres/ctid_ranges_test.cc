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

TEST_CASE("ctid_ranges: what is stored is read back, and nothing else is taken") {
  const CtidSegment plain{{{0, 2'048}}, std::nullopt};
  const CtidSegment open{{{2'048, std::nullopt}}, std::nullopt};
  const CtidSegment touched{{{0, 2'048}, {4'096, std::nullopt}}, 731};
  CHECK(print_ctid_segment(plain) == "pages 0-2048");
  CHECK(print_ctid_segment(open) == "pages 2048-");
  CHECK(print_ctid_segment(touched) == "touched since 731: pages 0-2048,4096-");
  for (const CtidSegment& segment : {plain, open, touched}) {
    auto parsed = parse_ctid_segment(print_ctid_segment(segment));
    REQUIRE(parsed.ok());
    CHECK(*parsed == segment);
  }
  for (const char* text : {"", "pages", "pages ", "pages x-1", "pages 1", "pages 1-2 or true", "pages 1-2,",
                           "touched since : pages 1-2", "touched since 5000000000: pages 1-2"}) {
    CAPTURE(text);
    auto parsed = parse_ctid_segment(text);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().code() == ErrorCode::kStateFile);
  }
}

TEST_CASE("ctid_ranges: conditions") {
  CHECK(ctid_condition({{{0, 2'048}}, std::nullopt}) == "(ctid >= '(0,0)'::tid AND ctid < '(2048,0)'::tid)");
  CHECK(ctid_condition({{{0, 10}, {20, std::nullopt}}, 4'294'967'295U}) ==
        "((ctid >= '(0,0)'::tid AND ctid < '(10,0)'::tid) OR (ctid >= '(20,0)'::tid)) AND "
        "((xmin::text::bigint - 4294967295) & 4294967295) < 2147483648");
}

TEST_CASE("ctid_ranges: neighbours are joined") {
  CHECK(join_ranges({{0, 10}, {10, 20}, {30, 40}, {40, std::nullopt}}) ==
        std::vector<PageRange>{{0, 20}, {30, std::nullopt}});
  CHECK(join_ranges({}).empty());
}

TEST_CASE("ctid_ranges: plan tokens") {
  auto token = parse_plan_token("xmin 731 files 16385:16390,16400:16401");
  REQUIRE(token.ok());
  CHECK(*token == PlanToken{731, "16385:16390,16400:16401"});
  CHECK(print_plan_token(*token) == "xmin 731 files 16385:16390,16400:16401");
  CHECK_FALSE(parse_plan_token("token").ok());
}

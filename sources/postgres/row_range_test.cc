#include "sources/postgres/row_range.h"

#include <doctest/doctest.h>

using namespace dmskafka;
using namespace dmskafka::postgres;

namespace {

RowRange pages(std::vector<PageRange> ranges) {
  RowRange range;
  range.pages = std::move(ranges);
  return range;
}

RowRange keys(std::optional<KeyBound> first, std::optional<KeyBound> end) {
  RowRange range;
  range.keys = KeyRange{{"id"}, std::move(first), std::move(end), false};
  return range;
}

}  // namespace

TEST_CASE("row_range: what is stored is read back") {
  RowRange touched = pages({{0, 2'048}, {4'096, std::nullopt}});
  touched.touched_since = 731;
  RowRange leaf = pages({{2'048, std::nullopt}});
  leaf.partition = TableName{"sales", "orders \"2024\": x"};
  RowRange whole_leaf;
  whole_leaf.partition = TableName{"sales", "o"};
  RowRange touched_keys = keys(KeyBound{"it's"}, std::nullopt);
  touched_keys.touched_since = 7;
  const std::vector<std::pair<RowRange, std::string>> cases = {
      {pages({{0, 2'048}}), "pages 0-2048"},
      {pages({{2'048, std::nullopt}}), "pages 2048-"},
      {touched, "touched since 731: pages 0-2048,4096-"},
      {leaf, "partition \"sales\".\"orders \"\"2024\"\": x\": pages 2048-"},
      {whole_leaf, "partition \"sales\".\"o\": all rows"},
      {touched_keys, "touched since 7: keys (\"id\") from ('it''s')"},
  };
  for (const auto& c : cases) {  // no structured binding: clang 14's lambdas cannot capture one
    CAPTURE(c.second);
    CHECK(print_row_range(c.first) == c.second);
    auto parsed = parse_row_range(c.second);
    REQUIRE(parsed.ok());
    CHECK(*parsed == c.first);
  }
}

TEST_CASE("row_range: nothing else is taken") {
  for (const char* text :
       {"", "pages", "pages ", "pages x-1", "pages 1", "pages 1-2 or true", "pages 1-2,", "all rows or true",
        "touched since : pages 1-2", "touched since 5000000000: pages 1-2", "partition \"a\": all rows",
        "partition \"a\".\"b\" all rows", "keys (\"id\") to ('1') or true"}) {
    CAPTURE(text);
    auto parsed = parse_row_range(text);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().code() == ErrorCode::kStateFile);
  }
}

TEST_CASE("row_range: conditions") {
  CHECK(row_condition(RowRange{}).empty());
  CHECK(row_condition(pages({{0, 2'048}})) == "(ctid >= '(0,0)'::tid AND ctid < '(2048,0)'::tid)");
  RowRange touched = pages({{0, 10}, {20, std::nullopt}});
  touched.touched_since = 4'294'967'295U;
  CHECK(row_condition(touched) ==
        "((ctid >= '(0,0)'::tid AND ctid < '(10,0)'::tid) OR (ctid >= '(20,0)'::tid)) AND "
        "((xmin::text::bigint - 4294967295) & 4294967295) < 2147483648");
  CHECK(row_condition(keys(KeyBound{"it's"}, KeyBound{"x\\y"})) ==
        "\"id\" >= 'it''s' AND \"id\" <  E'x\\\\y'");
  RowRange composite;
  composite.keys = KeyRange{{"a", "b"}, KeyBound{"1", "2"}, std::nullopt, false};
  CHECK(row_condition(composite) == "(\"a\", \"b\") >= ('1', '2') AND \"b\" IS NOT NULL");
  composite.keys = KeyRange{{"a", "b"}, std::nullopt, std::nullopt, true};
  CHECK(row_condition(composite) == "(\"a\" IS NULL OR \"b\" IS NULL)");
  composite.touched_since = 5;
  CHECK(row_condition(composite) ==
        "((\"a\" IS NULL OR \"b\" IS NULL)) AND ((xmin::text::bigint - 5) & 4294967295) < 2147483648");
}

TEST_CASE("row_range: neighbours are joined, of one partition only") {
  RowRange leaf = pages({{20, std::nullopt}});
  leaf.partition = TableName{"s", "t"};
  CHECK(join_row_ranges(
            {pages({{0, 10}}), pages({{10, 20}}), leaf, pages({{30, 40}}), pages({{40, std::nullopt}})}) ==
        std::vector<RowRange>{pages({{0, 20}}), leaf, pages({{30, std::nullopt}})});
  CHECK(join_row_ranges({keys(std::nullopt, KeyBound{"1"}), keys(KeyBound{"1"}, KeyBound{"2"}),
                         keys(KeyBound{"5"}, std::nullopt)}) ==
        std::vector<RowRange>{keys(std::nullopt, KeyBound{"2"}), keys(KeyBound{"5"}, std::nullopt)});
  CHECK(join_row_ranges({}).empty());
}

TEST_CASE("row_range: plan tokens") {
  for (const PlanToken& token :
       {PlanToken{PlanToken::Kind::kFiles, 731, "16385:16390,16400:16401"},
        PlanToken{PlanToken::Kind::kTables, 731, "16385,16400"}, PlanToken{PlanToken::Kind::kNone, 0, ""}}) {
    auto parsed = parse_plan_token(print_plan_token(token));
    REQUIRE(parsed.ok());
    CHECK(*parsed == token);
  }
  CHECK(print_plan_token({PlanToken::Kind::kFiles, 731, "1:2"}) == "xmin 731 files 1:2");
  CHECK_FALSE(parse_plan_token("token").ok());
}

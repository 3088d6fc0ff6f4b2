#include "core/base/key_range.h"

#include <doctest/doctest.h>

using namespace dmskafka;

TEST_CASE("key_range: what is stored is read back") {
  const KeyRange below{{"id"}, std::nullopt, KeyBound{"1000"}, false};
  const KeyRange between{{"a\"b", "c"}, KeyBound{"it's", ""}, KeyBound{"it's", "x) to ('y"}, false};
  const KeyRange above{{"id"}, KeyBound{"1000"}, std::nullopt, false};
  const KeyRange nulls{{"id", "n"}, std::nullopt, std::nullopt, true};
  CHECK(print_key_range(below) == "keys (\"id\") to ('1000')");
  CHECK(print_key_range(between) == "keys (\"a\"\"b\",\"c\") from ('it''s','') to ('it''s','x) to (''y')");
  CHECK(print_key_range(above) == "keys (\"id\") from ('1000')");
  CHECK(print_key_range(nulls) == "keys (\"id\",\"n\") null");
  for (const KeyRange& range : {below, between, above, nulls}) {
    const std::string text = print_key_range(range) + " rest";
    std::string_view rest = text;
    const auto taken = take_key_range(rest);
    REQUIRE(taken);
    CHECK(*taken == range);
    CHECK(rest == " rest");
  }
}

TEST_CASE("key_range: nothing else is taken") {
  for (const char* text : {"", "keys", "keys ()", "keys (id)", "keys (\"id\"", "keys (\"id\") from",
                           "keys (\"id\") to (1)", "keys (\"id\") to ('1','2')", "keys (\"id\") from ('1"}) {
    CAPTURE(text);
    std::string_view rest = text;
    CHECK_FALSE((take_key_range(rest) && rest.empty()));
  }
}

TEST_CASE("key_range: n bounds make n + 1 ranges, open at both ends, and one for NULL") {
  const auto ranges = cut_by_bounds({"id"}, {{"10"}, {"20"}}, KeyNulls::kPossible);
  REQUIRE(ranges.size() == 4);
  CHECK(ranges[0] == KeyRange{{"id"}, std::nullopt, KeyBound{"10"}, false});
  CHECK(ranges[1] == KeyRange{{"id"}, KeyBound{"10"}, KeyBound{"20"}, false});
  CHECK(ranges[2] == KeyRange{{"id"}, KeyBound{"20"}, std::nullopt, false});
  CHECK(ranges[3].nulls);
  CHECK(cut_by_bounds({"id"}, {{"10"}}, KeyNulls::kNone).size() == 2);
}

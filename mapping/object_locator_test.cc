#include "mapping/object_locator.h"

#include <doctest/doctest.h>

#include <random>
#include <regex>
#include <string>
#include <string_view>

#include "test/support/random_rounds.h"

using namespace dmskafka;

namespace {

bool matches(std::string_view pattern, std::string_view name) {
  REQUIRE(NamePattern::check(pattern) == "");
  return NamePattern::wildcard(pattern).matches(name);
}

// The oracle: the same pattern as a POSIX extended regular expression, matched by the C++ library.
// REQUIRES: only letters, '-', '%', '_' and brackets in `pattern`.
std::string as_regex(std::string_view pattern) {
  std::string regex = "^";
  bool bracket = false;
  for (const char c : pattern) {
    if (c == '[') bracket = true;
    if (c == '%' && !bracket)
      regex += ".*";
    else if (c == '_' && !bracket)
      regex += ".";
    else
      regex += c;
    if (c == ']') bracket = false;
  }
  return regex + "$";
}

bool regex_matches(const std::string& regex, const std::string& name) {
  return std::regex_match(name, std::regex(regex, std::regex::extended));
}

}  // namespace

TEST_CASE("object_locator: the wildcards of table mappings") {
  CHECK(matches("%", ""));
  CHECK(matches("%", "orders"));
  CHECK(matches("ord%", "orders"));
  CHECK(matches("%ers", "orders"));
  CHECK(matches("%d%r%", "orders"));
  CHECK_FALSE(matches("ord%", "Orders"));
  CHECK_FALSE(matches("ord", "orders"));
  CHECK(matches("o_ders", "orders"));
  CHECK_FALSE(matches("o_ders", "oders"));
  CHECK(matches("a_b", "a_b"));
  CHECK(matches("a_b", "axb"));
  CHECK(matches("a[_]b", "a_b"));
  CHECK_FALSE(matches("a[_]b", "axb"));
  CHECK(matches("100[%]", "100%"));
  CHECK_FALSE(matches("100[%]", "1000"));
  CHECK(matches("t[ab]", "tb"));
  CHECK_FALSE(matches("t[ab]", "tc"));
  CHECK(matches("t[a-d]", "td"));
  CHECK_FALSE(matches("t[a-d]", "te"));
  CHECK(matches("t[a-cx0-9]", "t7"));
  CHECK(matches("t[a-cx0-9]", "tx"));
  CHECK(matches("t[-a]", "t-"));
  CHECK(matches("t[a-]", "t-"));
  CHECK(matches("t[[]", "t["));
  CHECK(matches("t]", "t]"));
}

TEST_CASE("object_locator: a character is a code point, not a byte") {
  CHECK(matches("_", "ü"));
  CHECK(matches("stra_e", "straße"));
  CHECK(matches("[à-ü]", "é"));
  CHECK_FALSE(matches("__", "ü"));
  CHECK(matches("_", "😀"));
  CHECK(matches("_", "\xff"));  // what is no UTF-8 is one character a byte
  CHECK_FALSE(matches("\xfe", "\xff"));
}

TEST_CASE("object_locator: brackets that cannot be meant are named") {
  CHECK(NamePattern::check("t[a") == "\"[\" without \"]\"");
  CHECK(NamePattern::check("t[]") == "\"[]\" holds no character");
  CHECK(NamePattern::check("t[d-a]") == "a range in brackets runs backwards");
}

TEST_CASE("object_locator: an exact name has no wildcards") {
  CHECK(NamePattern::exact("order_items").matches("order_items"));
  CHECK_FALSE(NamePattern::exact("order_items").matches("orderXitems"));
  CHECK(NamePattern::exact("100%").matches("100%"));
  CHECK_FALSE(NamePattern::exact("100%").matches("1000"));
}

TEST_CASE("object_locator: twenty thousand random patterns match what regular expressions match") {
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same every time
  const auto pick = [&](std::string_view from) { return from[random() % from.size()]; };
  int matched = 0;
  int wrong = 0;
  for (int i = 0; i < random_rounds(20'000); ++i) {
    std::string pattern;
    for (std::size_t size = random() % 7; size > 0; --size) {
      switch (random() % 6) {
        case 0: pattern += '%'; break;
        case 1: pattern += '_'; break;
        case 2: pattern += std::string("[") + pick("ab_%") + pick("cd") + "]"; break;
        case 3: pattern += std::string("[") + pick("ab") + "-" + pick("bc") + "]"; break;
        default: pattern += pick("abc"); break;
      }
    }
    std::string name;
    for (std::size_t size = random() % 8; size > 0; --size) name += pick("abcd_%");
    const bool expected = regex_matches(as_regex(pattern), name);
    if (NamePattern::wildcard(pattern).matches(name) != expected) {
      ++wrong;
      INFO(pattern << " on " << name);
      CHECK(NamePattern::wildcard(pattern).matches(name) == expected);
    }
    if (expected) ++matched;
  }
  CHECK(wrong == 0);
  CHECK(matched > random_rounds(1'000));  // otherwise the names were no test
}

TEST_CASE("object_locator: table-type tells tables from views") {
  const auto locator = [](ObjectLocator::TableType type) {
    return ObjectLocator{NamePattern::wildcard("s%"), NamePattern::wildcard("%"), type};
  };
  CHECK(locator(ObjectLocator::TableType::kTable).matches({"s1", "t"}, TableKind::kTable));
  CHECK_FALSE(locator(ObjectLocator::TableType::kTable).matches({"s1", "t"}, TableKind::kView));
  CHECK(locator(ObjectLocator::TableType::kView).matches({"s1", "t"}, TableKind::kView));
  CHECK(locator(ObjectLocator::TableType::kAll).matches({"s1", "t"}, TableKind::kView));
  CHECK_FALSE(locator(ObjectLocator::TableType::kAll).matches({"x", "t"}, TableKind::kTable));
}

#include "core/base/error.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "core/base/result.h"

namespace dmskafka {
namespace {

JsonLocation place() {
  JsonLocation location;
  location.file = "mapping.json";
  location.pointer = "/rules/1/rule-action";
  location.line = 9;
  location.column = 22;
  location.line_text = "  \"rule-action\": \"map-record-to-row\",";
  location.caret_column = 18;
  return location;
}

Error plain() { return Error(ErrorCode::kTableUnreadable, "permission denied"); }

TEST_CASE("error: a place, the quoted line, a caret and what was expected") {
  const Error error = Error(ErrorCode::kInvalidMapping, "unknown rule-action \"map-record-to-row\"")
                          .at(place())
                          .expected("map-record-to-record or map-record-to-document");
  CHECK(error.to_string() ==
        "mapping.json:9:22: /rules/1/rule-action: unknown rule-action \"map-record-to-row\"\n"
        "      \"rule-action\": \"map-record-to-row\",\n"
        "                     ^ expected map-record-to-record or map-record-to-document");
}

TEST_CASE("error: without a place") {
  CHECK(plain().to_string() == "permission denied");
  CHECK(plain().expected("a grant").to_string() == "permission denied (expected a grant)");
  CHECK(plain().hint("GRANT SELECT ON t TO u").to_string() == "permission denied\n  GRANT SELECT ON t TO u");
  CHECK(plain().while_doing("reading").while_doing("loading sales.orders").to_string() ==
        "loading sales.orders: reading: permission denied");
}

TEST_CASE("error: everything at once") {
  CHECK(plain().at(place()).expected("x").hint("do y").while_doing("checking").to_string() ==
        "mapping.json:9:22: /rules/1/rule-action: checking: permission denied\n"
        "      \"rule-action\": \"map-record-to-row\",\n"
        "                     ^ expected x\n"
        "  do y");
}

TEST_CASE("error: a place without line, pointer or caret") {
  JsonLocation location = place();
  location.line = 0;
  location.caret_column = 0;
  CHECK(plain().at(location).expected("x").to_string() ==
        "mapping.json: /rules/1/rule-action: permission denied (expected x)");
  location.pointer.clear();
  location.line = 3;
  location.column = 1;
  CHECK(plain().at(location).to_string() == "mapping.json:3:1: permission denied");
}

TEST_CASE("error: the caret stands under its character after tabs and letters of several bytes") {
  JsonLocation location = place();
  location.line_text = "\t\"größe\": x";
  location.caret_column = 11;
  CHECK(plain().at(location).to_string() ==
        "mapping.json:9:22: /rules/1/rule-action: permission denied\n"
        "    \t\"größe\": x\n"
        "    \t         ^");
}

TEST_CASE("error: a copy is not changed with the other") {
  const Error first = plain();
  const Error second = Error(first).hint("second");
  const Error third = first.while_doing("third");
  CHECK(first.to_string() == "permission denied");
  CHECK(second.to_string() == "permission denied\n  second");
  CHECK(third.to_string() == "third: permission denied");
  CHECK(first.contexts().empty());
  CHECK(third.contexts().size() == 1);
  CHECK(second.hint_text() == "second");
  CHECK(second.code() == ErrorCode::kTableUnreadable);
  CHECK(!second.location());
}

TEST_CASE("error: every code has a name of its own") {
  std::set<std::string> names;
  constexpr int kCodes = static_cast<int>(ErrorCode::kCancelled) + 1;
  for (int code = 0; code < kCodes; ++code) names.emplace(error_code_name(static_cast<ErrorCode>(code)));
  CHECK(names.size() == kCodes);
  CHECK(!names.contains("unknown"));
  CHECK(error_code_name(ErrorCode::kSourceUnavailable) == "source-unavailable");
}

Result<int> half(int number) {
  if (number % 2 != 0) return Error(ErrorCode::kInternal, "odd");
  return number / 2;
}
Result<int> quarter(int number) {
  DMSKAFKA_ASSIGN(const int once, half(number));
  DMSKAFKA_ASSIGN(const int twice, half(once));
  return twice;
}
Result<void> check_even(int number) {
  DMSKAFKA_TRY(half(number));
  return {};
}

TEST_CASE("error: a Result carries a value or the first error on") {
  CHECK(quarter(8).value() == 2);
  CHECK(quarter(6).error().message() == "odd");
  CHECK(check_even(2).ok());
  CHECK(check_even(3).error().message() == "odd");
}

}  // namespace
}  // namespace dmskafka

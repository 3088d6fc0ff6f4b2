#pragma once
#include <doctest/doctest.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/settings/field_table.h"
#include "core/settings/test_problems.h"

namespace dmskafka::settings_list {

/// What the list of settings says of one setting. Values are JSON text.
struct Expected {
  std::string_view name;
  std::string_view fallback;          ///< "": none
  std::vector<std::string> accepted;  ///< the bounds themselves
  std::vector<std::string> refused;   ///< one beyond each, and another kind of value
};

inline std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

inline Expected boolean(std::string_view name, std::string_view fallback) {
  return {name, fallback, {"true", "false", "\"True\"", "null"}, {"1", "\"yes\"", "[]"}};
}
inline Expected integer(std::string_view name, std::string_view fallback, std::int64_t min,
                        std::int64_t max) {
  return {name,
          fallback,
          {std::to_string(min), quoted(std::to_string(min)), std::to_string(max), "null"},
          {std::to_string(min - 1), std::to_string(max + 1), "true", "1.5", "\"many\""}};
}
inline Expected at_least(std::string_view name, std::string_view fallback, std::int64_t min) {
  return {name,
          fallback,
          {std::to_string(min), "9223372036854775807", "null"},
          {std::to_string(min - 1), "9223372036854775808", "true", "1.5", "\"many\""}};
}
inline Expected text(std::string_view name, std::string_view fallback = "") {
  return {name, fallback, {"\"x\"", "\"\"", "null"}, {"1", "true", "{}"}};
}
inline Expected choice(std::string_view name, std::string_view fallback,
                       std::initializer_list<std::string_view> names) {
  Expected expected{name, fallback, {"null"}, {"\"another\"", "1"}};
  for (const std::string_view one : names) expected.accepted.push_back(quoted(one));
  return expected;
}
inline Expected object(std::string_view name) { return {name, "", {"{}", "null"}, {"1", "[]"}}; }
/// A setting that cannot be used. `wanted`: a value that asks for it.
inline Expected refused(std::string_view name, std::string_view fallback, std::string wanted) {
  Expected expected{name, fallback, {"null"}, {std::move(wanted)}};
  if (fallback == "false" || fallback == "true")
    expected.accepted.emplace_back(fallback);
  else if (!fallback.empty())
    expected.accepted.push_back(quoted(fallback));
  return expected;
}

/// Every line of `table` against the list, and every line of the list against the table. `errors_of(member)` reads the group
/// with this one member and gives the number of errors.
template <typename T, typename ErrorsOf>
void check(const FieldTable<T>& table, const std::vector<Expected>& list, ErrorsOf errors_of) {
  CAPTURE(std::string(table.name));
  std::set<std::string_view> names;
  for (const Expected& setting : list) {
    CAPTURE(std::string(setting.name));
    const auto* const field = table.find(setting.name);
    REQUIRE(field != nullptr);
    CHECK(field->fallback == setting.fallback);
    CHECK(names.insert(setting.name).second);
    CHECK_FALSE(setting.accepted.empty());
    CHECK(setting.refused.empty() == (field->type == "any"));
    for (const std::string& value : setting.accepted) {
      CAPTURE(value);
      CHECK(errors_of(quoted(setting.name) + ":" + value) == 0);
    }
    for (const std::string& value : setting.refused) {
      CAPTURE(value);
      CHECK(errors_of(quoted(setting.name) + ":" + value) == 1);
    }
  }
  for (const auto& field : table.fields) {
    if (field.verdict == Verdict::kSilent) continue;  // AWS's own bookkeeping, read by nobody
    CAPTURE(std::string(field.name));
    CHECK_MESSAGE(names.contains(field.name), "a setting that the list lacks");
  }
}

}  // namespace dmskafka::settings_list

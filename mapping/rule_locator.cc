#include "mapping/rule_locator.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "mapping/rule_fields.h"

namespace dmskafka {

namespace {
constexpr std::array<std::string_view, 3> kTableTypes = {"table", "view", "all"};
constexpr std::array<std::string_view, 3> kLocatorMembers = {"schema-name", "table-name", "table-type"};
}  // namespace

const JsonValue* find_locator(const JsonValue& rule, std::string_view what, Problems& problems) {
  // SPEC: `object locator cannot be null`.
  const JsonValue* locator = rule.find_present("object-locator");
  if (locator != nullptr && locator->is_object()) return locator;
  problems.errors.push_back(
      mapping_error(locator == nullptr ? rule : *locator,
                    locator == nullptr ? fmt::format("{} has no \"object-locator\"", what)
                                       : fmt::format("object-locator is {}", json_kind_name(locator->kind())))
          .expected("{\"schema-name\": ..., \"table-name\": ...}"));
  return nullptr;
}

std::optional<NamePattern> read_locator_name(const JsonValue& locator, std::string_view member,
                                             LocatorNames names, std::string_view who, Problems& problems) {
  const auto text = read_text(locator, member, Presence::kRequired, "the object-locator", problems);
  if (!text) return std::nullopt;
  const JsonValue& place = *locator.find(member);
  if (text->empty()) {
    problems.errors.push_back(
        mapping_error(place, fmt::format("{} is empty", member)).expected("a name, or \"%\""));
    return std::nullopt;
  }
  if (names == LocatorNames::kExact) {
    if (!has_wildcard(*text)) return NamePattern::exact(*text);
    problems.errors.push_back(mapping_error(place, fmt::format("wildcards in {} \"{}\"", member, *text))
                                  .expected(fmt::format("an exact name, as {} needs it", who)));
    return std::nullopt;
  }
  if (const std::string problem = NamePattern::check(*text); !problem.empty()) {
    problems.errors.push_back(mapping_error(place, fmt::format("{} \"{}\": {}", member, *text, problem)));
    return std::nullopt;
  }
  return NamePattern::wildcard(*text);
}

std::optional<ObjectLocator> read_locator(const JsonValue& rule, const LocatorForm& form,
                                          Problems& problems) {
  const JsonValue* locator = find_locator(rule, form.what, problems);
  if (locator == nullptr) return std::nullopt;
  check_members(*locator, kLocatorMembers, "an object-locator", problems);
  auto schema = read_locator_name(*locator, "schema-name", form.names, form.who, problems);
  auto table = read_locator_name(*locator, "table-name", form.names, form.who, problems);
  ObjectLocator::TableType type = form.default_type;
  if (locator->find_present("table-type") != nullptr) {
    const auto word =
        read_word(*locator, "table-type", Presence::kOptional, kTableTypes, "an object-locator", problems);
    if (!word) return std::nullopt;
    type = static_cast<ObjectLocator::TableType>(*word);
  }
  if (!schema || !table) return std::nullopt;
  return ObjectLocator{std::move(*schema), std::move(*table), type};
}

}  // namespace dmskafka

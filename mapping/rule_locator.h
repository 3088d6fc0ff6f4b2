#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/json/json_reader.h"
#include "core/settings/settings_reader.h"
#include "mapping/object_locator.h"

namespace dmskafka {

/// Whether a locator's names may hold wildcards.
enum class LocatorNames : std::uint8_t { kWildcards, kExact };

/// The "object-locator" of a rule, or null after reporting that there is none.
const JsonValue* find_locator(const JsonValue& rule, std::string_view what, Problems& problems);

/// One name of a locator. nullopt after a problem, or when it is absent and optional. `who` asks for exact names, in the
/// message: `rule-action "explicit"`.
std::optional<NamePattern> read_locator_name(const JsonValue& locator, std::string_view member,
                                             LocatorNames names, std::string_view who, Problems& problems);

/// How the locator of one kind of rule is read.
struct LocatorForm {
  LocatorNames names = LocatorNames::kWildcards;
  std::string_view what;  ///< "a selection rule"
  std::string_view who;   ///< who asks for exact names
  ObjectLocator::TableType default_type = ObjectLocator::TableType::kTable;
};
/// schema-name, table-name and table-type.
std::optional<ObjectLocator> read_locator(const JsonValue& rule, const LocatorForm& form, Problems& problems);

}  // namespace dmskafka

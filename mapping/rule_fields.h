#pragma once
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/json/json_reader.h"
#include "core/settings/settings_reader.h"

namespace dmskafka {

// Reading the members of a mapping's objects. Members that are null count as absent. Each function reports what is wrong
// into `problems` and goes on, so that the user sees everything at once.

/// kInvalidMapping at the place of `value`.
Error mapping_error(const JsonValue& value, std::string message);

/// Reports each member of `object` that is not in `known`, with the nearest known name. `what` names the object in the
/// message: "a selection rule".
void check_members(const JsonValue& object, std::span<const std::string_view> known, std::string_view what,
                   Problems& problems);

/// The member `name` as a string. nullopt when it is absent and not `required`, and after a problem.
enum class Presence : std::uint8_t { kRequired, kOptional };
std::optional<std::string_view> read_text(const JsonValue& object, std::string_view name, Presence presence,
                                          std::string_view what, Problems& problems);

/// The member `name` as one of `words` (its index). Case matters, as it does in AWS.
std::optional<std::size_t> read_word(const JsonValue& object, std::string_view name, Presence presence,
                                     std::span<const std::string_view> words, std::string_view what,
                                     Problems& problems);

/// The member `name` as a whole number from 0 to `max`, written as a number or as text ("1"): AWS's files do both.
std::optional<std::int64_t> read_number(const JsonValue& object, std::string_view name, Presence presence,
                                        std::int64_t max, std::string_view what, Problems& problems);

/// The value as JSON text that is equal for values that mean the same: members by name, without those that are null and
/// those of the outermost object that `without` names. For the digest.
std::string canonical_json(const JsonValue& value, std::initializer_list<std::string_view> without = {});

}  // namespace dmskafka

#pragma once
#include <cstdint>
#include <optional>

#include "core/json/json_reader.h"
#include "core/settings/settings_reader.h"
#include "mapping/object_mapping.h"

namespace dmskafka {

/// Reads an object-mapping rule. Problems go to `problems`; nullopt when one of them is an error.
/// `names`: whether wildcards are allowed in its locator (DMS's engine 3.5 refuses them).
enum class MappingLocators : std::uint8_t { kWildcards, kExact };
std::optional<ObjectMappingRule> read_object_mapping(const JsonValue& rule, std::int64_t id,
                                                     MappingLocators names, Problems& problems);

}  // namespace dmskafka

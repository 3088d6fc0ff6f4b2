#pragma once
#include <cstdint>
#include <optional>

#include "core/json/json_reader.h"
#include "core/settings/settings_reader.h"
#include "mapping/transformation.h"

namespace dmskafka {

/// Reads a transformation rule. Problems go to `problems`; nullopt when one of them is an error.
std::optional<TransformationRule> read_transformation(const JsonValue& rule, std::int64_t id,
                                                      Problems& problems);

}  // namespace dmskafka

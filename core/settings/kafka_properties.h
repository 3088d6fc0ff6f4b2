#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace dmskafka {

/// Why a librdkafka property cannot be given, with the setting to use instead; nullopt: it can. Delivery, order and the
/// settings of the endpoint depend on those we own.
std::optional<std::string> owned_property(std::string_view name);

}  // namespace dmskafka

#pragma once
#include <string_view>

#include "core/settings/settings_reader.h"

namespace dmskafka {

/// True for text that begins with a scheme we know ("postgresql:", "kafka:" …).
bool is_source_url(std::string_view text);
bool is_target_url(std::string_view text);

/// postgresql://user:password@host:port/database?parameters, mysql://…, mariadb://…, sqlite:FILE. Parts are percent-decoded,
/// IPv6 addresses stand in brackets. Errors name the part, never the password.
Result<void> parse_source_url(std::string_view url, SourceSettings& into);
/// kafka://host:9092[,host…][/topic], kafka:embedded, "-", discard:.
Result<void> parse_target_url(std::string_view url, TargetSettings& into);

}  // namespace dmskafka

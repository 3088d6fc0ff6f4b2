#pragma once
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace dmskafka {

/// Replaces `${env:NAME}` and `${file:PATH}` in a string of endpoint or task settings; a file's last line break is cut off.
/// Everything else stays as it is, other `${…}` too. Errors: kInvalidSettings, which name the variable or file, never
/// its content.
Result<std::string> resolve_references(std::string_view text);

}  // namespace dmskafka

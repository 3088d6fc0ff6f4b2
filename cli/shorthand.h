#pragma once
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace dmskafka {

/// True for `Broker=h:9092,Topic=t`, the AWS CLI's way of writing a flat JSON object
/// (https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-shorthand.html); false for JSON, a path or a URL.
bool looks_like_shorthand(std::string_view text);

/// The same as JSON text. Every value becomes a string (the settings readers take numbers and booleans in strings); a
/// value without a name goes on the one before it, so that `Broker=a:9092,b:9092` is one list. Values may stand in quotes.
/// Errors: kCommandLine.
Result<std::string> json_from_shorthand(std::string_view flag, std::string_view text);

}  // namespace dmskafka

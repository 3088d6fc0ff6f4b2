#pragma once
#include <string>

namespace dmskafka {

/// The text of docs/settings.md, made from the same tables that read the settings.
std::string settings_documentation();

}  // namespace dmskafka

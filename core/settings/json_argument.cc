#include "core/settings/settings_reader.h"

namespace dmskafka {

Result<JsonDocument> open_json_argument(std::string_view argument, std::string_view flag) {
  constexpr std::string_view kFile = "file://";
  const std::size_t first = argument.find_first_not_of(" \t\r\n");
  const bool is_text = first != std::string_view::npos && (argument[first] == '{' || argument[first] == '[');
  if (is_text) return JsonDocument::parse(std::string(flag), std::string(argument));
  if (argument.starts_with(kFile)) argument.remove_prefix(kFile.size());
  return JsonDocument::parse_file(std::string(argument));
}

}  // namespace dmskafka

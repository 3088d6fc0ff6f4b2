#include "cli/shorthand.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/json/json_writer.h"

namespace dmskafka {
namespace {

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

// Takes the value at the head of `text`, up to a comma that no quotes hold.
Result<std::string> take_value(std::string_view flag, std::string_view& text) {
  std::string value;
  if (!text.empty() && (text[0] == '"' || text[0] == '\'')) {
    const std::size_t end = text.find(text[0], 1);
    if (end == std::string_view::npos || (end + 1 < text.size() && text[end + 1] != ',')) {
      return Error(ErrorCode::kCommandLine,
                   fmt::format("{}: a quote is not closed before the next comma", flag));
    }
    value = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
  } else {
    value = text.substr(0, text.find(','));
    text.remove_prefix(value.size());
  }
  if (!text.empty()) text.remove_prefix(1);
  return value;
}

}  // namespace

bool looks_like_shorthand(std::string_view text) {
  const std::size_t equals = text.find('=');
  return equals != std::string_view::npos && is_name(text.substr(0, equals));
}

Result<std::string> json_from_shorthand(std::string_view flag, std::string_view text) {
  std::vector<std::pair<std::string, std::string>> members;
  while (!text.empty()) {
    const std::size_t equals = text.find_first_of("=,");
    if (equals != std::string_view::npos && text[equals] == '=' && is_name(text.substr(0, equals))) {
      members.emplace_back(text.substr(0, equals), "");
      text.remove_prefix(equals + 1);
      DMSKAFKA_ASSIGN(members.back().second, take_value(flag, text));
    } else if (!members.empty()) {
      DMSKAFKA_ASSIGN(const std::string more, take_value(flag, text));
      members.back().second += "," + more;
    } else {
      // Without the text itself: it may hold a password.
      return Error(ErrorCode::kCommandLine, fmt::format("{} does not begin with a name", flag))
          .expected("Name=value,Name=value");
    }
  }
  std::string json = "{";
  for (const auto& [name, value] : members) {
    json += fmt::format("{}{}:{}", json.size() == 1 ? "" : ",", json_quoted(name), json_quoted(value));
  }
  return json + "}";
}

}  // namespace dmskafka

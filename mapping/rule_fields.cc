#include "mapping/rule_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <utility>

#include "core/json/json_writer.h"

namespace dmskafka {

namespace {

std::string or_list(std::span<const std::string_view> words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i != 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

// The member, or null after reporting that a required one is missing.
const JsonValue* find_member(const JsonValue& object, std::string_view name, Presence presence,
                             std::string_view what, Problems& problems) {
  const JsonValue* value = object.find_present(name);
  if (value == nullptr && presence == Presence::kRequired) {
    problems.errors.push_back(mapping_error(object, fmt::format("{} has no \"{}\"", what, name)));
  }
  return value;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Error mapping_error(const JsonValue& value, std::string message) {
  return Error(ErrorCode::kInvalidMapping, std::move(message)).at(value.location());
}

void check_members(const JsonValue& object, std::span<const std::string_view> known, std::string_view what,
                   Problems& problems) {
  for (const JsonMember& member : object.members()) {
    if (std::find(known.begin(), known.end(), member.name) != known.end()) continue;
    Error error =
        Error(ErrorCode::kInvalidMapping, fmt::format("unknown member \"{}\" of {}", member.name, what))
            .at(member.value.name_location());
    const std::string_view nearest = nearest_name(member.name, known);
    problems.errors.push_back(nearest.empty() ? std::move(error).expected(or_list(known))
                                              : std::move(error).expected(fmt::format("\"{}\"", nearest)));
  }
}

std::optional<std::string_view> read_text(const JsonValue& object, std::string_view name, Presence presence,
                                          std::string_view what, Problems& problems) {
  const JsonValue* value = find_member(object, name, presence, what, problems);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return value->string();
  problems.errors.push_back(
      mapping_error(*value, fmt::format("{} is {}", name, json_kind_name(value->kind())))
          .expected("a string"));
  return std::nullopt;
}

std::optional<std::size_t> read_word(const JsonValue& object, std::string_view name, Presence presence,
                                     std::span<const std::string_view> words, std::string_view what,
                                     Problems& problems) {
  const auto text = read_text(object, name, presence, what, problems);
  if (!text) return std::nullopt;
  const auto found = std::find(words.begin(), words.end(), *text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  const std::string_view nearest = nearest_name(*text, words);
  problems.errors.push_back(
      mapping_error(*object.find_present(name), fmt::format("unknown {} \"{}\"", name, *text))
          .expected(nearest.empty() ? or_list(words) : fmt::format("\"{}\"", nearest)));
  return std::nullopt;
}

std::optional<std::int64_t> read_number(const JsonValue& object, std::string_view name, Presence presence,
                                        std::int64_t max, std::string_view what, Problems& problems) {
  const JsonValue* value = find_member(object, name, presence, what, problems);
  if (value == nullptr) return std::nullopt;
  std::optional<std::int64_t> number;
  if (value->is_string()) number = whole_number(value->string());
  if (value->kind() == JsonKind::kNumber) number = whole_number(value->number_text());
  if (number && *number >= 0 && *number <= max) return number;
  const std::string shown = value->is_string()                   ? fmt::format("\"{}\"", value->string())
                            : value->kind() == JsonKind::kNumber ? std::string(value->number_text())
                                                                 : std::string(json_kind_name(value->kind()));
  problems.errors.push_back(
      mapping_error(*value, fmt::format("{} is {}", name, shown))
          .expected(max == std::numeric_limits<std::int64_t>::max()
                        ? std::string("a whole number, 0 or more, as a number or as text")
                        : fmt::format("a whole number from 0 to {}, as a number or as text", max)));
  return std::nullopt;
}

std::string canonical_json(const JsonValue& value, std::initializer_list<std::string_view> without) {
  switch (value.kind()) {
    case JsonKind::kNull: return "null";
    case JsonKind::kBoolean: return value.boolean() ? "true" : "false";
    case JsonKind::kNumber: return std::string(value.number_text());
    case JsonKind::kString: return json_quoted(value.string());
    case JsonKind::kArray: {
      std::string text = "[";
      for (const JsonValue& item : value.items()) text += canonical_json(item) + ",";
      return text + "]";
    }
    case JsonKind::kObject: break;
  }
  std::map<std::string_view, std::string> members;
  for (const JsonMember& member : value.members()) {
    if (member.value.is_null() || std::find(without.begin(), without.end(), member.name) != without.end())
      continue;
    members.emplace(member.name, canonical_json(member.value));
  }
  std::string text = "{";
  for (const auto& [name, json] : members) text += json_quoted(name) + ":" + json + ",";
  return text + "}";
}

}  // namespace dmskafka

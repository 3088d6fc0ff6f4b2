#include "mapping/topic_name.h"

#include <fmt/format.h>

#include <algorithm>

#include "mapping/rule_fields.h"

namespace dmskafka {

namespace {

constexpr std::size_t kSizeMax = 255;       // AWS's
constexpr std::size_t kKafkaSizeMax = 249;  // Kafka's own

bool allowed_in_topic(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-';
}

std::string as_topic(std::string_view name) {
  std::string text(name);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return !allowed_in_topic(c); }, '_');
  return text;
}

// SPEC Topic: "a maximum length of 255 letters and symbols. You can use period (.), underscore (_), and minus (-). … Use
// either one, but not both of these symbols in the topic name."
std::string fault_of_text(std::string_view literal) {
  if (!std::all_of(literal.begin(), literal.end(), allowed_in_topic)) {
    return "may hold letters, digits, '.', '_' and '-'";
  }
  if (literal.find('.') != std::string_view::npos && literal.find('_') != std::string_view::npos) {
    return "holds both '.' and '_', which Kafka's metrics take for one another";
  }
  return "";
}

}  // namespace

std::optional<TopicName> TopicName::read(const JsonValue& value, Problems& problems) {
  const auto refuse = [&](std::string what, std::string expected) {
    problems.errors.push_back(
        mapping_error(value, fmt::format("kafka-target-topic \"{}\" {}", value.string().substr(0, 80), what))
            .expected(std::move(expected)));
    return std::nullopt;
  };
  TopicName topic;
  topic.at = value.location();
  std::string literal;
  std::string_view rest = value.string();
  if (rest.empty()) return refuse("is empty", "a topic's name");
  while (!rest.empty()) {
    const std::size_t open = rest.find("${");
    if (open != 0) {
      topic.parts.push_back({Part::Kind::kText, std::string(rest.substr(0, open))});
      literal += topic.parts.back().text;
    }
    if (open == std::string_view::npos) break;
    rest.remove_prefix(open);
    const std::size_t size = std::min(rest.find('}'), rest.size() - 1) + 1;
    const std::string_view variable = rest.substr(0, size);
    if (variable != "${schema}" && variable != "${table}") {
      return refuse(fmt::format("holds {}", variable),
                    "${schema} or ${table}: a topic is one for a whole table");
    }
    topic.parts.push_back({variable == "${schema}" ? Part::Kind::kSchema : Part::Kind::kTable, ""});
    rest.remove_prefix(size);
  }
  if (std::string fault = fault_of_text(literal); !fault.empty()) {
    return refuse(std::move(fault), "a topic's name with at most one of '.' and '_'");
  }
  if (literal.size() > kSizeMax) return refuse("is too long", "1 to 255 characters");
  if (literal == value.string() && (literal == "." || literal == "..")) {
    return refuse("is no name Kafka allows", "another name");
  }
  if (literal.size() > kKafkaSizeMax) {
    problems.warnings.push_back(mapping_error(
        value,
        fmt::format("the topic has {} characters; Kafka itself allows {}", literal.size(), kKafkaSizeMax)));
  }
  return topic;
}

Result<std::string> TopicName::of(const TableName& table) const {
  std::string name;
  for (const Part& part : parts) {
    switch (part.kind) {
      case Part::Kind::kText: name += part.text; break;
      case Part::Kind::kSchema: name += as_topic(table.schema); break;
      case Part::Kind::kTable: name += as_topic(table.table); break;
    }
  }
  if (!name.empty() && name.size() <= kKafkaSizeMax && name != "." && name != "..") return name;
  if (!depends_on_table()) return name;  // said when it was read
  return Error(ErrorCode::kInvalidMapping, fmt::format("{} would have the topic \"{}\" of {} characters",
                                                       table.text(), name.substr(0, 80), name.size()))
      .at(at)
      .expected("1 to 249 characters");
}

bool TopicName::depends_on_table() const noexcept {
  return std::any_of(parts.begin(), parts.end(),
                     [](const Part& part) { return part.kind != Part::Kind::kText; });
}

}  // namespace dmskafka

#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/base/table_schema.h"
#include "core/json/json_reader.h"
#include "core/settings/settings_reader.h"

namespace dmskafka {

/// A topic of an object-mapping rule: a name, in which `${schema}` and `${table}` stand for the table's names as messages
/// show them (an extension: DMS has constant names only).
struct TopicName {
  struct Part {
    enum class Kind : std::uint8_t { kText, kSchema, kTable } kind;
    std::string text;
  };
  std::vector<Part> parts;
  JsonLocation at;

  /// Of a JSON string. nullopt, with the reason in `problems`, when it can not name a topic.
  static std::optional<TopicName> read(const JsonValue& value, Problems& problems);
  /// A character of a name that no topic may have becomes '_'. Errors: kInvalidMapping when the name is too long.
  Result<std::string> of(const TableName& table) const;
  /// True when two tables can have two topics.
  bool depends_on_table() const noexcept;
};

}  // namespace dmskafka

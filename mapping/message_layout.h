#pragma once
#include <string>
#include <string_view>

#include "core/settings/kafka_settings.h"

namespace dmskafka {

/// The white space of a message (wire-format.md §2): none, or as cJSON prints, one tab for each depth.
class MessageLayout {
 public:
  explicit MessageLayout(MessageFormat format) : formatted_(format == MessageFormat::kJson) {}

  /// What stands before the value of a member of an object at `depth` (1: the message itself): comma, white space,
  /// escaped name, colon. The first member of an object drops the comma, its first byte.
  std::string member(int depth, std::string_view name) const;
  std::string first_member(int depth, std::string_view name) const { return member(depth, name).substr(1); }
  /// Ends an object whose members stand at `depth`, an empty one too.
  std::string close(int depth) const;
  /// Between two items of an array.
  std::string_view item_separator() const noexcept { return formatted_ ? ", " : ","; }

 private:
  bool formatted_;
};

}  // namespace dmskafka

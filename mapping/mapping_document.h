#pragma once
#include <optional>

#include "core/json/json_reader.h"
#include "core/settings/settings_reader.h"

namespace dmskafka {

/// The `{"rules":[…]}` of a mapping, wherever its file keeps it: as the document itself, or as TableMappings (a string that
/// holds JSON, or the object) in an AWS request, in a describe-replication-tasks reply, or in CloudFormation's Properties.
/// Lives no longer than the document it was found in.
class MappingDocument {
 public:
  /// nullopt, with the reason in `problems`, when there is none.
  static std::optional<MappingDocument> find(const JsonDocument& document, Problems& problems);

  /// The object that has the member "rules".
  const JsonValue& root() const noexcept { return nested_ ? nested_->root() : *object_; }

 private:
  MappingDocument(std::optional<JsonDocument> nested, const JsonValue* object)
      : nested_(std::move(nested)), object_(object) {}
  std::optional<JsonDocument> nested_;  // the JSON that stood in a string
  const JsonValue* object_;             // null when nested
};

}  // namespace dmskafka

#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/json/json_reader.h"
#include "core/settings/settings_reader.h"
#include "mapping/object_mapping.h"
#include "mapping/selection.h"
#include "mapping/transformation.h"

namespace dmskafka {

/// The checked rules of a mapping.
struct RuleSet {
  std::vector<SelectionRule> selection;
  std::vector<TransformationRule> transformations;  ///< by rule-id
  std::vector<ObjectMappingRule> object_mappings;   ///< by rule-id
  std::string canonical;                            ///< of all but the selection; for the digest
};

/// Reads `{"rules":[…]}`. Every problem goes to `problems`; nullopt when one of them is an error.
///
/// Names are matched as AWS does: rule-type and rule-action are case-sensitive, members that are null count as absent,
/// rule-ids are numbers or text and unique within one rule-type. Rules that AWS knows and that are not built yet are
/// refused by name: to skip one silently would send other messages than the user asked for.
std::optional<RuleSet> read_rule_set(const JsonValue& root, Dialect dialect, Problems& problems);

}  // namespace dmskafka

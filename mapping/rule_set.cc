#include "mapping/rule_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "mapping/object_mapping_reader.h"
#include "mapping/rule_fields.h"
#include "mapping/rule_locator.h"
#include "mapping/table_settings.h"
#include "mapping/transformation_reader.h"

namespace dmskafka {

namespace {

enum class RuleType : std::uint8_t {
  kSelection,
  kTransformation,
  kTableSettings,
  kObjectMapping,
  kPostProcessing
};
constexpr std::array<std::string_view, 5> kRuleTypes = {"selection", "transformation", "table-settings",
                                                        "object-mapping", "post-processing"};
constexpr std::array<std::string_view, 3> kSelectionActions = {"include", "exclude", "explicit"};

constexpr std::array<std::string_view, 7> kSelectionMembers = {
    "rule-type", "rule-id", "rule-name", "rule-action", "object-locator", "filters", "load-order"};

constexpr std::int64_t kRuleIdMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLoadOrderMax = std::numeric_limits<std::int32_t>::max();

// Nothing is said with it: absent, null, or an empty array or object, as AWS's console writes them.
bool says_nothing(const JsonValue* value) {
  if (value == nullptr || value->is_null()) return true;
  if (value->is_array()) return value->items().empty();
  return value->is_object() && value->members().empty();
}

class RuleReader {
 public:
  RuleReader(Dialect dialect, Problems& problems) : dialect_(dialect), problems_(problems) {}

  void read(const JsonValue& rule);
  /// REQUIRES: no error was reported.
  RuleSet take() &&;
  bool has_selection_rule() const noexcept { return has_selection_rule_; }

 private:
  void note_id(const JsonValue& rule, RuleType type, std::int64_t id);
  void read_selection(const JsonValue& rule, std::int64_t id);
  void read_object_mapping_rule(const JsonValue& rule, std::int64_t id);
  void read_transformation_rule(const JsonValue& rule, std::int64_t id);

  void add_canonical(const JsonValue& rule, std::int64_t id);

  const Dialect dialect_;
  Problems& problems_;
  RuleSet rules_;
  std::multimap<std::int64_t, std::string> canonical_;
  bool has_selection_rule_ = false;
  std::map<std::int64_t, std::vector<RuleType>> ids_;
};

void RuleReader::read(const JsonValue& rule) {
  if (!rule.is_object()) {
    problems_.errors.push_back(
        mapping_error(rule, fmt::format("a rule is {}", json_kind_name(rule.kind()))).expected("an object"));
    return;
  }
  const auto type_index =
      read_word(rule, "rule-type", Presence::kRequired, kRuleTypes, "the rule", problems_);
  const auto id = read_number(rule, "rule-id", Presence::kRequired, kRuleIdMax, "the rule", problems_);
  if (!type_index) {
    has_selection_rule_ = true;  // it may have been meant as one: one message about it is enough
    return;
  }
  const auto type = static_cast<RuleType>(*type_index);
  if (id) note_id(rule, type, *id);
  const JsonValue& type_value = *rule.find("rule-type");
  switch (type) {
    case RuleType::kSelection: read_selection(rule, id.value_or(0)); return;
    case RuleType::kObjectMapping: read_object_mapping_rule(rule, id.value_or(0)); return;
    case RuleType::kTransformation: read_transformation_rule(rule, id.value_or(0)); return;
    case RuleType::kTableSettings: {
      auto read = read_table_settings(rule, id.value_or(0), problems_);
      if (read) rules_.table_settings.push_back(std::move(*read));  // shapes no message: not in the digest
      return;
    }
    case RuleType::kPostProcessing:
      problems_.warnings.push_back(
          mapping_error(type_value, "rule-type \"post-processing\" has no effect on messages to Kafka"));
      return;
  }
}

// SPEC: `Error in mapping rules. Duplicate ruleid 1`. AWS's own Kafka sample uses one id for two types.
void RuleReader::note_id(const JsonValue& rule, RuleType type, std::int64_t id) {
  const JsonValue& place = *rule.find("rule-id");
  std::vector<RuleType>& types = ids_[id];
  for (const RuleType other : types) {
    if (other == type) {
      problems_.errors.push_back(mapping_error(place, fmt::format("duplicate rule-id {}", id))
                                     .expected("an id of its own for each rule of one rule-type"));
      return;
    }
  }
  if (!types.empty()) {
    problems_.warnings.push_back(
        mapping_error(place, fmt::format("rule-id {} also belongs to a rule of type \"{}\"", id,
                                         kRuleTypes[static_cast<std::size_t>(types.front())])));
  }
  types.push_back(type);
}

void RuleReader::read_selection(const JsonValue& rule, std::int64_t id) {
  constexpr std::string_view kWhat = "a selection rule";
  has_selection_rule_ = true;
  check_members(rule, kSelectionMembers, kWhat, problems_);
  (void)read_text(rule, "rule-name", Presence::kOptional, kWhat, problems_);
  const auto action =
      read_word(rule, "rule-action", Presence::kRequired, kSelectionActions, kWhat, problems_);
  const bool exact = action && static_cast<SelectionAction>(*action) == SelectionAction::kExplicit;
  const bool exclude = action && static_cast<SelectionAction>(*action) == SelectionAction::kExclude;
  auto locator = read_locator(
      rule, {exact ? LocatorNames::kExact : LocatorNames::kWildcards, kWhat, "rule-action \"explicit\""},
      problems_);
  const auto load_order =
      read_number(rule, "load-order", Presence::kOptional, kLoadOrderMax, kWhat, problems_);
  SelectionRule selected{id, SelectionAction::kInclude, ObjectLocator::everything(), load_order};
  if (const JsonValue* filters = rule.find("filters"); !says_nothing(filters)) {
    if (exclude) {
      problems_.warnings.push_back(
          mapping_error(*filters, "filters have an effect only with rule-action \"include\""));
    } else {
      selected.filters = read_filters(*filters, problems_);
      selected.canonical_filters = "|" + canonical_json(*filters);
    }
  }
  if (action && locator) {
    selected.action = static_cast<SelectionAction>(*action);
    selected.locator = std::move(*locator);
    selected.defined_at = rule.location();
    rules_.selection.push_back(std::move(selected));
  }
}

void RuleReader::read_object_mapping_rule(const JsonValue& rule, std::int64_t id) {
  const MappingLocators names =
      dialect_ == Dialect::kDmsStrict ? MappingLocators::kExact : MappingLocators::kWildcards;
  if (auto read = read_object_mapping(rule, id, names, problems_)) {
    rules_.object_mappings.push_back(std::move(*read));
    add_canonical(rule, id);
  }
}

void RuleReader::read_transformation_rule(const JsonValue& rule, std::int64_t id) {
  if (auto read = read_transformation(rule, id, problems_)) {
    rules_.transformations.push_back(std::move(*read));
    add_canonical(rule, id);
  }
}

// Rules act in the order of their ids; names and ids themselves shape no message.
void RuleReader::add_canonical(const JsonValue& rule, std::int64_t id) {
  canonical_.emplace(id, canonical_json(rule, {"rule-id", "rule-name"}));
}

RuleSet RuleReader::take() && {
  for (const auto& [id, text] : canonical_) rules_.canonical += text + "\n";
  const auto by_id = [](const auto& a, const auto& b) { return a.id < b.id; };
  std::stable_sort(rules_.transformations.begin(), rules_.transformations.end(), by_id);
  std::stable_sort(rules_.object_mappings.begin(), rules_.object_mappings.end(), by_id);
  std::stable_sort(rules_.table_settings.begin(), rules_.table_settings.end(), by_id);
  return std::move(rules_);
}

}  // namespace

std::optional<RuleSet> read_rule_set(const JsonValue& root, Dialect dialect, Problems& problems) {
  const std::size_t errors_before = problems.errors.size();
  constexpr std::array<std::string_view, 1> kRootMembers = {"rules"};
  check_members(root, kRootMembers, "a table mapping", problems);
  const JsonValue* rules = root.find_present("rules");
  if (rules == nullptr || !rules->is_array()) {
    problems.errors.push_back(mapping_error(rules == nullptr ? root : *rules,
                                            rules == nullptr
                                                ? std::string("a table mapping has no \"rules\"")
                                                : fmt::format("rules is {}", json_kind_name(rules->kind())))
                                  .expected("an array of rules"));
    return std::nullopt;
  }
  RuleReader reader(dialect, problems);
  for (const JsonValue& rule : rules->items()) reader.read(rule);
  if (!reader.has_selection_rule()) {
    problems.errors.push_back(mapping_error(*rules, "no selection rule, so no table would be loaded")
                                  .expected("at least one rule of rule-type \"selection\""));
  }
  if (problems.errors.size() != errors_before) return std::nullopt;
  return std::move(reader).take();
}

}  // namespace dmskafka

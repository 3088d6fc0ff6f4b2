#include "mapping/rule_set.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "mapping/rule_fields.h"

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
constexpr std::array<std::string_view, 2> kObjectMappingActions = {"map-record-to-record",
                                                                   "map-record-to-document"};
constexpr std::array<std::string_view, 3> kTableTypes = {"table", "view", "all"};

constexpr std::array<std::string_view, 7> kSelectionMembers = {
    "rule-type", "rule-id", "rule-name", "rule-action", "object-locator", "filters", "load-order"};
constexpr std::array<std::string_view, 8> kObjectMappingMembers = {
    "rule-type",      "rule-id",           "rule-name",          "rule-action",
    "object-locator", "target-table-name", "kafka-target-topic", "mapping-parameters"};
constexpr std::array<std::string_view, 5> kMappingParameters = {
    "partition-key-type", "partition-key-name", "partition-key", "exclude-columns", "attribute-mappings"};
constexpr std::array<std::string_view, 3> kLocatorMembers = {"schema-name", "table-name", "table-type"};

constexpr std::int64_t kRuleIdMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLoadOrderMax = std::numeric_limits<std::int32_t>::max();

enum class Names : std::uint8_t { kWildcards, kExact };

// Nothing is said with it: absent, null, or an empty array or object, as AWS's console writes them.
bool says_nothing(const JsonValue* value) {
  if (value == nullptr || value->is_null()) return true;
  if (value->is_array()) return value->items().empty();
  return value->is_object() && value->members().empty();
}

class RuleReader {
 public:
  explicit RuleReader(Problems& problems) : problems_(problems) {}

  void read(const JsonValue& rule);
  std::vector<SelectionRule> take_selection() && { return std::move(selection_); }
  bool has_selection_rule() const noexcept { return has_selection_rule_; }

 private:
  void note_id(const JsonValue& rule, RuleType type, std::int64_t id);
  void read_selection(const JsonValue& rule, std::int64_t id);
  void read_object_mapping(const JsonValue& rule);
  std::optional<ObjectLocator> read_locator(const JsonValue& rule, Names names, std::string_view what);
  std::optional<NamePattern> read_pattern(const JsonValue& locator, std::string_view member, Names names);
  void refuse(const JsonValue& value, std::string_view what) {
    problems_.errors.push_back(mapping_error(value, fmt::format("{} not built yet", what)));
  }
  void refuse_members(const JsonValue& object, std::initializer_list<std::string_view> names);

  Problems& problems_;
  std::vector<SelectionRule> selection_;
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
    case RuleType::kObjectMapping: read_object_mapping(rule); return;
    case RuleType::kTransformation: refuse(type_value, "rule-type \"transformation\" is"); return;
    case RuleType::kTableSettings: refuse(type_value, "rule-type \"table-settings\" is"); return;
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
  auto locator = read_locator(rule, exact ? Names::kExact : Names::kWildcards, kWhat);
  const auto load_order =
      read_number(rule, "load-order", Presence::kOptional, kLoadOrderMax, kWhat, problems_);
  if (const JsonValue* filters = rule.find("filters"); !says_nothing(filters)) {
    if (exclude) {
      problems_.warnings.push_back(
          mapping_error(*filters, "filters have an effect only with rule-action \"include\""));
    } else {
      refuse(*filters, "filters are");
    }
  }
  if (action && locator) {
    selection_.push_back({id, static_cast<SelectionAction>(*action), std::move(*locator), load_order});
  }
}

// A bare map-record-to-record says what happens anyway; everything beyond it is refused by name.
void RuleReader::read_object_mapping(const JsonValue& rule) {
  constexpr std::string_view kWhat = "an object-mapping rule";
  check_members(rule, kObjectMappingMembers, kWhat, problems_);
  (void)read_text(rule, "rule-name", Presence::kOptional, kWhat, problems_);
  const auto action =
      read_word(rule, "rule-action", Presence::kRequired, kObjectMappingActions, kWhat, problems_);
  if (action == 1U) refuse(*rule.find("rule-action"), "rule-action \"map-record-to-document\" is");
  (void)read_locator(rule, Names::kWildcards, kWhat);
  refuse_members(rule, {"target-table-name", "kafka-target-topic"});
  const JsonValue* parameters = rule.find_present("mapping-parameters");
  if (parameters == nullptr) return;
  if (!parameters->is_object()) {
    problems_.errors.push_back(mapping_error(*parameters, fmt::format("mapping-parameters is {}",
                                                                      json_kind_name(parameters->kind())))
                                   .expected("an object"));
    return;
  }
  check_members(*parameters, kMappingParameters, "mapping-parameters", problems_);
  refuse_members(*parameters, {"partition-key-type", "partition-key-name", "partition-key", "exclude-columns",
                               "attribute-mappings"});
}

void RuleReader::refuse_members(const JsonValue& object, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (const JsonValue* value = object.find(name); !says_nothing(value)) {
      refuse(*value, fmt::format("\"{}\" of an object-mapping rule is", name));
    }
  }
}

std::optional<ObjectLocator> RuleReader::read_locator(const JsonValue& rule, Names names,
                                                      std::string_view what) {
  // SPEC: `object locator cannot be null`.
  const JsonValue* locator = rule.find_present("object-locator");
  if (locator == nullptr || !locator->is_object()) {
    problems_.errors.push_back(
        mapping_error(locator == nullptr ? rule : *locator,
                      locator == nullptr
                          ? fmt::format("{} has no \"object-locator\"", what)
                          : fmt::format("object-locator is {}", json_kind_name(locator->kind())))
            .expected("{\"schema-name\": ..., \"table-name\": ...}"));
    return std::nullopt;
  }
  check_members(*locator, kLocatorMembers, "an object-locator", problems_);
  auto schema = read_pattern(*locator, "schema-name", names);
  auto table = read_pattern(*locator, "table-name", names);
  std::size_t type = 0;
  if (locator->find_present("table-type") != nullptr) {
    const auto word =
        read_word(*locator, "table-type", Presence::kOptional, kTableTypes, "an object-locator", problems_);
    if (!word) return std::nullopt;
    type = *word;
  }
  if (!schema || !table) return std::nullopt;
  return ObjectLocator{std::move(*schema), std::move(*table), static_cast<ObjectLocator::TableType>(type)};
}

std::optional<NamePattern> RuleReader::read_pattern(const JsonValue& locator, std::string_view member,
                                                    Names names) {
  const auto text = read_text(locator, member, Presence::kRequired, "the object-locator", problems_);
  if (!text) return std::nullopt;
  const JsonValue& place = *locator.find(member);
  if (text->empty()) {
    problems_.errors.push_back(
        mapping_error(place, fmt::format("{} is empty", member)).expected("a name, or \"%\""));
    return std::nullopt;
  }
  if (names == Names::kExact) {
    if (!has_wildcard(*text)) return NamePattern::exact(*text);
    problems_.errors.push_back(mapping_error(place, fmt::format("wildcards in {} \"{}\"", member, *text))
                                   .expected("an exact name, as rule-action \"explicit\" needs it"));
    return std::nullopt;
  }
  if (const std::string problem = NamePattern::check(*text); !problem.empty()) {
    problems_.errors.push_back(mapping_error(place, fmt::format("{} \"{}\": {}", member, *text, problem)));
    return std::nullopt;
  }
  return NamePattern::wildcard(*text);
}

}  // namespace

std::optional<RuleSet> read_rule_set(const JsonValue& root, Problems& problems) {
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
  RuleReader reader(problems);
  for (const JsonValue& rule : rules->items()) reader.read(rule);
  if (!reader.has_selection_rule()) {
    problems.errors.push_back(mapping_error(*rules, "no selection rule, so no table would be loaded")
                                  .expected("at least one rule of rule-type \"selection\""));
  }
  if (problems.errors.size() != errors_before) return std::nullopt;
  return RuleSet{std::move(reader).take_selection()};
}

}  // namespace dmskafka

#include "mapping/transformation_reader.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <utility>

#include "mapping/rule_fields.h"
#include "mapping/rule_locator.h"

namespace dmskafka {

namespace {

constexpr std::string_view kWhat = "a transformation rule";
constexpr std::array<std::string_view, 12> kMembers = {
    "rule-type", "rule-id",   "rule-name",  "rule-action", "rule-target",     "object-locator",
    "value",     "old-value", "expression", "data-type",   "primary-key-def", "before-image-def"};
constexpr std::array<std::string_view, 18> kActions = {"rename",
                                                       "convert-lowercase",
                                                       "convert-uppercase",
                                                       "add-prefix",
                                                       "add-suffix",
                                                       "remove-prefix",
                                                       "remove-suffix",
                                                       "replace-prefix",
                                                       "replace-suffix",
                                                       "add-column",
                                                       "include-column",
                                                       "remove-column",
                                                       "change-data-type",
                                                       "define-primary-key",
                                                       "add-before-image-columns",
                                                       "data-masking-digits-mask",
                                                       "data-masking-digits-randomize",
                                                       "data-masking-hash-mask"};
constexpr std::array<std::string_view, 3> kTargets = {"schema", "table", "column"};
constexpr std::array<std::string_view, 5> kLocatorMembers = {"schema-name", "table-name", "table-type",
                                                             "column-name", "data-type"};
constexpr std::array<std::string_view, 3> kTableTypes = {"table", "view", "all"};
constexpr std::array<std::string_view, 4> kDataTypeMembers = {"type", "length", "precision", "scale"};
constexpr std::array<std::string_view, 3> kKeyMembers = {"name", "origin", "columns"};
constexpr std::array<std::string_view, 2> kKeyOrigins = {"primary-key", "unique-index"};
constexpr std::array<std::string_view, 3> kImageMembers = {"column-prefix", "column-suffix", "column-filter"};
constexpr std::array<std::string_view, 3> kImageFilters = {"pk-only", "non-lob", "all"};

using Action = TransformationAction;
using Target = TransformationTarget;

// Which members beside the common ones an action reads.
bool uses_member(Action action, std::string_view member) {
  if (member == "value") {
    switch (action) {
      case Action::kRename:
      case Action::kAddPrefix:
      case Action::kAddSuffix:
      case Action::kRemovePrefix:
      case Action::kRemoveSuffix:
      case Action::kReplacePrefix:
      case Action::kReplaceSuffix:
      case Action::kAddColumn:
      case Action::kDigitsMask: return true;
      case Action::kConvertLowercase:
      case Action::kConvertUppercase:
      case Action::kIncludeColumn:
      case Action::kRemoveColumn:
      case Action::kChangeDataType:
      case Action::kDefinePrimaryKey:
      case Action::kAddBeforeImageColumns:
      case Action::kDigitsRandomize:
      case Action::kHashMask: return false;
    }
  }
  if (member == "old-value") return action == Action::kReplacePrefix || action == Action::kReplaceSuffix;
  if (member == "expression") return action == Action::kRename || action == Action::kAddColumn;
  if (member == "data-type") return action == Action::kAddColumn || action == Action::kChangeDataType;
  if (member == "primary-key-def") return action == Action::kDefinePrimaryKey;
  return action == Action::kAddBeforeImageColumns;
}

class TransformationReader {
 public:
  TransformationReader(const JsonValue& rule, Problems& problems) : json_(rule), problems_(problems) {}

  std::optional<TransformationRule> read(std::int64_t id) {
    const std::size_t errors_before = problems_.errors.size();
    check_members(json_, kMembers, kWhat, problems_);
    (void)read_text(json_, "rule-name", Presence::kOptional, kWhat, problems_);
    const auto action = read_word(json_, "rule-action", Presence::kRequired, kActions, kWhat, problems_);
    if (!action) return std::nullopt;
    action_ = static_cast<Action>(*action);
    const auto target = read_target();
    auto rule = target ? read_rule_locator(id, *target) : std::nullopt;
    if (!rule) return std::nullopt;
    read_values(*rule);
    for (const std::string_view member :
         {"value", "old-value", "expression", "data-type", "primary-key-def", "before-image-def"}) {
      const JsonValue* value = json_.find_present(member);
      if (value == nullptr || uses_member(action_, member)) continue;
      problems_.warnings.push_back(
          mapping_error(*value, fmt::format("{} has no effect with rule-action \"{}\"", member,
                                            transformation_action_name(action_))));
    }
    if (problems_.errors.size() != errors_before) return std::nullopt;
    return rule;
  }

 private:
  void refuse(const JsonValue& value, std::string what, std::string expected = "") {
    problems_.errors.push_back(mapping_error(value, std::move(what)).expected(std::move(expected)));
  }

  // SPEC dms-settings §0.8: rule-target may be missing where the action allows only one (a warning).
  std::optional<Target> read_target() {
    const bool only_table = action_ == Action::kDefinePrimaryKey;
    const bool only_column = !only_table && !names_its_object(action_);
    if (json_.find_present("rule-target") == nullptr && (only_table || only_column)) {
      problems_.warnings.push_back(mapping_error(
          json_, fmt::format("the rule has no \"rule-target\"; rule-action \"{}\" can mean only \"{}\"",
                             transformation_action_name(action_), only_table ? "table" : "column")));
      return only_table ? Target::kTable : Target::kColumn;
    }
    const auto word = read_word(json_, "rule-target", Presence::kRequired, kTargets, kWhat, problems_);
    if (!word) return std::nullopt;
    const auto target = static_cast<Target>(*word);
    if ((only_table && target != Target::kTable) || (only_column && target != Target::kColumn)) {
      refuse(*json_.find("rule-target"),
             fmt::format("rule-action \"{}\" with rule-target \"{}\"", transformation_action_name(action_),
                         kTargets[*word]),
             only_table ? "\"table\"" : "\"column\"");
      return std::nullopt;
    }
    return target;
  }

  std::optional<TransformationRule> read_rule_locator(std::int64_t id, Target target) {
    const JsonValue* locator = find_locator(json_, kWhat, problems_);
    if (locator == nullptr) return std::nullopt;
    check_members(*locator, kLocatorMembers, "an object-locator", problems_);
    const LocatorNames names =
        action_ == Action::kDefinePrimaryKey ? LocatorNames::kExact : LocatorNames::kWildcards;
    constexpr std::string_view kWho = "rule-action \"define-primary-key\"";
    auto schema = read_locator_name(*locator, "schema-name", names, kWho, problems_);
    // A schema's rules need name no table.
    const bool any_table = target == Target::kSchema && locator->find_present("table-name") == nullptr;
    auto table = any_table ? std::optional(NamePattern::wildcard("%"))
                           : read_locator_name(*locator, "table-name", names, kWho, problems_);
    ObjectLocator::TableType type = ObjectLocator::TableType::kAll;
    if (const auto word = read_word(*locator, "table-type", Presence::kOptional, kTableTypes,
                                    "an object-locator", problems_)) {
      type = static_cast<ObjectLocator::TableType>(*word);
    }
    // SPEC by example: add-before-image-columns stands without a column-name, and add-column gives the name itself.
    const bool needs_column = target == Target::kColumn && action_ != Action::kAddColumn &&
                              action_ != Action::kAddBeforeImageColumns;
    std::optional<NamePattern> column;
    if (needs_column || locator->find_present("column-name") != nullptr) {
      column = read_locator_name(*locator, "column-name", LocatorNames::kWildcards, "", problems_);
      if (!column) return std::nullopt;
    }
    if (!schema || !table) return std::nullopt;
    TransformationRule rule{id, action_, target, {std::move(*schema), std::move(*table), type}};
    if (needs_column || action_ == Action::kAddBeforeImageColumns) rule.column = std::move(column);
    read_locator_type(*locator, rule);
    rule.defined_at = rule.value_at = json_.find("rule-action")->location();
    return rule;
  }

  void read_locator_type(const JsonValue& locator, TransformationRule& rule) {
    const auto type = read_text(locator, "data-type", Presence::kOptional, "the object-locator", problems_);
    if (!type) return;
    if (!data_type_of(*type)) {
      refuse(*locator.find("data-type"), fmt::format("unknown data-type \"{}\"", *type),
             "one of AWS's types, e.g. string, int4, numeric, datetime");
    }
    rule.locator_type = *type;
  }

  void read_values(TransformationRule& rule) {
    switch (action_) {
      case Action::kRename: return read_rename(rule);
      case Action::kAddColumn:
        read_value(rule, "the name of the new column");
        read_expression(rule, Presence::kRequired);
        return read_data_type(rule, Presence::kOptional);
      case Action::kReplacePrefix:
      case Action::kReplaceSuffix:
        if (const auto text = read_text(json_, "old-value", Presence::kRequired, kWhat, problems_)) {
          if (text->empty()) refuse(*json_.find("old-value"), "old-value is empty", "a text");
          rule.old_value = *text;
        }
        if (const auto text = read_text(json_, "value", Presence::kRequired, kWhat, problems_))
          rule.value = *text;
        return;
      case Action::kAddPrefix:
      case Action::kAddSuffix:
      case Action::kRemovePrefix:
      case Action::kRemoveSuffix: return read_value(rule, "a text");
      case Action::kChangeDataType: return read_data_type(rule, Presence::kRequired);
      case Action::kDefinePrimaryKey: return read_key(rule);
      case Action::kAddBeforeImageColumns: return read_before_image(rule);
      case Action::kDigitsMask: return read_mask(rule);
      case Action::kConvertLowercase:
      case Action::kConvertUppercase:
      case Action::kIncludeColumn:
      case Action::kRemoveColumn:
      case Action::kDigitsRandomize:
      case Action::kHashMask: return;
    }
  }

  void read_value(TransformationRule& rule, std::string expected) {
    const auto text = read_text(json_, "value", Presence::kRequired, kWhat, problems_);
    if (!text) return;
    if (text->empty()) refuse(*json_.find("value"), "value is empty", std::move(expected));
    rule.value = *text;
    rule.value_at = json_.find("value")->location();
  }

  void read_rename(TransformationRule& rule) {
    if (json_.find_present("expression") == nullptr) return read_value(rule, "a name");
    if (const JsonValue* value = json_.find_present("value"); value != nullptr) {
      refuse(*value, "a rename has both \"value\" and \"expression\"", "one of them");
    }
    read_expression(rule, Presence::kRequired);
  }

  void read_expression(TransformationRule& rule, Presence presence) {
    const auto text = read_text(json_, "expression", presence, kWhat, problems_);
    if (!text) return;
    const JsonValue& place = *json_.find("expression");
    rule.expression = plain_quotes(*text, place);
    rule.value_at = place.location();
    if (text->find_first_not_of(" \t\r\n") == std::string_view::npos)
      refuse(place, "expression is empty", "an SQLite expression");
  }

  // AWS's own CASE example carries typographic quotes, and people paste it.
  std::string plain_quotes(std::string_view text, const JsonValue& place) {
    std::string plain;
    bool replaced = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const std::string_view three = text.substr(i, 3);
      const bool single = three == "\u2018" || three == "\u2019";
      const bool twofold = three == "\u201c" || three == "\u201d";
      plain += single ? '\'' : twofold ? '"' : text[i];
      if (single || twofold) i += 2;
      replaced = replaced || single || twofold;
    }
    if (replaced) {
      problems_.warnings.push_back(
          mapping_error(place, "typographic quotes in the expression are read as plain ones"));
    }
    return plain;
  }

  void read_data_type(TransformationRule& rule, Presence presence) {
    const JsonValue* type = json_.find_present("data-type");
    if (type == nullptr) {
      if (presence == Presence::kRequired) refuse(json_, fmt::format("{} has no \"data-type\"", kWhat));
      return;
    }
    if (!type->is_object()) {
      return refuse(*type, fmt::format("data-type is {}", json_kind_name(type->kind())), "{\"type\": ...}");
    }
    check_members(*type, kDataTypeMembers, "a data-type", problems_);
    const auto word = read_text(*type, "type", Presence::kRequired, "a data-type", problems_);
    if (!word) return;
    const auto known = data_type_of(*word);
    if (!known) {
      return refuse(*type->find("type"), fmt::format("unknown type \"{}\"", *word),
                    "one of AWS's types, e.g. string, int4, numeric, datetime");
    }
    rule.data_type = *known;
    constexpr std::int64_t kMax = std::numeric_limits<std::int32_t>::max();
    const auto number = [&](std::string_view name) -> std::optional<std::uint32_t> {
      const auto read = read_number(*type, name, Presence::kOptional, kMax, "a data-type", problems_);
      return read ? std::optional(static_cast<std::uint32_t>(*read)) : std::nullopt;
    };
    rule.data_type.length = number("length");
    rule.data_type.precision = number("precision");
    rule.data_type.scale = number("scale");
  }

  void read_key(TransformationRule& rule) {
    const JsonValue* key = json_.find_present("primary-key-def");
    if (key == nullptr || !key->is_object()) {
      return refuse(key == nullptr ? json_ : *key, fmt::format("{} has no \"primary-key-def\"", kWhat),
                    "{\"name\": ..., \"columns\": [...]}");
    }
    check_members(*key, kKeyMembers, "primary-key-def", problems_);
    (void)read_text(*key, "name", Presence::kOptional, "primary-key-def", problems_);
    (void)read_word(*key, "origin", Presence::kOptional, kKeyOrigins, "primary-key-def", problems_);
    const JsonValue* columns = key->find_present("columns");
    if (columns == nullptr || !columns->is_array() || columns->items().empty()) {
      return refuse(columns == nullptr ? *key : *columns, "primary-key-def has no \"columns\"",
                    "names of columns");
    }
    rule.value_at = columns->location();
    for (const JsonValue& column : columns->items()) {
      if (column.is_string()) {
        rule.key_columns.emplace_back(column.string());
      } else {
        refuse(column, fmt::format("a column of the key is {}", json_kind_name(column.kind())),
               "a column's name");
      }
    }
  }

  void read_before_image(TransformationRule& rule) {
    const JsonValue* image = json_.find_present("before-image-def");
    if (image == nullptr || !image->is_object()) {
      return refuse(image == nullptr ? json_ : *image, fmt::format("{} has no \"before-image-def\"", kWhat),
                    "{\"column-prefix\": ..., \"column-suffix\": ..., \"column-filter\": ...}");
    }
    constexpr std::string_view kImage = "before-image-def";
    check_members(*image, kImageMembers, kImage, problems_);
    const auto prefix = read_text(*image, "column-prefix", Presence::kOptional, kImage, problems_);
    const auto suffix = read_text(*image, "column-suffix", Presence::kOptional, kImage, problems_);
    const auto filter =
        read_word(*image, "column-filter", Presence::kRequired, kImageFilters, kImage, problems_);
    rule.prefix = prefix.value_or("BI_");
    rule.suffix = suffix.value_or("");
    if (filter) rule.old_columns = static_cast<BeforeImageSettings::ColumnFilter>(*filter);
    // SPEC: "Don't set both column-prefix and column-suffix to empty strings."
    if (prefix.value_or("BI_").empty() && suffix.value_or("").empty()) {
      refuse(*image, "column-prefix and column-suffix are both empty", "at least one of them");
    }
  }

  void read_mask(TransformationRule& rule) {
    const auto text = read_text(json_, "value", Presence::kRequired, kWhat, problems_);
    if (!text) return;
    const bool one = text->size() == 1 && (*text)[0] > ' ' && (*text)[0] < '\x7f';
    if (!one) {
      refuse(*json_.find("value"), fmt::format("the mask is \"{}\"", *text),
             "one printable ASCII character, e.g. \"#\"");
    }
    rule.value = *text;
  }

  const JsonValue& json_;
  Problems& problems_;
  Action action_ = Action::kRename;
};

}  // namespace

std::optional<TransformationRule> read_transformation(const JsonValue& rule, std::int64_t id,
                                                      Problems& problems) {
  return TransformationReader(rule, problems).read(id);
}

}  // namespace dmskafka

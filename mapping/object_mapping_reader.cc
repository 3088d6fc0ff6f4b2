#include "mapping/object_mapping_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "mapping/rule_fields.h"
#include "mapping/rule_locator.h"

namespace dmskafka {

namespace {

constexpr std::string_view kWhat = "an object-mapping rule";
constexpr std::array<std::string_view, 2> kActions = {"map-record-to-record", "map-record-to-document"};
constexpr std::array<std::string_view, 9> kMembers = {
    "rule-type",      "rule-id",           "rule-name",          "rule-action",
    "object-locator", "target-table-name", "kafka-target-topic", "mapping-parameters",
    "partition-key"};
constexpr std::array<std::string_view, 5> kParameters = {
    "partition-key-type", "partition-key-name", "partition-key", "exclude-columns", "attribute-mappings"};
constexpr std::array<std::string_view, 1> kKeyMembers = {"value"};
constexpr std::array<std::string_view, 5> kAttributeMembers = {
    "target-attribute-name", "attribute-name", "attribute-type", "attribute-sub-type", "value"};
constexpr std::array<std::string_view, 3> kKeyTypes = {"primary-key", "schema-table", "attribute-name"};
constexpr std::array<std::string_view, 2> kAttributeTypes = {"scalar", "document"};
constexpr std::array<std::string_view, 1> kScalarSubTypes = {"string"};
constexpr std::array<std::string_view, 1> kDocumentSubTypes = {"json"};

class ObjectMappingReader {
 public:
  ObjectMappingReader(const JsonValue& rule, Problems& problems) : json_(rule), problems_(problems) {}

  std::optional<ObjectMappingRule> read(std::int64_t id, MappingLocators names) {
    const std::size_t errors_before = problems_.errors.size();
    check_members(json_, kMembers, kWhat, problems_);
    (void)read_text(json_, "rule-name", Presence::kOptional, kWhat, problems_);
    const auto action = read_word(json_, "rule-action", Presence::kRequired, kActions, kWhat, problems_);
    auto locator =
        read_locator(json_,
                     {names == MappingLocators::kExact ? LocatorNames::kExact : LocatorNames::kWildcards,
                      kWhat, "Dialect \"dms-strict\"", ObjectLocator::TableType::kAll},
                     problems_);
    if (!action || !locator) return std::nullopt;
    ObjectMappingRule rule{id, std::move(*locator), static_cast<ObjectMappingAction>(*action)};
    rule.defined_at = json_.location();
    read_target(rule);
    if (const JsonValue* key = json_.find_present("partition-key"); key != nullptr)
      read_key_value(*key, rule);
    if (const JsonValue* parameters = object_member(json_, "mapping-parameters"); parameters != nullptr) {
      check_members(*parameters, kParameters, "mapping-parameters", problems_);
      read_key(*parameters, rule);
      read_excluded(*parameters, rule);
      read_attributes(*parameters, rule);
    }
    if (problems_.errors.size() != errors_before) return std::nullopt;
    return rule;
  }

 private:
  const JsonValue* object_member(const JsonValue& object, std::string_view name) {
    const JsonValue* value = object.find_present(name);
    if (value == nullptr || value->is_object()) return value;
    wrong_kind(*value, name, "an object");
    return nullptr;
  }
  const JsonValue* array_member(const JsonValue& object, std::string_view name) {
    const JsonValue* value = object.find_present(name);
    if (value == nullptr || value->is_array()) return value;
    wrong_kind(*value, name, "an array");
    return nullptr;
  }
  void wrong_kind(const JsonValue& value, std::string_view name, std::string expected) {
    problems_.errors.push_back(
        mapping_error(value, fmt::format("{} is {}", name, json_kind_name(value.kind())))
            .expected(std::move(expected)));
  }

  void read_target(ObjectMappingRule& rule) {
    if (const auto name = read_text(json_, "target-table-name", Presence::kOptional, kWhat, problems_);
        name) {
      if (name->empty()) {
        problems_.errors.push_back(
            mapping_error(*json_.find("target-table-name"), "target-table-name is empty").expected("a name"));
      }
      rule.target_table_name = *name;
    }
    if (read_text(json_, "kafka-target-topic", Presence::kOptional, kWhat, problems_)) {
      rule.topic = TopicName::read(*json_.find("kafka-target-topic"), problems_);
    }
  }

  void read_key(const JsonValue& parameters, ObjectMappingRule& rule) {
    const auto type = read_word(parameters, "partition-key-type", Presence::kOptional, kKeyTypes,
                                "mapping-parameters", problems_);
    const auto name =
        read_text(parameters, "partition-key-name", Presence::kOptional, "mapping-parameters", problems_);
    const JsonValue* value = parameters.find_present("partition-key");
    if (value != nullptr && rule.key.kind == PartitionKeySpec::Kind::kValue) {
      problems_.errors.push_back(
          mapping_error(*value, "the rule has two partition-keys").expected("one of them"));
      return;
    }
    if (value != nullptr) read_key_value(*value, rule);
    if (rule.key.kind == PartitionKeySpec::Kind::kValue) {
      if (type) {
        problems_.warnings.push_back(mapping_error(*parameters.find("partition-key-type"),
                                                   "partition-key-type has no effect beside partition-key"));
      }
      return;
    }
    const bool by_attribute = type == 2U || (!type && name);
    if (by_attribute) {
      read_key_attribute(parameters, name, rule);
    } else if (type) {
      rule.key.kind = *type == 0 ? PartitionKeySpec::Kind::kPrimaryKey : PartitionKeySpec::Kind::kSchemaTable;
      if (name) {
        problems_.warnings.push_back(mapping_error(
            *parameters.find("partition-key-name"),
            "partition-key-name has an effect only with partition-key-type \"attribute-name\""));
      }
    }
  }

  void read_key_attribute(const JsonValue& parameters, std::optional<std::string_view> name,
                          ObjectMappingRule& rule) {
    if (!name || name->empty()) {
      problems_.errors.push_back(
          mapping_error(*parameters.find("partition-key-type"),
                        "partition-key-type \"attribute-name\" without a \"partition-key-name\"")
              .expected("the name of an attribute or a column"));
      return;
    }
    rule.key.kind = PartitionKeySpec::Kind::kAttribute;
    rule.key.attribute = *name;
    rule.key.at = parameters.find("partition-key-name")->location();
  }

  void read_key_value(const JsonValue& key, ObjectMappingRule& rule) {
    if (!key.is_object()) return wrong_kind(key, "partition-key", "{\"value\": ...}");
    check_members(key, kKeyMembers, "partition-key", problems_);
    if (!read_text(key, "value", Presence::kRequired, "partition-key", problems_)) return;
    if (auto value = Template::read(*key.find("value"), problems_)) {
      rule.key.kind = PartitionKeySpec::Kind::kValue;
      rule.key.value = std::move(*value);
      rule.key.at = key.location();
    }
  }

  void read_excluded(const JsonValue& parameters, ObjectMappingRule& rule) {
    const JsonValue* columns = array_member(parameters, "exclude-columns");
    if (columns == nullptr) return;
    for (const JsonValue& column : columns->items()) {
      if (!column.is_string()) {
        wrong_kind(column, "an item of exclude-columns", "a column's name");
        continue;
      }
      const bool repeated =
          std::any_of(rule.excluded_columns.begin(), rule.excluded_columns.end(),
                      [&](const ColumnReference& other) { return other.name == column.string(); });
      if (repeated) {
        problems_.warnings.push_back(
            mapping_error(column, fmt::format("exclude-columns names \"{}\" twice", column.string())));
      } else {
        rule.excluded_columns.push_back({std::string(column.string()), column.location()});
      }
    }
  }

  void read_attributes(const JsonValue& parameters, ObjectMappingRule& rule) {
    const JsonValue* mappings = array_member(parameters, "attribute-mappings");
    if (mappings == nullptr) return;
    for (const JsonValue& mapping : mappings->items()) {
      if (!mapping.is_object()) {
        wrong_kind(mapping, "an attribute mapping", "an object");
      } else if (auto attribute = read_attribute(mapping, rule)) {
        rule.attributes.push_back(std::move(*attribute));
      }
    }
  }

  std::optional<AttributeMapping> read_attribute(const JsonValue& mapping, const ObjectMappingRule& rule) {
    constexpr std::string_view kMapping = "an attribute mapping";
    check_members(mapping, kAttributeMembers, kMapping, problems_);
    const JsonValue* name = attribute_name(mapping);
    const auto type =
        read_word(mapping, "attribute-type", Presence::kOptional, kAttributeTypes, kMapping, problems_);
    const JsonValue* value = mapping.find_present("value");
    if (value == nullptr) {
      problems_.errors.push_back(mapping_error(mapping, "an attribute mapping has no \"value\""));
      return std::nullopt;
    }
    // SPEC by example: without attribute-type an object is a document, a string a scalar.
    const bool document = type ? *type == 1 : value->is_object();
    const std::span<const std::string_view> sub_types =
        document ? std::span<const std::string_view>(kDocumentSubTypes) : kScalarSubTypes;
    (void)read_word(mapping, "attribute-sub-type", Presence::kOptional, sub_types, kMapping, problems_);
    if (document ? !value->is_object() : !value->is_string()) {
      wrong_kind(*value, document ? "the value of a document attribute" : "the value of a scalar attribute",
                 document ? "an object" : "a string");
      return std::nullopt;
    }
    auto read = read_value(*value);
    if (name == nullptr || !read) return std::nullopt;
    if (!check_name(*name, rule)) return std::nullopt;
    return AttributeMapping{std::string(name->string()), std::move(*read), name->location()};
  }

  // "target-attribute-name" and "attribute-name" are the same; AWS's page uses both.
  const JsonValue* attribute_name(const JsonValue& mapping) {
    const JsonValue* name = mapping.find_present("target-attribute-name");
    const JsonValue* alias = mapping.find_present("attribute-name");
    if (name != nullptr && alias != nullptr) {
      problems_.errors.push_back(
          mapping_error(*alias,
                        "an attribute mapping has both \"target-attribute-name\" and \"attribute-name\"")
              .expected("one of them"));
      return nullptr;
    }
    if (name == nullptr) name = alias;
    if (name == nullptr) {
      problems_.errors.push_back(
          mapping_error(mapping, "an attribute mapping has no \"target-attribute-name\""));
    } else if (!name->is_string()) {
      wrong_kind(*name, "target-attribute-name", "a string");
      return nullptr;
    }
    return name;
  }

  bool check_name(const JsonValue& name, const ObjectMappingRule& rule) {
    const std::string_view text = name.string();
    std::string fault;
    if (text.empty()) fault = "an attribute's name is empty";
    if (rule.action == ObjectMappingAction::kMapRecordToDocument && text == "_doc") {
      fault = "map-record-to-document itself makes the attribute \"_doc\"";
    }
    for (const AttributeMapping& other : rule.attributes) {
      if (other.name == text) fault = fmt::format("two attributes with the name \"{}\"", text);
    }
    if (fault.empty()) return true;
    problems_.errors.push_back(mapping_error(name, std::move(fault)).expected("a name of its own"));
    return false;
  }

  std::optional<AttributeValue> read_value(const JsonValue& json) {
    AttributeValue value;
    value.kind = json.kind();
    switch (json.kind()) {
      case JsonKind::kNull: value.json = "null"; break;
      case JsonKind::kBoolean: value.json = json.boolean() ? "true" : "false"; break;
      case JsonKind::kNumber: value.json = json.number_text(); break;
      case JsonKind::kString: {
        auto text = Template::read(json, problems_);
        if (!text) return std::nullopt;
        value.text = std::move(*text);
        break;
      }
      case JsonKind::kArray:
        for (const JsonValue& item : json.items()) {
          auto read = read_value(item);
          if (!read) return std::nullopt;
          value.members.push_back({"", std::move(*read)});
        }
        break;
      case JsonKind::kObject:
        for (const JsonMember& member : json.members()) {
          auto read = read_value(member.value);
          if (!read) return std::nullopt;
          value.members.push_back({std::string(member.name), std::move(*read)});
        }
        break;
    }
    return value;
  }

  const JsonValue& json_;
  Problems& problems_;
};

}  // namespace

std::optional<ObjectMappingRule> read_object_mapping(const JsonValue& rule, std::int64_t id,
                                                     MappingLocators names, Problems& problems) {
  return ObjectMappingReader(rule, problems).read(id, names);
}

}  // namespace dmskafka

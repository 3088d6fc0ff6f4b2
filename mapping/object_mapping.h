#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/json_location.h"
#include "core/base/result.h"
#include "core/json/json_reader.h"
#include "core/settings/kafka_settings.h"
#include "mapping/lob_columns.h"
#include "mapping/object_locator.h"
#include "mapping/record_shape.h"
#include "mapping/shown_table.h"
#include "mapping/template.h"
#include "mapping/topic_name.h"
#include "mapping/value_settings.h"

namespace dmskafka {

enum class ObjectMappingAction : std::uint8_t { kMapRecordToRecord, kMapRecordToDocument };
/// As `rule-action` spells it.
std::string_view object_mapping_action_name(ObjectMappingAction action) noexcept;

/// What a rule says about the key of data records; control records never heed it.
struct PartitionKeySpec {
  enum class Kind : std::uint8_t {
    kDefault,
    kPrimaryKey,
    kSchemaTable,
    kAttribute,
    kValue
  } kind = Kind::kDefault;
  std::string attribute;  ///< kAttribute: the name of a mapped attribute or of a column
  Template value;         ///< kValue: a constant, or a text with `${column}`
  JsonLocation at;
};

struct AttributeMember;

/// The value of an attribute mapping: any JSON whose strings are templates.
struct AttributeValue {
  JsonKind kind = JsonKind::kNull;
  Template text;                         ///< kString
  std::string json;                      ///< a number, true, false or null as it stands
  std::vector<AttributeMember> members;  ///< kObject; kArray: without names
};

struct AttributeMember {
  std::string name;
  AttributeValue value;
};

struct AttributeMapping {
  std::string name;
  AttributeValue value;
  JsonLocation at;
};

struct ColumnReference {
  std::string name;
  JsonLocation at;
};

/// An object-mapping rule. What can be wrong with it without knowing a table was reported when it was read.
struct ObjectMappingRule {
  std::int64_t id = 0;
  ObjectLocator locator;
  ObjectMappingAction action = ObjectMappingAction::kMapRecordToRecord;
  std::optional<std::string> target_table_name = {};
  std::optional<TopicName> topic = {};
  PartitionKeySpec key = {};
  std::vector<ColumnReference> excluded_columns = {};
  std::vector<AttributeMapping> attributes = {};
  JsonLocation defined_at = {};
};

/// What the shape of a table's records depends on beside its rules.
struct ShapeOptions {
  PartitionKeyType load_key = PartitionKeyType::kPrimaryKey;
  PartitionKeyType change_key = PartitionKeyType::kSchemaTable;
  LobColumns lobs = LobColumns::kSent;
  ValueSettings values = {};
  std::string table_key_prefix = {};  ///< of a key that is the table's name
  BeforeImageSettings before_image = {};
  Dialect dialect = Dialect::kDms;
  std::optional<TableName> source_name = {};  ///< shown whatever the rules say; none: the rules decide
};

/// The data records of `table`. `rule`: its object-mapping rule, or null. Errors: kInvalidMapping where the rule names a
/// column that the table lacks, or one member twice.
Result<RecordShape> shape_records(const ShownTable& table, const ObjectMappingRule* rule,
                                  const KafkaSettings& settings, const ShapeOptions& options);

}  // namespace dmskafka

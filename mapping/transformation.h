#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json_location.h"
#include "core/base/table_schema.h"
#include "core/settings/task_settings.h"
#include "mapping/object_locator.h"

namespace dmskafka {

enum class TransformationAction : std::uint8_t {
  kRename,
  kConvertLowercase,
  kConvertUppercase,
  kAddPrefix,
  kAddSuffix,
  kRemovePrefix,
  kRemoveSuffix,
  kReplacePrefix,
  kReplaceSuffix,
  kAddColumn,
  kIncludeColumn,
  kRemoveColumn,
  kChangeDataType,
  kDefinePrimaryKey,
  kAddBeforeImageColumns,
  kDigitsMask,
  kDigitsRandomize,
  kHashMask,
};
/// As `rule-action` spells it.
std::string_view transformation_action_name(TransformationAction action) noexcept;
enum class TransformationTarget : std::uint8_t { kSchema, kTable, kColumn };

/// True for the actions that give an object its name: of several, the one with the lowest rule-id counts.
bool names_its_object(TransformationAction action) noexcept;

/// A "data-type" of a rule: what control records say of the column, and how its values are written.
struct DataType {
  DmsType type = DmsType::kString;
  ValueKind kind = ValueKind::kString;
  bool lob = false;
  std::optional<std::uint32_t> length, precision, scale;
};
/// nullopt: not one of AWS's words ("int4", "string", …).
std::optional<DataType> data_type_of(std::string_view word) noexcept;
/// True when `word` is a type that the column has, as AWS's locators name it.
bool has_data_type(const ColumnSchema& column, std::string_view word) noexcept;

/// A transformation rule. What can be wrong with it without knowing a table was reported when it was read.
struct TransformationRule {
  std::int64_t id = 0;
  TransformationAction action = TransformationAction::kRename;
  TransformationTarget target = TransformationTarget::kSchema;
  ObjectLocator locator;
  std::optional<NamePattern> column = {};  ///< kColumn, all actions but add-column; none: every column
  std::string locator_type = {};           ///< the locator's data-type; "": any
  std::string value = {};                  ///< a name, a prefix, a suffix, the mask character
  std::string old_value = {};              ///< replace-prefix, replace-suffix
  std::optional<std::string> expression = {};
  DataType data_type = {};                    ///< add-column, change-data-type
  std::vector<std::string> key_columns = {};  ///< define-primary-key
  std::string prefix = {}, suffix = {};       ///< add-before-image-columns
  BeforeImageSettings::ColumnFilter old_columns =
      BeforeImageSettings::ColumnFilter::kPkOnly;  ///< add-before-image-columns
  JsonLocation defined_at = {};                    ///< of the rule-action
  JsonLocation value_at = {};                      ///< of the expression, the value or the key's columns
};

}  // namespace dmskafka

#include "mapping/transformation.h"

#include <array>

namespace dmskafka {

namespace {

struct NamedType {
  std::string_view word;
  DmsType type;
  ValueKind kind;
  bool lob = false;
};
constexpr std::array kTypes = {
    NamedType{"bytes", DmsType::kBinary, ValueKind::kHexBytes},
    NamedType{"date", DmsType::kDate32, ValueKind::kDate},
    NamedType{"time", DmsType::kTime32, ValueKind::kTime},
    NamedType{"datetime", DmsType::kTimestamp, ValueKind::kTimestamp},
    NamedType{"int1", DmsType::kInt8, ValueKind::kInteger},
    NamedType{"int2", DmsType::kInt16, ValueKind::kInteger},
    NamedType{"int4", DmsType::kInt32, ValueKind::kInteger},
    NamedType{"int8", DmsType::kInt64, ValueKind::kInteger},
    NamedType{"uint1", DmsType::kUint8, ValueKind::kInteger},
    NamedType{"uint2", DmsType::kUint16, ValueKind::kInteger},
    NamedType{"uint4", DmsType::kUint32, ValueKind::kInteger},
    NamedType{"uint8", DmsType::kUint64, ValueKind::kInteger},
    NamedType{"numeric", DmsType::kDecimal, ValueKind::kDecimal},
    NamedType{"real4", DmsType::kFloat, ValueKind::kFloat4},
    NamedType{"real8", DmsType::kDouble, ValueKind::kFloat8},
    NamedType{"string", DmsType::kString, ValueKind::kString},
    NamedType{"wstring", DmsType::kString, ValueKind::kString},
    NamedType{"boolean", DmsType::kBool, ValueKind::kBoolean},
    NamedType{"blob", DmsType::kBinary, ValueKind::kHexBytes, true},
    NamedType{"clob", DmsType::kString, ValueKind::kString, true},
    NamedType{"nclob", DmsType::kString, ValueKind::kString, true},
};

const NamedType* find_type(std::string_view word) noexcept {
  for (const NamedType& type : kTypes) {
    if (type.word == word) return &type;
  }
  return nullptr;
}

}  // namespace

std::string_view transformation_action_name(TransformationAction action) noexcept {
  switch (action) {
    case TransformationAction::kRename: return "rename";
    case TransformationAction::kConvertLowercase: return "convert-lowercase";
    case TransformationAction::kConvertUppercase: return "convert-uppercase";
    case TransformationAction::kAddPrefix: return "add-prefix";
    case TransformationAction::kAddSuffix: return "add-suffix";
    case TransformationAction::kRemovePrefix: return "remove-prefix";
    case TransformationAction::kRemoveSuffix: return "remove-suffix";
    case TransformationAction::kReplacePrefix: return "replace-prefix";
    case TransformationAction::kReplaceSuffix: return "replace-suffix";
    case TransformationAction::kAddColumn: return "add-column";
    case TransformationAction::kIncludeColumn: return "include-column";
    case TransformationAction::kRemoveColumn: return "remove-column";
    case TransformationAction::kChangeDataType: return "change-data-type";
    case TransformationAction::kDefinePrimaryKey: return "define-primary-key";
    case TransformationAction::kAddBeforeImageColumns: return "add-before-image-columns";
    case TransformationAction::kDigitsMask: return "data-masking-digits-mask";
    case TransformationAction::kDigitsRandomize: return "data-masking-digits-randomize";
    case TransformationAction::kHashMask: return "data-masking-hash-mask";
  }
  return "";
}

bool names_its_object(TransformationAction action) noexcept {
  return action <= TransformationAction::kReplaceSuffix;
}

std::optional<DataType> data_type_of(std::string_view word) noexcept {
  const NamedType* type = find_type(word);
  if (type == nullptr) return std::nullopt;
  return DataType{type->type, type->kind, type->lob, std::nullopt, std::nullopt, std::nullopt};
}

bool has_data_type(const ColumnSchema& column, std::string_view word) noexcept {
  const NamedType* type = find_type(word);
  return type != nullptr && type->type == column.type && type->lob == column.lob;
}

}  // namespace dmskafka

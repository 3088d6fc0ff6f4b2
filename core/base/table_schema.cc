#include "core/base/table_schema.h"

#include <algorithm>

namespace dmskafka {

std::string_view dms_type_name(DmsType type) noexcept {
  switch (type) {
    case DmsType::kBinary: return "BINARY";
    case DmsType::kBool: return "BOOL";
    case DmsType::kDate32: return "DATE32";
    case DmsType::kTime32: return "TIME32";
    case DmsType::kTimestamp: return "TIMESTAMP";
    case DmsType::kInt8: return "INT8";
    case DmsType::kInt16: return "INT16";
    case DmsType::kInt32: return "INT32";
    case DmsType::kInt64: return "INT64";
    case DmsType::kUint8: return "UINT8";
    case DmsType::kUint16: return "UINT16";
    case DmsType::kUint32: return "UINT32";
    case DmsType::kUint64: return "UINT64";
    case DmsType::kDecimal: return "DECIMAL";
    case DmsType::kFloat: return "FLOAT";
    case DmsType::kDouble: return "DOUBLE";
    case DmsType::kString: return "STRING";
  }
  return "STRING";
}

bool TableSchema::is_key_column(std::uint32_t column) const noexcept {
  return std::find(primary_key.begin(), primary_key.end(), column) != primary_key.end();
}

std::optional<std::uint32_t> TableSchema::find_column(std::string_view column) const noexcept {
  for (std::uint32_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == column) return i;
  }
  return std::nullopt;
}

}  // namespace dmskafka

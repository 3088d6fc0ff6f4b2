#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/table_schema.h"

namespace dmskafka::mysql {

/// A column's type as information_schema.COLUMNS describes it. Names of types in lower case.
struct ColumnType {
  std::string data_type;                ///< "int", "varchar", "datetime"
  std::string column_type;              ///< "int(10) unsigned", "enum('a','b')"
  std::string collation;                ///< "" where there is none
  std::optional<std::uint64_t> length;  ///< CHARACTER_MAXIMUM_LENGTH
  std::optional<std::uint32_t> precision;
  std::optional<std::uint32_t> scale;
  std::optional<std::uint32_t> fraction_digits;  ///< DATETIME_PRECISION
};

/// Fills type, value kind, length, precision, scale, LOB flag, collation and source_type. wire-format.md §5 and canonical_text.h.
void set_column_type(const ColumnType& type, ColumnSchema& column);

/// The word a printed type begins with: "int(10) unsigned" -> "int".
std::string_view type_word(std::string_view column_type) noexcept;
/// Of a printed numeric type.
bool is_unsigned(std::string_view column_type) noexcept;
bool is_zerofill(std::string_view column_type) noexcept;

}  // namespace dmskafka::mysql

#pragma once
#include <cstddef>
#include <cstdint>

#include "core/base/byte_buffer.h"
#include "core/base/row.h"
#include "core/base/table_schema.h"
#include "mapping/value_settings.h"

namespace dmskafka {

/// How the values of one column become JSON (wire-format.md §5): what the column and the settings say, resolved once.
struct ValueFormat {
  ValueKind kind = ValueKind::kString;
  std::uint32_t fraction_digits = 6;  ///< of times; a non-zero fraction is padded to so many
  bool hex_prefix = true;
  bool strict = false;             ///< dialect dms-strict
  bool large_integers = false;     ///< strict: integers of more than 16 digits keep them
  bool unbounded_decimal = false;  ///< strict: a numeric without precision, which has 6 decimals
  std::size_t lob_bytes_max = 0;   ///< a longer value is cut; 0: none is

  /// Of a column of `schema`. Columns of the primary key are never cut: rows could not be told apart.
  static ValueFormat of(const TableSchema& schema, std::uint32_t column, const ValueSettings& settings);
};

/// True for a value that IncludeNullAndEmpty=false leaves out because it is an empty string: a text that is empty,
/// a blank-trimmed one also when nothing but blanks. Bytes are never "empty" in this sense: "0x" says something.
bool is_empty_string(const ValueFormat& format, const Value& value) noexcept;

/// True for MySQL's dates without year, month and day, which no date is: they become `null`. SPEC wire-format §5.
bool is_zero_date(const ValueFormat& format, const Value& value) noexcept;

/// What a value lost on its way, for the statistics.
struct ValueLoss {
  std::uint32_t replaced = 0;    ///< invalid UTF-8 sequences that became U+FFFD
  std::uint32_t cut = 0;         ///< values longer than LobMaxSize
  std::uint32_t zero_dates = 0;  ///< dates 0000-00-00 that became null
  void add(const ValueLoss& other) noexcept {
    replaced += other.replaced;
    cut += other.cut;
    zero_dates += other.zero_dates;
  }
};

/// Appends the value as JSON. Text that does not have the form its kind promises is written as a JSON string, so that
/// the message stays valid and nothing is lost.
/// REQUIRES: value.is_known(). NULL becomes `null`.
ValueLoss append_value(const ValueFormat& format, const Value& value, ByteBuffer& out);

}  // namespace dmskafka

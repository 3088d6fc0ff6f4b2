#pragma once
#include <cstddef>
#include <cstdint>

#include "core/base/byte_buffer.h"
#include "core/base/row.h"
#include "core/base/table_schema.h"
#include "core/settings/kafka_settings.h"

namespace dmskafka {

/// How the values of one column become JSON (wire-format.md §5): what the column and the settings say, resolved once.
struct ValueFormat {
  ValueKind kind = ValueKind::kString;
  std::uint32_t fraction_digits = 6;  ///< of times; a non-zero fraction is padded to so many
  bool hex_prefix = true;

  static ValueFormat of(const ColumnSchema& column, const KafkaSettings& settings);
};

/// True for a value that IncludeNullAndEmpty=false leaves out because it is an empty string: a text that is empty,
/// a blank-trimmed one also when nothing but blanks. Bytes are never "empty" in this sense: "0x" says something.
bool is_empty_string(const ValueFormat& format, const Value& value) noexcept;

/// Appends the value as JSON. Text that does not have the form its kind promises is written as a JSON string, so that
/// the message stays valid and nothing is lost. Returns how many invalid UTF-8 sequences became U+FFFD.
/// REQUIRES: value.is_known(). NULL becomes `null`.
std::size_t append_value(const ValueFormat& format, const Value& value, ByteBuffer& out);

}  // namespace dmskafka

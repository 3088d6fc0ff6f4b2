#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/byte_buffer.h"
#include "core/base/row.h"
#include "mapping/value_text.h"

namespace dmskafka {

/// Appends the value as its column shows it in `data`, without the quotes of a string. NULL, unknown and what has no
/// form in JSON are the empty text.
/// The escapes stay: the text goes into a JSON string.
ValueLoss append_escaped_text(const ValueFormat& format, const Value& value, ByteBuffer& out);
/// The same without the escapes: the text that a consumer has after parsing.
void append_plain_text(const ValueFormat& format, const Value& value, ByteBuffer& out);

/// Text put together from literals and the values of a row: a key, or an attribute's JSON. Immutable once built; any thread.
class RowText {
 public:
  void add(std::string_view literal) { tail_ += literal; }
  void add_value(std::uint32_t slot, const ValueFormat& format);

  /// As plain text; the literals are plain text, too. False when the row lacks one of the values, which is then "".
  bool append_plain(RowView row, ByteBuffer& out) const;
  /// As JSON; the literals are JSON, the values stand inside its strings.
  ValueLoss append_json(RowView row, ByteBuffer& out) const;
  /// Whether its values are the same in both rows, and so the text is.
  bool same_values(RowView a, RowView b) const noexcept;
  /// True when one of the values did not change and is not in the log.
  bool has_unchanged(RowView row) const noexcept;
  /// For people: `${name}` where a value stands. `names` are those of the row's slots.
  std::string describe(std::span<const std::string> names) const;
  /// True when it has no value in it.
  bool constant() const noexcept { return parts_.empty(); }

 private:
  struct Part {
    std::string before;  // the literal before the value
    std::uint32_t slot;
    ValueFormat format;
  };
  std::vector<Part> parts_;
  std::string tail_;
};

}  // namespace dmskafka

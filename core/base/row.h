#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace dmskafka {

/// What a Value holds. Four bytes, so that a Value has no hole and is copied in one piece.
enum class ValueForm : std::uint32_t {
  kAbsent,     ///< The log does not carry this column (a key-only before image, a partial row image).
  kUnchanged,  ///< Unchanged and not carried: PostgreSQL's out-of-line values.
  kNull,
  kText,     ///< The source's canonical text for the column's type; ValueKind says how to write it.
  kInteger,  ///< kDynamic columns: decimal digits.
  kReal,     ///< kDynamic columns: the 8 bytes of a double in native order.
  kBytes,    ///< kDynamic columns: raw bytes of a BLOB.
};

/// One column's value: a view into the memory of its ChangeBatch. At most 4 GiB − 1.
class Value {
 public:
  constexpr Value() noexcept = default;  ///< absent
  constexpr Value(ValueForm form, const char* data, std::uint32_t size) noexcept
      : data_(data), size_(size), form_(form) {}
  static constexpr Value null() noexcept { return Value(ValueForm::kNull, nullptr, 0); }
  static constexpr Value text(std::string_view view) noexcept {
    return Value(ValueForm::kText, view.data(), static_cast<std::uint32_t>(view.size()));
  }

  constexpr ValueForm form() const noexcept { return form_; }
  constexpr bool is_null() const noexcept { return form_ == ValueForm::kNull; }
  /// True when there is a value or NULL: the column is known.
  constexpr bool is_known() const noexcept { return form_ >= ValueForm::kNull; }
  constexpr std::string_view view() const noexcept { return {data_, size_}; }

 private:
  const char* data_ = nullptr;
  std::uint32_t size_ = 0;
  ValueForm form_ = ValueForm::kAbsent;
};
static_assert(sizeof(Value) == 16);

/// The values of one row, in the order of TableSchema::columns; empty when there is no such image.
using RowView = std::span<const Value>;

}  // namespace dmskafka

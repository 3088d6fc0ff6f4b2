#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/change.h"
#include "core/task/planner.h"
#include "mapping/expression.h"
#include "mapping/value_text.h"

namespace dmskafka {

/// One value that a transformation makes of others, for each row.
struct Computation {
  enum class Kind : std::uint8_t {
    kLiteral,
    kExpression,
    kDigitsMask,
    kDigitsRandomize,
    kHashMask,
    kConvert
  } kind;
  std::uint32_t input = 0;                ///< slot, but for kLiteral and kExpression
  ValueFormat input_format = {};          ///< of that slot
  ValueForm form = ValueForm::kText;      ///< kLiteral
  std::string text = {};                  ///< kLiteral: the value; kDigitsMask: the mask's character
  ValueKind target = ValueKind::kString;  ///< kConvert, kExpression: how the value is written
  std::uint32_t expression = 0;           ///< kExpression: index
};

/// Whether a row is followed by the row before the update.
enum class OldRows : std::uint8_t { kNotShown, kShown };

/// The computed values of a table's rows. They stand behind the row's own, in the order of `computations`, so that each may
/// use those before it; with OldRows::kShown the row before an update follows in the same form, whose masks and types are
/// the new row's. Immutable; any thread, each with its own EncodedMessage.
class ComputedColumns : public std::enable_shared_from_this<ComputedColumns> {
 public:
  ComputedColumns(std::uint32_t column_count, std::vector<Computation> computations,
                  std::vector<Expression> expressions, OldRows old_rows)
      : column_count_(column_count),
        old_rows_(old_rows),
        computations_(std::move(computations)),
        expressions_(std::move(expressions)) {}

  struct Rows {
    RowView row;      ///< all of it
    RowView old_row;  ///< its second half; empty where there is no old row
  };
  /// `row` and the computed values; `old_row` is empty or the row before an update. Lives in the scratch of `out` until the
  /// next call.
  Rows extend(const Change& change, RowView row, RowView old_row, WallTime now, EncodedMessage& out) const;

 private:
  class Scratch;
  Value compute(const Computation& computation, const Change& change, RowView row, WallTime now,
                Scratch& scratch, ByteBuffer& bytes, std::uint64_t& failed) const;

  std::size_t width() const noexcept { return column_count_ + computations_.size(); }

  std::uint32_t column_count_;
  OldRows old_rows_;
  std::vector<Computation> computations_;
  std::vector<Expression> expressions_;
};

/// `shown`, the text of a value as `data` shows it, as text for another type. Text that the type can't take stays as it is.
void append_converted(std::string_view shown, ValueKind target, ByteBuffer& out);

}  // namespace dmskafka

#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/byte_buffer.h"
#include "core/base/change.h"
#include "core/base/clock.h"
#include "core/base/result.h"
#include "mapping/value_text.h"

namespace dmskafka {

/// What a `$NAME` of an expression stands for.
struct ExpressionVariable {
  enum class Kind : std::uint8_t {
    kColumn,
    kText,
    kStreamPosition,
    kTimestamp,
    kCommitTimestamp,
    kOperation,
    kChangeSequence,
    kUser  ///< NULL: no log that we follow names one
  };
  Kind kind = Kind::kText;
  std::uint32_t slot = 0;  ///< kColumn: of its value in the row
  ValueFormat format;      ///< kColumn
  bool old = false;        ///< kColumn: of the row before an update; the slot is the source's own
  std::string text;        ///< kText
};

/// An SQLite expression of a transformation rule, compiled to know that it is right. Immutable; any thread.
///
/// SQLite itself evaluates it, with its functions and hash_sha256(X), replaceChars(X,Y,Z) and
/// operation_indicator(on-delete, on-update, on-insert).
class Expression {
 public:
  /// nullopt: no such variable.
  using Resolver = std::function<std::optional<ExpressionVariable>(std::string_view name)>;
  /// Errors: kInvalidMapping, without a place, with what SQLite says or the variable that nobody knows.
  static Result<Expression> compile(std::string_view text, const Resolver& resolve);

  const std::string& sql() const noexcept { return sql_; }
  const std::vector<ExpressionVariable>& variables() const noexcept { return variables_; }
  /// The value of an expression without columns, as text: a name. Errors: kInvalidMapping when it is NULL or fails.
  Result<std::string> constant_text() const;

 private:
  std::string sql_;
  std::vector<ExpressionVariable> variables_;  // by SQLite's parameter number, from 1
};

/// Expressions prepared for one thread. Thread: one at a time.
class PreparedExpressions {
 public:
  explicit PreparedExpressions(std::span<const Expression> expressions);
  PreparedExpressions(PreparedExpressions&&) noexcept;
  ~PreparedExpressions();

  /// The value of expression `index`, of the form SQLite gives it: kNull, kInteger, kReal, kText or kBytes; its bytes are
  /// put into the cleared `bytes`. nullopt when it failed (an overflow, out of memory).
  std::optional<Value> evaluate(std::size_t index, const Change& change, RowView row, WallTime now,
                                ByteBuffer& bytes);

 private:
  friend class Expression;
  class Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace dmskafka

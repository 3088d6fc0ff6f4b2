#pragma once
#include <cassert>
#include <optional>
#include <utility>
#include <variant>

#include "core/base/error.h"

namespace dmskafka {

/// A value or the Error that prevented it. Cannot be ignored (the class itself is [[nodiscard]]).
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  /// REQUIRES: ok().
  T& value() & { return assert(ok()), *std::get_if<0>(&state_); }
  const T& value() const& { return assert(ok()), *std::get_if<0>(&state_); }
  T&& value() && { return assert(ok()), std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  /// REQUIRES: !ok().
  const Error& error() const& { return assert(!ok()), *std::get_if<1>(&state_); }
  Error&& error() && { return assert(!ok()), std::move(*std::get_if<1>(&state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const noexcept { return !error_.has_value(); }
  explicit operator bool() const noexcept { return ok(); }
  /// REQUIRES: !ok().
  const Error& error() const& { return assert(!ok()), *error_; }
  Error&& error() && { return assert(!ok()), std::move(*error_); }

 private:
  std::optional<Error> error_;
};

}  // namespace dmskafka

#define DMSKAFKA_CONCAT_(a, b) a##b
#define DMSKAFKA_CONCAT(a, b) DMSKAFKA_CONCAT_(a, b)

/// Returns the error of a Result<…> from the enclosing function, otherwise goes on.
#define DMSKAFKA_TRY(...)                                         \
  do {                                                            \
    if (auto dmskafka_result_ = (__VA_ARGS__); !dmskafka_result_) \
      return std::move(dmskafka_result_).error();                 \
  } while (false)

/// DMSKAFKA_ASSIGN(auto tables, read_tables()): declares (or assigns) the value, or returns the error.
#define DMSKAFKA_ASSIGN(declaration, ...) \
  DMSKAFKA_ASSIGN_(DMSKAFKA_CONCAT(dmskafka_result_, __LINE__), declaration, __VA_ARGS__)
#define DMSKAFKA_ASSIGN_(result, declaration, ...) \
  auto result = (__VA_ARGS__);                     \
  if (!result) return std::move(result).error();   \
  declaration = std::move(result).value()

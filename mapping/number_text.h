#pragma once
#include <cstddef>
#include <cstring>
#include <string_view>

namespace dmskafka {

/// A decimal number as databases print it, `-?digits[.digits]`, taken apart so that it can be written in the form of
/// wire-format.md §5: exact, no exponent, no zeros that say nothing. Inline, because most rows hold several.
struct NumberText {
  bool valid = false;
  bool negative = false;
  std::string_view whole;     ///< without leading zeros; "" for 0
  std::string_view fraction;  ///< without trailing zeros; "" when there is none

  static NumberText parse(std::string_view text) noexcept {
    NumberText number;
    const char* at = text.data();
    const char* const end = at + text.size();
    number.negative = at != end && *at == '-';
    if (number.negative) ++at;
    const char* const whole = at;
    while (at != end && *at >= '0' && *at <= '9') ++at;
    number.whole = {whole, static_cast<std::size_t>(at - whole)};
    std::size_t digits = number.whole.size();
    if (at != end && *at == '.') {
      const char* const fraction = ++at;
      while (at != end && *at >= '0' && *at <= '9') ++at;
      number.fraction = {fraction, static_cast<std::size_t>(at - fraction)};
      digits += number.fraction.size();
    }
    number.valid = at == end && digits != 0;
    while (!number.whole.empty() && number.whole.front() == '0') number.whole.remove_prefix(1);
    while (!number.fraction.empty() && number.fraction.back() == '0') number.fraction.remove_suffix(1);
    return number;
  }

  /// True when "%.15g" of the nearest double is write()'s text: at most 15 digits, and no exponent needed.
  bool is_its_own_double() const noexcept {
    if (whole.size() + fraction.size() > 15) return false;
    return !whole.empty() || fraction.empty() || fraction.find_first_not_of('0') < 4;
  }

  /// The most bytes write() writes.
  std::size_t size_max() const noexcept { return whole.size() + fraction.size() + 3; }
  /// Returns the end. REQUIRES: valid, and room for size_max() bytes.
  char* write(char* out) const noexcept {
    if (negative) *out++ = '-';
    if (whole.empty()) *out++ = '0';
    std::memcpy(out, whole.data(), whole.size());
    out += whole.size();
    if (fraction.empty()) return out;
    *out++ = '.';
    std::memcpy(out, fraction.data(), fraction.size());
    return out + fraction.size();
  }
};

}  // namespace dmskafka

#include "mapping/float_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

namespace dmskafka {

namespace {

// Writes the digits d1 d2 … dn times 10^(exponent) (one digit before the point) as "%.<precision>g" lays them
// out. REQUIRES: no trailing zero in `digits`, except the number 0.
char* lay_out(std::string_view digits, int exponent, int precision, char* out) noexcept {
  const int count = static_cast<int>(digits.size());
  const auto put = [&](std::string_view text) {
    std::memcpy(out, text.data(), text.size());
    out += text.size();
  };
  if (exponent < -4 || exponent >= precision) {
    *out++ = digits[0];
    if (count > 1) {
      *out++ = '.';
      put(digits.substr(1));
    }
    *out++ = 'e';
    *out++ = exponent < 0 ? '-' : '+';
    const int magnitude = std::abs(exponent);
    if (magnitude < 10) *out++ = '0';
    return std::to_chars(out, out + 3, magnitude).ptr;
  }
  if (exponent < 0) {
    put(std::string_view("0.0000").substr(0, static_cast<std::size_t>(1 - exponent)));
    put(digits);
    return out;
  }
  const int whole = exponent + 1;
  if (count <= whole) {
    put(digits);
    for (int i = count; i < whole; ++i) *out++ = '0';
    return out;
  }
  put(digits.substr(0, static_cast<std::size_t>(whole)));
  *out++ = '.';
  put(digits.substr(static_cast<std::size_t>(whole)));
  return out;
}

// The shortest digits that read back as the same double, and the exponent of the first.
struct ShortestDigits {
  std::array<char, 24> text;
  int count = 0;
  int exponent = 0;
};
ShortestDigits shortest_digits(double magnitude) noexcept {
  ShortestDigits digits;
  std::array<char, 32> buffer;  // "1.2345678901234567e-308"
  const char* end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), magnitude, std::chars_format::scientific)
          .ptr;
  const char* at = buffer.data();
  for (; *at != 'e'; ++at) {
    if (*at != '.') digits.text[static_cast<std::size_t>(digits.count++)] = *at;
  }
  ++at;
  if (*at == '+') ++at;
  std::from_chars(at, end, digits.exponent);
  return digits;
}

}  // namespace

char* format_float4(float value, char* out) noexcept {
  return std::to_chars(out, out + kFloatTextSize, static_cast<double>(value), std::chars_format::general, 9)
      .ptr;
}

// A decimal of at most 15 digits survives the way to a double and back to 15 digits (DBL_DIG). So where the
// shortest digits are at most 15, "%.15g" prints exactly those; where they are more, no 15 digits read back
// as the same double. Subnormal doubles have less precision, and there the argument does not hold.
char* format_float8(double value, char* out) noexcept {
  const double magnitude = std::fabs(value);
  if (magnitude >= std::numeric_limits<double>::min()) {
    const ShortestDigits digits = shortest_digits(magnitude);
    if (digits.count <= std::numeric_limits<double>::digits10) {
      if (value < 0) *out++ = '-';
      return lay_out({digits.text.data(), static_cast<std::size_t>(digits.count)}, digits.exponent, 15, out);
    }
    return std::to_chars(out, out + kFloatTextSize, value, std::chars_format::general, 17).ptr;
  }
  char* end = std::to_chars(out, out + kFloatTextSize, value, std::chars_format::general, 15).ptr;
  double back = 0;
  std::from_chars(out, end, back);
  if (back == value) return end;
  return std::to_chars(out, out + kFloatTextSize, value, std::chars_format::general, 17).ptr;
}

}  // namespace dmskafka

#include "sources/mysql/canonical_text.h"

#include <charconv>
#include <cstring>

namespace dmskafka::mysql {
namespace {

// The server's MAX_DECPT_FOR_F_FORMAT (strings/dtoa.c).
constexpr int kPlainPointMax = 15;

char* put(char* out, std::string_view text) noexcept {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* put_zeros(char* out, int count) noexcept {
  for (int i = 0; i < count; ++i) *out++ = '0';
  return out;
}

/// 0.DIGITS × 10^point.
char* lay_out(std::string_view digits, int point, char* out) noexcept {
  const int size = static_cast<int>(digits.size());
  if (point < 1 - kPlainPointMax || point > kPlainPointMax) {
    *out++ = digits[0];
    if (size > 1) out = put(put(out, "."), digits.substr(1));
    *out++ = 'e';
    return std::to_chars(out, out + 8, point - 1).ptr;
  }
  if (point <= 0) return put(put_zeros(put(out, "0."), -point), digits);
  if (point >= size) return put_zeros(put(out, digits), point - size);
  const auto whole = static_cast<std::size_t>(point);
  return put(put(put(out, digits.substr(0, whole)), "."), digits.substr(whole));
}

template <typename Float>
char* print(Float value, char* out) noexcept {
  char text[kFloatTextSizeMax];  // "-d.ddde-xx", the fewest digits that read back
  const char* const end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  const char* at = text;
  if (*at == '-') *out++ = *at++;
  char digits[kFloatTextSizeMax];
  std::size_t count = 0;
  for (; *at != 'e'; ++at) {
    if (*at != '.') digits[count++] = *at;
  }
  if (count == 1 && digits[0] == '0') return put(out, "0");
  int exponent = 0;
  std::from_chars(at[1] == '+' ? at + 2 : at + 1, end, exponent);
  return lay_out({digits, count}, exponent + 1, out);
}

}  // namespace

char* print_float4(float value, char* out) noexcept { return print(value, out); }
char* print_float8(double value, char* out) noexcept { return print(value, out); }

std::string_view without_padding(std::string_view number) noexcept {
  // ZEROFILL makes a column unsigned, so no sign stands before the zeros.
  while (number.size() > 1 && number[0] == '0' && number[1] >= '0' && number[1] <= '9') {
    number.remove_prefix(1);
  }
  return number;
}

}  // namespace dmskafka::mysql

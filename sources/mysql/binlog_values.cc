#include "sources/mysql/binlog_values.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace dmskafka::mysql {
namespace {

constexpr std::array<std::size_t, 10> kDigitBytes = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
constexpr std::array<std::uint32_t, 10> kPowers = {
    1, 10, 100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000, 100'000'000, 1'000'000'000};
// "00" to "99".
constexpr auto kTwoDigits = [] {
  std::array<char, 200> digits{};
  for (std::size_t i = 0; i < 100; ++i) {
    digits[2 * i] = static_cast<char>('0' + i / 10);
    digits[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return digits;
}();

std::uint64_t big_endian(std::string_view bytes) noexcept {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8U | static_cast<std::uint8_t>(byte);
  return value;
}

/// REQUIRES: value < 10^count, count <= 9.
char* put_digits(char* out, std::uint64_t value, std::size_t count) noexcept {
  auto rest = static_cast<std::uint32_t>(value);
  std::size_t i = count;
  for (; i >= 2; rest /= 100) {
    i -= 2;
    std::memcpy(out + i, kTwoDigits.data() + std::size_t{2} * (rest % 100), 2);
  }
  if (i == 1) *out = static_cast<char>('0' + rest);
  return out + count;
}

char* put_number(char* out, std::uint64_t value) noexcept { return std::to_chars(out, out + 20, value).ptr; }

/// `fraction` of `digits` digits as it is stored: with an odd number there is a digit more.
char* put_fraction(char* out, std::uint64_t stored, std::uint32_t digits) noexcept {
  if (digits == 0) return out;
  if (digits % 2 == 1) stored /= 10;
  if (stored >= kPowers[digits]) return nullptr;
  *out++ = '.';
  return put_digits(out, stored, digits);
}

char* put_clock(char* out, std::uint64_t hour, std::uint64_t minute, std::uint64_t second) noexcept {
  if (minute > 59 || second > 59) return nullptr;
  out = hour > 99 ? put_number(out, hour) : put_digits(out, hour, 2);
  *out++ = ':';
  out = put_digits(out, minute, 2);
  *out++ = ':';
  return put_digits(out, second, 2);
}

char* put_date(char* out, std::uint64_t year, std::uint64_t month, std::uint64_t day) noexcept {
  if (year > 9999 || month > 12 || day > 31) return nullptr;
  out = put_digits(out, year, 4);
  *out++ = '-';
  out = put_digits(out, month, 2);
  *out++ = '-';
  return put_digits(out, day, 2);
}

char* put_date_time(char* out, std::uint64_t year, std::uint64_t month, std::uint64_t day, std::uint64_t hour,
                    std::uint64_t minute, std::uint64_t second) noexcept {
  out = put_date(out, year, month, day);
  if (out == nullptr || hour > 23) return nullptr;
  *out++ = ' ';
  return put_clock(out, hour, minute, second);
}

/// Seconds since 1970 as a date and time of the Gregorian calendar.
char* put_unix_time(char* out, std::uint32_t seconds) noexcept {
  const std::uint32_t of_day = seconds % 86'400;
  // Days since 0000-03-01, so that the leap day is a year's last (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
  const std::uint32_t days = seconds / 86'400 + 719'468;
  const std::uint32_t era = days / 146'097;
  const std::uint32_t of_era = days % 146'097;
  const std::uint32_t year_of_era = (of_era - of_era / 1'460 + of_era / 36'524 - of_era / 146'096) / 365;
  const std::uint32_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::uint32_t shifted = (5 * of_year + 2) / 153;
  const std::uint32_t day = of_year - (153 * shifted + 2) / 5 + 1;
  const std::uint32_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  const std::uint32_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  return put_date_time(out, year, month, day, of_day / 3'600, of_day / 60 % 60, of_day % 60);
}

/// The groups of digits of a DECIMAL, front to back.
class DecimalGroups {
 public:
  explicit DecimalGroups(std::string_view bytes) noexcept
      : left_(bytes), flip_((static_cast<unsigned char>(bytes[0]) & 0x80U) == 0 ? UINT64_MAX : 0) {}

  bool negative() const noexcept { return flip_ != 0; }
  /// The next `digits` digits as a number; nullopt: the bytes say more digits than that.
  std::optional<std::uint32_t> next(std::size_t digits) noexcept {
    const std::size_t size = kDigitBytes[digits];
    if (size == 0) return 0;
    std::uint64_t value = big_endian(left_.substr(0, size));
    if (first_) value ^= std::uint64_t{0x80} << (8 * size - 8);
    first_ = false;
    value ^= flip_ >> (64 - 8 * size);
    left_.remove_prefix(size);
    if (value >= kPowers[digits]) return std::nullopt;
    return static_cast<std::uint32_t>(value);
  }

 private:
  std::string_view left_;
  std::uint64_t flip_;
  bool first_ = true;
};

}  // namespace

std::size_t decimal_size(std::uint32_t precision, std::uint32_t scale) noexcept {
  const std::uint32_t whole = precision - scale;
  return whole / 9 * 4 + kDigitBytes[whole % 9] + scale / 9 * 4 + kDigitBytes[scale % 9];
}

char* write_decimal(std::string_view bytes, std::uint32_t precision, std::uint32_t scale,
                    char* out) noexcept {
  if (bytes.size() != decimal_size(precision, scale) || bytes.empty()) return nullptr;
  DecimalGroups groups(bytes);
  if (groups.negative()) *out++ = '-';
  const char* const whole = out;
  const auto put_whole = [&](std::size_t digits) {
    const auto group = groups.next(digits);
    if (!group) return false;
    if (out != whole) {
      out = put_digits(out, *group, digits);
    } else if (*group != 0) {
      out = put_number(out, *group);
    }
    return true;
  };
  const std::uint32_t whole_digits = precision - scale;
  if (!put_whole(whole_digits % 9)) return nullptr;
  for (std::uint32_t i = 0; i < whole_digits / 9; ++i) {
    if (!put_whole(9)) return nullptr;
  }
  if (out == whole) *out++ = '0';
  if (scale == 0) return out;
  *out++ = '.';
  const auto put_fraction_group = [&](std::size_t digits) {
    const auto group = groups.next(digits);
    if (group) out = put_digits(out, *group, digits);
    return group.has_value();
  };
  for (std::uint32_t i = 0; i < scale / 9; ++i) {
    if (!put_fraction_group(9)) return nullptr;
  }
  if (!put_fraction_group(scale % 9)) return nullptr;
  return out;
}

char* write_date(std::uint32_t packed, char* out) noexcept {
  return put_date(out, packed >> 9U, packed >> 5U & 15U, packed & 31U);
}

char* write_year(std::uint8_t year, char* out) noexcept {
  return put_digits(out, year == 0 ? 0 : 1'900U + year, 4);
}

char* write_datetime2(std::string_view bytes, std::uint32_t digits, char* out) noexcept {
  if (bytes.size() != 5 + fraction_size(digits)) return nullptr;
  const std::uint64_t packed = big_endian(bytes.substr(0, 5)) - 0x80'0000'0000ULL;
  if (packed >> 39U != 0) return nullptr;  // a date before the year 0
  const std::uint64_t months = packed >> 22U;
  out = put_date_time(out, months / 13, months % 13, packed >> 17U & 31U, packed >> 12U & 31U,
                      packed >> 6U & 63U, packed & 63U);
  if (out == nullptr) return nullptr;
  return put_fraction(out, big_endian(bytes.substr(5)), digits);
}

char* write_time2(std::string_view bytes, std::uint32_t digits, char* out) noexcept {
  const std::size_t fraction_bytes = fraction_size(digits);
  if (bytes.size() != 3 + fraction_bytes) return nullptr;
  const auto shift = static_cast<unsigned>(8 * fraction_bytes);
  const std::int64_t value =
      static_cast<std::int64_t>(big_endian(bytes)) - (std::int64_t{0x80'0000} << shift);
  const auto magnitude = static_cast<std::uint64_t>(value < 0 ? -value : value);
  if (value < 0) *out++ = '-';
  const std::uint64_t clock = magnitude >> shift;
  out = put_clock(out, clock >> 12U, clock >> 6U & 63U, clock & 63U);
  if (out == nullptr) return nullptr;
  return put_fraction(out, magnitude & ((std::uint64_t{1} << shift) - 1), digits);
}

char* write_timestamp2(std::string_view bytes, std::uint32_t digits, char* out) noexcept {
  if (bytes.size() != 4 + fraction_size(digits)) return nullptr;
  const auto seconds = static_cast<std::uint32_t>(big_endian(bytes.substr(0, 4)));
  const std::uint64_t fraction = big_endian(bytes.substr(4));
  out = seconds == 0 && fraction == 0 ? put_date_time(out, 0, 0, 0, 0, 0, 0) : put_unix_time(out, seconds);
  return put_fraction(out, fraction, digits);
}

char* write_old_time(std::uint32_t packed, char* out) noexcept {
  std::int64_t value = packed;
  if (packed >= 0x80'0000) value -= 0x100'0000;
  const auto magnitude = static_cast<std::uint64_t>(value < 0 ? -value : value);
  if (value < 0) *out++ = '-';
  return put_clock(out, magnitude / 10'000, magnitude / 100 % 100, magnitude % 100);
}

char* write_old_datetime(std::uint64_t packed, char* out) noexcept {
  const std::uint64_t date = packed / 1'000'000;
  const std::uint64_t clock = packed % 1'000'000;
  return put_date_time(out, date / 10'000, date / 100 % 100, date % 100, clock / 10'000, clock / 100 % 100,
                       clock % 100);
}

char* write_old_timestamp(std::uint32_t seconds, char* out) noexcept {
  return seconds == 0 ? put_date_time(out, 0, 0, 0, 0, 0, 0) : put_unix_time(out, seconds);
}

char* write_packed_datetime(std::int64_t packed, char* out) noexcept {
  if (packed < 0) return nullptr;
  const auto value = static_cast<std::uint64_t>(packed);
  const std::uint64_t clock = value >> 24U;
  const std::uint64_t months = clock >> 22U;
  out = put_date_time(out, months / 13, months % 13, clock >> 17U & 31U, clock >> 12U & 31U,
                      clock >> 6U & 63U, clock & 63U);
  if (out == nullptr) return nullptr;
  return put_fraction(out, value & 0xFF'FFFFU, 6);
}

char* write_packed_date(std::int64_t packed, char* out) noexcept {
  if (packed < 0) return nullptr;
  const std::uint64_t clock = static_cast<std::uint64_t>(packed) >> 24U;
  const std::uint64_t months = clock >> 22U;
  return put_date(out, months / 13, months % 13, clock >> 17U & 31U);
}

char* write_packed_time(std::int64_t packed, char* out) noexcept {
  if (packed == INT64_MIN) return nullptr;
  const auto magnitude = static_cast<std::uint64_t>(packed < 0 ? -packed : packed);
  if (packed < 0) *out++ = '-';
  const std::uint64_t clock = magnitude >> 24U;
  if (clock >> 12U > 1'023) return nullptr;
  out = put_clock(out, clock >> 12U, clock >> 6U & 63U, clock & 63U);
  if (out == nullptr) return nullptr;
  return put_fraction(out, magnitude & 0xFF'FFFFU, 6);
}

char* write_uuid(std::string_view bytes, char* out) noexcept {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *out++ = '-';
    const auto byte = static_cast<unsigned char>(bytes[i]);
    *out++ = kHex[byte >> 4U];
    *out++ = kHex[byte & 15U];
  }
  return out;
}

char* write_inet4(std::string_view bytes, char* out) noexcept {
  for (std::size_t i = 0; i < 4; ++i) {
    if (i > 0) *out++ = '.';
    out = put_number(out, static_cast<unsigned char>(bytes[i]));
  }
  return out;
}

char* write_inet6(std::string_view bytes, char* out) noexcept {
  if (inet_ntop(AF_INET6, bytes.data(), out, kValueTextSize) == nullptr) return nullptr;
  return out + std::strlen(out);
}

}  // namespace dmskafka::mysql

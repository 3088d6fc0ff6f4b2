#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dmskafka::mysql {

/// Values of the log as the text that the server's text protocol prints for them. Each writes to `out`, which has room for
/// kValueTextSize bytes, and returns the end of what it wrote; nullptr: the bytes are no such value.
inline constexpr std::size_t kValueTextSize = 96;

/// Bytes that a DECIMAL(precision, scale) takes. REQUIRES: scale <= precision <= 65.
std::size_t decimal_size(std::uint32_t precision, std::uint32_t scale) noexcept;
/// DECIMAL: groups of nine digits in four bytes, the rest in {0,1,1,2,2,3,3,4,4} bytes, big-endian; the integer part's rest stands
/// first. The top bit is flipped; of a negative number all bits are.
char* write_decimal(std::string_view bytes, std::uint32_t precision, std::uint32_t scale, char* out) noexcept;

/// DATE: 24 bits, day 5, month 4, year 15. Parts may be zero.
char* write_date(std::uint32_t packed, char* out) noexcept;
/// YEAR: years since 1900, 0 for 0000.
char* write_year(std::uint8_t year, char* out) noexcept;
/// Bytes of a fraction of `digits` digits.
constexpr std::size_t fraction_size(std::uint32_t digits) noexcept { return (digits + 1) / 2; }
/// DATETIME(digits): 40 bits less 0x8000000000 (year × 13 + month 17, day 5, hour 5, minute 6, second 6), then the fraction.
char* write_datetime2(std::string_view bytes, std::uint32_t digits, char* out) noexcept;
/// TIME(digits): 24 bits and the fraction as one number less 0x800000 << 8 × fraction bytes; the magnitude is hour 10, minute 6,
/// second 6 bits, then the fraction.
char* write_time2(std::string_view bytes, std::uint32_t digits, char* out) noexcept;
/// TIMESTAMP(digits): seconds since 1970 as 32 bits, then the fraction. Printed in UTC; 0 is the zero date.
char* write_timestamp2(std::string_view bytes, std::uint32_t digits, char* out) noexcept;
/// The forms of before MySQL 5.6, still in tables of that age: i24 HHMMSS; u64 YYYYMMDDhhmmss; u32 seconds.
char* write_old_time(std::uint32_t packed, char* out) noexcept;
char* write_old_datetime(std::uint64_t packed, char* out) noexcept;
char* write_old_timestamp(std::uint32_t seconds, char* out) noexcept;

/// Times inside JSON documents: a packed number whose low 24 bits are microseconds. Always six digits.
char* write_packed_datetime(std::int64_t packed, char* out) noexcept;
char* write_packed_date(std::int64_t packed, char* out) noexcept;
char* write_packed_time(std::int64_t packed, char* out) noexcept;

/// UUID in the usual order; INET4 dotted; INET6 as inet_ntop writes it. REQUIRES: 16, 4, 16 bytes.
char* write_uuid(std::string_view bytes, char* out) noexcept;
char* write_inet4(std::string_view bytes, char* out) noexcept;
char* write_inet6(std::string_view bytes, char* out) noexcept;

}  // namespace dmskafka::mysql

// The bytes follow MySQL's manual and source: "Date and Time Data Type Representation" for the forms since 5.6.4, and the comment on
// decimal2bin() for DECIMAL.
#include "sources/mysql/binlog_values.h"

#include <doctest/doctest.h>

#include <string>

#include "test/support/typed_bytes.h"

namespace dmskafka::mysql {
namespace {

template <typename Write>
std::string text_of(const Write& write) {
  char out[kValueTextSize];
  const char* const end = write(out);
  return end == nullptr ? "(unreadable)" : std::string(out, static_cast<std::size_t>(end - out));
}
std::string decimal(std::string_view typed, std::uint32_t precision, std::uint32_t scale) {
  const std::string bytes = typed_bytes(typed);
  return text_of([&](char* out) { return write_decimal(bytes, precision, scale, out); });
}
std::string time2(std::string_view typed, std::uint32_t digits) {
  const std::string bytes = typed_bytes(typed);
  return text_of([&](char* out) { return write_time2(bytes, digits, out); });
}
std::string datetime2(std::string_view typed, std::uint32_t digits) {
  const std::string bytes = typed_bytes(typed);
  return text_of([&](char* out) { return write_datetime2(bytes, digits, out); });
}
std::string timestamp2(std::string_view typed, std::uint32_t digits) {
  const std::string bytes = typed_bytes(typed);
  return text_of([&](char* out) { return write_timestamp2(bytes, digits, out); });
}

}  // namespace

TEST_CASE("binlog_values: DECIMAL has exact digits, the scale's zeros and no others") {
  // The manual's own example: 1234567890.1234 as DECIMAL(14,4).
  CHECK(decimal("81 0DFB38D2 04D2", 14, 4) == "1234567890.1234");
  CHECK(decimal("7E F204C72D FB2D", 14, 4) == "-1234567890.1234");
  CHECK(decimal("80 00000000 0000", 14, 4) == "0.0000");
  CHECK(decimal("8001 32", 5, 2) == "1.50");
  CHECK(decimal("7FFE CD", 5, 2) == "-1.50");
  CHECK(decimal("81", 1, 0) == "1");
  CHECK(decimal("8001", 5, 2) == "(unreadable)");
  CHECK(decimal("8001 FF", 5, 2) == "(unreadable)");
  CHECK(decimal_size(65, 30) == 30);
}

TEST_CASE("binlog_values: a negative TIME with a fraction is one number") {
  // -00:00:00.5: 0x800000 << 8 less 50 of a hundredth.
  CHECK(time2("7FFFFF CE", 1) == "-00:00:00.5");
  CHECK(time2("7FFFFF FFFFFF", 6) == "-00:00:00.000001");
  CHECK(time2("7FEFFF FFFFFF", 6) == "-01:00:00.000001");
  CHECK(time2("800000", 0) == "00:00:00");
  // 838:59:59 = 838 << 12 | 59 << 6 | 59
  CHECK(time2("B46EFB", 0) == "838:59:59");
  CHECK(time2("4B9105", 0) == "-838:59:59");
  CHECK(time2("B46EFB 0F423F", 6) == "838:59:59.999999");
  CHECK(time2("800FFF", 0) == "(unreadable)");  // minute 63
  CHECK(time2("8000", 0) == "(unreadable)");
}

TEST_CASE("binlog_values: DATETIME, zero dates, and fractions of every length") {
  // 2024-02-29 23:59:59: (2024 * 13 + 2) << 22 | 29 << 17 | 23 << 12 | 59 << 6 | 59, plus 0x8000000000.
  CHECK(datetime2("99B2BB7EFB", 0) == "2024-02-29 23:59:59");
  CHECK(datetime2("99B2BB7EFB 0A", 1) == "2024-02-29 23:59:59.1");
  CHECK(datetime2("99B2BB7EFB 0C", 2) == "2024-02-29 23:59:59.12");
  CHECK(datetime2("99B2BB7EFB 04CE", 3) == "2024-02-29 23:59:59.123");
  CHECK(datetime2("99B2BB7EFB 04D2", 4) == "2024-02-29 23:59:59.1234");
  CHECK(datetime2("99B2BB7EFB 01E23A", 5) == "2024-02-29 23:59:59.12345");
  CHECK(datetime2("99B2BB7EFB 01E240", 6) == "2024-02-29 23:59:59.123456");
  CHECK(datetime2("8000000000", 0) == "0000-00-00 00:00:00");
  CHECK(datetime2("8000000000 000000", 6) == "0000-00-00 00:00:00.000000");
  CHECK(datetime2("7000000000", 0) == "(unreadable)");
  CHECK(datetime2("99B2BB7EFB FFFFFF", 6) == "(unreadable)");
}

TEST_CASE("binlog_values: TIMESTAMP is UTC from 1970 to 2106") {
  CHECK(timestamp2("00000000", 0) == "0000-00-00 00:00:00");
  CHECK(timestamp2("00000001", 0) == "1970-01-01 00:00:01");
  CHECK(timestamp2("7FFFFFFF 0F423F", 6) == "2038-01-19 03:14:07.999999");
  CHECK(timestamp2("FFFFFFFF", 0) == "2106-02-07 06:28:15");
  CHECK(timestamp2("65E0F500", 0) == "2024-02-29 21:20:00");  // date -u -d @1709241600 + 21:20
}

TEST_CASE("binlog_values: dates, years and the forms of old tables") {
  const auto date = [](std::uint32_t packed) {
    return text_of([&](char* out) { return write_date(packed, out); });
  };
  CHECK(date(2024U << 9U | 2U << 5U | 29U) == "2024-02-29");
  CHECK(date(2024U << 9U | 10U) == "2024-00-10");
  CHECK(date(0) == "0000-00-00");
  CHECK(date(0xFFFFFF) == "(unreadable)");
  const auto year = [](std::uint8_t value) {
    return text_of([&](char* out) { return write_year(value, out); });
  };
  CHECK(year(0) == "0000");
  CHECK(year(255) == "2155");
  CHECK(text_of([](char* out) { return write_old_time(0x1000000 - 8'385'959, out); }) == "-838:59:59");
  CHECK(text_of([](char* out) { return write_old_datetime(20'240'229'235'959, out); }) ==
        "2024-02-29 23:59:59");
  CHECK(text_of([](char* out) { return write_old_timestamp(0, out); }) == "0000-00-00 00:00:00");
}

TEST_CASE("binlog_values: addresses and UUID") {
  const std::string bytes = typed_bytes("123e4567e89b12d3a456426614174000");
  CHECK(text_of([&](char* out) { return write_uuid(bytes, out); }) == "123e4567-e89b-12d3-a456-426614174000");
  CHECK(text_of([](char* out) { return write_inet4(typed_bytes("C0000201"), out); }) == "192.0.2.1");
  CHECK(text_of([](char* out) {
          return write_inet6(typed_bytes("20010db8000000000000000000000001"), out);
        }) == "2001:db8::1");
}

}  // namespace dmskafka::mysql

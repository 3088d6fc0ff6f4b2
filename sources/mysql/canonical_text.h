#pragma once
#include <cstddef>
#include <string_view>

namespace dmskafka::mysql {

// The canonical text of MySQL's and MariaDB's values: what the readers of rows and of the binary log both put into a Value, byte
// for byte. It is what the server prints to a client with utf8mb4, time_zone '+00:00' and sql_mode '', except where said.
// column_types.h gives each column the ValueKind that writes it.
//
//   type                        form    text, by example
//   TINYINT … BIGINT            kText   -128   18446744073709551615        ZEROFILL's padding is cut: 00042 -> 42
//   YEAR                        kText   1999   0000                        four digits
//   DECIMAL(12,2)               kText   1500.00   -0.50   0.00             all digits of the scale; ZEROFILL: 01.50 -> 1.50
//   FLOAT                       kText   2.2   1e20   -0                    not the server's six digits: print_float4()
//   DOUBLE                      kText   0.1   1e-16   123456789012345      print_float8(); DOUBLE(M,D) too, not in its D digits
//   BIT(1)                      kText   0   1
//   BIT(2) … BIT(64)            kBytes  05   (2 bytes from BIT(9) on)      big-endian, (n + 7) / 8 bytes
//   DATE                        kText   2024-02-29   0000-00-00   2024-00-00
//   DATETIME(n), TIMESTAMP(n)   kText   2024-02-29 23:59:60.120000         exactly n digits behind the point, none for n = 0
//   TIME(n)                     kText   -838:59:59   00:00:00.5            at least two digits of hours; likewise
//   CHAR, VARCHAR, TEXT         kText   UTF-8; CHAR without the blanks at its end
//   ENUM                        kText   the label; index 0: the empty text
//   SET                         kText   a,c                                labels in the order of the definition
//   BINARY(n), VARBINARY, BLOB  kBytes  raw; BINARY(n) with its zeros, n bytes in all
//   JSON of MySQL               kText   {"a": 1, "bb": [true, null]}       as the server prints it
//   JSON of MariaDB             kText   the text that was stored (it is LONGTEXT)
//   GEOMETRY and its kinds      kBytes  4 bytes of SRID (little-endian), then WKB
//   VECTOR                      kBytes  raw
//   UUID, INET6, INET4          kText   123e4567-e89b-12d3-a456-426614174000   2001:db8::1   192.0.2.1

/// Room that print_float4() and print_float8() need.
inline constexpr std::size_t kFloatTextSizeMax = 40;

/// The shortest digits that read back to the same value, laid out as the server does: plain where the value is 0.d × 10^e with
/// e from -14 to 15, else 1.5e20, 1e-16. Writes to `out`, without a NUL; gives the end. REQUIRES: finite.
char* print_float4(float value, char* out) noexcept;
char* print_float8(double value, char* out) noexcept;

/// "00042" -> "42", "0000.50" -> "0.50", "000" -> "0": an unsigned number without the zeros in front of it.
std::string_view without_padding(std::string_view number) noexcept;

}  // namespace dmskafka::mysql

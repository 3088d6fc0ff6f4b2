// Documents are typed from the format that MySQL's source describes in sql-common/json_binary.h, and compared with what MySQL 8.0.31
// printed for them.
#include "sources/mysql/json_binary.h"

#include <doctest/doctest.h>

#include "test/support/typed_bytes.h"

namespace dmskafka::mysql {
namespace {

std::string text_of(std::string_view typed) {
  const std::string bytes = typed_bytes(typed);
  ByteBuffer out;
  return append_json_text({bytes.data(), bytes.size()}, out) ? std::string(out.view()) : "(unreadable)";
}

std::string patched(std::string_view typed_before, std::string_view typed_diffs) {
  const std::string before = typed_bytes(typed_before);
  const std::string bytes = typed_bytes(typed_diffs);
  std::vector<JsonDiff> diffs;
  ByteBuffer out;
  if (!parse_json_diffs(bytes, diffs)) return "(unreadable diffs)";
  return append_patched_json(before, diffs, out) ? std::string(out.view()) : "(does not fit)";
}

// {"a": 1, "b": [true, null]}: 2 members, 34 bytes; key entries at 22 (0x12 + …).
constexpr std::string_view kObject =
    "00 0200 2000 1200 0100 1300 0100 05 0100 02 1400 'a' 'b' 0200 0C00 04 0100 04 0000 0000";

}  // namespace

TEST_CASE("json_binary: scalars") {
  CHECK(text_of("") == "null");
  CHECK(text_of("04 00") == "null");
  CHECK(text_of("04 01") == "true");
  CHECK(text_of("04 02") == "false");
  CHECK(text_of("04 03") == "(unreadable)");
  CHECK(text_of("05 FFFF") == "-1");
  CHECK(text_of("06 FFFF") == "65535");
  CHECK(text_of("07 00000080") == "-2147483648");
  CHECK(text_of("08 FFFFFFFF") == "4294967295");
  CHECK(text_of("09 0000000000000080") == "-9223372036854775808");
  CHECK(text_of("0A FFFFFFFFFFFFFFFF") == "18446744073709551615");
  CHECK(text_of("0B 000000000000F03F") == "1.0");
  CHECK(text_of("0B 9A9999999999B93F") == "0.1");
  CHECK(text_of("0B 9C7500883CE4377E") == "1e300");
  CHECK(text_of("0C 05 'he' 0A '\"' '\\'") == "\"he\\n\\\"\\\\\"");
  CHECK(text_of("0C 01 1F") == "\"\\u001f\"");
  // DECIMAL(14,4), DATETIME (2015 * 13 + 1) << 22 | 11 << 17 | 23 << 12 | 24 << 6 | 25 with 120,000 µs, and bytes.
  CHECK(text_of("0F F6 09 0E04 810DFB38D204D2") == "1234567890.1234");
  CHECK(text_of("0F 0C 08 C0D4011976179519") == "\"2015-01-11 23:24:25.120000\"");
  CHECK(text_of("0F FC 03 010203") == "\"base64:type252:AQID\"");
  CHECK(text_of("0F FC 01 01") == "\"base64:type252:AQ==\"");
}

TEST_CASE("json_binary: objects and arrays") {
  CHECK(text_of(kObject) == "{\"a\": 1, \"b\": [true, null]}");
  CHECK(text_of("00 0000 0400") == "{}");
  CHECK(text_of("02 0000 0400") == "[]");
  CHECK(text_of("01 00000000 08000000") == "{}");
  // Large array: an int32 stands in its entry.
  CHECK(text_of("03 01000000 0D000000 07 FFFFFFFF") == "[-1]");
}

TEST_CASE("json_binary: every document cut short is refused, or is another document") {
  const std::string whole = typed_bytes(kObject);
  for (std::size_t size = 1; size + 1 < whole.size(); ++size) {
    const std::vector<char> part(whole.data(),
                                 whole.data() + size);  // of its own, so that a sanitizer sees its end
    ByteBuffer out;
    CHECK(!append_json_text({part.data(), part.size()}, out));
  }
  for (std::size_t i = 0; i < whole.size() * 8; ++i) {
    std::string flipped = whole;
    flipped[i / 8] = static_cast<char>(flipped[i / 8] ^ (1 << (i % 8)));
    const std::vector<char> copy(flipped.begin(), flipped.end());
    ByteBuffer out;
    (void)append_json_text({copy.data(), copy.size()}, out);
  }
}

TEST_CASE("json_binary: a container that contains itself ends") {
  CHECK(text_of("02 0100 0700 02 0000") == "(unreadable)");
  CHECK(text_of("02 0100 0700 02 0400") == "(unreadable)");
  // Nested beyond what the server allows.
  std::string deep;
  for (int i = 0; i < 200; ++i) deep += typed_bytes("02 0100 FF7F 02 0700");
  ByteBuffer out;
  CHECK(!append_json_text(deep, out));
}

TEST_CASE("json_binary: diffs replace, insert and remove in their order") {
  CHECK(patched(kObject, "00 03 '$.a' 03 05 0200") == "{\"a\": 2, \"b\": [true, null]}");
  CHECK(patched(kObject, "01 04 '$.aa' 02 04 01") == "{\"a\": 1, \"b\": [true, null], \"aa\": true}");
  CHECK(patched(kObject, "02 06 '$.b[0]'") == "{\"a\": 1, \"b\": [null]}");
  CHECK(patched(kObject, "01 06 '$.b[1]' 03 05 0700") == "{\"a\": 1, \"b\": [true, 7, null]}");
  CHECK(patched(kObject, "01 06 '$.b[9]' 03 05 0700") == "{\"a\": 1, \"b\": [true, null, 7]}");
  CHECK(patched(kObject, "02 03 '$.a' 02 05 '$.\"b\"'") == "{}");
  CHECK(patched(kObject, "00 01 '$' 02 04 00") == "null");
  CHECK(patched(kObject, "00 03 '$.x' 02 04 00") == "(does not fit)");
  CHECK(patched(kObject, "02 03 '$.x'") == "(does not fit)");
  CHECK(patched(kObject, "00 02 '.a' 02 04 00") == "(does not fit)");
  CHECK(patched(kObject, "03 03 '$.a'") == "(unreadable diffs)");
  CHECK(patched(kObject, "00 03 '$.a' 03 05 02") == "(unreadable diffs)");
}

}  // namespace dmskafka::mysql

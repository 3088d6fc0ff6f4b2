#include "sources/mysql/charset.h"

#include <doctest/doctest.h>

#include "test/support/typed_bytes.h"

namespace dmskafka::mysql {
namespace {

std::string converted(std::string_view charset, std::string_view typed) {
  auto converter = CharsetConverter::make(charset);
  return converter ? (*converter)->to_utf8(typed_bytes(typed)) : converter.error().message();
}

}  // namespace

TEST_CASE("charset: collations by number and by name") {
  CHECK(charset_of_collation(8) == "latin1");
  CHECK(charset_of_collation(33) == "utf8mb3");
  CHECK(charset_of_collation(45) == "utf8mb4");
  CHECK(charset_of_collation(63) == "binary");
  CHECK(charset_of_collation(255) == "utf8mb4");
  CHECK(charset_of_collation(28) == "gbk");
  CHECK(charset_of_collation(1032) == "latin1");   // latin1_swedish_nopad_ci
  CHECK(charset_of_collation(2304) == "utf8mb4");  // utf8mb4_uca1400_ai_ci
  CHECK(charset_of_collation(2048) == "utf8mb3");
  CHECK(charset_of_collation(999) == "");
  CHECK(charset_of_collation_name("utf8mb4_0900_ai_ci") == "utf8mb4");
  CHECK(charset_of_collation_name("utf8_general_ci") == "utf8mb3");
  CHECK(charset_of_collation_name("binary") == "binary");
}

TEST_CASE("charset: latin1 is Windows' 1252 with the control characters in its holes") {
  CHECK(converted("latin1", "41 E9 80") == "A\xC3\xA9\xE2\x82\xAC");
  CHECK(converted("latin1", "81 8D 8F 90 9D") == "\xC2\x81\xC2\x8D\xC2\x8F\xC2\x90\xC2\x9D");
  CHECK(converted("latin1", "00") == std::string(1, '\0'));
}

TEST_CASE("charset: sets of several bytes, and what is no character") {
  CHECK(converted("gbk", "'x' D6D0 CEC4") == "x\xE4\xB8\xAD\xE6\x96\x87");
  CHECK(converted("utf16", "0041 D83D DE00") == "A\xF0\x9F\x98\x80");
  CHECK(converted("utf16le", "4100") == "A");
  CHECK(converted("utf32", "0001F600") == "\xF0\x9F\x98\x80");
  CHECK(converted("cp1251", "CF F0") == "\xD0\x9F\xD1\x80");
  CHECK(converted("gbk", "'a' FF 'b'") ==
        "a\xEF\xBF\xBD"
        "b");
  CHECK(converted("utf16", "0041 D8") == "A\xEF\xBF\xBD");
  CHECK(converted("utf8mb4", "F09F9880") == "\xF0\x9F\x98\x80");
  CHECK(converted("keybcs2", "41") == "text in the character set keybcs2 cannot be read");
}

}  // namespace dmskafka::mysql

#include "sources/postgres/lsn.h"

#include <doctest/doctest.h>

namespace dmskafka::postgres {

TEST_CASE("lsn: what the server prints is read and printed again unchanged") {
  for (const char* text : {"0/0", "0/16B3748", "4AF/B00000D0", "FFFFFFFF/FFFFFFFF"}) {
    REQUIRE(parse_lsn(text));
    CHECK(format_lsn(*parse_lsn(text)) == text);
  }
  CHECK(parse_lsn("0/16B3748") == 0x16B3748U);
  CHECK(parse_lsn("4AF/B00000D0") == 0x4AFB00000D0U);
  CHECK(parse_lsn("000004af/b00000d0") == 0x4AFB00000D0U);  // DMS pads, and pg_lsn takes lower case
}

TEST_CASE("lsn: everything else is refused") {
  for (const char* text :
       {"", "/", "0/", "/0", "0", "0/G", "0/0 ", " 0/0", "-1/0", "+1/0", "0/123456789", "0/1/2", "0x1/0"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_lsn(text));
  }
}

TEST_CASE("lsn: positions are ordered by offset, not by text") {
  CHECK(lsn_position(*parse_lsn("9/0")) < lsn_position(*parse_lsn("10/0")));
  CHECK(lsn_position(*parse_lsn("1/FFFFFFFF")) < lsn_position(*parse_lsn("2/0")));
  CHECK(lsn_position(*parse_lsn("2/A")) == lsn_position(*parse_lsn("2/0000000A")));
  CHECK(lsn_position(0x16B3748).text == "0/16B3748");
  CHECK_FALSE(lsn_position(0).empty());
}

}  // namespace dmskafka::postgres

#include "sources/mysql/identifier.h"

#include <doctest/doctest.h>

using namespace dmskafka::mysql;  // NOLINT(google-build-using-namespace)

TEST_CASE("identifier: names and literals reach the server as they are") {
  CHECK(quote_identifier("a`b\"c d") == "`a``b\"c d`");
  CHECK(quote_table({"my-db", "sélect"}) == "`my-db`.`sélect`");
  CHECK(quote_literal("it's \\ \"x\"") == "'it\\'s \\\\ \"x\"'");
  CHECK(quote_literal(std::string_view("a\0b", 3)) == "'a\\0b'");
  CHECK(hex_literal(std::string_view("\0\xff", 2)) == "x'00FF'");
  CHECK(hex_literal("") == "x''");
  CHECK(quote_account("app@%") == "'app'@'%'");
  CHECK(quote_account("o'neil@10.0.0.1") == "'o\\'neil'@'10.0.0.1'");
}

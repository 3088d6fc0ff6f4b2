#include "sources/postgres/identifier.h"

#include <doctest/doctest.h>

namespace dmskafka::postgres {

TEST_CASE("identifier: quotes are doubled and nothing else changes") {
  CHECK(quote_identifier("orders") == R"("orders")");
  CHECK(quote_identifier("Order Items") == R"("Order Items")");
  CHECK(quote_identifier(R"(say "hi")") == R"("say ""hi""")");
  CHECK(quote_identifier(R"(back\slash)") == R"("back\slash")");
  CHECK(quote_identifier("größe☃") == "\"größe☃\"");
  CHECK(quote_table({"my schema", "a\"; drop table b; --"}) == R"("my schema"."a""; drop table b; --")");
}

TEST_CASE("identifier: an array literal keeps commas, quotes, backslashes and the word NULL as text") {
  CHECK(array_literal({}) == "{}");
  CHECK(array_literal({"a", "NULL", "x,y", R"(q"b\)", ""}) == R"({"a","NULL","x,y","q\"b\\",""})");
}

}  // namespace dmskafka::postgres

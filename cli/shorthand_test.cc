#include "cli/shorthand.h"

#include <doctest/doctest.h>

namespace dmskafka {
namespace {

std::string json(std::string_view text) {
  const auto result = json_from_shorthand("--kafka-settings", text);
  return result ? *result : "error: " + result.error().to_string();
}

TEST_CASE("shorthand: is told from JSON, paths and URLs") {
  CHECK(looks_like_shorthand("Broker=h:9092,Topic=t"));
  CHECK_FALSE(looks_like_shorthand(R"({"Broker":"a=b"})"));
  CHECK_FALSE(looks_like_shorthand("file://kafka.json"));
  CHECK_FALSE(looks_like_shorthand("postgresql://h/db?sslmode=require"));
  CHECK_FALSE(looks_like_shorthand("kafka.json"));
}

TEST_CASE("shorthand: members become JSON strings") {
  CHECK(json("Broker=h:9092,Topic=t") == R"({"Broker":"h:9092","Topic":"t"})");
  CHECK(json("SaslPassword=12345,NoHexPrefix=true") == R"({"SaslPassword":"12345","NoHexPrefix":"true"})");
}

TEST_CASE("shorthand: a value without a name continues the list before it") {
  CHECK(json("Broker=a:9092,b:9092,Topic=t") == R"({"Broker":"a:9092,b:9092","Topic":"t"})");
}

TEST_CASE("shorthand: quotes hold commas and equals signs") {
  CHECK(json(R"(SaslPassword="a,b=c",Topic='t')") == R"({"SaslPassword":"a,b=c","Topic":"t"})");
  CHECK(json("SaslPassword=a=b") == R"({"SaslPassword":"a=b"})");
  CHECK(json(R"(Topic=say "hi")") == R"({"Topic":"say \"hi\""})");
}

TEST_CASE("shorthand: an open quote is an error that does not show the text") {
  CHECK(json("SaslPassword='secret") ==
        "error: --kafka-settings: a quote is not closed before the next comma");
}

}  // namespace
}  // namespace dmskafka

#include "core/json/secret_spans.h"

#include <doctest/doctest.h>

#include <string>

using namespace dmskafka;  // NOLINT(google-build-using-namespace)

namespace {

std::string hidden(std::string_view text) {
  std::string out;
  std::size_t at = 0;
  for (const SecretSpan& span : find_secrets(text)) {
    out += std::string(text.substr(at, span.begin - at)) + "***";
    at = span.end;
  }
  return out + std::string(text.substr(at));
}

}  // namespace

TEST_CASE("secret_spans: members of JSON") {
  CHECK(hidden(R"({"Password": "a\"b", "x": 1})") == R"({"Password": "***", "x": 1})");
  CHECK(hidden("{\"SslClientKeyPassword\"\n : \"a,b}\"}") == "{\"SslClientKeyPassword\"\n : \"***\"}");
  CHECK(hidden(R"({"sasl.oauthbearer.client.secret":"s","sasl.password" : "t"})") ==
        R"({"sasl.oauthbearer.client.secret":"***","sasl.password" : "***"})");
  CHECK(hidden(R"({"Password": 12345, "x": 1})") == R"({"Password": ***, "x": 1})");
  CHECK(hidden(R"({"Password": null, "secret": {"a": 1}})") == R"({"Password": null, "secret": {"a": 1}})");
  CHECK(hidden(R"({"Password": "", "Passwords known": true})") ==
        R"({"Password": "", "Passwords known": true})");
}

TEST_CASE("secret_spans: a list where a string belongs") {
  CHECK(hidden(R"({"Password": ["a", "b"], "x": 1})") == R"({"Password": ***], "x": 1})");
}

TEST_CASE("secret_spans: an unclosed value is hidden to the end") {
  CHECK(hidden("{\"Password\": \"abc\n}") == "{\"Password\": \"***");
}

TEST_CASE("secret_spans: JSON within a JSON string") {
  CHECK(hidden(R"({"S": "{\"sasl.password\": \"a\\\"b\", \"x\": 1}"})") ==
        R"({"S": "{\"sasl.password\": \"***\", \"x\": 1}"})");
}

TEST_CASE("secret_spans: lists and URLs") {
  CHECK(hidden("ECA: \"a=1;password=x y;b=2\"") == "ECA: \"a=1;password=***;b=2\"");
  CHECK(hidden("postgresql://u:p%40w@h:5432/d") == "postgresql://u:***@h:5432/d");
  CHECK(hidden("postgresql://u:p@w@h/d?password=q&x=1") == "postgresql://u:***@h/d?password=***&x=1");
  CHECK(hidden("kafka://h:9092,g:9092/t") == "kafka://h:9092,g:9092/t");
  CHECK(hidden("postgresql://u@h:5432/d") == "postgresql://u@h:5432/d");
}

TEST_CASE("secret_spans: references are no secrets") {
  CHECK(hidden(R"({"Password": "${env:PGPASSWORD}"})") == R"({"Password": "${env:PGPASSWORD}"})");
}

#include "sources/postgres/connect_parameters.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace dmskafka::postgres {
namespace {

SourceSettings endpoint() {
  SourceSettings settings;
  settings.host = "db.example";
  settings.port = 5433;
  settings.username = "reader";
  settings.password = "it's \\ secret";
  settings.database_name = "my shop";
  return settings;
}

std::string value(const ConnectParameters& parameters, const char* keyword) {
  const std::string* found = parameters.find(keyword);
  return found != nullptr ? *found : "(absent)";
}

}  // namespace

TEST_CASE("connect_parameters: the endpoint's settings arrive as they are, without any quoting") {
  const auto parameters = connect_parameters(endpoint());
  REQUIRE(parameters.ok());
  CHECK(value(*parameters, "host") == "db.example");
  CHECK(value(*parameters, "port") == "5433");
  CHECK(value(*parameters, "user") == "reader");
  CHECK(value(*parameters, "password") == "it's \\ secret");
  CHECK(value(*parameters, "dbname") == "my shop");
  CHECK(value(*parameters, "application_name") == "dmskafka");
  CHECK(value(*parameters, "client_encoding") == "UTF8");
  CHECK(value(*parameters, "options").find("-c TimeZone=UTC") != std::string::npos);
  CHECK(parameters->timeout == std::chrono::seconds(15));
}

TEST_CASE("connect_parameters: what is not given is left to libpq") {
  const auto parameters = connect_parameters(SourceSettings{});
  REQUIRE(parameters.ok());
  for (const char* keyword : {"host", "port", "user", "password", "dbname", "sslrootcert"}) {
    CAPTURE(keyword);
    CHECK(parameters->find(keyword) == nullptr);
  }
}

TEST_CASE("connect_parameters: SslMode is libpq's sslmode, and an unset one leaves the URL's word") {
  SourceSettings settings = endpoint();
  const auto mode = [&] { return value(*connect_parameters(settings), "sslmode"); };
  CHECK(mode() == "disable");
  settings.ssl_mode = SslMode::kRequire;
  CHECK(mode() == "require");
  settings.ssl_mode = SslMode::kVerifyCa;
  CHECK(mode() == "verify-ca");
  settings.ssl_mode = SslMode::kVerifyFull;
  settings.ca_certificate = "/etc/ssl/ca of ours.pem";
  CHECK(mode() == "verify-full");
  CHECK(value(*connect_parameters(settings), "sslrootcert") == "/etc/ssl/ca of ours.pem");
  settings.url_parameters = "sslmode=prefer";
  CHECK(mode() == "verify-full");
  settings.ssl_mode = SslMode::kNone;
  CHECK(mode() == "disable");
  settings.ssl_mode = SslMode::kUnset;
  CHECK(mode() == "prefer");
}

TEST_CASE("connect_parameters: a URL may add parameters but not undo what reading depends on") {
  SourceSettings settings = endpoint();
  settings.url_parameters =
      "connect_timeout=3 application_name='night shift' options='-c TimeZone=Asia/Tokyo -c geqo=off' "
      "client_encoding=LATIN1 keepalives_idle=5 user=other";
  const auto parameters = connect_parameters(settings);
  REQUIRE(parameters.ok());
  CHECK(parameters->timeout == std::chrono::seconds(3));
  CHECK(value(*parameters, "application_name") == "night shift");
  CHECK(value(*parameters, "keepalives_idle") == "5");
  CHECK(value(*parameters, "user") == "reader");
  CHECK(value(*parameters, "client_encoding") == "UTF8");
  // The server takes the last word on a setting.
  const std::string options = value(*parameters, "options");
  CHECK(options.find("geqo=off") != std::string::npos);
  CHECK(options.rfind("TimeZone=UTC") > options.rfind("TimeZone=Asia/Tokyo"));
  for (const auto& pair : parameters->pairs) {
    CAPTURE(pair.first);
    CHECK(std::count_if(parameters->pairs.begin(), parameters->pairs.end(),
                        [&](const auto& other) { return other.first == pair.first; }) == 1);
  }
}

TEST_CASE("connect_parameters: parameters that libpq does not know are refused") {
  SourceSettings settings = endpoint();
  for (const char* bad : {"no_such_thing=1", "connect_timeout=soon", "host"}) {
    CAPTURE(bad);
    settings.url_parameters = bad;
    const auto parameters = connect_parameters(settings);
    REQUIRE_FALSE(parameters.ok());
    CHECK(parameters.error().code() == ErrorCode::kInvalidSettings);
    CHECK(parameters.error().to_string().find("secret") == std::string::npos);
  }
}

}  // namespace dmskafka::postgres

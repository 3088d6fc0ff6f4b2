#include "sources/mysql/session_settings.h"

#include <doctest/doctest.h>

using namespace dmskafka::mysql;  // NOLINT(google-build-using-namespace)

TEST_CASE("session_settings: a server is known by its version") {
  const ServerVersion mariadb = parse_server_version("10.11.19-MariaDB-0+deb12u1-log");
  CHECK(mariadb.is_mariadb());
  CHECK(mariadb.number == 101119);
  CHECK(parse_server_version("5.5.5-10.6.4-MariaDB").number == 100604);
  CHECK(parse_server_version("8.0.31").number == 80031);
  CHECK(parse_server_version("5.7.22-log").number == 50722);
  CHECK_FALSE(parse_server_version("8.4.0-google").is_mariadb());
}

TEST_CASE("session_settings: only what the server knows is set") {
  const auto variables = [](const char* version) {
    return session_statements(parse_server_version(version))[1];
  };
  CHECK(variables("10.11.19-MariaDB").starts_with("SET SESSION time_zone = '+00:00', SESSION sql_mode = ''"));
  CHECK(variables("10.11.19-MariaDB").find("max_execution_time") == std::string::npos);
  CHECK(variables("10.11.19-MariaDB").find("idle_transaction_timeout") != std::string::npos);
  CHECK(variables("8.0.31").find("information_schema_stats_expiry") != std::string::npos);
  CHECK(variables("5.7.22").find("information_schema_stats_expiry") == std::string::npos);
  CHECK(variables("5.7.22").find("max_statement_time") == std::string::npos);
}

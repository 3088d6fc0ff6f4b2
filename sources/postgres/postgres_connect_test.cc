// Connecting to a real server, and being refused. Needs DMSKAFKA_TEST_POSTGRES.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdio>

#include "sources/postgres/postgres_source.h"
#include "sources/postgres/test_database.h"

namespace dmskafka::postgres {
namespace {

Error refusal(const SourceSettings& settings, std::stop_token stop = {}) {
  const auto source = open_postgres_source(settings, {.connections_max = 4}, std::move(stop));
  return source.ok() ? Error(ErrorCode::kInternal, "it was let in") : source.error();
}

}  // namespace

TEST_CASE("postgres_connect: an unknown host or a closed port is unavailable") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  SourceSettings settings = database.settings();
  settings.host = "no-such-host.invalid";
  CHECK(refusal(settings).code() == ErrorCode::kSourceUnavailable);
  CHECK(refusal(settings).message().find("no-such-host.invalid") != std::string::npos);
  settings = database.settings();
  settings.port = 1;
  CHECK(refusal(settings).code() == ErrorCode::kSourceUnavailable);
}

TEST_CASE("postgres_connect: an unknown database or role is rejected by name") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  SourceSettings settings = database.settings();
  settings.database_name = "no such database";
  CHECK(refusal(settings).code() == ErrorCode::kSourceRejected);
  CHECK(refusal(settings).message().find("\"no such database\"") != std::string::npos);
  settings = database.settings();
  settings.username = "no such role";
  CHECK(refusal(settings).code() == ErrorCode::kSourceRejected);
  CHECK(refusal(settings).message().find("\"no such role\"") != std::string::npos);
}

TEST_CASE("postgres_connect: a wrong or missing password is rejected and never repeated") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec("DROP ROLE IF EXISTS pwuser; CREATE ROLE pwuser LOGIN PASSWORD 'right-Secret'");
  SourceSettings settings = database.settings();
  settings.username = "pwuser";
  settings.password = "wrong-Secret";
  if (open_postgres_source(settings, {.connections_max = 4}, {}).ok()) {
    std::puts("NOT TESTED: this server asks \"pwuser\" for no password (pg_hba.conf)");
    session.exec("DROP ROLE pwuser");
    return;
  }
  const Error wrong = refusal(settings);
  CHECK(wrong.code() == ErrorCode::kSourceRejected);
  for (const std::string& part :
       {std::string("\"pwuser\""), settings.host, "\"" + settings.database_name + "\""}) {
    CHECK(wrong.message().find(part) != std::string::npos);
  }
  CHECK(wrong.to_string().find("wrong-Secret") == std::string::npos);
  settings.password = "";
  CHECK(refusal(settings).code() == ErrorCode::kSourceRejected);
  settings.password = "right-Secret";
  CHECK(open_postgres_source(settings, {.connections_max = 4}, {}).ok());
  session.exec("DROP ROLE pwuser");
}

TEST_CASE("postgres_connect: TLS that the server does not offer is rejected") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  if (database.session().exec("SHOW ssl")[0][0] == "on") return;
  SourceSettings settings = database.settings();
  settings.ssl_mode = SslMode::kRequire;
  CHECK(refusal(settings).code() == ErrorCode::kSourceRejected);
}

TEST_CASE(
    "postgres_connect: a script that fails, or leaves a transaction open, is rejected without being quoted") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  SourceSettings settings = database.settings();
  settings.after_connect_script = "SELECT set_config('app.key', 'hush'); SELECT 1/0";
  CHECK(refusal(settings).code() == ErrorCode::kSourceRejected);
  CHECK(refusal(settings).to_string().find("AfterConnectScript") != std::string::npos);
  CHECK(refusal(settings).to_string().find("hush") == std::string::npos);
  settings.after_connect_script = "BEGIN";
  CHECK(refusal(settings).code() == ErrorCode::kSourceRejected);
  settings.after_connect_script = "COPY (SELECT 1) TO STDOUT";
  CHECK(refusal(settings).code() == ErrorCode::kSourceRejected);
}

TEST_CASE("postgres_connect: ExecuteTimeout bounds what is not reading") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  SourceSettings settings = database.settings();
  settings.execute_timeout_s = 1;
  settings.after_connect_script = "SELECT pg_sleep(60)";
  const auto start = std::chrono::steady_clock::now();
  CHECK(refusal(settings).code() == ErrorCode::kSourceUnavailable);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
}

TEST_CASE("postgres_connect: a stop request is seen before connecting") {
  if (!TestDatabase::available()) return;
  std::stop_source stop;
  stop.request_stop();
  CHECK(refusal(TestDatabase().settings(), stop.get_token()).code() == ErrorCode::kCancelled);
}

}  // namespace dmskafka::postgres

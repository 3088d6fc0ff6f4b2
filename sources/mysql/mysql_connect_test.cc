// Connecting to real servers, and being refused. Needs one of DMSKAFKA_TEST_MARIADB, DMSKAFKA_TEST_MYSQL, _MYSQL57.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "sources/mysql/mysql_source.h"
#include "sources/mysql/test_database.h"

namespace dmskafka::mysql {
namespace {

using Clock = std::chrono::steady_clock;

Error refusal(const SourceSettings& settings, std::stop_token stop = {}) {
  const auto source = open_mysql_source(settings, 4, true, std::move(stop));
  return source.ok() ? Error(ErrorCode::kInternal, "it was let in") : source.error();
}

bool has(const Error& error, std::string_view part) {
  return error.to_string().find(part) != std::string::npos;
}

/// Accepts connections and says nothing.
class SilentServer {
 public:
  SilentServer() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(bind(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(listen(socket_, 8) == 0);
    REQUIRE(getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  ~SilentServer() { close(socket_); }
  SilentServer(const SilentServer&) = delete;
  SilentServer& operator=(const SilentServer&) = delete;
  std::uint16_t port() const { return port_; }

 private:
  int socket_;
  std::uint16_t port_ = 0;
};

}  // namespace

TEST_CASE("mysql_connect: an unknown host or a closed port is unavailable") {
  for (const TestServer& server : test_servers()) {
    SourceSettings settings = server.settings;
    settings.host = "no-such-host.invalid";
    CHECK(refusal(settings).code() == ErrorCode::kSourceUnavailable);
    CHECK(has(refusal(settings), "no-such-host.invalid"));
    settings = server.settings;
    settings.port = 1;
    CHECK(refusal(settings).code() == ErrorCode::kSourceUnavailable);
    CHECK(has(refusal(settings), "127.0.0.1:1"));
  }
}

TEST_CASE("mysql_connect: an unknown database_name or username is rejected by name") {
  for (const TestServer& server : test_servers()) {
    CAPTURE(server.name);
    SourceSettings settings = server.settings;
    settings.database_name = "no such database";
    CHECK(refusal(settings).code() == ErrorCode::kSourceRejected);
    CHECK(has(refusal(settings), "no such database"));
    settings = server.settings;
    settings.username = "nobody_here";
    CHECK(refusal(settings).code() == ErrorCode::kSourceRejected);
    CHECK(has(refusal(settings), "nobody_here"));
    settings = server.settings;
    settings.database_name.clear();
    CHECK(open_mysql_source(settings, 4, true, {}).ok());
  }
}

TEST_CASE("mysql_connect: a wrong password is rejected and never repeated, with every plugin") {
  for (const TestServer& server : test_servers()) {
    CAPTURE(server.name);
    TestSession session(server.settings);
    std::vector<std::string> plugins = {"IDENTIFIED WITH mysql_native_password BY 'right-Secret'"};
    if (server.name == "MySQL 8")
      plugins.push_back("IDENTIFIED WITH caching_sha2_password BY 'right-Secret'");
    if (server.name == "MariaDB") {
      plugins = {"IDENTIFIED VIA mysql_native_password USING PASSWORD('right-Secret')"};
      if (session.exec(
              "SELECT COUNT(*) FROM information_schema.PLUGINS WHERE PLUGIN_NAME = 'ed25519'")[0][0] == "0")
        session.exec("INSTALL SONAME 'auth_ed25519'");
      plugins.push_back("IDENTIFIED VIA ed25519 USING PASSWORD('right-Secret')");
    }
    for (const std::string& plugin : plugins) {
      CAPTURE(plugin);
      session.exec("DROP USER IF EXISTS pwuser@'%'; CREATE USER pwuser@'%' " + plugin);
      SourceSettings settings = server.settings;
      settings.database_name.clear();
      settings.username = "pwuser";
      settings.password = "wrong-Secret";
      const Error wrong = refusal(settings);
      CHECK(wrong.code() == ErrorCode::kSourceRejected);
      CHECK(has(wrong, "pwuser"));
      CHECK_FALSE(has(wrong, "Secret"));
      settings.password = "";
      CHECK(refusal(settings).code() == ErrorCode::kSourceRejected);
      settings.password = "right-Secret";
      const auto source = open_mysql_source(settings, 4, true, {});
      CHECK_MESSAGE(source.ok(), (source ? "" : source.error().to_string()));
    }
    session.exec("DROP USER pwuser@'%'");
  }
}

TEST_CASE("mysql_connect: a server that says nothing is given up after connection_timeout, or when stopped") {
  if (test_servers().empty()) return;
  const SilentServer silent;
  SourceSettings settings = test_servers().front().settings;
  settings.host = "127.0.0.1";
  settings.port = silent.port();
  settings.connection_timeout_s = 1;
  const auto begin = Clock::now();
  const Error late = refusal(settings);
  CHECK(late.code() == ErrorCode::kSourceUnavailable);
  CHECK(has(late, "ConnectionTimeout (1 s)"));
  CHECK(Clock::now() - begin < std::chrono::seconds(3));

  settings.connection_timeout_s = 60;
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    stop.request_stop();
  });
  const auto second = Clock::now();
  CHECK(refusal(settings, stop.get_token()).code() == ErrorCode::kCancelled);
  CHECK(Clock::now() - second < std::chrono::seconds(2));
}

TEST_CASE("mysql_connect: after_connect_script runs in every session and cannot change the text of values") {
  for (const TestServer& server : test_servers()) {
    CAPTURE(server.name);
    const TestDatabase database(server);
    TestSession session = database.session();
    session.exec(
        "CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY);"
        "CREATE TABLE t (id INT PRIMARY KEY, at TIMESTAMP NULL, s VARCHAR(10) CHARACTER SET latin1);"
        "INSERT INTO t VALUES (1, '2024-07-01 12:00:00', 'grüß')");
    SourceSettings settings = database.settings();
    settings.after_connect_script =
        "SET time_zone = '+05:00'; SET NAMES latin1; SET sql_mode = 'ANSI_QUOTES'; SET sql_select_limit = 0;"
        "INSERT INTO log () VALUES (); SELECT 1, 2";
    const auto source = open_mysql_source(settings, 3, true, {});
    REQUIRE_MESSAGE(source.ok(), (source ? "" : source.error().to_string()));
    const auto schemas = describe(**source, {database.table("t")});
    const auto snapshot = (*source)->open_snapshot(pointers(schemas), {});
    REQUIRE(snapshot.ok());
    const auto reader = (*snapshot)->open_reader({});
    REQUIRE(reader.ok());
    CHECK(read_all(**reader, schemas[0]) == Rows{{"1", "2024-07-01 12:00:00", "grüß"}});
    CHECK(session.exec("SELECT COUNT(*) FROM log")[0][0] == "3");

    settings.after_connect_script = "SELECT 1; SELECT 'hunter2' FROM nowhere";
    CHECK(refusal(settings).code() == ErrorCode::kSourceRejected);
    CHECK(has(refusal(settings), "running AfterConnectScript"));
    settings.after_connect_script = "SELEKT 'hunter2'";
    CHECK(has(refusal(settings), "syntax error"));
    CHECK_FALSE(has(refusal(settings), "hunter2"));
    settings.after_connect_script = "START TRANSACTION";
    CHECK(has(refusal(settings), "it leaves a transaction open"));
  }
}

TEST_CASE("mysql_connect: execute_timeout ends a statement that takes too long") {
  for (const TestServer& server : test_servers()) {
    CAPTURE(server.name);
    SourceSettings settings = server.settings;
    settings.execute_timeout_s = 1;
    settings.after_connect_script = "DO SLEEP(20)";
    const auto begin = Clock::now();
    const Error late = refusal(settings);
    CHECK(late.code() == ErrorCode::kSourceUnavailable);
    CHECK(has(late, "ExecuteTimeout (1 s)"));
    CHECK(Clock::now() - begin < std::chrono::seconds(5));
  }
}

TEST_CASE("mysql_connect: a server without TLS is refused where SslMode asks for it") {
  for (const TestServer& server : test_servers()) {
    CAPTURE(server.name);
    const bool has_tls = TestSession(server.settings).exec("SHOW VARIABLES LIKE 'have_ssl'")[0][1] == "YES";
    for (const SslMode mode : {SslMode::kRequire, SslMode::kVerifyCa, SslMode::kVerifyFull}) {
      SourceSettings settings = server.settings;
      settings.ssl_mode = mode;
      if (has_tls && mode == SslMode::kRequire) {
        CHECK(open_mysql_source(settings, 4, true, {}).ok());
      } else {
        CHECK(refusal(settings).code() ==
              ErrorCode::kSourceRejected);  // no TLS, or a certificate of nobody we know
      }
    }
    SourceSettings settings = server.settings;
    settings.ssl_mode = SslMode::kVerifyCa;
    settings.ca_certificate = "/no/such/file.pem";
    CHECK(refusal(settings).code() == ErrorCode::kInvalidSettings);
    CHECK(has(refusal(settings), "/no/such/file.pem"));
  }
}

}  // namespace dmskafka::mysql

#include "sources/postgres/native_error.h"

#include <doctest/doctest.h>

namespace dmskafka::postgres {
namespace {
constexpr const char* kPlace = "db.example:5432, database \"shop\"";
ErrorCode code_of(const char* text) {
  return connect_error(parse_connect_failure(text), "reader", kPlace).code();
}
}  // namespace

TEST_CASE("native_error: a refusal's SQLSTATE is found in libpq's verbose text, in any language") {
  const NativeError native = parse_connect_failure(
      "connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  28P01: password authentication "
      "failed for user "
      "\"reader\"\nLOCATION:  auth_failed, auth.c:326\n");
  CHECK(native.sqlstate == "28P01");
  CHECK(native.message == "password authentication failed for user \"reader\"");
  CHECK(parse_connect_failure(
            "connection to server on socket \"x\" failed: SCHWERWIEGEND:  3D000: Datenbank »shop« "
            "existiert nicht\nORT:  InitPostgres, postinit.c:1\n")
            .sqlstate == "3D000");
}

TEST_CASE("native_error: what is not there is unavailable, what says no has rejected") {
  CHECK(code_of("connection to server at \"h\" (::1), port 1 failed: Connection refused\n\tIs the server "
                "running?\n") == ErrorCode::kSourceUnavailable);
  CHECK(
      code_of("could not translate host name \"nowhere.invalid\" to address: Name or service not known\n") ==
      ErrorCode::kSourceUnavailable);
  CHECK(code_of("connection failed: FATAL:  57P03: the database system is starting up\nLOCATION: x\n") ==
        ErrorCode::kSourceUnavailable);
  CHECK(code_of("connection failed: FATAL:  53300: sorry, too many clients already\nLOCATION: x\n") ==
        ErrorCode::kSourceUnavailable);
  CHECK(code_of("connection failed: SSL SYSCALL error: EOF detected\n") == ErrorCode::kSourceUnavailable);
  CHECK(code_of("connection failed: FATAL:  28P01: password authentication failed\n") ==
        ErrorCode::kSourceRejected);
  CHECK(code_of("connection failed: FATAL:  3D000: database \"shop\" does not exist\n") ==
        ErrorCode::kSourceRejected);
  CHECK(code_of("connection failed: fe_sendauth: no password supplied\n") == ErrorCode::kSourceRejected);
  CHECK(code_of("connection failed: server does not support SSL, but SSL was required\n") ==
        ErrorCode::kSourceRejected);
  CHECK(code_of("connection failed: SSL error: certificate verify failed\n") == ErrorCode::kSourceRejected);
}

TEST_CASE("native_error: a refusal names user, host and database") {
  CHECK(connect_error({"28P01", "password authentication failed for user \"reader\"", ""}, "reader", kPlace)
            .to_string() ==
        "PostgreSQL at db.example:5432, database \"shop\" refused user \"reader\": password authentication "
        "failed for "
        "user \"reader\"");
  CHECK(connect_error(parse_connect_failure(
                          "connection to server at \"h\", port 1 failed: Connection refused\n\tIs the "
                          "server running on that host and accepting TCP/IP connections?\n"),
                      "reader", kPlace)
            .to_string() ==
        "PostgreSQL at db.example:5432, database \"shop\" cannot be reached: connection to server at \"h\", "
        "port 1 failed: "
        "Connection refused Is the server running on that host and accepting TCP/IP connections?");
}

TEST_CASE("native_error: one table's failure leaves the others, a lost server does not") {
  const TableAccess access{{"sales", "Order Items"}, "reader", false};
  CHECK(table_error({"42501", "permission denied for table Order Items", ""}, access).to_string() ==
        "sales.Order Items: permission denied for table Order Items\n"
        "  GRANT SELECT ON \"sales\".\"Order Items\" TO \"reader\";");
  CHECK(table_error({"42P01", "relation does not exist", ""}, access).code() == ErrorCode::kTableUnreadable);
  CHECK(table_error({"55P03", "canceling statement due to lock timeout", ""}, access).code() ==
        ErrorCode::kTableUnreadable);
  CHECK(table_error({"XX001", "invalid page in block 7", ""}, access).code() == ErrorCode::kTableUnreadable);
  CHECK(table_error({"57P01", "terminating connection", ""}, access).code() == ErrorCode::kSourceUnavailable);
  CHECK(table_error({"", "server closed the connection", ""}, access).code() ==
        ErrorCode::kSourceUnavailable);
  CHECK(table_error({"42501", "query would be affected by row-level security policy", ""},
                    {{"s", "t"}, "reader", true})
            .hint_text()
            .find("BYPASSRLS") != std::string::npos);
}

}  // namespace dmskafka::postgres

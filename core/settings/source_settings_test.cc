#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "core/settings/settings_reader.h"
#include "core/settings/test_problems.h"

using namespace dmskafka;  // NOLINT(google-build-using-namespace)
using Texts = std::vector<std::string>;

namespace {

SourceSettings good(std::string_view argument) {
  Problems problems;
  SourceSettings source = read_source_settings(argument, problems);
  CHECK(everything_said(problems) == "");
  return source;
}

Texts errors(std::string_view argument) {
  Problems problems;
  (void)read_source_settings(argument, problems);
  return texts_of(problems.errors);
}

}  // namespace

TEST_CASE("source_settings: PostgreSQL URLs") {
  const SourceSettings full = good(
      "postgresql://an%40n:p%3A%2F%25w@db.example:6543/sh%20op?sslmode=verify-full&"
      "sslrootcert=ca.pem&application_name=it%27s&connect_timeout=3");
  CHECK(full.kind == SourceKind::kPostgres);
  CHECK(full.host == "db.example");
  CHECK(full.port == 6543);
  CHECK(full.username == "an@n");
  CHECK(full.password == "p:/%w");
  CHECK(full.database_name == "sh op");
  CHECK(full.ssl_mode == SslMode::kVerifyFull);
  CHECK(full.ca_certificate == "ca.pem");
  CHECK(full.url_parameters == "application_name='it\\'s' connect_timeout='3'");
  CHECK(full.display_name() == "postgresql://an@n@db.example:6543/sh op");

  const SourceSettings address = good("postgres://[2001:db8::1]:5433/d");
  CHECK(address.host == "2001:db8::1");
  CHECK(address.port == 5433);
  CHECK(address.display_name() == "postgresql://[2001:db8::1]:5433/d");

  const SourceSettings socket = good("postgresql:///d?host=/run/postgresql&user=u&password=p");
  CHECK(socket.host == "/run/postgresql");
  CHECK(socket.username == "u");
  CHECK(socket.password == "p");
  CHECK(socket.port == 0);
  CHECK(socket.ssl_mode == SslMode::kUnset);

  CHECK(good("postgresql://u:a@b@h/d").password == "a@b");
  CHECK(good("postgresql://u:@h/d").password == "");
}

TEST_CASE("source_settings: SQLite URLs") {
  CHECK(good("sqlite:shop.db").kind == SourceKind::kSqlite);
  CHECK(good("sqlite:shop.db").file == "shop.db");
  CHECK(good("sqlite:/var/shop%20.db").file == "/var/shop%20.db");
  CHECK(good("sqlite:///var/shop.db").file == "/var/shop.db");
  CHECK(good("sqlite:shop.db").display_name() == "sqlite:shop.db");
}

TEST_CASE("source_settings: URLs that cannot be used, and never the password") {
  CHECK(errors("postgresql://u:hunter2@h:99999/d") ==
        Texts{"--source: the URL's port \"99999\" is none (expected 1 to 65535)"});
  CHECK(errors("postgresql://u:hunter2%zz@h/d") ==
        Texts{"--source: the URL's password has a % that is not followed by two hexadecimal digits "
              "(expected %25 for the character itself)"});
  CHECK(errors("postgresql://u:hunter2@h") ==
        Texts{"--source: the URL names no database (expected postgresql://host/database)"});
  CHECK(
      errors("postgresql://h/d?aplication_name=x") ==
      Texts{
          "--source: the URL's parameter \"aplication_name\" is not supported (expected application_name)"});
  CHECK(errors("postgresql://h/d?replication=database") ==
        Texts{"--source: the URL's parameter \"replication\" is not supported"});
  CHECK(errors("postgresql://h/d?sslmode=on") == Texts{"--source: the URL's sslmode \"on\" is not supported "
                                                       "(expected disable, prefer, require, verify-ca or "
                                                       "verify-full)"});
  CHECK(errors("postgresql://a,b/d") == Texts{"--source: the URL names several hosts (expected one host)"});
  CHECK(
      errors("postgresql:h/d") ==
      Texts{"--source: a URL of postgresql begins with postgresql:// (expected postgresql://host/database)"});
  CHECK(errors("mysql://u:hunter2@h/d?sslmode=require") ==
        Texts{"--source: the URL's parameter \"sslmode\" is not supported (expected ssl-mode)"});
  CHECK(errors("mariadb://u:hunter2@h/d?ssl-mode=PREFERRED") ==
        Texts{"--source: the URL's ssl-mode \"PREFERRED\" is not supported (expected DISABLED, REQUIRED, "
              "VERIFY_CA or VERIFY_IDENTITY)"});
  CHECK(errors("sqlite:") == Texts{"--source: the URL names no file (expected sqlite:FILE)"});
  CHECK(errors("sqlite::memory:") ==
        Texts{"--source: sqlite::memory: is always empty (expected sqlite:FILE)"});
}

TEST_CASE("source_settings: the shapes AWS's tools hold it in") {
  const char* const shapes[] = {
      R"({"ServerName": "h", "Port": 5433, "Username": "u", "Password": "p", "DatabaseName": "d"})",
      R"({"EndpointType": "source", "EngineName": "postgres", "Username": "u", "Password": "p", "ServerName": "h",
          "Port": 5433, "DatabaseName": "d"})",
      R"({"EndpointType": "source", "EngineName": "aurora-postgresql", "Username": "u", "ServerName": "other", "Port": 1,
          "PostgreSQLSettings": {"ServerName": "h", "Port": 5433, "Password": "p", "DatabaseName": "d"}})",
      R"({"Properties": {"EndpointType": "source", "EngineName": "postgres",
          "PostgreSqlSettings": {"ServerName": "h", "Port": "5433", "Username": "u", "Password": "p", "DatabaseName": "d"}}})",
      R"({"Endpoints": [{"EndpointType": "SOURCE", "EngineName": "postgres", "SslMode": "none", "Status": "active",
          "PostgreSQLSettings": {"ServerName": "h", "Port": 5433, "Username": "u", "Password": "p", "DatabaseName": "d",
          "SecretsManagerSecretId": null, "DatabaseMode": "default"}}]})",
  };
  for (const char* shape : shapes) {
    CAPTURE(shape);
    const SourceSettings source = good(shape);
    CHECK(source.kind == SourceKind::kPostgres);
    CHECK(source.host == "h");
    CHECK(source.port == 5433);
    CHECK(source.username == "u");
    CHECK(source.password == "p");
    CHECK(source.database_name == "d");
  }
}

TEST_CASE("source_settings: members and extra connection attributes") {
  const SourceSettings source =
      good(R"({"EngineName": "postgres", "ServerName": "h", "DatabaseName": "d", "SslMode": "VERIFY_CA",
    "CertificateArn": "file://ca.pem",
    "ExtraConnectionAttributes": "mapBooleanAsBoolean=true;TrimSpaceInChar=false;executeTimeout=100;mapUnboundedNumericAsString=true",
    "PostgreSQLSettings": {"AfterConnectScript": "SET x = 1", "unboundedVarcharMaxSize": 9}})");
  CHECK(source.ssl_mode == SslMode::kVerifyCa);
  CHECK(source.ca_certificate == "ca.pem");
  CHECK(source.map_boolean_as_boolean);
  CHECK_FALSE(source.trim_space_in_char);
  CHECK(source.execute_timeout_s == 100);
  CHECK(source.map_unbounded_numeric_as_string);
  CHECK(source.after_connect_script == "SET x = 1");
  CHECK(source.unbounded_varchar_max_size == 9);
}

TEST_CASE("source_settings: problems in extra connection attributes are told at their string") {
  CHECK(
      errors(
          R"({"EngineName": "postgres", "ExtraConnectionAttributes": "slotname=s;executeTimeout=x;password=hunter2;nope=1"})") ==
      Texts{"--source:1:57: /ExtraConnectionAttributes: ExecuteTimeout is no integer\n"
            "    {\"EngineName\": \"postgres\", \"ExtraConnectionAttributes\": "
            "\"slotname=s;executeTimeout=x;password=***;no…\n"
            "                                                            ^ expected an integer",
            "--source:1:57: /ExtraConnectionAttributes: PostgreSQLSettings has no setting \"nope\"\n"
            "    {\"EngineName\": \"postgres\", \"ExtraConnectionAttributes\": "
            "\"slotname=s;executeTimeout=x;password=***;no…\n"
            "                                                            ^"});
  CHECK(errors(R"({"EngineName": "postgres", "ExtraConnectionAttributes": "nope"})").size() == 1);
}

TEST_CASE("source_settings: engines that cannot be read are named") {
  CHECK(errors(R"({"EngineName":"oracle","ServerName":"h"})") ==
        Texts{"--source:1:15: /EngineName: EngineName \"oracle\" is not supported as a source\n"
              "    {\"EngineName\":\"oracle\",\"ServerName\":\"h\"}\n"
              "                  ^ expected postgres, aurora-postgresql, mysql, mariadb or aurora; SQLite is "
              "given as "
              "sqlite:FILE"});
  for (const char* const engine : {"sqlserver", "db2", "docdb", "s3", "sybase", "kafka"}) {
    CHECK(errors("{\"EngineName\":\"" + std::string(engine) + "\",\"ServerName\":\"h\"}").size() == 1);
  }
  CHECK(errors(R"({"EngineName":"postgres","KafkaSettings":{"Broker":"a:1"}})").size() == 1);
}

TEST_CASE("source_settings: a MySQL endpoint in every shape") {
  const char* const shapes[] = {
      "mysql://u:p@h:3307/d?ssl-mode=VERIFY_IDENTITY&ssl-ca=ca.pem",
      R"({"EndpointType": "source", "EngineName": "mysql", "Username": "u", "Password": "p", "ServerName": "h",
          "Port": 3307, "DatabaseName": "d", "SslMode": "verify-full", "CertificateArn": "ca.pem"})",
      R"({"EngineName": "aurora", "SslMode": "verify-full", "CertificateArn": "ca.pem",
          "MySQLSettings": {"ServerName": "h", "Port": 3307, "Username": "u", "Password": "p", "DatabaseName": "d"}})",
      R"({"Type": "AWS::DMS::Endpoint", "Properties": {"EndpointType": "source", "SslMode": "verify-full",
          "CertificateArn": "file://ca.pem", "ExtraConnectionAttributes": "eventsPollInterval=60;connectionTimeout=1",
          "MySqlSettings": {"ServerName": "h", "Port": "3307", "Username": "u", "Password": "p", "DatabaseName": "d"}}})",
      R"({"Endpoints": [{"EndpointType": "SOURCE", "EngineName": "mysql", "SslMode": "verify-full",
          "CertificateArn": "ca.pem", "PostgreSQLSettings": null, "MySQLSettings": {"ServerName": "h", "Port": 3307,
          "Username": "u", "Password": "p", "DatabaseName": "d", "EventsPollInterval": 5}}]})",
  };
  for (const char* shape : shapes) {
    CAPTURE(shape);
    Problems problems;
    const SourceSettings source = read_source_settings(shape, problems);
    CHECK(texts_of(problems.errors) == Texts{});
    CHECK(source.kind == SourceKind::kMysql);
    CHECK(source.display_name() == "mysql://u@h:3307/d");
    CHECK(source.password == "p");
    CHECK(source.ssl_mode == SslMode::kVerifyFull);
    CHECK(source.ca_certificate == "ca.pem");
  }
  Problems problems;
  CHECK(read_source_settings(R"({"EngineName":"mariadb","ServerName":"h"})", problems).kind ==
        SourceKind::kMariadb);
  CHECK(read_source_settings("mariadb://h", problems).kind == SourceKind::kMariadb);
  CHECK(read_source_settings(R"({"ServerName":"h","EventsPollInterval":1})", problems, SourceKind::kMysql)
            .kind == SourceKind::kMysql);
  CHECK(problems.ok());
  CHECK(read_source_settings(
            R"({"EngineName":"mysql","ServerName":"h","MySQLSettings":{"ConnectionTimeout":7}})", problems)
            .connection_timeout_s == 7);
}

TEST_CASE("source_settings: MySQL's problems are told like any other") {
  CHECK(
      errors("{\"EngineName\":\"mysql\",\"MySQLSettings\":{\n"
             "\"EventPollInterval\":5,\n"
             "\"EventsPollInterval\":61,\n"
             "\"SlotName\":\"s\",\n"
             "\"SecretsManagerSecretId\":\"x\"}}") ==
      Texts{"--source:2:1: /MySQLSettings/EventPollInterval: MySQLSettings has no setting "
            "\"EventPollInterval\"\n"
            "    \"EventPollInterval\":5,\n"
            "    ^ expected \"EventsPollInterval\"",
            "--source:3:22: /MySQLSettings/EventsPollInterval: EventsPollInterval 61 is out of range\n"
            "    \"EventsPollInterval\":61,\n"
            "                         ^ expected 1 to 60; in seconds",
            "--source:4:1: /MySQLSettings/SlotName: MySQLSettings has no setting \"SlotName\"\n"
            "    \"SlotName\":\"s\",\n"
            "    ^ expected it in PostgreSQLSettings: SlotName belongs to PostgreSQLSettings",
            "--source:5:26: /MySQLSettings/SecretsManagerSecretId: SecretsManagerSecretId is not supported\n"
            "    \"SecretsManagerSecretId\":\"***\"}}\n"
            "                             ^\n"
            "  use Username and Password; a password may be ${env:NAME} or ${file:PATH}"});
  CHECK(errors(R"({"EngineName":"mysql","Username":"u"})") ==
        Texts{"--source:1:1: the source has no ServerName\n"
              "    {\"EngineName\":\"mysql\",\"Username\":\"u\"}\n"
              "    ^"});
  CHECK(errors(R"({"EngineName":"postgres","MySQLSettings":{"ServerName":"h"}})") ==
        Texts{"--source:1:26: /MySQLSettings: MySQLSettings does not belong to this engine\n"
              "    {\"EngineName\":\"postgres\",\"MySQLSettings\":{\"ServerName\":\"h\"}}\n"
              "                             ^ expected PostgreSQLSettings"});
}

TEST_CASE("source_settings: what AWS would have to do is refused with what to use") {
  CHECK(errors("{\"ServerName\":\"h\",\"DatabaseName\":\"d\",\n\"SecretsManagerSecretId\":\"x\","
               "\n\"AuthenticationMethod\":\"iam\",\n"
               "\"DatabaseMode\":\"babelfish\"}") ==
        Texts{"--source:2:26: /SecretsManagerSecretId: SecretsManagerSecretId is not supported\n"
              "    \"SecretsManagerSecretId\":\"***\",\n"
              "                             ^\n"
              "  use Username and Password; a password may be ${env:NAME} or ${file:PATH}",
              "--source:3:24: /AuthenticationMethod: AuthenticationMethod is not supported\n"
              "    \"AuthenticationMethod\":\"iam\",\n"
              "                           ^\n"
              "  only password authentication; use Username and Password",
              "--source:4:16: /DatabaseMode: DatabaseMode is not supported\n"
              "    \"DatabaseMode\":\"babelfish\"}\n"
              "                   ^\n"
              "  Babelfish is not supported; leave it out"});
}

TEST_CASE("source_settings: a setting without effect is accepted with a notice that says why") {
  Problems problems;
  (void)read_source_settings(
      R"({"ServerName":"h","DatabaseName":"d","HeartbeatSchema":"x","SlotName":"s","MaxFileSize":1})",
      problems);
  CHECK(problems.ok());
  REQUIRE(problems.notices.size() == 2);
  CHECK(problems.notices[0].message() ==
        "HeartbeatSchema has no effect here: the heartbeat is a message in the log, not a table");
  CHECK(problems.notices[1].message() ==
        "MaxFileSize has no effect here: it bounds CSV files, which are not written here");
}

TEST_CASE("source_settings: secrets come from the environment or a file, and are not told") {
  setenv("SETTINGS_TEST_SECRET", "hunter2", 1);
  CHECK(good(R"({"ServerName":"h","DatabaseName":"d","Password":"${env:SETTINGS_TEST_SECRET}"})").password ==
        "hunter2");
  Problems problems;
  (void)read_source_settings(R"({"ServerName":"h","DatabaseName":"d","Port":"${env:SETTINGS_TEST_SECRET}",
    "Password":"${env:SETTINGS_TEST_NONE}"})",
                             problems);
  CHECK(problems.errors.size() == 2);
  CHECK(everything_said(problems).find("hunter2") == std::string::npos);
  CHECK(problems.errors[1].to_string() ==
        "--source:2:16: /Password: Password: the environment has no variable SETTINGS_TEST_NONE\n"
        "        \"Password\":\"${env:SETTINGS_TEST_NONE}\"}\n"
        "                   ^");
}

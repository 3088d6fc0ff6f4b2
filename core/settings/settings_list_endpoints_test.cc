// Every setting of endpoints with its default, its bounds and one value beyond each, typed from AWS's service model and user
// guide, not from our tables. A setting without a line here fails.

#include <doctest/doctest.h>

#include "core/settings/endpoint_document.h"
#include "core/settings/kafka_endpoint.h"
#include "core/settings/settings_list_for_test.h"
#include "core/settings/source_endpoint.h"

using namespace dmskafka;                 // NOLINT(google-build-using-namespace)
using namespace dmskafka::settings_list;  // NOLINT(google-build-using-namespace)

namespace {

std::size_t target_errors(const std::string& member, const std::string& beside) {
  Problems problems;
  (void)read_target_settings("{" + member + beside + "}", problems);
  return problems.errors.size();
}

std::size_t source_errors(const std::string& argument, SourceKind bare = SourceKind::kPostgres) {
  Problems problems;
  (void)read_source_settings(argument, problems, bare);
  return problems.errors.size();
}

// A member that must stand there anyway is not written twice.
std::string without(const std::string& member, std::initializer_list<std::string_view> others) {
  std::string out = member;
  for (const std::string_view other : others) {
    const std::string_view name = other.substr(0, other.find(':'));
    if (!std::string_view(member).starts_with(name)) out += "," + std::string(other);
  }
  return out;
}

}  // namespace

TEST_CASE("settings_list: KafkaSettings") {
  const std::vector<Expected> list = {
      {"Broker",
       "",
       {"\"a:1\"", "\"a:65535,b:9092\"", "\"[2001:db8::1]:9092\""},
       {"\"a\"", "\"a:0\"", "\"a:65536\"", "\"::1:9092\"", "\"a:1,\"", "1"}},
      {"Topic",
       "kafka-default-topic",
       {"\"t\"", quoted(std::string(255, 't')), "\"a.b-c\"", "\"a_B-9\"", "null"},
       {quoted(std::string(256, 't')), "\"a.b_c\"", "\"a b\"", "\"\xC3\xBC\"", "1"}},
      choice("MessageFormat", "json", {"json", "json-unformatted", "JSON_UNFORMATTED", "Json"}),
      boolean("IncludeTransactionDetails", "false"),
      boolean("IncludePartitionValue", "false"),
      boolean("PartitionIncludeSchemaTable", "false"),
      boolean("IncludeTableAlterOperations", "false"),
      boolean("IncludeControlDetails", "false"),
      boolean("IncludeNullAndEmpty", "false"),
      integer("MessageMaxBytes", "1000000", 1, 1'000'000'000),
      text("SslClientKeyPassword"),
      choice("SaslMechanism", "scram-sha-512", {"scram-sha-512", "plain", "PLAIN"}),
      choice("SslEndpointIdentificationAlgorithm", "https", {"none", "https"}),
      boolean("NoHexPrefix", "false"),
      boolean("UseLargeIntegerValue", "false"),
      refused("StreamArn", "", "\"arn:aws:kinesis:x\""),  // of Kinesis
      refused("ServiceAccessRoleArn", "", "\"arn:aws:iam::x\""),
  };
  // Those that others depend on stand beside them.
  const std::vector<Expected> secured = {
      {"SecurityProtocol",
       "plaintext",
       {"\"ssl-authentication\"", "\"ssl-encryption\"", "\"SSL_ENCRYPTION\""},
       {"\"sasl-plaintext\"", "1"}},
      {"SslClientCertificateArn", "", {"\"c.pem\"", "\"file:///c.pem\""}, {"\"arn:aws:acm:x\"", "1"}},
      {"SslClientKeyArn", "", {"\"k.pem\"", "\"file://k.pem\""}, {"\"arn:aws:acm:x\"", "1"}},
      {"SslCaCertificateArn", "", {"\"ca.pem\"", "\"file://ca.pem\"", "null"}, {"\"arn:aws:acm:x\"", "1"}},
  };
  const std::vector<Expected> sasl = {
      {"SaslUsername", "", {"\"u\""}, {"1", "null", "\"\""}},
      {"SaslPassword", "", {"\"p\""}, {"1", "null", "\"\""}},
  };
  const auto errors_of = [](const std::string& member) {
    if (member.starts_with("\"Sasl") && !member.starts_with("\"SaslMechanism")) {
      return target_errors(without(member, {"\"SaslUsername\":\"u\"", "\"SaslPassword\":\"p\""}),
                           ",\"Broker\":\"a:1\",\"SecurityProtocol\":\"sasl-ssl\"");
    }
    if (member.starts_with("\"Se") || member.starts_with("\"SslC")) {
      return target_errors(without(member, {"\"SslClientCertificateArn\":\"c\"", "\"SslClientKeyArn\":\"k\"",
                                            "\"SecurityProtocol\":\"ssl-authentication\""}),
                           ",\"Broker\":\"a:1\"");
    }
    return target_errors(without(member, {"\"Broker\":\"a:1\""}), "");
  };
  std::vector<Expected> all = list;
  all.insert(all.end(), secured.begin(), secured.end());
  all.insert(all.end(), sasl.begin(), sasl.end());
  check(kafka_table(), all, errors_of);
  CHECK(errors_of("\"SecurityProtocol\":\"sasl-ssl\"") == 1);  // without user and password
  CHECK(target_errors("\"Broker\":\"a:1\",\"SecurityProtocol\":\"plaintext\"", "") == 0);
}

TEST_CASE("settings_list: PostgreSQLSettings") {
  const std::vector<Expected> list = {
      {"ServerName", "", {"\"h\""}, {"1", "null", "\"\""}},
      integer("Port", "5432", 1, 65535),
      text("Username"),
      text("Password"),
      {"DatabaseName", "", {"\"d\""}, {"1", "null", "\"\""}},
      text("AfterConnectScript"),
      boolean("CaptureDdls", "true"),
      text("DdlArtifactsSchema", "public"),
      {"ExecuteTimeout", "60", {"1", "86400", "\"100\""}, {"0", "86401", "true"}},
      boolean("FailTasksOnLobTruncation", "false"),
      boolean("HeartbeatEnable", "false"),
      text("HeartbeatSchema", "public"),
      {"HeartbeatFrequency", "5", {"1", "5"}, {"0", "true", "\"often\""}},
      text("SlotName"),
      choice("PluginName", "pglogical", {"no-preference", "test-decoding", "pglogical", "TEST_DECODING"}),
      boolean("TrimSpaceInChar", "true"),
      boolean("MapBooleanAsBoolean", "false"),
      boolean("MapJsonbAsClob", "false"),
      choice("MapLongVarcharAs", "wstring", {"wstring", "clob", "nclob"}),
      boolean("MapUnboundedNumericAsString", "false"),
      integer("unboundedVarcharMaxSize", "8000", 1, 10'485'760),
      at_least("fetchCacheSize", "", 0),
      boolean("consumeMonotonicEvents", ""),
      boolean("DisableUnicodeSourceFilter", "false"),
      at_least("MaxFileSize", "32768", 0),
      refused("DatabaseMode", "default", "\"babelfish\""),
      refused("BabelfishDatabaseName", "", "\"b\""),
      refused("SecretsManagerAccessRoleArn", "", "\"arn:aws:iam::x\""),
      refused("SecretsManagerSecretId", "", "\"s\""),
      refused("ServiceAccessRoleArn", "", "\"arn:aws:iam::x\""),
      refused("AuthenticationMethod", "password", "\"iam\""),
  };
  check(postgres_table(), list, [](const std::string& member) {
    return source_errors("{" + without(member, {"\"ServerName\":\"h\"", "\"DatabaseName\":\"d\""}) + "}");
  });
}

TEST_CASE("settings_list: MySQLSettings") {
  const std::vector<Expected> list = {
      {"ServerName", "", {"\"h\""}, {"1", "null", "\"\""}},
      integer("Port", "3306", 1, 65535),
      text("Username"),
      text("Password"),
      text("DatabaseName"),  // DMS says to leave it out
      text("AfterConnectScript"),
      {"ExecuteTimeout", "60", {"1", "86400"}, {"0", "86401", "true"}},
      boolean("CleanSourceMetadataOnMismatch", "false"),
      integer("EventsPollInterval", "5", 1, 60),
      text("ServerTimezone"),
      boolean("skipTableSuspensionForPartitionDdl", "false"),
      boolean("IgnoreOpenXaTransactionsCheck", "true"),
      {"ConnectionTimeout", "10", {"1", "86400"}, {"0", "86401", "true"}},
      choice("TargetDbType", "", {"specific-database", "multiple-databases"}),
      at_least("ParallelLoadThreads", "", 0),
      at_least("MaxFileSize", "32768", 0),
      refused("SecretsManagerAccessRoleArn", "", "\"arn:aws:iam::x\""),
      refused("SecretsManagerSecretId", "", "\"s\""),
      refused("ServiceAccessRoleArn", "", "\"arn:aws:iam::x\""),
      refused("AuthenticationMethod", "password", "\"iam\""),
  };
  check(mysql_table(), list, [](const std::string& member) {
    return source_errors("{" + without(member, {"\"ServerName\":\"h\""}) + "}", SourceKind::kMysql);
  });
}

TEST_CASE("settings_list: the members around an endpoint's settings") {
  const std::vector<Expected> list = {
      {"EngineName",
       "",
       {"\"postgres\"", "\"aurora-postgresql\"", "\"mysql\"", "\"mariadb\"", "\"aurora\""},
       {"\"oracle\"", "\"sqlserver\"", "\"db2\"", "\"kafka\"", "1"}},
      {"EndpointType", "", {"\"source\"", "\"SOURCE\"", "null"}, {"\"target\"", "\"both\"", "1"}},
      {"ServerName", "", {"\"h\""}, {"1", "null"}},
      integer("Port", "", 1, 65535),
      text("Username"),
      text("Password"),
      {"DatabaseName", "", {"\"d\""}, {"1"}},
      choice("SslMode", "none", {"none", "require", "verify-ca", "verify-full", "VERIFY_FULL"}),
      {"CertificateArn", "", {"\"ca.pem\"", "\"file://ca.pem\"", "null"}, {"\"arn:aws:dms:x\"", "1"}},
      {"ExtraConnectionAttributes",
       "",
       {"\"executeTimeout=1;\"", "\" ExecuteTimeout=86400; \"", "\"\"", "null"},
       {"\"executeTimeout=0\"", "\"executeTimeout\"", "\"nope=1\"", "1"}},
      refused("ServiceAccessRoleArn", "", "\"arn:aws:iam::x\""),
  };
  check(endpoint_table(), list, [](const std::string& member) {
    return source_errors(
        "{" +
        without(member, {"\"EngineName\":\"postgres\"", "\"ServerName\":\"h\"", "\"DatabaseName\":\"d\""}) +
        "}");
  });
}

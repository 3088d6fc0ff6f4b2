#include <doctest/doctest.h>

#include <string>

#include "core/settings/settings_reader.h"
#include "core/settings/test_problems.h"

using namespace dmskafka;  // NOLINT(google-build-using-namespace)
using Texts = std::vector<std::string>;

namespace {

TargetSettings good(std::string_view argument) {
  Problems problems;
  TargetSettings target = read_target_settings(argument, problems);
  CHECK(everything_said(problems) == "");
  return target;
}

Texts errors(std::string_view argument) {
  Problems problems;
  (void)read_target_settings(argument, problems);
  return texts_of(problems.errors);
}

}  // namespace

TEST_CASE("target_settings: URLs") {
  const TargetSettings kafka = good("kafka://a:9092,[::1]:9093/sales");
  CHECK(kafka.kind == TargetKind::kKafka);
  CHECK(kafka.kafka.brokers == Texts{"a:9092", "[::1]:9093"});
  CHECK(kafka.kafka.topic == "sales");
  CHECK(kafka.display_name() == "kafka://a:9092,[::1]:9093/sales");
  CHECK(good("kafka://a:9092").kafka.topic == "kafka-default-topic");
  CHECK(good("kafka://a:9092/").kafka.topic == "kafka-default-topic");
  CHECK(good("kafka:embedded").kind == TargetKind::kEmbedded);
  CHECK(good("kafka:embedded").display_name() == "kafka:embedded");
  CHECK(good("-").kind == TargetKind::kStdout);
  CHECK(good("-").display_name() == "-");
  CHECK(good("discard:").kind == TargetKind::kDiscard);
}

TEST_CASE("target_settings: URLs that name nothing usable") {
  CHECK(errors("kafka://h/t") == Texts{"--target: broker \"h\" has no port (expected host:port)"});
  CHECK(errors("kafka://h:0") ==
        Texts{"--target: broker \"h:0\" has no valid port (expected a port from 1 to 65535)"});
  CHECK(errors("kafka://h:70000") ==
        Texts{"--target: broker \"h:70000\" has no valid port (expected a port from 1 to 65535)"});
  CHECK(errors("kafka://[::1]") == Texts{"--target: broker \"[::1]\" has no port (expected host:port)"});
  CHECK(errors("kafka://::1:9092") == Texts{"--target: broker \"::1:9092\" has no valid host (expected "
                                            "host:port, an IPv6 address in brackets)"});
  CHECK(errors("kafka://a:1,,b:2") == Texts{"--target: broker \"\" has no port (expected host:port)"});
  CHECK(errors("kafka://a:1/a.b_c") == Texts{"--target: Topic \"a.b_c\" has both \".\" and \"_\", which "
                                             "collide in Kafka's metrics (expected only one of them)"});
  CHECK(errors("kafka://user:geheim@a:1") ==
        Texts{"--target: a kafka:// URL has brokers and a topic only\n"
              "  give user, password and other settings as JSON (KafkaSettings)"});
  CHECK(errors("kafka:somewhere") == Texts{"--target: the target \"kafka:somewhere\" is none (expected "
                                           "kafka://host:9092/topic, kafka:embedded, "
                                           "discard:, - or JSON)"});
}

TEST_CASE("target_settings: every member of KafkaSettings") {
  Problems problems;
  const TargetSettings target = read_target_settings(R"({
    "Broker": "a:9092, b:9093", "Topic": "t", "MessageFormat": "JSON_UNFORMATTED", "IncludeTransactionDetails": true,
    "IncludePartitionValue": true, "PartitionIncludeSchemaTable": true, "IncludeTableAlterOperations": true,
    "IncludeControlDetails": true, "IncludeNullAndEmpty": "true", "MessageMaxBytes": "2000", "SecurityProtocol": "sasl-ssl",
    "SslClientCertificateArn": "file:///c.pem", "SslClientKeyArn": "k.pem", "SslCaCertificateArn": "ca.pem",
    "SslClientKeyPassword": "p1", "SaslUsername": "u", "SaslPassword": "p2", "SaslMechanism": "PLAIN",
    "SslEndpointIdentificationAlgorithm": "https", "NoHexPrefix": true, "UseLargeIntegerValue": true})",
                                                     problems);
  CHECK(texts_of(problems.errors) == Texts{});
  CHECK(texts_of(problems.warnings) == Texts{});
  const KafkaSettings& kafka = target.kafka;
  CHECK(kafka.brokers == Texts{"a:9092", "b:9093"});
  CHECK(kafka.topic == "t");
  CHECK(kafka.message_format == MessageFormat::kJsonUnformatted);
  CHECK(kafka.include_transaction_details);
  CHECK(kafka.include_partition_value);
  CHECK(kafka.partition_include_schema_table);
  CHECK(kafka.include_table_alter_operations);
  CHECK(kafka.include_control_details);
  CHECK(kafka.include_null_and_empty);
  CHECK(kafka.message_max_bytes == 2000);
  CHECK(kafka.security_protocol == SecurityProtocol::kSaslSsl);
  CHECK(kafka.ssl_client_certificate == "/c.pem");
  CHECK(kafka.ssl_client_key == "k.pem");
  CHECK(kafka.ssl_ca_certificate == "ca.pem");
  CHECK(kafka.ssl_client_key_password == "p1");
  CHECK(kafka.sasl_username == "u");
  CHECK(kafka.sasl_password == "p2");
  CHECK(kafka.sasl_mechanism == SaslMechanism::kPlain);
  CHECK(kafka.no_hex_prefix);
  CHECK(kafka.use_large_integer_value);
}

TEST_CASE("target_settings: the defaults are AWS's") {
  const KafkaSettings kafka = good(R"({"Broker": "a:1", "Topic": null, "MessageFormat": null})").kafka;
  CHECK(kafka.topic == "kafka-default-topic");
  CHECK(kafka.message_format == MessageFormat::kJson);
  CHECK(kafka.message_max_bytes == 1'000'000);
  CHECK_FALSE(kafka.include_null_and_empty);
  CHECK(kafka.security_protocol == SecurityProtocol::kPlaintext);
  CHECK(kafka.sasl_mechanism == SaslMechanism::kScramSha512);
  CHECK(kafka.ssl_endpoint_identification == SslEndpointIdentification::kHttps);
}

TEST_CASE("target_settings: the shapes AWS's tools hold it in") {
  const char* const shapes[] = {
      R"({"Broker": "a:1", "Topic": "t"})",
      R"({"EndpointIdentifier": "e", "EndpointType": "target", "EngineName": "kafka", "Tags": [],
          "KafkaSettings": {"Broker": "a:1", "Topic": "t"}})",
      R"({"Endpoint": {"EndpointType": "TARGET", "EngineName": "kafka", "EngineDisplayName": "Kafka", "Status": "active",
          "EndpointArn": "arn:aws:dms:x", "KafkaSettings": {"Broker": "a:1", "Topic": "t"}, "S3Settings": null}})",
      R"({"Endpoints": [{"EndpointType": "SOURCE", "EngineName": "postgres"},
          {"EndpointType": "TARGET", "EngineName": "kafka", "KafkaSettings": {"Broker": "a:1", "Topic": "t"}}]})",
      R"({"Type": "AWS::DMS::Endpoint", "Properties": {"EndpointType": "target", "EngineName": "kafka",
          "KafkaSettings": {"Broker": "a:1", "Topic": "t"}}})",
      R"({"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}, "Target": {"Type": "AWS::DMS::Endpoint", "Properties":
          {"EndpointType": "target", "EngineName": "kafka", "KafkaSettings": {"Broker": "a:1", "Topic": "t"}}}}})",
      R"({"EngineName": "kafka", "ExtraConnectionAttributes": "broker=a:1; topic=t;messageFormat=json-unformatted",
          "KafkaSettings": {"MessageFormat": "json"}})",
  };
  for (const char* shape : shapes) {
    CAPTURE(shape);
    const TargetSettings target = good(shape);
    CHECK(target.kafka.brokers == Texts{"a:1"});
    CHECK(target.kafka.topic == "t");
    CHECK(target.kafka.message_format == MessageFormat::kJson);
  }
}

TEST_CASE("target_settings: all problems at once, each at its place") {
  CHECK(errors("{\n"
               "  \"Broker\": \"a\",\n"
               "  \"MesageFormat\": \"json\",\n"
               "  \"MessageFormat\": \"xml\",\n"
               "  \"MessageMaxBytes\": 0,\n"
               "  \"NoHexPrefix\": 1,\n"
               "  \"SslCaCertificateArn\": \"arn:aws:x\",\n"
               "  \"StreamArn\": \"arn:aws:y\",\n"
               "  \"SlotName\": \"s\",\n"
               "  \"Topic\": \"a b\"\n"
               "}") ==
        Texts{"--target:2:13: /Broker: broker \"a\" has no port\n"
              "      \"Broker\": \"a\",\n"
              "                ^ expected host:port",
              "--target:3:3: /MesageFormat: KafkaSettings has no setting \"MesageFormat\"\n"
              "      \"MesageFormat\": \"json\",\n"
              "      ^ expected \"MessageFormat\"",
              "--target:4:20: /MessageFormat: unknown MessageFormat \"xml\"\n"
              "      \"MessageFormat\": \"xml\",\n"
              "                       ^ expected json or json-unformatted",
              "--target:5:22: /MessageMaxBytes: MessageMaxBytes 0 is out of range\n"
              "      \"MessageMaxBytes\": 0,\n"
              "                         ^ expected 1 to 1000000000; librdkafka's own limit",
              "--target:6:18: /NoHexPrefix: NoHexPrefix is a number\n"
              "      \"NoHexPrefix\": 1,\n"
              "                     ^ expected true or false",
              "--target:7:26: /SslCaCertificateArn: SslCaCertificateArn is an ARN, which only AWS can read\n"
              "      \"SslCaCertificateArn\": \"arn:aws:x\",\n"
              "                             ^ expected the path of a PEM file with the certificates to trust",
              "--target:8:16: /StreamArn: StreamArn is not supported\n"
              "      \"StreamArn\": \"arn:aws:y\",\n"
              "                   ^\n"
              "  it belongs to Kinesis; use Broker and Topic",
              "--target:9:3: /SlotName: KafkaSettings has no setting \"SlotName\"\n"
              "      \"SlotName\": \"s\",\n"
              "      ^ expected it in PostgreSQLSettings: SlotName belongs to PostgreSQLSettings",
              "--target:10:12: /Topic: Topic \"a b\" has a character Kafka does not allow\n"
              "      \"Topic\": \"a b\"\n"
              "               ^ expected letters, digits, \".\", \"_\" and \"-\""});
}

TEST_CASE("target_settings: rules over several members") {
  CHECK(errors("{}") == Texts{"--target:1:1: KafkaSettings has no Broker\n    {}\n    ^"});
  CHECK(errors(R"({"Broker":"a:1","SecurityProtocol":"sasl_ssl","SaslUsername":"u"})") ==
        Texts{"--target:1:1: SecurityProtocol sasl-ssl needs SaslUsername and SaslPassword\n"
              "    {\"Broker\":\"a:1\",\"SecurityProtocol\":\"sasl_ssl\",\"SaslUsername\":\"u\"}\n    ^"});
  CHECK(errors(R"({"Broker":"a:1","SecurityProtocol":"ssl-authentication"})").size() == 1);
  CHECK(errors(R"({"Broker":"a:1","SecurityProtocol":"ssl-encryption","SslClientKeyArn":"k"})").size() == 1);
  CHECK(errors(R"({"Broker":"a:1","SslCaCertificateArn":"k"})").size() == 1);
  CHECK(errors(R"({"Broker":"a:1","SaslUsername":"u"})").size() == 1);
}

TEST_CASE("target_settings: lengths of a topic") {
  const auto read = [](std::size_t size, Problems& problems) {
    return read_target_settings("{\"Broker\":\"a:1\",\"Topic\":\"" + std::string(size, 't') + "\"}", problems)
        .kafka.topic.size();
  };
  Problems fits;
  CHECK(read(249, fits) == 249);
  CHECK(everything_said(fits) == "");
  Problems warned;
  CHECK(read(255, warned) == 255);
  CHECK(warned.ok());
  REQUIRE(warned.warnings.size() == 1);
  CHECK(warned.warnings[0].message() == "Topic has 255 characters; Kafka itself allows 249");
  Problems refused;
  (void)read(256, refused);
  CHECK(refused.errors.size() == 1);
}

TEST_CASE("target_settings: warnings") {
  Problems problems;
  (void)read_target_settings(
      R"({"Broker":"a:1","MessageMaxBytes":1048577,"SslEndpointIdentificationAlgorithm":"none"})", problems);
  CHECK(problems.ok());
  REQUIRE(problems.warnings.size() == 2);
  CHECK(problems.warnings[0].message() ==
        "MessageMaxBytes 1048577 is more than DMS could have sent (1048576); the broker's limit is checked "
        "when the task "
        "starts");
  CHECK(problems.warnings[1].message() ==
        "SslEndpointIdentificationAlgorithm none: any broker with a valid certificate is trusted");
  CHECK(good(R"({"Broker":"a:1","MessageMaxBytes":1048576})").kafka.message_max_bytes == 1'048'576);
}

TEST_CASE("target_settings: the wrong endpoint") {
  CHECK(
      errors(R"({"EndpointType":"source","EngineName":"kafka","KafkaSettings":{"Broker":"a:1"}})") ==
      Texts{"--target:1:17: /EndpointType: this is a source endpoint\n"
            "    "
            "{\"EndpointType\":\"source\",\"EngineName\":\"kafka\",\"KafkaSettings\":{\"Broker\":\"a:1\"}}\n"
            "                    ^ expected a target endpoint"});
  CHECK(errors(R"({"EngineName":"kinesis"})")
            .at(0)
            .find("EngineName \"kinesis\" is not supported as a target") != std::string::npos);
  CHECK(
      errors(R"({"EngineName":"kafka","KafkaSettings":{"Broker":"a:1"},"KinesisSettings":{"StreamArn":"x"}})")
          .size() == 1);
  CHECK(errors(R"({"Endpoints":[]})").at(0).find("no target endpoints") != std::string::npos);
  CHECK(errors("[]").at(0).find("the target is an array") != std::string::npos);
}

TEST_CASE("target_settings: passwords never appear in what is said") {
  Problems problems;
  (void)read_target_settings(
      R"({"Broker":"a","SaslPassword":"hunter2","SslClientKeyPassword":["hunter2"],"Password":"hunter2","Topic":1})",
      problems);
  CHECK(problems.errors.size() == 4);
  CHECK(everything_said(problems).find("hunter2") == std::string::npos);
}

#include "sinks/kafka/kafka_settings.h"

#include <doctest/doctest.h>

#include <map>

#include "sinks/kafka/rdkafka_handle.h"

namespace dmskafka {
namespace {

/// The values that hold after all were set in order.
std::map<std::string, std::string> effective(const KafkaProperties& properties) {
  std::map<std::string, std::string> values;
  for (const auto& [name, value] : properties) values[name] = value;
  return values;
}

KafkaSinkOptions options_for(SecurityProtocol protocol) {
  KafkaSinkOptions options;
  options.kafka.brokers = {"b1:9092", "[::1]:9093"};
  options.kafka.security_protocol = protocol;
  options.kafka.ssl_ca_certificate = "/ca.pem";
  options.kafka.ssl_client_certificate = "/cert.pem";
  options.kafka.ssl_client_key = "/key.pem";
  options.kafka.ssl_client_key_password = "key-secret";
  options.kafka.sasl_username = "user";
  options.kafka.sasl_password = "user-secret";
  options.client_id = "dmskafka-task";
  return options;
}

TEST_CASE("kafka_settings: plaintext names neither certificates nor passwords") {
  const auto values = effective(connection_properties(options_for(SecurityProtocol::kPlaintext)));
  CHECK(values == std::map<std::string, std::string>{{"bootstrap.servers", "b1:9092,[::1]:9093"},
                                                     {"client.id", "dmskafka-task"},
                                                     {"security.protocol", "plaintext"},
                                                     {"log.queue", "true"},
                                                     {"reconnect.backoff.max.ms", "2000"},
                                                     {"reconnect.backoff.ms", "20"},
                                                     {"socket.nagle.disable", "true"},
                                                     {"topic.metadata.refresh.interval.ms", "60000"}});
}

TEST_CASE("kafka_settings: ssl with a client certificate") {
  const auto values = effective(connection_properties(options_for(SecurityProtocol::kSslAuthentication)));
  CHECK(values.at("security.protocol") == "ssl");
  CHECK(values.at("ssl.ca.location") == "/ca.pem");
  CHECK(values.at("ssl.certificate.location") == "/cert.pem");
  CHECK(values.at("ssl.key.location") == "/key.pem");
  CHECK(values.at("ssl.key.password") == "key-secret");
  CHECK(values.at("ssl.endpoint.identification.algorithm") == "https");
  CHECK(values.count("sasl.mechanisms") == 0);
}

TEST_CASE(
    "kafka_settings: ssl-encryption without files uses the system's authorities, and names may go "
    "unchecked") {
  KafkaSinkOptions options;
  options.kafka.brokers = {"b:1"};
  options.kafka.security_protocol = SecurityProtocol::kSslEncryption;
  options.kafka.ssl_endpoint_identification = SslEndpointIdentification::kNone;
  const auto values = effective(connection_properties(options));
  CHECK(values.at("security.protocol") == "ssl");
  CHECK(values.count("ssl.ca.location") == 0);
  CHECK(values.count("ssl.key.password") == 0);
  CHECK(values.at("ssl.endpoint.identification.algorithm") == "none");
}

TEST_CASE("kafka_settings: sasl-ssl with both mechanisms") {
  KafkaSinkOptions options = options_for(SecurityProtocol::kSaslSsl);
  auto values = effective(connection_properties(options));
  CHECK(values.at("security.protocol") == "sasl_ssl");
  CHECK(values.at("sasl.mechanisms") == "SCRAM-SHA-512");
  CHECK(values.at("sasl.username") == "user");
  CHECK(values.at("sasl.password") == "user-secret");
  options.kafka.sasl_mechanism = SaslMechanism::kPlain;
  values = effective(connection_properties(options));
  CHECK(values.at("sasl.mechanisms") == "PLAIN");
}

TEST_CASE("kafka_settings: a producer keeps order and loses nothing") {
  KafkaSinkOptions options = options_for(SecurityProtocol::kPlaintext);
  options.kafka.message_max_bytes = 5'000'000;
  options.in_flight_bytes_max = 32 << 20;
  const auto values = effective(producer_properties(options, 1'000'000).value());
  CHECK(values.at("enable.idempotence") == "true");
  CHECK(values.at("acks") == "all");
  CHECK(values.at("max.in.flight.requests.per.connection") == "5");
  CHECK(values.at("message.timeout.ms") == "0");
  CHECK(values.at("compression.codec") == "lz4");
  CHECK(values.at("batch.size") == "1000000");
  CHECK(values.at("message.max.bytes") == "5002048");
  CHECK(values.at("queue.buffering.max.kbytes") == "70421");  // (2 * 33554432 + 5002048) / 1024 + 1
  CHECK(values.at("queue.buffering.max.messages") == "0");
}

TEST_CASE("kafka_settings: a small MessageMaxBytes does not make small batches") {
  KafkaSinkOptions options = options_for(SecurityProtocol::kPlaintext);
  options.kafka.message_max_bytes = 10'000;
  CHECK(effective(producer_properties(options, 1'000'000).value()).at("message.max.bytes") == "1002048");
}

TEST_CASE("kafka_settings: the user's properties win, but never over a topic's limit") {
  KafkaSinkOptions options = options_for(SecurityProtocol::kPlaintext);
  options.properties = {{"linger.ms", "5"}, {"compression.codec", "zstd"}, {"batch.size", "500000"}};
  auto values = effective(producer_properties(options, 1'000'000).value());
  CHECK(values.at("linger.ms") == "5");
  CHECK(values.at("compression.codec") == "zstd");
  CHECK(values.at("batch.size") == "500000");
  values = effective(producer_properties(options, 65'536).value());
  CHECK(values.at("batch.size") == "65536");
}

TEST_CASE("kafka_settings: what delivery depends on cannot be set") {
  for (const char* name :
       {"acks", "enable.idempotence", "message.timeout.ms", "retries", "bootstrap.servers"}) {
    KafkaSinkOptions options = options_for(SecurityProtocol::kPlaintext);
    options.properties = {{name, "0"}};
    const auto refused = producer_properties(options, 1'000'000);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code() == ErrorCode::kInvalidSettings);
    CHECK(refused.error().message() ==
          std::string("KafkaProperties: ") + name + " is set by dmskafka itself");
  }
}

TEST_CASE(
    "kafka_settings: librdkafka accepts every producer property we set, and its refusal names the property") {
  KafkaSinkOptions options;
  options.kafka.brokers = {"127.0.0.1:1"};
  CHECK(make_producer(producer_properties(options, 1'000'000).value()).ok());
  CHECK(make_producer(admin_properties(options).value()).ok());
  options.properties = {{"linger.msec", "5"}};
  const auto refused = make_producer(producer_properties(options, 1'000'000).value());
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code() == ErrorCode::kInvalidSettings);
  CHECK(refused.error().message() ==
        "KafkaProperties: linger.msec: No such configuration property: \"linger.msec\"");
}

TEST_CASE("kafka_settings: half of the budget fills a batch for each partition") {
  constexpr std::size_t kBudget = 16 << 20;
  CHECK(batch_bytes_for_partitions(kBudget, 1) == 1'000'000);
  CHECK(batch_bytes_for_partitions(kBudget, 8) == 1'000'000);
  CHECK(batch_bytes_for_partitions(kBudget, 9) == 524'288);
  CHECK(batch_bytes_for_partitions(kBudget, 48) == 131'072);
  CHECK(batch_bytes_for_partitions(kBudget, 64) == 131'072);
  CHECK(batch_bytes_for_partitions(kBudget, 65) == 65'536);
  CHECK(batch_bytes_for_partitions(kBudget, 10'000) == 16'384);
}

TEST_CASE("kafka_settings: batches stay below a topic's limit") {
  CHECK(batch_bytes_for(0) == 1'000'000);
  CHECK(batch_bytes_for(1'048'588) == 1'000'000);  // Kafka's default
  CHECK(batch_bytes_for(10'000'000) == 1'000'000);
  CHECK(batch_bytes_for(1'001'024) == 1'000'000);
  CHECK(batch_bytes_for(1'001'023) == 524'288);
  CHECK(batch_bytes_for(100'000) == 65'536);
  CHECK(batch_bytes_for(500) == 1);
}

}  // namespace
}  // namespace dmskafka

#include "sinks/kafka/kafka_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <string_view>

namespace dmskafka {
namespace {

constexpr std::int64_t kBatchBytesMax = 1'000'000;
// What a batch of one message has around key and value; the topic's limit counts it, MessageMaxBytes does not.
constexpr std::int64_t kFramingBytes = 2048;

// Delivery, order and our own threads depend on these. The settings reader refuses them with their place in the file; this
// is the last gate.
constexpr std::array<std::string_view, 20> kOwned = {
    "acks",
    "request.required.acks",
    "bootstrap.servers",
    "metadata.broker.list",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "message.timeout.ms",
    "delivery.timeout.ms",
    "message.send.max.retries",
    "retries",
    "queuing.strategy",
    "transactional.id",
    "log.queue",
    "log_level",
    "enabled_events",
    "delivery.report.only.error",
    "allow.auto.create.topics",
    "test.mock.num.brokers",
};

std::string_view protocol_name(SecurityProtocol protocol) {
  switch (protocol) {
    case SecurityProtocol::kPlaintext: return "plaintext";
    case SecurityProtocol::kSslAuthentication:
    case SecurityProtocol::kSslEncryption: return "ssl";
    case SecurityProtocol::kSaslSsl: return "sasl_ssl";
  }
  return "";
}

void add_when_set(KafkaProperties& properties, std::string_view name, const std::string& value) {
  if (!value.empty()) properties.emplace_back(name, value);
}

void add_security(KafkaProperties& properties, const KafkaSettings& kafka) {
  properties.emplace_back("security.protocol", protocol_name(kafka.security_protocol));
  if (kafka.security_protocol == SecurityProtocol::kPlaintext) return;
  add_when_set(properties, "ssl.ca.location", kafka.ssl_ca_certificate);
  add_when_set(properties, "ssl.certificate.location", kafka.ssl_client_certificate);
  add_when_set(properties, "ssl.key.location", kafka.ssl_client_key);
  add_when_set(properties, "ssl.key.password", kafka.ssl_client_key_password);
  const bool https = kafka.ssl_endpoint_identification == SslEndpointIdentification::kHttps;
  properties.emplace_back("ssl.endpoint.identification.algorithm", https ? "https" : "none");
  if (kafka.security_protocol != SecurityProtocol::kSaslSsl) return;
  const bool plain = kafka.sasl_mechanism == SaslMechanism::kPlain;
  properties.emplace_back("sasl.mechanisms", plain ? "PLAIN" : "SCRAM-SHA-512");
  properties.emplace_back("sasl.username", kafka.sasl_username);
  properties.emplace_back("sasl.password", kafka.sasl_password);
}

Result<void> add_users_own(KafkaProperties& properties, const KafkaSinkOptions& options) {
  for (const auto& [name, value] : options.properties) {
    if (std::find(kOwned.begin(), kOwned.end(), name) != kOwned.end()) {
      return Error(ErrorCode::kInvalidSettings,
                   fmt::format("KafkaProperties: {} is set by dmskafka itself", name))
          .hint("delivery and order depend on it");
    }
    properties.emplace_back(name, value);
  }
  return {};
}

std::int64_t users_batch_bytes(const KafkaSinkOptions& options) {
  const auto set = options.properties.find("batch.size");
  std::int64_t bytes = kBatchBytesMax;
  if (set != options.properties.end()) {
    const char* end = set->second.data() + set->second.size();
    if (std::from_chars(set->second.data(), end, bytes).ptr != end)
      bytes = kBatchBytesMax;  // librdkafka will refuse it
  }
  return bytes;
}

}  // namespace

std::string broker_list(const KafkaSettings& settings) {
  return fmt::format("{}", fmt::join(settings.brokers, ","));
}

KafkaProperties connection_properties(const KafkaSinkOptions& options) {
  KafkaProperties properties;
  properties.emplace_back("bootstrap.servers", broker_list(options.kafka));
  if (!options.client_id.empty()) properties.emplace_back("client.id", options.client_id);
  add_security(properties, options.kafka);
  properties.emplace_back("log.queue", "true");
  // A broker that restarts should be noticed soon; librdkafka's default waits up to 10 s between attempts.
  properties.emplace_back("reconnect.backoff.max.ms", "2000");
  // Also twice the pause before a first connection: the default costs 50 ms at every start.
  properties.emplace_back("reconnect.backoff.ms", "20");
  properties.emplace_back("socket.nagle.disable", "true");
  // librdkafka 2.0 misses some leader changes until its next full look.
  properties.emplace_back("topic.metadata.refresh.interval.ms", "60000");
  return properties;
}

Result<KafkaProperties> admin_properties(const KafkaSinkOptions& options) {
  KafkaProperties properties = connection_properties(options);
  DMSKAFKA_TRY(add_users_own(properties, options));
  properties.emplace_back("allow.auto.create.topics", "false");
  return properties;
}

Result<KafkaProperties> producer_properties(const KafkaSinkOptions& options, std::int64_t batch_bytes_max) {
  KafkaProperties properties = connection_properties(options);
  properties.emplace_back("linger.ms", "900000");  // its greatest: LingerThread sends
  properties.emplace_back("compression.codec", "lz4");
  properties.emplace_back("batch.num.messages", "100000");
  DMSKAFKA_TRY(add_users_own(properties, options));

  properties.emplace_back("enable.idempotence", "true");
  properties.emplace_back("acks", "all");
  properties.emplace_back("max.in.flight.requests.per.connection", "5");
  // librdkafka's own time-out would leave a hole in the sequence; StallWatchdog bounds the waiting instead.
  properties.emplace_back("message.timeout.ms", "0");
  properties.emplace_back("batch.size",
                          fmt::to_string(std::min(users_batch_bytes(options), batch_bytes_max)));
  // It bounds a batch too, so that a small MessageMaxBytes must not make small batches; the engine checks each message.
  const std::int64_t message_bytes_max =
      std::max(options.kafka.message_max_bytes, kBatchBytesMax) + kFramingBytes;
  properties.emplace_back("message.max.bytes", fmt::to_string(message_bytes_max));
  // Our own budget is the bound; librdkafka's queue must never be full before it, since a message refused in the middle of
  // a portion would be overtaken. It counts a message until its report is destroyed, a little later than we do: twice
  // the budget. One message may be larger than the whole budget.
  const std::int64_t queue_bytes =
      2 * static_cast<std::int64_t>(options.in_flight_bytes_max) + message_bytes_max;
  properties.emplace_back("queue.buffering.max.kbytes", fmt::to_string(queue_bytes / 1024 + 1));
  properties.emplace_back("queue.buffering.max.messages", "0");
  return properties;
}

std::int64_t batch_bytes_for(std::int64_t message_bytes_max) {
  constexpr std::int64_t kMargin = 1024;
  if (message_bytes_max <= 0 || message_bytes_max - kMargin >= kBatchBytesMax) return kBatchBytesMax;
  const auto room = static_cast<std::uint64_t>(std::max<std::int64_t>(message_bytes_max - kMargin, 1));
  return static_cast<std::int64_t>(std::bit_floor(room));
}

std::int64_t batch_bytes_for_partitions(std::size_t in_flight_bytes_max, std::size_t partitions) {
  constexpr std::size_t kMin = 16 << 10;
  const std::size_t share = in_flight_bytes_max / 2 / std::max<std::size_t>(partitions, 1);
  if (share >= kBatchBytesMax) return kBatchBytesMax;
  return static_cast<std::int64_t>(std::bit_floor(std::max(share, kMin)));
}

}  // namespace dmskafka

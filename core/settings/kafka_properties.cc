#include "core/settings/kafka_properties.h"

#include <algorithm>
#include <array>

namespace dmskafka {
namespace {

struct OwnedProperty {
  std::string_view name;
  std::string_view instead;
};

constexpr std::string_view kBroker = "use KafkaSettings.Broker";
constexpr std::string_view kDelivery =
    "dmskafka sets it so that nothing is lost or reordered; DmskafkaSettings.Delivery chooses";
constexpr std::string_view kStall = "dmskafka bounds waiting itself; use DmskafkaSettings.StallTimeout";
constexpr std::string_view kProtocol = "use KafkaSettings.SecurityProtocol";
constexpr std::string_view kInside = "dmskafka's own threads depend on it; leave it out";

constexpr std::array kOwned = {
    OwnedProperty{"bootstrap.servers", kBroker},
    OwnedProperty{"metadata.broker.list", kBroker},
    OwnedProperty{"acks", kDelivery},
    OwnedProperty{"request.required.acks", kDelivery},
    OwnedProperty{"enable.idempotence", kDelivery},
    OwnedProperty{"enable.gapless.guarantee", kDelivery},
    OwnedProperty{"transactional.id", kDelivery},
    OwnedProperty{"max.in.flight", kDelivery},
    OwnedProperty{"max.in.flight.requests.per.connection", kDelivery},
    OwnedProperty{"retries", kDelivery},
    OwnedProperty{"message.send.max.retries", kDelivery},
    OwnedProperty{"queuing.strategy", kDelivery},
    OwnedProperty{"message.timeout.ms", kStall},
    OwnedProperty{"delivery.timeout.ms", kStall},
    OwnedProperty{"message.max.bytes", "use KafkaSettings.MessageMaxBytes"},
    OwnedProperty{"partitioner", "use DmskafkaSettings.Partitioner"},
    OwnedProperty{"security.protocol", kProtocol},
    OwnedProperty{"sasl.mechanism", "use KafkaSettings.SaslMechanism"},
    OwnedProperty{"sasl.mechanisms", "use KafkaSettings.SaslMechanism"},
    OwnedProperty{"sasl.username", "use KafkaSettings.SaslUsername"},
    OwnedProperty{"sasl.password", "use KafkaSettings.SaslPassword"},
    OwnedProperty{"ssl.ca.location", "use KafkaSettings.SslCaCertificateArn, which takes a path"},
    OwnedProperty{"ssl.certificate.location",
                  "use KafkaSettings.SslClientCertificateArn, which takes a path"},
    OwnedProperty{"ssl.key.location", "use KafkaSettings.SslClientKeyArn, which takes a path"},
    OwnedProperty{"ssl.key.password", "use KafkaSettings.SslClientKeyPassword"},
    OwnedProperty{"ssl.endpoint.identification.algorithm",
                  "use KafkaSettings.SslEndpointIdentificationAlgorithm"},
    OwnedProperty{"allow.auto.create.topics", "topics are made from DmskafkaSettings.Topic"},
    OwnedProperty{"queue.buffering.max.kbytes", kInside},
    OwnedProperty{"queue.buffering.max.messages", kInside},
    OwnedProperty{"log.queue", kInside},
    OwnedProperty{"log_level", "use --verbose or --quiet"},
    OwnedProperty{"enabled_events", kInside},
    OwnedProperty{"delivery.report.only.error", kInside},
    OwnedProperty{"test.mock.num.brokers", "use the target kafka:embedded"},
};

}  // namespace

std::optional<std::string> owned_property(std::string_view name) {
  const auto found =
      std::find_if(kOwned.begin(), kOwned.end(), [&](const OwnedProperty& p) { return p.name == name; });
  if (found == kOwned.end()) return std::nullopt;
  return std::string(found->instead);
}

}  // namespace dmskafka

#include "sinks/kafka/rdkafka_handle.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

namespace dmskafka {
namespace {

struct ConfigurationRelease {
  void operator()(rd_kafka_conf_s* configuration) const noexcept { rd_kafka_conf_destroy(configuration); }
};
using ConfigurationHandle = std::unique_ptr<rd_kafka_conf_s, ConfigurationRelease>;

Result<ConfigurationHandle> make_configuration(const KafkaProperties& properties) {
  ConfigurationHandle configuration(rd_kafka_conf_new());
  char text[512];
  for (const auto& [name, value] : properties) {
    // librdkafka's text quotes the value it refuses; a password is never refused, so none can be quoted.
    if (rd_kafka_conf_set(configuration.get(), name.c_str(), value.c_str(), text, sizeof text) !=
        RD_KAFKA_CONF_OK) {
      return Error(ErrorCode::kInvalidSettings, fmt::format("KafkaProperties: {}: {}", name, text));
    }
  }
  return configuration;
}

Result<ClientHandle> make_client(rd_kafka_type_t type, ConfigurationHandle configuration) {
  char text[512];
  ClientHandle client(rd_kafka_new(type, configuration.get(), text, sizeof text));
  if (!client)
    return Error(ErrorCode::kInvalidSettings, fmt::format("librdkafka refuses the settings: {}", text));
  static_cast<void>(configuration.release());  // the client's own now
  return client;
}

}  // namespace

void RdKafkaRelease::operator()(rd_kafka_s* client) const noexcept { rd_kafka_destroy(client); }
void RdKafkaRelease::operator()(rd_kafka_topic_s* topic) const noexcept { rd_kafka_topic_destroy(topic); }
void RdKafkaRelease::operator()(rd_kafka_queue_s* queue) const noexcept { rd_kafka_queue_destroy(queue); }
void RdKafkaRelease::operator()(rd_kafka_op_s* event) const noexcept { rd_kafka_event_destroy(event); }

Result<ClientHandle> make_producer(const KafkaProperties& properties) {
  DMSKAFKA_ASSIGN(ConfigurationHandle configuration, make_configuration(properties));
  rd_kafka_conf_set_events(configuration.get(),
                           RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
  DMSKAFKA_ASSIGN(ClientHandle client, make_client(RD_KAFKA_PRODUCER, std::move(configuration)));
  rd_kafka_set_log_queue(client.get(), nullptr);  // null: the main queue
  return client;
}

Result<ClientHandle> make_consumer(const KafkaProperties& properties) {
  DMSKAFKA_ASSIGN(ConfigurationHandle configuration, make_configuration(properties));
  DMSKAFKA_ASSIGN(ClientHandle client, make_client(RD_KAFKA_CONSUMER, std::move(configuration)));
  rd_kafka_poll_set_consumer(client.get());
  return client;
}

}  // namespace dmskafka

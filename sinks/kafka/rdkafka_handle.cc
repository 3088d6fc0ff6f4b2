#include "sinks/kafka/rdkafka_handle.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <string_view>

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

/// librdkafka says "ssl.ca.location failed: …" without the file that it could not read.
std::string with_file(const KafkaProperties& properties, std::string_view text) {
  for (const auto& [name, value] : properties) {
    if (name.ends_with(".location") && text.substr(0, name.size()) == name)
      return fmt::format("{}: {}", value, text);
  }
  return std::string(text);
}

Result<ClientHandle> make_client(rd_kafka_type_t type, const KafkaProperties& properties) {
  DMSKAFKA_ASSIGN(ConfigurationHandle configuration, make_configuration(properties));
  if (type == RD_KAFKA_PRODUCER) {
    rd_kafka_conf_set_events(configuration.get(),
                             RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
  }
  char text[512];
  ClientHandle client(rd_kafka_new(type, configuration.get(), text, sizeof text));
  if (!client) {
    return Error(ErrorCode::kInvalidSettings,
                 fmt::format("librdkafka refuses the settings: {}", with_file(properties, text)));
  }
  static_cast<void>(configuration.release());  // the client's own now
  return client;
}

}  // namespace

void RdKafkaRelease::operator()(rd_kafka_s* client) const noexcept { rd_kafka_destroy(client); }
void RdKafkaRelease::operator()(rd_kafka_topic_s* topic) const noexcept { rd_kafka_topic_destroy(topic); }
void RdKafkaRelease::operator()(rd_kafka_queue_s* queue) const noexcept { rd_kafka_queue_destroy(queue); }
void RdKafkaRelease::operator()(rd_kafka_op_s* event) const noexcept { rd_kafka_event_destroy(event); }

Result<ClientHandle> make_producer(const KafkaProperties& properties) {
  DMSKAFKA_ASSIGN(ClientHandle client, make_client(RD_KAFKA_PRODUCER, properties));
  rd_kafka_set_log_queue(client.get(), nullptr);  // null: the main queue
  return client;
}

Result<ClientHandle> make_consumer(const KafkaProperties& properties) {
  DMSKAFKA_ASSIGN(ClientHandle client, make_client(RD_KAFKA_CONSUMER, properties));
  rd_kafka_poll_set_consumer(client.get());
  return client;
}

}  // namespace dmskafka

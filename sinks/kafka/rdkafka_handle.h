#pragma once
#include <memory>
#include <string>

#include "core/base/result.h"
#include "sinks/kafka/kafka_settings.h"

// librdkafka's own types, so that its header stays in .cc files.
extern "C" {
struct rd_kafka_s;
struct rd_kafka_topic_s;
struct rd_kafka_queue_s;
struct rd_kafka_op_s;
}

namespace dmskafka {

struct RdKafkaRelease {
  void operator()(rd_kafka_s* client) const noexcept;
  void operator()(rd_kafka_topic_s* topic) const noexcept;
  void operator()(rd_kafka_queue_s* queue) const noexcept;
  void operator()(rd_kafka_op_s* event) const noexcept;
};
/// Topics and queues go before the client they belong to.
using ClientHandle = std::unique_ptr<rd_kafka_s, RdKafkaRelease>;
using TopicHandle = std::unique_ptr<rd_kafka_topic_s, RdKafkaRelease>;
using QueueHandle = std::unique_ptr<rd_kafka_queue_s, RdKafkaRelease>;
using EventHandle = std::unique_ptr<rd_kafka_op_s, RdKafkaRelease>;

/// A producer client that reports deliveries, errors and log lines as events on its main queue, never through callbacks.
/// Error: kInvalidSettings names the property librdkafka refuses.
Result<ClientHandle> make_producer(const KafkaProperties& properties);
/// The same for a consumer; its messages and events come by rd_kafka_consumer_poll().
Result<ClientHandle> make_consumer(const KafkaProperties& properties);

}  // namespace dmskafka

#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "core/task/sink.h"
#include "sinks/kafka/kafka_sink.h"

namespace dmskafka {

/// A message as it was consumed back from the in-process cluster.
struct ConsumedMessage {
  std::string_view topic;
  std::int32_t partition;
  std::int64_t offset;
  std::string_view key;
  std::string_view value;
};
/// Called on the consumer's own thread; noexcept.
using ConsumedCallback = std::function<void(const ConsumedMessage&)>;

/// "kafka:embedded": librdkafka's mock cluster inside this process, and a consumer that reads every message back while it is
/// produced (the cluster keeps only a few MiB). Topics are made by rd_kafka_mock_topic_create. Everything ends with the sink:
/// close() returns when every acknowledged message was also consumed (or `timeout` passed, an error).
/// Partitions: the TopicSpec's, else 4.
Result<std::unique_ptr<Sink>> make_embedded_kafka_sink(const KafkaSinkOptions& options,
                                                       DeliveryListener& listener, ConsumedCallback consumed);

}  // namespace dmskafka

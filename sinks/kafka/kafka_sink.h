#pragma once
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "core/settings/kafka_settings.h"
#include "core/settings/task_settings.h"
#include "core/task/sink.h"

namespace dmskafka {

struct KafkaSinkOptions {
  KafkaSettings kafka;
  std::string client_id;                              ///< shown in the broker's logs
  std::map<std::string, std::string> properties;      ///< DmskafkaSettings.KafkaProperties; checked already
  std::optional<std::chrono::seconds> stall_timeout;  ///< nothing acknowledged for so long: the sink fails
  std::size_t in_flight_bytes_max =
      16 << 20;                      ///< taken and not yet reported; 128 bytes a message beside its own
  std::uint32_t producer_count = 1;  ///< handles; a partition always belongs to one of them
  /// How long a message waits for others to fill its batch, unless flush() is called: LingerThread's `linger` and `linger_max`. A
  /// user's own linger.ms is librdkafka's instead.
  std::chrono::milliseconds linger{100};
  std::chrono::milliseconds linger_max{300};
  std::chrono::milliseconds connect_timeout{30'000};  ///< for the first broker to answer
};

/// Produces to a real cluster through librdkafka: idempotent, acks=all. `listener` outlives the sink.
///
/// A failed message's reason has the code kUndelivered when the message (or its topic) itself is refused and others go on;
/// any other code says that the sink ended before the message arrived: it may or may not be in Kafka, and a resumed task
/// sends it again.
/// REQUIRES: signals that the program waits for are blocked in the calling thread; librdkafka's threads inherit its mask.
/// Errors: kInvalidSettings for a property that librdkafka refuses or that is ours to set.
Result<std::unique_ptr<Sink>> make_kafka_sink(const KafkaSinkOptions& options, DeliveryListener& listener);

/// How many partitions topics have now, for a preview: 0 for one that does not exist. Nothing is made.
/// Errors: as Sink::open_topics(), within options.connect_timeout.
Result<std::vector<std::int32_t>> look_up_partitions(const KafkaSinkOptions& options,
                                                     std::span<const TopicSpec> topics, std::stop_token stop);

}  // namespace dmskafka

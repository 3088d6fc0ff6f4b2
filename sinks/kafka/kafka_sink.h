#pragma once
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/settings/kafka_settings.h"
#include "core/settings/task_settings.h"
#include "core/task/sink.h"

namespace dmskafka {

struct KafkaSinkOptions {
  KafkaSettings kafka;
  std::string client_id;                              ///< shown in the broker's logs
  std::map<std::string, std::string> properties;      ///< DmskafkaSettings.KafkaProperties; checked already
  std::optional<std::chrono::seconds> stall_timeout;  ///< nothing acknowledged for so long: the sink fails
  std::size_t in_flight_bytes_max = 32 << 20;         ///< keys and values taken and not yet reported
  std::uint32_t producer_count = 1;                   ///< handles; a partition always belongs to one of them
};

/// Produces to a real cluster through librdkafka: idempotent, acks=all.
/// `listener` outlives the sink.
Result<std::unique_ptr<Sink>> make_kafka_sink(const KafkaSinkOptions& options, DeliveryListener& listener);

}  // namespace dmskafka

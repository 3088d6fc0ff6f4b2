#pragma once
#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "core/task/sink.h"
#include "sinks/kafka/rdkafka_handle.h"

namespace dmskafka {

/// Ours, to compare a topic's settings with.
struct ProducerTraits {
  std::int64_t message_max_bytes;
  std::string compression;  ///< "" when unknown
};

/// The largest batch each topic takes (0 where we may not ask), in the order of `specs`. Warns of settings under which
/// messages are refused, dropped later or compressed twice. Never fails: it only makes the load better informed.
std::vector<std::int64_t> read_topic_limits(rd_kafka_s* client, std::span<const TopicSpec> specs,
                                            const ProducerTraits& ours, const std::stop_token& stop);

}  // namespace dmskafka

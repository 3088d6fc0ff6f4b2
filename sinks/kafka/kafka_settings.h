#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "sinks/kafka/kafka_sink.h"

namespace dmskafka {

/// librdkafka properties in the order in which they are set; a later one wins (aliases included).
using KafkaProperties = std::vector<std::pair<std::string, std::string>>;

/// How to reach the cluster: brokers, security, log. For every client. Contains secrets.
KafkaProperties connection_properties(const KafkaSinkOptions& options);

/// A producer that loses nothing and keeps each partition's order, with the user's own properties on top; batches of at most
/// `batch_bytes_max` bytes whatever the user says. Errors: kInvalidSettings for a property that is ours to set.
Result<KafkaProperties> producer_properties(const KafkaSinkOptions& options, std::int64_t batch_bytes_max);

/// The client that looks topics up and makes them: it must not have them made by the broker through looking.
Result<KafkaProperties> admin_properties(const KafkaSinkOptions& options);

/// The largest batch for a topic whose own limit is `message_bytes_max` (0: unknown). librdkafka 2.0 never splits a batch
/// that the broker finds too large: all its messages would fail. Few distinct values, so that few producers are needed.
std::int64_t batch_bytes_for(std::int64_t message_bytes_max);
/// The largest batch with which half of the budget fills one for each of so many partitions: larger ones would never be full, and
/// be sent only when nothing more can be taken. Few distinct values, too.
std::int64_t batch_bytes_for_partitions(std::size_t in_flight_bytes_max, std::size_t partitions);

/// "h1:9092,h2:9092".
std::string broker_list(const KafkaSettings& settings);

}  // namespace dmskafka

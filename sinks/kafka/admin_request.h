#pragma once
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "sinks/kafka/rdkafka_handle.h"

extern "C" {
struct rd_kafka_AdminOptions_s;
}

namespace dmskafka {

struct AdminOptionsRelease {
  void operator()(rd_kafka_AdminOptions_s* options) const noexcept;
};
using AdminOptionsHandle = std::unique_ptr<rd_kafka_AdminOptions_s, AdminOptionsRelease>;

enum class AdminOperation : std::uint8_t { kCreateTopics, kDescribeConfigs };

/// Options of one admin request, with its time limit.
AdminOptionsHandle admin_options(rd_kafka_s* client, AdminOperation operation);

/// The answer to an admin request that was sent with `queue`; null after a stop request.
EventHandle wait_answer(rd_kafka_queue_s* queue, const std::stop_token& stop);

/// An error in librdkafka's words with its name: "Broker: Policy violation (POLICY_VIOLATION)". `text` may be null.
std::string describe_error(int code, const char* text);

}  // namespace dmskafka

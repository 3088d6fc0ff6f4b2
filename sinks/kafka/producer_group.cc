#include "sinks/kafka/producer_group.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>

#include "sinks/kafka/admin_request.h"

namespace dmskafka {

using std::chrono::milliseconds;

Result<ProducerGroup> ProducerGroup::start(const KafkaProperties& properties, std::int64_t batch_bytes,
                                           std::uint32_t count) {
  std::vector<ClientHandle> clients;
  for (std::uint32_t i = 0; i < std::max(count, 1U); ++i) {
    DMSKAFKA_ASSIGN(ClientHandle client, make_producer(properties));
    clients.push_back(std::move(client));
  }
  return ProducerGroup(batch_bytes, std::move(clients));
}

Result<void> ProducerGroup::add_topic(KafkaTopic& topic) {
  for (const ClientHandle& client : clients_) {
    topic.handles.emplace_back(rd_kafka_topic_new(client.get(), topic.name.c_str(), nullptr));
    if (!topic.handles.back()) {
      return Error(ErrorCode::kTargetRejected,
                   fmt::format("topic {}: {}", topic.name, describe_error(rd_kafka_last_error(), nullptr)));
    }
  }
  return {};
}

Result<void> ProducerGroup::know_topics(milliseconds timeout, const std::stop_token& stop) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (const ClientHandle& client : clients_) {
    int code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    for (milliseconds wait{100}; code != RD_KAFKA_RESP_ERR_NO_ERROR;
         wait = std::min(wait * 2, milliseconds(5000))) {
      if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
      if (std::chrono::steady_clock::now() >= deadline) {
        return Error(ErrorCode::kTargetUnavailable,
                     "asking for the topics: " + describe_error(code, nullptr));
      }
      const rd_kafka_metadata_t* metadata = nullptr;
      code = rd_kafka_metadata(client.get(), 0, nullptr, &metadata, static_cast<int>(wait.count()));
      if (metadata != nullptr) rd_kafka_metadata_destroy(metadata);
    }
  }
  return {};
}

void ProducerGroup::send_now() noexcept {
  // librdkafka ignores linger.ms while somebody waits in rd_kafka_flush(); its threads need a moment to see that.
  flush(milliseconds(5));
}

void ProducerGroup::flush(milliseconds wait) noexcept {
  for (const ClientHandle& client : clients_) rd_kafka_flush(client.get(), static_cast<int>(wait.count()));
}

void ProducerGroup::purge() noexcept {
  for (const ClientHandle& client : clients_) {
    rd_kafka_purge(client.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  }
}

}  // namespace dmskafka

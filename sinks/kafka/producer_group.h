#pragma once
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "core/task/sink.h"
#include "sinks/kafka/rdkafka_handle.h"

namespace dmskafka {

/// A topic with its handle in each producer of its group.
struct KafkaTopic : Topic {
  std::vector<TopicHandle> handles;  ///< partition p belongs to handles[p % handles.size()]
};

/// Producers with the same limit of a batch. A partition is always written by the same one, so its order is kept.
/// Thread: the task's; librdkafka's calls on a client are safe from any thread.
class ProducerGroup {
 public:
  /// Errors: kInvalidSettings.
  static Result<ProducerGroup> start(const KafkaProperties& properties, std::int64_t batch_bytes,
                                     std::uint32_t count);

  const std::vector<ClientHandle>& clients() const noexcept { return clients_; }
  std::int64_t batch_bytes() const noexcept { return batch_bytes_; }
  /// Adds the topic's handles. The first message to a topic that a client does not know would wait up to a second, so
  /// know_topics() follows before the first message.
  Result<void> add_topic(KafkaTopic& topic);
  /// Has every client learn the partitions of its topics. Errors: kTargetUnavailable, kCancelled.
  Result<void> know_topics(std::chrono::milliseconds timeout, const std::stop_token& stop);

  /// Sends what lingers.
  void send_now() noexcept;
  /// Waits at most `wait` until nothing is queued or in flight.
  void flush(std::chrono::milliseconds wait) noexcept;
  /// Has everything that is not acknowledged reported as failed.
  void purge() noexcept;

 private:
  ProducerGroup(std::int64_t batch_bytes, std::vector<ClientHandle> clients)
      : batch_bytes_(batch_bytes), clients_(std::move(clients)) {}

  std::int64_t batch_bytes_;
  std::vector<ClientHandle> clients_;
};

}  // namespace dmskafka

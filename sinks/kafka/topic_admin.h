#pragma once
#include <chrono>
#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "core/task/sink.h"
#include "sinks/kafka/cluster_health.h"
#include "sinks/kafka/rdkafka_handle.h"
#include "sinks/kafka/topic_limits.h"

extern "C" {
struct rd_kafka_metadata;
}

namespace dmskafka {

/// What the cluster says about a topic.
struct TopicFacts {
  std::int32_t partition_count = 0;
  std::int64_t message_bytes_max = 0;  ///< 0: we may not ask
};

/// Looks topics up and makes those that do not exist. Thread: the task's.
class TopicAdmin {
 public:
  struct Parts {
    rd_kafka_s* client;  ///< made from admin_properties()
    ClusterHealth& health;
    KafkaProperties producer;  ///< for the broker's own creation, where we may not create
    std::string brokers;       ///< for texts
    ProducerTraits ours;
    std::chrono::milliseconds connect_timeout;
  };
  /// Everything in `parts` outlives it.
  explicit TopicAdmin(Parts parts) : parts_(std::move(parts)) {}

  /// In the order of `specs`. Errors: those of Sink::open_topics().
  Result<std::vector<TopicFacts>> open(std::span<const TopicSpec> specs, const std::stop_token& stop);
  /// Only looks: 0 for a topic that does not exist, and none is made.
  Result<std::vector<std::int32_t>> partition_counts(std::span<const TopicSpec> specs,
                                                     const std::stop_token& stop);

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  /// How a topic stands: missing, there without all its leaders yet, or ready.
  struct Standing {
    enum class Kind : std::uint8_t { kMissing, kWithoutLeader, kReady } kind = Kind::kMissing;
    std::int32_t partition_count = 0;
  };

  Result<std::vector<Standing>> look_up(std::span<const TopicSpec> specs, const std::stop_token& stop);
  Result<std::vector<Standing>> look_up_once(std::span<const TopicSpec> specs,
                                             std::chrono::milliseconds wait);
  Result<void> create(std::span<const TopicSpec* const> missing, const std::stop_token& stop);
  Result<void> let_broker_create(const TopicSpec& spec, const std::string& why);
  Result<std::vector<Standing>> wait_ready(std::span<const TopicSpec> specs, const std::stop_token& stop);
  void note_controller(const struct rd_kafka_metadata& metadata);
  Error no_broker() const;
  Error not_creatable(const std::string& name) const;

  const Parts parts_;
  bool controller_known_ =
      false;  ///< librdkafka's mock cluster names one that does not exist, and requests wait for it
  std::string creation_refused_;  ///< why the broker did not let us create, "" when it did
};

}  // namespace dmskafka

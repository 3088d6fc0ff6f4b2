#include "sinks/kafka/embedded_kafka.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <atomic>
#include <set>
#include <thread>
#include <utility>

#include "core/base/logging.h"
#include "sinks/in_flight_budget.h"
#include "sinks/kafka/kafka_settings.h"
#include "sinks/kafka/rdkafka_handle.h"

namespace dmskafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::int32_t kPartitionsDefault = 4;
// The cluster drops a partition's oldest batches above 5 MiB (rdkafka_mock.c), read or not: what is not yet consumed stays
// well below that, whatever partition it is in.
constexpr std::size_t kUnconsumedBytesMax = 3 << 20;
// What a record has around key and value in the cluster's log, generously.
constexpr std::size_t kRecordOverhead = 64;

constexpr int kMetadataTimeoutMs = 2000;

struct ClusterRelease {
  void operator()(rd_kafka_mock_cluster_t* cluster) const noexcept { rd_kafka_mock_cluster_destroy(cluster); }
};
using ClusterHandle = std::unique_ptr<rd_kafka_mock_cluster_t, ClusterRelease>;
struct PartitionListRelease {
  void operator()(rd_kafka_topic_partition_list_t* list) const noexcept {
    rd_kafka_topic_partition_list_destroy(list);
  }
};
using PartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t, PartitionListRelease>;

/// Gives an undelivered message's room back, as nobody will consume it.
class ForwardingListener final : public DeliveryListener {
 public:
  ForwardingListener(DeliveryListener& outer, InFlightBudget& unconsumed)
      : outer_(outer), unconsumed_(unconsumed) {}
  void delivered(DeliveryTicket& ticket, std::uint64_t messages, std::uint64_t bytes) noexcept override {
    outer_.delivered(ticket, messages, bytes);
  }
  void failed(DeliveryTicket& ticket, const FailedMessage& message) noexcept override {
    outer_.failed(ticket, message);
    unconsumed_.release(1, message.key.size() + message.value.size() + kRecordOverhead);
  }

 private:
  DeliveryListener& outer_;
  InFlightBudget& unconsumed_;
};

class EmbeddedKafkaSink final : public Sink {
 public:
  EmbeddedKafkaSink(DeliveryListener& listener, ConsumedCallback consumed)
      : consumed_(std::move(consumed)), unconsumed_(kUnconsumedBytesMax), listener_(listener, unconsumed_) {}
  ~EmbeddedKafkaSink() override { release(); }
  EmbeddedKafkaSink(const EmbeddedKafkaSink&) = delete;
  EmbeddedKafkaSink& operator=(const EmbeddedKafkaSink&) = delete;

  Result<void> start(KafkaSinkOptions options);

  Result<std::vector<const Topic*>> open_topics(std::span<const TopicSpec> specs,
                                                std::stop_token stop) override;
  Result<void> send(const OutboundMessage& message, std::stop_token stop) override;
  void flush() noexcept override { inner_->flush(); }
  Result<void> close(milliseconds timeout) override;
  std::optional<Error> failure() const override { return inner_->failure(); }
  std::uint64_t in_flight() const noexcept override { return inner_->in_flight(); }

 private:
  Result<void> make_topic(const TopicSpec& spec);
  Result<void> consume_from_start(std::span<const Topic* const> topics);
  void consume(const std::stop_token& stop) noexcept;
  void release();

  const ConsumedCallback consumed_;
  InFlightBudget unconsumed_;  // taken by send(), given back by the consumer; locks itself
  ForwardingListener listener_;
  ClientHandle host_;  // what the cluster lives in
  ClusterHandle cluster_;
  ClientHandle consumer_;
  std::set<std::string> topics_;  // the task's thread
  std::unique_ptr<Sink> inner_;
  std::jthread thread_;  // last: starts after what it uses, joins before it goes
};

Result<void> EmbeddedKafkaSink::start(KafkaSinkOptions options) {
  DMSKAFKA_ASSIGN(host_, make_producer({{"client.id", "embedded-kafka"}, {"log.queue", "true"}}));
  cluster_.reset(rd_kafka_mock_cluster_new(host_.get(), 1));
  if (!cluster_)
    return Error(ErrorCode::kTargetUnavailable, "the in-process Kafka cluster cannot be started");
  options.kafka.brokers = {rd_kafka_mock_cluster_bootstraps(cluster_.get())};
  options.kafka.security_protocol = SecurityProtocol::kPlaintext;

  const KafkaProperties consumer = {
      {"bootstrap.servers", options.kafka.brokers.front()},
      {"client.id", "embedded-kafka-consumer"},
      {"group.id", "embedded-kafka-consumer"},
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      {"log.queue", "true"},
      {"reconnect.backoff.ms", "20"},
      // The cluster answers a fetch that found nothing only after this time, data or not.
      {"fetch.wait.max.ms", "5"},
      {"fetch.error.backoff.ms", "5"},
      {"socket.nagle.disable", "true"},
      // Offset 0 is always there; anything else is a loss that must not be skipped.
      {"auto.offset.reset", "error"}};
  DMSKAFKA_ASSIGN(consumer_, make_consumer(consumer));
  DMSKAFKA_ASSIGN(inner_, make_kafka_sink(options, listener_));
  thread_ = std::jthread([this](std::stop_token stop) { consume(stop); });
  return {};
}

Result<std::vector<const Topic*>> EmbeddedKafkaSink::open_topics(std::span<const TopicSpec> specs,
                                                                 std::stop_token stop) {
  for (const TopicSpec& spec : specs) {
    if (topics_.count(spec.name) == 0) DMSKAFKA_TRY(make_topic(spec));
  }
  DMSKAFKA_ASSIGN(std::vector<const Topic*> topics, inner_->open_topics(specs, stop));
  std::vector<const Topic*> added;
  for (const Topic* topic : topics) {
    if (topics_.insert(topic->name).second) added.push_back(topic);
  }
  DMSKAFKA_TRY(consume_from_start(added));
  return topics;
}

Result<void> EmbeddedKafkaSink::make_topic(const TopicSpec& spec) {
  const std::int32_t partitions = spec.partitions.value_or(kPartitionsDefault);
  const auto code = rd_kafka_mock_topic_create(cluster_.get(), spec.name.c_str(), partitions, 1);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) return {};
  return Error(ErrorCode::kTargetRejected,
               fmt::format("topic {} in the in-process cluster: {}", spec.name, rd_kafka_err2str(code)));
}

Result<void> EmbeddedKafkaSink::consume_from_start(std::span<const Topic* const> topics) {
  if (topics.empty()) return {};
  // Asked first, because an assigned partition of an unknown topic is looked for only once a second.
  std::vector<TopicHandle> handles;
  for (const Topic* topic : topics) {
    handles.emplace_back(rd_kafka_topic_new(consumer_.get(), topic->name.c_str(), nullptr));
  }
  const rd_kafka_metadata_t* metadata = nullptr;
  if (rd_kafka_metadata(consumer_.get(), 0, nullptr, &metadata, kMetadataTimeoutMs) ==
      RD_KAFKA_RESP_ERR_NO_ERROR) {
    rd_kafka_metadata_destroy(metadata);
  }
  const PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(topics.size())));
  for (const Topic* topic : topics) {
    for (std::int32_t partition = 0; partition < topic->partition_count; ++partition) {
      rd_kafka_topic_partition_list_add(list.get(), topic->name.c_str(), partition)->offset = 0;
    }
  }
  rd_kafka_error_t* error = rd_kafka_incremental_assign(consumer_.get(), list.get());
  if (error == nullptr) return {};
  const std::string text = rd_kafka_error_string(error);
  rd_kafka_error_destroy(error);
  return Error(ErrorCode::kTargetUnavailable, fmt::format("consuming from the in-process cluster: {}", text));
}

Result<void> EmbeddedKafkaSink::send(const OutboundMessage& message, std::stop_token stop) {
  const std::size_t bytes = message.key.size() + message.value.size() + kRecordOverhead;
  DMSKAFKA_TRY(unconsumed_.acquire(1, bytes, stop));
  auto sent = inner_->send(message, std::move(stop));
  if (!sent) unconsumed_.release(1, bytes);
  return sent;
}

void EmbeddedKafkaSink::consume(const std::stop_token& stop) noexcept {
  while (!stop.stop_requested()) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer_.get(), 50);
    if (message == nullptr) continue;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      const std::string_view key(static_cast<const char*>(message->key), message->key_len);
      const std::string_view value(static_cast<const char*>(message->payload), message->len);
      consumed_({rd_kafka_topic_name(message->rkt), message->partition, message->offset, key, value});
      unconsumed_.release(1, message->key_len + message->len + kRecordOverhead);
    } else if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
      unconsumed_.close(
          Error(ErrorCode::kTargetUnavailable,
                fmt::format("the in-process cluster lost messages: {}", rd_kafka_message_errstr(message))));
    }
    rd_kafka_message_destroy(message);
  }
}

Result<void> EmbeddedKafkaSink::close(milliseconds timeout) {
  if (!inner_) return {};
  const auto deadline = steady_clock::now() + timeout;
  auto closed = inner_->close(timeout);
  const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
  const bool consumed = unconsumed_.wait_empty(std::max(left, milliseconds(0)), {});
  const std::uint64_t unconsumed = unconsumed_.messages();
  const auto lost = unconsumed_.failure();
  release();
  DMSKAFKA_TRY(std::move(closed));
  if (lost) return *lost;
  if (consumed) return {};
  return Error(ErrorCode::kUndelivered,
               fmt::format("{} messages were acknowledged by the in-process cluster and not read "
                           "back within {} ms",
                           unconsumed, timeout.count()));
}

void EmbeddedKafkaSink::release() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  if (consumer_) rd_kafka_consumer_close(consumer_.get());
  consumer_.reset();
  cluster_.reset();
  host_.reset();
}

}  // namespace

Result<std::unique_ptr<Sink>> make_embedded_kafka_sink(const KafkaSinkOptions& options,
                                                       DeliveryListener& listener,
                                                       ConsumedCallback consumed) {
  auto sink = std::make_unique<EmbeddedKafkaSink>(listener, std::move(consumed));
  DMSKAFKA_TRY(sink->start(options));
  return std::unique_ptr<Sink>(std::move(sink));
}

}  // namespace dmskafka

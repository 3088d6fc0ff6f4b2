#include "sinks/kafka/kafka_sink.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <deque>
#include <utility>

#include "core/base/logging.h"
#include "sinks/in_flight_budget.h"
#include "sinks/kafka/cluster_health.h"
#include "sinks/kafka/kafka_settings.h"
#include "sinks/kafka/linger_thread.h"
#include "sinks/kafka/producer_group.h"
#include "sinks/kafka/rdkafka_handle.h"
#include "sinks/kafka/report_thread.h"
#include "sinks/kafka/report_verdict.h"
#include "sinks/kafka/topic_admin.h"

namespace dmskafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// librdkafka answers a purge from its own memory; this bounds what should take milliseconds.
constexpr milliseconds kPurgeTimeout{10'000};
// Messages handed to librdkafka in one call, which reads the clock and locks the topic once for all of them.
constexpr std::size_t kPortion = 64;
/// So long nobody gives room back before what lingers is sent; longer each time, since Kafka may stand still.
constexpr milliseconds kRoomWait{25};
constexpr milliseconds kRoomWaitMax{1'000};
/// While Kafka stands still librdkafka's thread would spin in vain: then it is asked to send only so often.
constexpr milliseconds kStillWait{250};
/// What is on its way is little while it does not fill a batch.
constexpr std::size_t kLittleBytes = 1 << 20;

class KafkaSink final : public Sink {
 public:
  KafkaSink(KafkaSinkOptions options, DeliveryListener& listener)
      : options_(std::move(options)), listener_(listener), budget_(options_.in_flight_bytes_max) {}
  ~KafkaSink() override {
    if (reports_)
      static_cast<void>(close(milliseconds(0)));  // nobody closed us: at least every message is reported
  }
  KafkaSink(const KafkaSink&) = delete;
  KafkaSink& operator=(const KafkaSink&) = delete;

  Result<void> start();

  Result<std::vector<const Topic*>> open_topics(std::span<const TopicSpec> specs,
                                                std::stop_token stop) override;
  Result<void> send(const OutboundMessage& message, std::stop_token stop) override;
  Result<void> send_all(std::span<const OutboundMessage> messages, std::size_t& taken,
                        const std::stop_token& stop) override;
  void flush() noexcept override;
  Result<void> close(milliseconds timeout) override;
  std::optional<Error> failure() const override { return budget_.failure(); }
  std::uint64_t in_flight() const noexcept override { return budget_.messages(); }

 private:
  Result<ProducerGroup*> group_for(std::int64_t batch_bytes);
  const Topic* find_topic(std::string_view name) const;
  Result<const Topic*> add_topic(const TopicSpec& spec, const TopicFacts& facts);
  Result<void> take_room(std::uint64_t messages, std::size_t bytes, const std::stop_token& stop);
  Result<void> send_portion(std::span<const OutboundMessage> messages, std::size_t& taken,
                            const std::stop_token& stop);
  void reject(const Topic& topic, const rd_kafka_message_s& message);
  void send_now() noexcept;
  void flush_until(steady_clock::time_point deadline);
  void release_clients();
  std::string compression() const;

  const KafkaSinkOptions options_;
  DeliveryListener& listener_;
  InFlightBudget budget_;  // locks itself
  ClusterHealth health_;   // locks itself
  // In this order they are made, and in the opposite one they go.
  ClientHandle admin_;
  mutable Mutex groups_mutex_;
  std::deque<ProducerGroup> groups_ GUARDED_BY(groups_mutex_);
  steady_clock::time_point flushed_at_ GUARDED_BY(groups_mutex_);
  std::deque<KafkaTopic> topics_;  // the task's thread; each is constant once it is handed out
  std::size_t partitions_ = 0;     // of all of them; likewise
  std::optional<ReportThread> reports_;
  std::optional<LingerThread> linger_;
};

Result<void> KafkaSink::start() {
  DMSKAFKA_TRY(
      producer_properties(options_, batch_bytes_for(0)));  // tells of a wrong property before any connection
  DMSKAFKA_ASSIGN(const KafkaProperties properties, admin_properties(options_));
  DMSKAFKA_ASSIGN(admin_, make_producer(properties));
  reports_.emplace(
      ReportThread::Parts{listener_, budget_, health_, broker_list(options_.kafka), options_.stall_timeout});
  reports_->add_client(admin_.get());
  // Who sets it himself wants to have it.
  const bool users =
      options_.properties.contains("linger.ms") || options_.properties.contains("queue.buffering.max.ms");
  if (!users) {
    linger_.emplace(LingerThread::Options{options_.linger, options_.linger_max, kLittleBytes}, budget_,
                    [this] { send_now(); });
  }
  return {};
}

std::string KafkaSink::compression() const {
  for (const char* name : {"compression.type", "compression.codec"}) {
    if (const auto set = options_.properties.find(name); set != options_.properties.end()) return set->second;
  }
  return "lz4";
}

Result<std::vector<const Topic*>> KafkaSink::open_topics(std::span<const TopicSpec> specs,
                                                         std::stop_token stop) {
  DMSKAFKA_ASSIGN(KafkaProperties producer, producer_properties(options_, batch_bytes_for(0)));
  TopicAdmin topic_admin({admin_.get(),
                          health_,
                          std::move(producer),
                          broker_list(options_.kafka),
                          {options_.kafka.message_max_bytes, compression()},
                          options_.connect_timeout});
  DMSKAFKA_ASSIGN(const std::vector<TopicFacts> facts, topic_admin.open(specs, stop));
  std::vector<const Topic*> topics;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (find_topic(specs[i].name) == nullptr)
      partitions_ += static_cast<std::size_t>(facts[i].partition_count);
  }
  for (std::size_t i = 0; i < specs.size(); ++i) {
    DMSKAFKA_ASSIGN(const Topic* topic, add_topic(specs[i], facts[i]));
    topics.push_back(topic);
  }
  std::vector<ProducerGroup*> groups;  // they stay where they are, and only this thread adds some
  {
    MutexLock lock(groups_mutex_);
    for (ProducerGroup& group : groups_) groups.push_back(&group);
  }
  for (ProducerGroup* group : groups) DMSKAFKA_TRY(group->know_topics(options_.connect_timeout, stop));
  return topics;
}

const Topic* KafkaSink::find_topic(std::string_view name) const {
  const auto known =
      std::find_if(topics_.begin(), topics_.end(), [&](const auto& topic) { return topic.name == name; });
  return known == topics_.end() ? nullptr : &*known;
}

Result<const Topic*> KafkaSink::add_topic(const TopicSpec& spec, const TopicFacts& facts) {
  if (const Topic* known = find_topic(spec.name)) return known;
  DMSKAFKA_ASSIGN(ProducerGroup * group,
                  group_for(std::min(batch_bytes_for(facts.message_bytes_max),
                                     batch_bytes_for_partitions(options_.in_flight_bytes_max, partitions_))));
  KafkaTopic& topic = topics_.emplace_back();
  topic.name = spec.name;
  topic.partition_count = facts.partition_count;
  topic.message_bytes_max = facts.message_bytes_max;
  topic.index = topics_.size() - 1;
  DMSKAFKA_TRY(group->add_topic(topic));
  return &topic;
}

Result<ProducerGroup*> KafkaSink::group_for(std::int64_t batch_bytes) {
  MutexLock lock(groups_mutex_);
  for (ProducerGroup& group : groups_) {
    if (group.batch_bytes() == batch_bytes) return &group;
  }
  DMSKAFKA_ASSIGN(const KafkaProperties properties, producer_properties(options_, batch_bytes));
  DMSKAFKA_ASSIGN(ProducerGroup group,
                  ProducerGroup::start(properties, batch_bytes, options_.producer_count));
  for (const ClientHandle& client : group.clients()) reports_->add_client(client.get());
  return &groups_.emplace_back(std::move(group));
}

Result<void> KafkaSink::send(const OutboundMessage& message, std::stop_token stop) {
  std::size_t taken = 0;
  return send_portion({&message, 1}, taken, stop);
}

Result<void> KafkaSink::send_all(std::span<const OutboundMessage> messages, std::size_t& taken,
                                 const std::stop_token& stop) {
  taken = 0;
  while (!messages.empty()) {
    const auto portion = messages.first(std::min(messages.size(), kPortion));
    DMSKAFKA_TRY(send_portion(portion, taken, stop));
    messages = messages.subspan(portion.size());
  }
  return {};
}

rd_kafka_message_t rdkafka_message(const OutboundMessage& message) {
  assert(message.partition >= 0 && message.partition < message.topic->partition_count);
  // Null would be sent as a null key, or as a tombstone, where empty is meant. librdkafka copies and does not write.
  static constexpr char kEmpty[] = "";
  rd_kafka_message_t made = {};
  made.partition = message.partition;
  made.key = const_cast<char*>(message.key.empty() ? kEmpty : message.key.data());
  made.key_len = message.key.size();
  made.payload = const_cast<char*>(message.value.empty() ? kEmpty : message.value.data());
  made.len = message.value.size();
  made._private = message.ticket;
  return made;
}

/// Where messages go to many partitions, all of the room may be taken by batches that wait to be filled.
Result<void> KafkaSink::take_room(std::uint64_t messages, std::size_t bytes, const std::stop_token& stop) {
  for (milliseconds wait = kRoomWait;; wait = std::min(wait * 2, kRoomWaitMax)) {
    DMSKAFKA_ASSIGN(const bool taken, budget_.acquire_within(wait, messages, bytes, stop));
    if (taken) return {};
    flush();
  }
}

Result<void> KafkaSink::send_portion(std::span<const OutboundMessage> messages, std::size_t& taken,
                                     const std::stop_token& stop) {
  const auto& topic = static_cast<const KafkaTopic&>(*messages.front().topic);
  std::size_t bytes = 0;
  for (const OutboundMessage& message : messages) {
    bytes += message.key.size() + message.value.size() + kMessageOverhead;
  }
  DMSKAFKA_TRY(take_room(messages.size(), bytes, stop));
  std::array<rd_kafka_message_t, kPortion> portion;  // filled as far as it is used
  for (std::size_t producer = 0; producer < topic.handles.size(); ++producer) {
    std::size_t count = 0;
    for (const OutboundMessage& message : messages) {
      if (static_cast<std::size_t>(message.partition) % topic.handles.size() == producer) {
        portion[count++] = rdkafka_message(message);
      }
    }
    if (count == 0) continue;
    const int produced = rd_kafka_produce_batch(topic.handles[producer].get(), RD_KAFKA_PARTITION_UA,
                                                RD_KAFKA_MSG_F_COPY | RD_KAFKA_MSG_F_PARTITION,
                                                portion.data(), static_cast<int>(count));
    if (linger_) linger_->taken();
    if (static_cast<std::size_t>(produced) == count) continue;
    for (const rd_kafka_message_t& message : std::span(portion).first(count)) {
      if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) reject(topic, message);
    }
  }
  taken += messages.size();
  return {};
}

/// Taken all the same, and reported as failed. Unless the message alone is at fault, nothing may follow it.
void KafkaSink::reject(const Topic& topic, const rd_kafka_message_s& message) {
  if (report_verdict(message.err) != ReportVerdict::kMessageAtFault) {
    budget_.close(sink_failure(message.err, ""));
  }
  reports_->reject({topic.name, message.partition,
                    std::string(static_cast<const char*>(message.key), message.key_len),
                    std::string(static_cast<const char*>(message.payload), message.len),
                    static_cast<DeliveryTicket*>(message._private), message.err});
}

void KafkaSink::flush() noexcept {
  {
    MutexLock lock(groups_mutex_);
    const auto now = steady_clock::now();
    if (budget_.stands_still() && now - flushed_at_ < kStillWait) return;
    flushed_at_ = now;
  }
  send_now();
}

void KafkaSink::send_now() noexcept {
  MutexLock lock(groups_mutex_);
  for (ProducerGroup& group : groups_) group.send_now();
}

void KafkaSink::flush_until(steady_clock::time_point deadline) {
  MutexLock lock(groups_mutex_);
  // In slices, because a failure ends the waiting.
  while (budget_.messages() != 0 && !budget_.closed() && steady_clock::now() < deadline) {
    for (ProducerGroup& group : groups_) group.flush(milliseconds(100));
    budget_.wait_empty(milliseconds(10), {});
  }
}

Result<void> KafkaSink::close(milliseconds timeout) {
  if (!reports_) return {};
  flush_until(steady_clock::now() + timeout);
  const std::uint64_t undelivered = budget_.messages();
  const std::optional<Error> failed = budget_.failure();
  if (undelivered != 0) {
    {
      MutexLock lock(groups_mutex_);
      for (ProducerGroup& group : groups_) group.purge();
    }
    budget_.wait_empty(kPurgeTimeout, {});
  }
  const std::uint64_t unreported = budget_.messages();
  release_clients();
  if (unreported != 0) {
    return Error(ErrorCode::kInternal, fmt::format("librdkafka did not report {} messages", unreported));
  }
  if (undelivered == 0) return {};
  const std::string why = failed
                              ? failed->message()
                              : fmt::format("Kafka did not acknowledge them within {} ms", timeout.count());
  return Error(ErrorCode::kUndelivered, fmt::format("{} messages were not delivered: {}", undelivered, why));
}

void KafkaSink::release_clients() {
  linger_.reset();
  reports_.reset();
  for (KafkaTopic& topic : topics_) topic.handles.clear();  // the Topics themselves live as long as the sink
  {
    MutexLock lock(groups_mutex_);
    groups_.clear();
  }
  admin_.reset();
}

}  // namespace

Result<std::unique_ptr<Sink>> make_kafka_sink(const KafkaSinkOptions& options, DeliveryListener& listener) {
  auto sink = std::make_unique<KafkaSink>(options, listener);
  DMSKAFKA_TRY(sink->start());
  return std::unique_ptr<Sink>(std::move(sink));
}

Result<std::vector<std::int32_t>> look_up_partitions(const KafkaSinkOptions& options,
                                                     std::span<const TopicSpec> topics,
                                                     std::stop_token stop) {
  DMSKAFKA_ASSIGN(const KafkaProperties properties, admin_properties(options));
  DMSKAFKA_ASSIGN(const ClientHandle client, make_producer(properties));
  ClusterHealth health;
  TopicAdmin admin({client.get(), health, {}, broker_list(options.kafka), {}, options.connect_timeout});
  return admin.partition_counts(topics, stop);
}

}  // namespace dmskafka

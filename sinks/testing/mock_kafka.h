#pragma once
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sinks/kafka/rdkafka_handle.h"

namespace dmskafka {

/// librdkafka's mock cluster, and a consumer of ours that knows nothing of the sink. It cannot create topics by request,
/// so tests make them here first. Thread: the test's.
class MockKafka {
 public:
  explicit MockKafka(int brokers = 1) {
    client_ = make_producer({{"log.queue", "true"}}).value();
    cluster_ = rd_kafka_mock_cluster_new(client_.get(), brokers);
  }
  ~MockKafka() { rd_kafka_mock_cluster_destroy(cluster_); }
  MockKafka(const MockKafka&) = delete;
  MockKafka& operator=(const MockKafka&) = delete;

  std::string brokers() const { return rd_kafka_mock_cluster_bootstraps(cluster_); }
  void make_topic(const std::string& name, int partitions) {
    rd_kafka_mock_topic_create(cluster_, name.c_str(), partitions, 1);
  }
  /// The next produce requests fail with these.
  void fail_produce(const std::vector<rd_kafka_resp_err_t>& errors) {
    constexpr std::int16_t kProduce = 0;
    rd_kafka_mock_push_request_errors_array(cluster_, kProduce, errors.size(), errors.data());
  }
  void set_leader(const std::string& topic, int partition, int broker) {
    rd_kafka_mock_partition_set_leader(cluster_, topic.c_str(), partition, broker);
  }
  void set_down() { rd_kafka_mock_broker_set_down(cluster_, 1); }
  void set_up() { rd_kafka_mock_broker_set_up(cluster_, 1); }
  void set_round_trip(int milliseconds) { rd_kafka_mock_broker_set_rtt(cluster_, 1, milliseconds); }

  using Message = std::pair<std::string, std::string>;
  /// The first `count` messages of a partition, or fewer when no more come within 20 s.
  std::vector<Message> read(const std::string& topic, int partition, std::size_t count) {
    return read_from(brokers(), topic, partition, count);
  }
  /// All messages of a partition.
  std::vector<Message> read_all(const std::string& topic, int partition) {
    std::int64_t low = 0;
    std::int64_t high = 0;
    const ClientHandle asker =
        make_producer({{"bootstrap.servers", brokers()}, {"log.queue", "true"}}).value();
    rd_kafka_query_watermark_offsets(asker.get(), topic.c_str(), partition, &low, &high, 20'000);
    return read(topic, partition, static_cast<std::size_t>(high - low));
  }
  static std::vector<Message> read_from(const std::string& brokers, const std::string& topic, int partition,
                                        std::size_t count) {
    const ClientHandle consumer =
        make_consumer({{"bootstrap.servers", brokers}, {"group.id", "test"}, {"log.queue", "true"}}).value();
    rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic.c_str(), partition)->offset = 0;
    rd_kafka_assign(consumer.get(), list);
    rd_kafka_topic_partition_list_destroy(list);
    std::vector<Message> messages;
    while (messages.size() < count) {
      rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer.get(), 20'000);
      if (message == nullptr) break;
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        messages.emplace_back(text(message->key, message->key_len), text(message->payload, message->len));
      }
      rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(consumer.get());
    return messages;
  }

 private:
  static std::string text(const void* bytes, std::size_t size) {
    return bytes == nullptr ? "<null>" : std::string(static_cast<const char*>(bytes), size);
  }

  ClientHandle client_;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
};

}  // namespace dmskafka

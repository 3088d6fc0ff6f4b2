// Against a real broker, DMSKAFKA_TEST_KAFKA=host:port. kcat is the independent consumer.
#include <doctest/doctest.h>
#include <librdkafka/rdkafka.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "sinks/kafka/admin_request.h"
#include "sinks/kafka/kafka_sink.h"
#include "sinks/kafka/rdkafka_handle.h"
#include "sinks/testing/recording_listener.h"

namespace dmskafka {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

std::string broker() {
  const char* broker = std::getenv("DMSKAFKA_TEST_KAFKA");
  return broker == nullptr ? "" : broker;
}

/// What a command prints.
std::string output_of(const std::string& command) {
  std::FILE* pipe = ::popen(command.c_str(), "r");
  std::string text;
  std::array<char, 65536> block;
  for (std::size_t size = 0; (size = std::fread(block.data(), 1, block.size(), pipe)) > 0;)
    text.append(block.data(), size);
  CHECK(::pclose(pipe) == 0);
  return text;
}

/// Topics of this process and case, deleted at its end.
class Topics {
 public:
  ~Topics() {
    const ClientHandle client =
        make_producer({{"bootstrap.servers", broker()}, {"log.queue", "true"}}).value();
    const QueueHandle queue(rd_kafka_queue_new(client.get()));
    for (const std::string& name : names_) {
      rd_kafka_DeleteTopic_t* topic = rd_kafka_DeleteTopic_new(name.c_str());
      rd_kafka_DeleteTopics(client.get(), &topic, 1, nullptr, queue.get());
      wait_answer(queue.get(), {});
      rd_kafka_DeleteTopic_destroy(topic);
    }
  }
  std::string name(const std::string& part) {
    return names_.emplace_back("dmskafka-test-" + std::to_string(::getpid()) + "-" + part);
  }

 private:
  std::vector<std::string> names_;
};

KafkaSinkOptions options_for(const std::string& brokers) {
  KafkaSinkOptions options;
  options.kafka.brokers = {brokers};
  options.client_id = "kafka_sink_integration_test";
  return options;
}

TEST_CASE(
    "kafka_sink, real broker: a topic is made as asked, and kcat reads keys, values and partitions back "
    "equal") {
  Topics topics;
  RecordingListener listener;
  const auto sink = make_kafka_sink(options_for(broker()), listener).value();
  const std::vector<TopicSpec> specs = {
      {topics.name("made"), 5, 1, {{"retention.ms", "3600000"}, {"max.message.bytes", "500000"}}},
      {topics.name("default"), {}, {}, {}}};
  const auto opened = sink->open_topics(specs, {});
  REQUIRE_MESSAGE(opened.ok(), (opened.ok() ? "" : opened.error().to_string()));
  const Topic& made = *opened.value()[0];
  CHECK(made.partition_count == 5);
  CHECK(made.message_bytes_max == 500'000);
  CHECK(opened.value()[1]->partition_count >= 1);
  CHECK(opened.value()[1]->message_bytes_max > 0);

  DeliveryTicket ticket;
  constexpr int kCount = 10'000;
  std::array<std::string, 5> expected;
  for (int i = 0; i < kCount; ++i) {
    const std::int32_t partition = (i * 7) % 5;
    const std::string key = "schéma.table." + std::to_string(i);
    const std::string value = "{\"data\":{\"id\":" + std::to_string(i) + ",\"text\":\"" +
                              std::string(static_cast<std::size_t>(i % 300), 'z') + "\"}}";
    expected[static_cast<std::size_t>(partition)] += key + "|" + value + "\n";
    REQUIRE(sink->send({&made, partition, key, value, &ticket}, {}).ok());
  }
  REQUIRE(sink->close(seconds(30)).ok());
  CHECK(listener.delivered_of(ticket) == kCount);
  for (int partition = 0; partition < 5; ++partition) {
    const std::string text = output_of("kcat -q -C -b " + broker() + " -t " + made.name + " -p " +
                                       std::to_string(partition) + " -o beginning -e -f '%k|%s\\n'");
    CHECK(text == expected[static_cast<std::size_t>(partition)]);
  }
}

TEST_CASE(
    "kafka_sink, real broker: a record above the topic's max.message.bytes fails alone, in a topic with "
    "small batches") {
  Topics topics;
  RecordingListener listener;
  KafkaSinkOptions options = options_for(broker());
  options.properties = {{"compression.codec", "none"}};
  const auto sink = make_kafka_sink(options, listener).value();
  const std::vector<TopicSpec> specs = {{topics.name("small"), 1, 1, {{"max.message.bytes", "20000"}}}};
  const Topic* topic = sink->open_topics(specs, {}).value().front();
  CHECK(topic->message_bytes_max == 20'000);
  DeliveryTicket ticket;
  std::string expected;
  const std::string large(30'000, 'L');
  for (int i = 0; i < 2'000; ++i) {
    const std::string key = std::to_string(i);
    if (i % 500 == 250) REQUIRE(sink->send({topic, 0, "large-" + key, large, &ticket}, {}).ok());
    REQUIRE(sink->send({topic, 0, key, std::string(200, 'v'), &ticket}, {}).ok());
    expected += key + "\n";
  }
  REQUIRE(sink->close(seconds(60)).ok());
  const auto failures = listener.failures();
  REQUIRE(failures.size() == 4);
  for (const auto& failure : failures) {
    CHECK(failure.code == ErrorCode::kUndelivered);
    CHECK(failure.value == large);
    CHECK(failure.text == "Broker: Message size too large (MSG_SIZE_TOO_LARGE)");
  }
  CHECK(failures[0].key == "large-250");
  CHECK(listener.delivered_count() == 2'000);
  CHECK(output_of("kcat -q -C -b " + broker() + " -t " + topic->name + " -p 0 -o beginning -e -f '%k\\n'") ==
        expected);
}

TEST_CASE("kafka_sink, real broker: a topic that cannot be made as asked is refused in the broker's words") {
  RecordingListener listener;
  const auto sink = make_kafka_sink(options_for(broker()), listener).value();
  const std::vector<TopicSpec> specs = {{"dmskafka-test-never-made", 1, 99, {}}};
  const auto opened = sink->open_topics(specs, {});
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().code() == ErrorCode::kTargetRejected);
  CHECK(opened.error().message().find(
            "topic dmskafka-test-never-made does not exist and cannot be created: ") == 0);
  CHECK(opened.error().message().find("INVALID_REPLICATION_FACTOR") != std::string::npos);
}

TEST_CASE(
    "kafka_sink, real broker: an existing topic keeps its partitions, and more than 32 topics open at once") {
  Topics topics;
  std::vector<TopicSpec> specs;
  for (int i = 0; i < 40; ++i) specs.push_back({topics.name("many-" + std::to_string(i)), 1 + i % 3, 1, {}});
  RecordingListener listener;
  for (int run = 0; run < 2; ++run) {
    const auto sink = make_kafka_sink(options_for(broker()), listener).value();
    const auto opened = sink->open_topics(specs, {});
    REQUIRE_MESSAGE(opened.ok(), (opened.ok() ? "" : opened.error().to_string()));
    for (int i = 0; i < 40; ++i)
      CHECK(opened.value()[static_cast<std::size_t>(i)]->partition_count == 1 + i % 3);
    for (TopicSpec& spec : specs) spec.partitions = 9;  // second run: what stands counts
  }
}

TEST_CASE("kafka_sink, real broker: TLS to a listener without TLS is refused at once") {
  KafkaSinkOptions options = options_for(broker());
  options.kafka.security_protocol = SecurityProtocol::kSslEncryption;
  RecordingListener listener;
  const auto sink = make_kafka_sink(options, listener).value();
  const std::vector<TopicSpec> specs = {{"dmskafka-test-never-made", 1, 1, {}}};
  const auto start = steady_clock::now();
  const auto opened = sink->open_topics(specs, {});
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().code() == ErrorCode::kTargetRejected);
  CHECK(opened.error().message().find("no TLS connection to Kafka: ") == 0);
  CHECK(steady_clock::now() - start < options.connect_timeout / 2);
  MESSAGE(opened.error().to_string());
}

TEST_CASE("kafka_sink: a dead broker is told when the time to connect is over, with the reason") {
  RecordingListener listener;
  KafkaSinkOptions options = options_for("127.0.0.1:1");
  CHECK(options.connect_timeout == seconds(30));  // integration.dead_broker waits for it
  options.connect_timeout = seconds(3);
  const auto sink = make_kafka_sink(options, listener).value();
  const std::vector<TopicSpec> specs = {{"t", {}, {}, {}}};
  const auto start = steady_clock::now();
  const auto opened = sink->open_topics(specs, {});
  const auto took = steady_clock::now() - start;
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().code() == ErrorCode::kTargetUnavailable);
  CHECK(opened.error().message().find("Connection refused") != std::string::npos);
  CHECK(took >= seconds(3));
  CHECK(took < seconds(15));
}

}  // namespace
}  // namespace dmskafka

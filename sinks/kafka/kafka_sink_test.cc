#include "sinks/kafka/kafka_sink.h"

#include <doctest/doctest.h>

#include <set>
#include <thread>

#include "sinks/testing/mock_kafka.h"
#include "sinks/testing/recording_listener.h"
#include "test/support/allocation_count.h"

namespace dmskafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

/// A mock cluster with one topic, and a sink on it.
struct Fixture {
  explicit Fixture(int partitions = 4, KafkaSinkOptions with = {}, int brokers = 1)
      : cluster(brokers), options(std::move(with)) {
    cluster.make_topic("t", partitions);
    options.kafka.brokers = {cluster.brokers()};
    options.client_id = "kafka_sink_test";
    sink = make_kafka_sink(options, listener).value();
    const std::vector<TopicSpec> specs = {{"t", {}, {}, {}}};
    topic = sink->open_topics(specs, {}).value().front();
  }
  Result<void> send(std::int32_t partition, std::string_view key, std::string_view value,
                    std::stop_token stop = {}) {
    return sink->send({topic, partition, key, value, &ticket}, std::move(stop));
  }

  MockKafka cluster;
  KafkaSinkOptions options;
  RecordingListener listener;
  DeliveryTicket ticket;
  std::unique_ptr<Sink> sink;
  const Topic* topic = nullptr;
};

TEST_CASE("kafka_sink: each message is delivered once, in order within its partition, and counted") {
  KafkaSinkOptions options;
  options.producer_count = 2;
  Fixture fixture(4, options);
  CHECK(fixture.topic->partition_count == 4);
  constexpr int kEach = 2'000;
  DeliveryTicket tickets[4];
  std::uint64_t bytes = 0;
  for (int i = 0; i < kEach; ++i) {
    for (std::int32_t partition = 0; partition < 4; ++partition) {
      const std::string key = std::to_string(i);
      const std::string value = "{\"partition\":" + std::to_string(partition) + "}";
      bytes += key.size() + value.size();
      REQUIRE(fixture.sink->send({fixture.topic, partition, key, value, &tickets[partition]}, {}).ok());
    }
  }
  REQUIRE(fixture.listener.wait_reported(4 * kEach));
  for (DeliveryTicket& ticket : tickets) CHECK(fixture.listener.delivered_of(ticket) == kEach);
  CHECK(fixture.listener.bytes() == bytes);
  CHECK(fixture.listener.calls() < kEach);  // grouped
  CHECK(fixture.listener.failures().empty());
  for (std::int32_t partition = 0; partition < 4; ++partition) {
    const auto messages = fixture.cluster.read("t", partition, kEach);
    REQUIRE(messages.size() == kEach);
    for (int i = 0; i < kEach; ++i) {
      REQUIRE(messages[static_cast<std::size_t>(i)].first == std::to_string(i));
      REQUIRE(messages[static_cast<std::size_t>(i)].second ==
              "{\"partition\":" + std::to_string(partition) + "}");
    }
  }
  CHECK(fixture.sink->close(seconds(10)).ok());
  CHECK(fixture.sink->in_flight() == 0);
  CHECK_FALSE(fixture.sink->failure());
}

TEST_CASE("kafka_sink: a message and its report allocate nothing of ours") {
  Fixture fixture;
  constexpr std::uint64_t kWarm = 2'000;
  constexpr std::uint64_t kCounted = 20'000;
  const std::string value(200, 'x');
  const auto send_all = [&](std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i)
      REQUIRE(fixture.send(static_cast<std::int32_t>(i % 4), "key", value).ok());
  };
  send_all(kWarm);
  REQUIRE(fixture.listener.wait_reported(kWarm));
  const std::uint64_t before = allocation_count();
  send_all(kCounted);
  REQUIRE(fixture.listener.wait_reported(kWarm + kCounted));
  // A tick of the report thread may; a message may not.
  CHECK(allocation_count() - before < kCounted / 200);
  CHECK(fixture.sink->close(seconds(10)).ok());
}

TEST_CASE("kafka_sink: an empty key and an empty value are empty, not null") {
  Fixture fixture;
  REQUIRE(fixture.send(0, {}, {}).ok());
  REQUIRE(fixture.sink->close(seconds(10)).ok());
  CHECK(fixture.listener.delivered_count() == 1);
  CHECK(fixture.cluster.read("t", 0, 1) == std::vector<MockKafka::Message>{{"", ""}});
}

TEST_CASE("kafka_sink: an error that passes is retried and order is kept") {
  KafkaSinkOptions options;
  options.properties = {{"batch.size", "1000"}};  // several requests are in flight when the first one fails
  Fixture fixture(1, options);
  fixture.cluster.fail_produce({RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
                                RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION});
  constexpr int kCount = 3'000;
  for (int i = 0; i < kCount; ++i) REQUIRE(fixture.send(0, std::to_string(i), "{}").ok());
  REQUIRE(fixture.sink->close(seconds(20)).ok());
  CHECK(fixture.listener.delivered_of(fixture.ticket) == kCount);
  const auto messages = fixture.cluster.read("t", 0, kCount);
  REQUIRE(messages.size() == kCount);
  for (int i = 0; i < kCount; ++i) REQUIRE(messages[static_cast<std::size_t>(i)].first == std::to_string(i));
}

TEST_CASE(
    "kafka_sink: messages the broker refuses are reported with key, value and reason, and others go on") {
  Fixture fixture(1);
  fixture.cluster.fail_produce({RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE});
  REQUIRE(fixture.send(0, "refused", "{\"a\":1}").ok());
  REQUIRE(fixture.listener.wait_reported(1));
  REQUIRE(fixture.listener.failures().size() == 1);
  const auto failure = fixture.listener.failures().front();
  CHECK(failure.ticket == &fixture.ticket);
  CHECK(failure.topic == "t");
  CHECK(failure.partition == 0);
  CHECK(failure.key == "refused");
  CHECK(failure.value == "{\"a\":1}");
  CHECK(failure.code == ErrorCode::kUndelivered);
  CHECK(failure.text == "Broker: Message size too large (MSG_SIZE_TOO_LARGE)");
  CHECK_FALSE(fixture.sink->failure());
  REQUIRE(fixture.send(0, "taken", "{}").ok());
  CHECK(fixture.sink->close(seconds(20)).ok());
  CHECK(fixture.listener.delivered_count() == 1);
}

TEST_CASE("kafka_sink: a message too large for the producer fails alone, its batch-mates arrive") {
  Fixture fixture(1);
  const std::string large(1'100'000, 'x');
  for (int i = 0; i < 25; ++i) REQUIRE(fixture.send(0, std::to_string(i), "{}").ok());
  REQUIRE(fixture.send(0, "large", large).ok());
  for (int i = 25; i < 50; ++i) REQUIRE(fixture.send(0, std::to_string(i), "{}").ok());
  REQUIRE(fixture.listener.wait_reported(51));
  CHECK(fixture.listener.delivered_count() == 50);
  REQUIRE(fixture.listener.failures().size() == 1);
  CHECK(fixture.listener.failures()[0].key == "large");
  CHECK(fixture.listener.failures()[0].value == large);
  CHECK(fixture.listener.failures()[0].code == ErrorCode::kUndelivered);
  CHECK(fixture.sink->close(seconds(10)).ok());
}

TEST_CASE("kafka_sink: messages handed over together keep their order, and one at fault fails alone") {
  KafkaSinkOptions options;
  options.producer_count = 2;
  Fixture fixture(4, options);
  constexpr std::size_t kCount = 300;  // several portions
  constexpr std::size_t kLarge = 150;
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < kCount; ++i) keys.push_back(std::to_string(i));
  const std::string large(1'100'000, 'x');
  std::vector<OutboundMessage> messages;
  for (std::size_t i = 0; i < kCount; ++i) {
    messages.push_back({fixture.topic, static_cast<std::int32_t>(i % 4), keys[i],
                        i == kLarge ? std::string_view(large) : std::string_view("{}"), &fixture.ticket});
  }
  std::size_t taken = 0;
  REQUIRE(fixture.sink->send_all(messages, taken, {}).ok());
  CHECK(taken == kCount);
  REQUIRE(fixture.listener.wait_reported(kCount));
  CHECK(fixture.listener.delivered_of(fixture.ticket) == kCount - 1);
  REQUIRE(fixture.listener.failures().size() == 1);
  CHECK(fixture.listener.failures()[0].key == keys[kLarge]);
  CHECK(fixture.listener.failures()[0].value == large);
  for (std::size_t partition = 0; partition < 4; ++partition) {
    std::vector<MockKafka::Message> expected;
    for (std::size_t i = partition; i < kCount; i += 4) {
      if (i != kLarge) expected.emplace_back(keys[i], "{}");
    }
    CHECK(fixture.cluster.read("t", static_cast<int>(partition), expected.size()) == expected);
  }
  CHECK(fixture.sink->close(seconds(10)).ok());
  CHECK(fixture.sink->in_flight() == 0);
}

TEST_CASE("kafka_sink: a fatal error in the middle of messages handed over together loses count of none") {
  Fixture fixture(1);
  fixture.cluster.fail_produce({RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER});
  const std::vector<OutboundMessage> messages(100, {fixture.topic, 0, "k", "{}", &fixture.ticket});
  std::uint64_t taken_in_all = 0;
  Result<void> sent;
  const auto deadline = steady_clock::now() + seconds(30);
  while (sent && steady_clock::now() < deadline) {
    std::size_t taken = 0;
    sent = fixture.sink->send_all(messages, taken, {});
    if (sent) CHECK(taken == messages.size());
    taken_in_all += taken;
  }
  REQUIRE_FALSE(sent.ok());
  CHECK(sent.error().code() == ErrorCode::kProducerFatal);
  static_cast<void>(fixture.sink->close(seconds(10)));
  CHECK(fixture.sink->in_flight() == 0);
  CHECK(fixture.listener.delivered_count() + fixture.listener.failures().size() == taken_in_all);
}

TEST_CASE("kafka_sink: a fatal producer error is the sink's failure, and every message is reported") {
  Fixture fixture(1);
  fixture.cluster.fail_produce({RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER});
  std::uint64_t taken = 0;
  std::optional<Error> failed;
  const auto deadline = steady_clock::now() + seconds(30);
  while (!failed && steady_clock::now() < deadline) {
    auto sent = fixture.send(0, "k", "{}");
    if (sent) {
      ++taken;
    } else {
      failed = sent.error();
    }
    if (taken % 1000 == 0) std::this_thread::yield();
  }
  REQUIRE(failed);
  CHECK(failed->code() == ErrorCode::kProducerFatal);
  CHECK(fixture.sink->failure()->message() == failed->message());
  const auto closed = fixture.sink->close(seconds(10));
  CHECK(fixture.listener.delivered_count() + fixture.listener.failures().size() == taken);
  CHECK_FALSE(fixture.listener.failures().empty());
  CHECK(fixture.listener.failures()[0].code == ErrorCode::kProducerFatal);
  CHECK((closed.ok() || closed.error().code() == ErrorCode::kUndelivered));
}

TEST_CASE("kafka_sink: after a fatal producer error a new sink on the same cluster delivers") {
  Fixture fixture(1);
  fixture.cluster.fail_produce({RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER});
  while (fixture.send(0, "k", "{}")) std::this_thread::yield();
  static_cast<void>(fixture.sink->close(seconds(1)));
  RecordingListener listener;
  DeliveryTicket ticket;
  const auto sink = make_kafka_sink(fixture.options, listener).value();
  const std::vector<TopicSpec> specs = {{"t", {}, {}, {}}};
  const Topic* topic = sink->open_topics(specs, {}).value().front();
  for (int i = 0; i < 100; ++i) REQUIRE(sink->send({topic, 0, std::to_string(i), "{}", &ticket}, {}).ok());
  REQUIRE(sink->close(seconds(20)).ok());
  CHECK(listener.delivered_of(ticket) == 100);
}

TEST_CASE("kafka_sink: leaders that move in the middle cost neither a message nor the order") {
  Fixture fixture(2, {}, 3);
  constexpr int kEach = 6'000;
  for (int i = 0; i < kEach; ++i) {
    if (i % 2'000 == 1'000) {
      for (int partition = 0; partition < 2; ++partition) {
        fixture.cluster.set_leader("t", partition, 1 + (i / 2'000 + partition) % 3);
      }
      // So that messages are on their way to the old leader, and later ones to the new.
      REQUIRE(fixture.listener.wait_reported(static_cast<std::uint64_t>(i)));
    }
    for (std::int32_t partition = 0; partition < 2; ++partition) {
      REQUIRE(fixture.send(partition, std::to_string(i), "{}").ok());
    }
  }
  REQUIRE(fixture.sink->close(seconds(60)).ok());
  CHECK(fixture.listener.delivered_of(fixture.ticket) == 2 * kEach);
  CHECK(fixture.listener.failures().empty());
  for (std::int32_t partition = 0; partition < 2; ++partition) {
    const auto messages = fixture.cluster.read("t", partition, kEach);
    REQUIRE(messages.size() == kEach);
    for (int i = 0; i < kEach; ++i) REQUIRE(messages[static_cast<std::size_t>(i)].first == std::to_string(i));
  }
}

TEST_CASE("kafka_sink: close() with an unreachable broker gives up in time and reports every message") {
  Fixture fixture;
  fixture.cluster.set_down();
  for (int i = 0; i < 100; ++i) REQUIRE(fixture.send(i % 4, std::to_string(i), "{}").ok());
  const auto start = steady_clock::now();
  const auto closed = fixture.sink->close(milliseconds(500));
  CHECK(steady_clock::now() - start < seconds(8));
  REQUIRE_FALSE(closed.ok());
  CHECK(closed.error().code() == ErrorCode::kUndelivered);
  CHECK(closed.error().message() ==
        "100 messages were not delivered: Kafka did not acknowledge them within 500 ms");
  const auto failures = fixture.listener.failures();
  REQUIRE(failures.size() == 100);
  std::set<std::string> keys;
  for (const auto& failure : failures) {
    keys.insert(failure.key);
    CHECK(failure.code == ErrorCode::kTargetUnavailable);
  }
  CHECK(keys.size() == 100);
  CHECK(fixture.sink->in_flight() == 0);
}

TEST_CASE("kafka_sink: a broker that comes back gets everything") {
  Fixture fixture(1);
  fixture.cluster.set_down();
  for (int i = 0; i < 100; ++i) REQUIRE(fixture.send(0, std::to_string(i), "{}").ok());
  CHECK_FALSE(fixture.listener.wait_reported(1, seconds(1)));
  fixture.cluster.set_up();
  REQUIRE(fixture.sink->close(seconds(30)).ok());
  CHECK(fixture.listener.delivered_count() == 100);
}

TEST_CASE("kafka_sink: a full budget blocks send() until the stop request") {
  KafkaSinkOptions options;
  options.in_flight_bytes_max = 100'000;
  Fixture fixture(1, options);
  fixture.cluster.set_down();
  std::stop_source stop;
  std::atomic<std::uint64_t> taken{0};
  std::thread sender([&] {
    const std::string value(1000, 'x');
    for (;;) {
      auto sent = fixture.send(0, "k", value, stop.get_token());
      if (!sent) {
        CHECK(sent.error().code() == ErrorCode::kCancelled);
        return;
      }
      ++taken;
    }
  });
  while (fixture.sink->in_flight() < 88) std::this_thread::yield();  // 100,000 / (1 + 1000 + 128)
  stop.request_stop();
  sender.join();
  CHECK(taken == 88);
  CHECK(fixture.sink->in_flight() == 88);
}

TEST_CASE("kafka_sink: batches that wait to be filled do not keep the room for ever") {
  KafkaSinkOptions options;
  options.in_flight_bytes_max = 64 << 10;
  options.linger = options.linger_max = std::chrono::minutes(10);
  constexpr std::int32_t kPartitions = 64;  // none of them can fill a batch
  Fixture fixture(kPartitions, options);
  // Enough to end a run that hangs.
  std::stop_source stop;
  std::jthread limit([&stop](const std::stop_token& ended) {
    for (int ticks = 0; ticks < 300 && !ended.stop_requested(); ++ticks) {
      std::this_thread::sleep_for(milliseconds(100));
    }
    stop.request_stop();
  });
  const std::string value(1'000, 'x');
  constexpr int kCount = 500;
  for (int i = 0; i < kCount; ++i) {
    REQUIRE(fixture.send(i % kPartitions, "key", value, stop.get_token()).ok());
  }
  CHECK(fixture.sink->close(seconds(20)).ok());
  CHECK(fixture.listener.delivered_of(fixture.ticket) == kCount);
}

TEST_CASE("kafka_sink: nothing acknowledged for the stall timeout is a failure that frees the sender") {
  KafkaSinkOptions options;
  options.stall_timeout = seconds(1);
  options.in_flight_bytes_max = 10'000;
  Fixture fixture(1, options);
  fixture.cluster.set_down();
  std::optional<Error> failed;
  while (!failed) {
    auto sent = fixture.send(0, "k", "{}");
    if (!sent) failed = sent.error();
  }
  CHECK(failed->code() == ErrorCode::kTargetUnavailable);
  CHECK(failed->message().find("acknowledged nothing for 1 s while") != std::string::npos);
  const auto closed = fixture.sink->close(seconds(5));
  REQUIRE_FALSE(closed.ok());
  CHECK(closed.error().code() == ErrorCode::kUndelivered);
}

TEST_CASE("kafka_sink: no broker at the address") {
  KafkaSinkOptions options;
  options.kafka.brokers = {"127.0.0.1:1", "127.0.0.1:2"};
  options.connect_timeout = milliseconds(1500);
  RecordingListener listener;
  const auto sink = make_kafka_sink(options, listener).value();
  const std::vector<TopicSpec> specs = {{"t", {}, {}, {}}};
  const auto start = steady_clock::now();
  const auto opened = sink->open_topics(specs, {});
  const auto took = steady_clock::now() - start;
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().code() == ErrorCode::kTargetUnavailable);
  CHECK(opened.error().message().find("no Kafka broker answers at 127.0.0.1:1,127.0.0.1:2 within 1 s: ") ==
        0);
  CHECK(opened.error().message().find("Connection refused") != std::string::npos);
  CHECK(took >= milliseconds(1400));
  CHECK(took < seconds(4));
  CHECK(sink->close(seconds(0)).ok());
}

TEST_CASE("kafka_sink: waiting for a broker ends with the stop request") {
  KafkaSinkOptions options;
  options.kafka.brokers = {"127.0.0.1:1"};
  RecordingListener listener;
  const auto sink = make_kafka_sink(options, listener).value();
  const std::vector<TopicSpec> specs = {{"t", {}, {}, {}}};
  std::stop_source stop;
  stop.request_stop();
  CHECK(sink->open_topics(specs, stop.get_token()).error().code() == ErrorCode::kCancelled);
}

TEST_CASE("kafka_sink: a property that librdkafka does not know is refused before any connection") {
  KafkaSinkOptions options;
  options.kafka.brokers = {"127.0.0.1:1"};
  options.properties = {{"no.such.property", "1"}};
  RecordingListener listener;
  CHECK(make_kafka_sink(options, listener).error().code() == ErrorCode::kInvalidSettings);
}

}  // namespace
}  // namespace dmskafka

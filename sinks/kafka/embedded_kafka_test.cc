#include "sinks/kafka/embedded_kafka.h"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <string>
#include <thread>

#include "sinks/testing/recording_listener.h"

namespace dmskafka {
namespace {

using std::chrono::seconds;

TEST_CASE(
    "embedded_kafka: everything sent is read back, in order, with its offset, far above what the cluster "
    "keeps") {
  RecordingListener listener;
  std::map<std::pair<std::string, std::int32_t>, std::int64_t> next;
  std::uint64_t consumed = 0;
  bool in_order = true;
  bool equal = true;
  const std::string filling(1000, 'x');
  auto sink = make_embedded_kafka_sink({}, listener, [&](const ConsumedMessage& message) {
                std::int64_t& offset = next[{std::string(message.topic), message.partition}];
                in_order = in_order && message.offset == offset;
                equal = equal && message.key == std::to_string(offset) && message.value == filling;
                ++offset;
                ++consumed;
              }).value();
  std::vector<TopicSpec> specs = {{"one", {}, {}, {}}, {"two", 2, {}, {}}};
  const auto topics = sink->open_topics(specs, {}).value();
  CHECK(topics[0]->partition_count == 4);
  CHECK(topics[1]->partition_count == 2);
  DeliveryTicket ticket;
  constexpr int kEach = 4'000;  // 6 partitions of 4 MB, 24 MB in all, in a cluster that holds 5 MiB of each
  for (int i = 0; i < kEach; ++i) {
    const std::string key = std::to_string(i);
    for (std::int32_t partition = 0; partition < 6; ++partition) {
      const Topic* topic = partition < 4 ? topics[0] : topics[1];
      REQUIRE(sink->send({topic, partition % 4, key, filling, &ticket}, {}).ok());
    }
  }
  const auto closed = sink->close(seconds(60));
  CHECK_MESSAGE(closed.ok(), (closed.ok() ? "" : closed.error().to_string()));
  CHECK(listener.delivered_of(ticket) == 6 * kEach);
  CHECK(consumed == 6 * kEach);
  CHECK(in_order);
  CHECK(equal);
}

TEST_CASE("embedded_kafka: one partition alone takes more than the cluster keeps, and the reader is slow") {
  RecordingListener listener;
  std::uint64_t consumed = 0;
  auto sink = make_embedded_kafka_sink({}, listener, [&](const ConsumedMessage&) {
                std::this_thread::sleep_for(std::chrono::milliseconds(10));
                ++consumed;
              }).value();
  const std::vector<TopicSpec> specs = {{"t", 1, {}, {}}};
  const Topic* topic = sink->open_topics(specs, {}).value().front();
  DeliveryTicket ticket;
  std::string value(900'000, ' ');
  std::mt19937 random(1);  // what compresses well would fit
  for (char& c : value) c = static_cast<char>(random() & 0xff);
  for (int i = 0; i < 30; ++i) REQUIRE(sink->send({topic, 0, "k", value, &ticket}, {}).ok());
  CHECK(sink->close(seconds(60)).ok());
  CHECK(consumed == 30);
  CHECK(listener.delivered_count() == 30);
}

TEST_CASE("embedded_kafka: topics may come later, and closing without messages is quick") {
  RecordingListener listener;
  std::uint64_t consumed = 0;
  auto sink = make_embedded_kafka_sink({}, listener, [&](const ConsumedMessage&) { ++consumed; }).value();
  const std::vector<TopicSpec> first = {{"a", 1, {}, {}}};
  const std::vector<TopicSpec> later = {{"a", 1, {}, {}}, {"b", 3, {}, {}}};
  const Topic* a = sink->open_topics(first, {}).value().front();
  const auto both = sink->open_topics(later, {}).value();
  CHECK(both[0] == a);
  DeliveryTicket ticket;
  REQUIRE(sink->send({both[1], 2, "k", "v", &ticket}, {}).ok());
  CHECK(sink->close(seconds(30)).ok());
  CHECK(consumed == 1);
}

}  // namespace
}  // namespace dmskafka

#include "sinks/discard_sink.h"

#include <doctest/doctest.h>

#include "sinks/testing/recording_listener.h"

namespace dmskafka {
namespace {

TEST_CASE("discard_sink: every message counts as delivered, topics have their partitions or one") {
  RecordingListener listener;
  const auto sink = make_discard_sink(listener);
  std::vector<TopicSpec> specs(2);
  specs[1].partitions = 5;
  const auto topics = sink->open_topics(specs, {}).value();
  CHECK(topics[0]->partition_count == 1);
  CHECK(topics[1]->partition_count == 5);
  DeliveryTicket ticket;
  CHECK(sink->send({topics[1], 4, "key", "value", &ticket}, {}).ok());
  CHECK(listener.delivered_of(ticket) == 1);
  CHECK(listener.bytes() == 8);
  std::stop_source stop;
  stop.request_stop();
  CHECK(sink->send({topics[0], 0, "", "", &ticket}, stop.get_token()).error().code() ==
        ErrorCode::kCancelled);
  CHECK(sink->close(std::chrono::seconds(0)).ok());
}

}  // namespace
}  // namespace dmskafka

#include "sinks/delivery_groups.h"

#include <doctest/doctest.h>

#include "sinks/testing/recording_listener.h"

namespace dmskafka {
namespace {

TEST_CASE("delivery_groups: one call for each run of a ticket, with the run's sums") {
  RecordingListener listener;
  DeliveryGroups groups(listener);
  DeliveryTicket first, second;
  for (int i = 0; i < 3; ++i) groups.delivered(first, 10);
  CHECK(listener.calls() == 0);
  groups.delivered(second, 5);
  CHECK(listener.calls() == 1);
  groups.delivered(first, 1);
  groups.flush();
  CHECK(listener.calls() == 3);
  CHECK(listener.delivered_of(first) == 4);
  CHECK(listener.delivered_of(second) == 1);
  CHECK(listener.bytes() == 36);
}

TEST_CASE("delivery_groups: nothing gathered, nothing said") {
  RecordingListener listener;
  DeliveryGroups groups(listener);
  groups.flush();
  DeliveryTicket ticket;
  groups.delivered(ticket, 1);
  groups.flush();
  groups.flush();
  CHECK(listener.calls() == 1);
}

}  // namespace
}  // namespace dmskafka

#include "core/task/message_sender.h"

#include <doctest/doctest.h>

#include "core/task/task_progress.h"
#include "test/support/allocation_count.h"
#include "test/support/plain_plan.h"

namespace dmskafka {
namespace {

/// A table of two columns with rows of which the values are given, and what sends them.
struct Fixture {
  explicit Fixture(const std::vector<std::string>& values) {
    schema.name = {"s", "t"};
    topic.name = "t";
    topic.partition_count = 3;
    sink.keep = true;
    for (const std::string& value : values) {
      const std::span<Value> row = batch.allocate_values(2);
      row[0] = Value::text(batch.store("key"));
      row[1] = Value::text(batch.store(value));
      Change& change = batch.add();
      change.table = &schema;
      change.after = row;
    }
    unit.sent(values.size());
  }
  Result<void> send() {
    const PlainPlan plan(schema);
    MessageSender sender(sink, listener, MessageSender::Options());
    auto sent = sender.send(plan, topic, batch.changes(), ticket, {});
    unit.seal();
    return sent;
  }

  TableSchema schema;
  CountingSink sink;
  FailureListener listener;
  Topic topic;
  ChangeBatch batch;
  DeliveryUnit unit;
  DeliveryTicket ticket{&unit, nullptr, MessageKind::kData};
};

std::vector<std::string> numbered_values(int count) {
  std::vector<std::string> values;
  for (int i = 0; i < count; ++i) values.push_back(std::to_string(i));
  return values;
}

TEST_CASE("message_sender: encoding and sending a row allocate nothing") {
  TableSchema schema;
  schema.name = {"s", "t"};
  const PlainPlan plan(schema);
  CountingSink sink;
  FailureListener listener;
  MessageSender sender(sink, listener, MessageSender::Options());
  Topic topic;
  topic.name = "t";
  topic.partition_count = 3;
  DeliveryUnit unit;
  DeliveryTicket ticket{&unit, nullptr, MessageKind::kData};
  ChangeBatch batch;
  std::uint64_t before = 0;
  for (int round = 0; round < 20; ++round) {
    if (round == 2) before = allocation_count();
    batch.clear();
    while (!batch.full()) {
      const std::span<Value> values = batch.allocate_values(2);
      values[0] = Value::text(batch.store("key"));
      values[1] = Value::text(batch.store("a value of some length, as rows have"));
      Change& change = batch.add();
      change.table = &schema;
      change.after = values;
    }
    unit.sent(batch.changes().size());
    REQUIRE(sender.send(plan, topic, batch.changes(), ticket, {}).ok());
  }
  CHECK(allocation_count() == before);
  CHECK(sink.bytes == 20 * batch.changes().size() * 39);
}

TEST_CASE("message_sender: rows leave in their order, large and small, the last portion too") {
  std::vector<std::string> values = numbered_values(100);
  values[40] = std::string(200'000, 'x');
  values[41] = std::string(300'000, 'y');
  Fixture fixture(values);
  REQUIRE(fixture.send().ok());
  CHECK(fixture.sink.values == values);
  CHECK((fixture.unit.settled() && fixture.unit.intact()));
}

TEST_CASE("message_sender: a message above MessageMaxBytes is reported alone, between its neighbours") {
  std::vector<std::string> values = numbered_values(100);
  values[50] = std::string(1'000'001, 'x');
  Fixture fixture(values);
  REQUIRE(fixture.send().ok());
  values.erase(values.begin() + 50);
  CHECK(fixture.sink.values == values);
  CHECK(fixture.listener.failures == std::vector<std::string>{"xxxx"});
  CHECK((fixture.unit.settled() && fixture.unit.intact()));
}

TEST_CASE("message_sender: rows a failed sink did not take are lost to their unit, those it took are not") {
  for (const std::uint64_t room : {0U, 1U, 31U, 32U, 33U, 99U}) {
    CAPTURE(room);
    Fixture fixture(numbered_values(100));
    fixture.sink.room = room;
    const auto sent = fixture.send();
    REQUIRE_FALSE(sent.ok());
    CHECK(sent.error().message() == "full");
    CHECK(fixture.sink.values == numbered_values(static_cast<int>(room)));
    CHECK(fixture.unit.settled());
    CHECK_FALSE(fixture.unit.intact());
  }
}

TEST_CASE("message_sender: changes wait for one another, and go before one of another topic does") {
  Fixture fixture(numbered_values(4));
  const PlainPlan plan(fixture.schema);
  TableProgress progress(fixture.schema.name);
  fixture.ticket.table = &progress;
  Topic other = fixture.topic;
  MessageSender sender(fixture.sink, fixture.listener, MessageSender::Options());
  const auto& changes = fixture.batch.changes();
  REQUIRE(sender.take_change(plan, fixture.topic, changes[0], fixture.ticket, {}).ok());
  REQUIRE(sender.take_change(plan, fixture.topic, changes[1], fixture.ticket, {}).ok());
  CHECK(fixture.sink.values.empty());
  REQUIRE(sender.take_change(plan, other, changes[2], fixture.ticket, {}).ok());
  CHECK(fixture.sink.values == std::vector<std::string>{"0", "1"});
  REQUIRE(sender.take_change(plan, other, changes[3], fixture.ticket, {}).ok());
  REQUIRE(sender.send_taken({}).ok());
  CHECK(fixture.sink.values == numbered_values(4));
  fixture.unit.seal();
  CHECK((fixture.unit.settled() && fixture.unit.intact()));
}

TEST_CASE("message_sender: changes that a failed sink did not take are lost to their own unit alone") {
  constexpr int kChanges = 6;
  for (const std::uint64_t room : {0U, 2U, 3U, 5U}) {
    CAPTURE(room);
    Fixture fixture(numbered_values(kChanges));
    fixture.sink.room = room;
    const PlainPlan plan(fixture.schema);
    TableProgress progress(fixture.schema.name);
    DeliveryUnit first;
    DeliveryUnit second;
    DeliveryTicket of_first{&first, &progress, MessageKind::kData};
    DeliveryTicket of_second{&second, &progress, MessageKind::kData};
    first.sent(kChanges / 2);
    second.sent(kChanges / 2);
    MessageSender sender(fixture.sink, fixture.listener, MessageSender::Options());
    for (int i = 0; i < kChanges; ++i) {
      DeliveryTicket& ticket = i < kChanges / 2 ? of_first : of_second;
      REQUIRE(sender
                  .take_change(plan, fixture.topic, fixture.batch.changes()[static_cast<std::size_t>(i)],
                               ticket, {})
                  .ok());
    }
    CHECK_FALSE(sender.send_taken({}).ok());
    CHECK(fixture.sink.values == numbered_values(static_cast<int>(room)));
    first.seal();
    second.seal();
    CHECK((first.settled() && second.settled()));
    CHECK(first.intact() == (room >= kChanges / 2));
    CHECK_FALSE(second.intact());
  }
}

}  // namespace
}  // namespace dmskafka

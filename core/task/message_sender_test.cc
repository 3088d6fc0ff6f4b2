#include "core/task/message_sender.h"

#include <doctest/doctest.h>

#include "test/support/allocation_count.h"

namespace dmskafka {
namespace {

/// Sends the first column as the key and the second as the value.
class PlainPlan final : public TablePlan {
 public:
  explicit PlainPlan(const TableSchema& schema) : schema_(schema) {}
  const TableSchema& schema() const override { return schema_; }
  const TableSchema& shown_schema() const override { return schema_; }
  const std::string& topic() const override { return topic_; }
  const TableName& target_name() const override { return schema_.name; }
  void encode(const Change& change, WallTime, EncodedMessage& out) const override {
    out.key.append(change.after[0].view());
    out.value.append(change.after[1].view());
  }
  void encode_control(ControlOperation, WallTime, EncodedMessage&) const override {}

 private:
  const TableSchema& schema_;
  const std::string topic_ = "t";
};

class CountingSink final : public Sink {
 public:
  Result<std::vector<const Topic*>> open_topics(std::span<const TopicSpec>, std::stop_token) override {
    return std::vector<const Topic*>();
  }
  Result<void> send(const OutboundMessage& message, std::stop_token) override {
    if (room-- == 0) return Error(ErrorCode::kTargetUnavailable, "full");
    bytes += message.key.size() + message.value.size();
    if (keep) values.emplace_back(message.value);
    message.ticket->unit->reported(1);
    return {};
  }
  void flush() noexcept override {}
  Result<void> close(std::chrono::milliseconds) override { return {}; }
  std::optional<Error> failure() const override { return std::nullopt; }
  std::uint64_t in_flight() const noexcept override { return 0; }

  std::uint64_t room = ~std::uint64_t{0};  ///< messages taken before it fails
  bool keep = false;
  std::uint64_t bytes = 0;
  std::vector<std::string> values;
};

class FailureListener final : public DeliveryListener {
 public:
  void delivered(DeliveryTicket&, std::uint64_t, std::uint64_t) noexcept override {}
  void failed(DeliveryTicket& ticket, const FailedMessage& message) noexcept override {
    failures.emplace_back(message.value.substr(0, 4));
    ticket.unit->reported(1);
  }
  std::vector<std::string> failures;
};

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

}  // namespace
}  // namespace dmskafka

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
    bytes += message.key.size() + message.value.size();
    return {};
  }
  void flush() noexcept override {}
  Result<void> close(std::chrono::milliseconds) override { return {}; }
  std::optional<Error> failure() const override { return std::nullopt; }
  std::uint64_t in_flight() const noexcept override { return 0; }

  std::uint64_t bytes = 0;
};

class NoListener final : public DeliveryListener {
 public:
  void delivered(DeliveryTicket&, std::uint64_t, std::uint64_t) noexcept override {}
  void failed(DeliveryTicket&, const FailedMessage&) noexcept override {}
};

TEST_CASE("message_sender: encoding and sending a row allocate nothing") {
  TableSchema schema;
  schema.name = {"s", "t"};
  const PlainPlan plan(schema);
  CountingSink sink;
  NoListener listener;
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

}  // namespace
}  // namespace dmskafka

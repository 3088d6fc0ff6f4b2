#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/task/planner.h"
#include "core/task/sink.h"

namespace dmskafka {

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

class CountingSink : public Sink {
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

}  // namespace dmskafka

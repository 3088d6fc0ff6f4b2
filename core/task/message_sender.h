#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

#include "core/base/clock.h"
#include "core/settings/task_settings.h"
#include "core/task/planner.h"
#include "core/task/sink.h"

namespace dmskafka {

/// Encodes and sends, in order: the path of every message from its plan to the sink. Keeps its buffers, so
/// that a row allocates nothing here. Thread: one at a time; each sending thread has its own.
class MessageSender {
 public:
  struct Options {
    Partitioner partitioner = Partitioner::kMurmur2Random;
    std::int64_t message_bytes_max = 1'000'000;  ///< key + value; a larger message is reported as failed
    WallClock clock;
    ErrorPolicy truncation_policy = ErrorPolicy::kLogError;  ///< of records with a value that was cut
  };
  /// References outlive it. `listener` hears of messages that are not sent at all.
  MessageSender(Sink& sink, DeliveryListener& listener, const Options& options)
      : sink_(sink), listener_(listener), options_(options) {}

  /// Sends data records of one table, in order, in portions. REQUIRES: all of `changes` are counted on `ticket.unit` (sent());
  /// on an error those not taken are lost to it. Errors: those of Sink::send().
  Result<void> send(const TablePlan& plan, const Topic& topic, std::span<const Change> changes,
                    DeliveryTicket& ticket, const std::stop_token& stop);
  /// Takes what a change of a log becomes: a record, the deletion of a row that left the selection, or nothing. It is sent with
  /// those behind it, by send_taken() at the latest; until then `topic` and `ticket` stay. REQUIRES: the change is counted on
  /// `ticket.unit` (sent()); on an error it, and what was taken before it and not sent, is lost to its unit. Errors: those of
  /// Sink::send().
  Result<void> take_change(const TablePlan& plan, const Topic& topic, const Change& change,
                           DeliveryTicket& ticket, const std::stop_token& stop);
  /// Sends what waits; on an error those that the sink did not take are lost to their units. Errors: those of Sink::send().
  Result<void> send_taken(const std::stop_token& stop);
  /// Counts and sends the control record of one step of an ALTER.
  Result<void> send_alteration(const TablePlan& plan, const Topic& topic, const SchemaStep& step,
                               DeliveryTicket& ticket, const std::stop_token& stop);
  /// Counts and sends a message that belongs to no table.
  Result<void> send_task_message(const Topic& topic, const TaskMessage& message, DeliveryTicket& ticket,
                                 const std::stop_token& stop);
  /// Counts and sends a control record of the table.
  Result<void> send_control(const TablePlan& plan, const Topic& topic, ControlOperation operation,
                            DeliveryTicket& ticket, const std::stop_token& stop);

 private:
  /// Tells what was lost while the message was put together; false: it must not be sent.
  bool account(const Topic& topic, DeliveryTicket& ticket);
  /// False, and told, when the message is larger than MessageMaxBytes allows.
  bool allowed(const Topic& topic, DeliveryTicket& ticket);
  /// Puts the encoded message behind those that wait to be sent together. REQUIRES: they go to the same topic.
  void add_to_portion(const Topic& topic, DeliveryTicket& ticket);
  void refuse(const Topic& topic, DeliveryTicket& ticket, const Error& reason, bool truncated);
  OutboundMessage outbound(const Topic& topic, DeliveryTicket& ticket, const ByteBuffer& key,
                           const ByteBuffer& value) const;
  Result<void> count_and_send(const Topic& topic, DeliveryTicket& ticket, const std::stop_token& stop);
  Result<void> send_message(const Topic& topic, DeliveryTicket& ticket, const std::stop_token& stop);

  Sink& sink_;
  DeliveryListener& listener_;
  Options options_;
  EncodedMessage message_;
  struct Waiting {
    ByteBuffer key;
    ByteBuffer value;
    const Topic* topic = nullptr;
    DeliveryTicket* ticket = nullptr;
  };
  std::vector<Waiting> portion_;  // the first portion_size_ are filled; the memory of all stays
  std::size_t portion_size_ = 0;
  std::size_t portion_bytes_ = 0;
  std::vector<OutboundMessage> outbound_;
};

}  // namespace dmskafka

#pragma once
#include <cstdint>
#include <span>
#include <stop_token>

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
  };
  /// References outlive it. `listener` hears of messages that are not sent at all.
  MessageSender(Sink& sink, DeliveryListener& listener, const Options& options)
      : sink_(sink), listener_(listener), options_(options) {}

  /// Sends data records of one table in order; each is counted on `ticket.unit`, also on an error, when those
  /// not taken are counted back. Returns the number of invalid characters replaced. Errors: those of
  /// Sink::send().
  Result<std::uint64_t> send(const TablePlan& plan, const Topic& topic, std::span<const Change> changes,
                             DeliveryTicket& ticket, std::stop_token stop);
  /// The same for a control record of the table.
  Result<void> send_control(const TablePlan& plan, const Topic& topic, ControlOperation operation,
                            DeliveryTicket& ticket, std::stop_token stop);

 private:
  Result<void> send_message(const Topic& topic, DeliveryTicket& ticket, const std::stop_token& stop);

  Sink& sink_;
  DeliveryListener& listener_;
  Options options_;
  EncodedMessage message_;
};

}  // namespace dmskafka

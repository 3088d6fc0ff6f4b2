#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/base/mutex.h"
#include "core/task/sink.h"
#include "sinks/delivery_groups.h"
#include "sinks/in_flight_budget.h"
#include "sinks/kafka/cluster_health.h"
#include "sinks/kafka/rdkafka_handle.h"
#include "sinks/kafka/stall_watchdog.h"

namespace dmskafka {

/// What librdkafka keeps for each message beside its bytes, roughly; without it small messages would fill the memory.
constexpr std::size_t kMessageOverhead = 128;

/// A message that librdkafka did not even take, on its way to the listener.
struct RejectedMessage {
  std::string topic;
  std::int32_t partition;
  std::string key;
  std::string value;
  DeliveryTicket* ticket;
  int code;  ///< librdkafka's
};

/// The one thread that hears librdkafka: delivery reports, errors, log lines of all clients.
///
/// A failed message's reason: kUndelivered when the message itself is at fault (too large, refused by the broker) and the
/// rest goes on; any other code when the sink ended before the message arrived.
/// Thread: as told below; the listener is called on the report thread alone.
class ReportThread {
 public:
  struct Parts {
    DeliveryListener& listener;
    InFlightBudget& budget;  ///< closed with the sink's failure
    ClusterHealth& health;
    std::string brokers;  ///< for texts
    std::optional<std::chrono::seconds> stall_timeout;
  };
  /// Starts the thread. Everything in `parts` outlives it.
  explicit ReportThread(Parts parts);
  /// Ends the thread after the events that already came.
  ~ReportThread();
  ReportThread(const ReportThread&) = delete;
  ReportThread& operator=(const ReportThread&) = delete;

  /// Hears `client`, which outlives this. Thread: any.
  void add_client(rd_kafka_s* client);

  /// Has a message reported as failed that the budget holds room for. Thread: any.
  void reject(RejectedMessage message);

 private:
  void run(const std::stop_token& stop) noexcept;
  void wait_for_event();
  void take_added();
  void serve_all();
  void handle(rd_kafka_op_s& event);
  void handle_deliveries(rd_kafka_op_s& event);
  void handle_error(rd_kafka_op_s& event);
  void report_rejected();
  void watch();
  void report_failed(DeliveryTicket& ticket, FailedMessage message, int code);

  const Parts parts_;
  // librdkafka writes to it when an event comes: each client has its own queue, as a delivery report must be taken from its
  // own client's (a forwarded one would be counted off the other), and one thread waits for them all.
  const int wake_fd_;
  DeliveryGroups groups_;            // report thread
  StallWatchdog watchdog_;           // report thread
  std::uint64_t reported_ = 0;       // report thread
  std::vector<QueueHandle> queues_;  // report thread
  Mutex mutex_;
  std::vector<RejectedMessage> rejected_ GUARDED_BY(mutex_);
  std::vector<QueueHandle> added_ GUARDED_BY(mutex_);
  std::jthread thread_;  // last: starts after what it uses, joins before it goes
};

}  // namespace dmskafka

#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/task/delivery_tracker.h"

namespace dmskafka {

/// A topic as it was when the task started. The partition count is pinned: a key's partition must not move
/// while the task runs. Owned by the sink; constant after open_topics().
struct Topic {
  std::string name;
  std::int32_t partition_count =
      0;  ///< 0: unknown (printing without a broker); OutboundMessage::partition is then −1
  std::int64_t message_bytes_max = 0;  ///< the topic's own limit of one batch, 0 when unknown
  std::size_t index = 0;               ///< the sink's own
};

/// One message, ready to be sent. Views need to live only until send() returns.
struct OutboundMessage {
  const Topic* topic = nullptr;
  std::int32_t partition = -1;  ///< REQUIRES: < topic->partition_count, or −1 where that is 0
  std::string_view key;
  std::string_view value;
  DeliveryTicket* ticket = nullptr;  ///< Given back with the outcome; lives until then.
};

/// A message that will not arrive, with the reason. Views live during the call.
struct FailedMessage {
  std::string_view topic;
  std::int32_t partition;
  std::string_view key;
  std::string_view value;
  Error reason;
  bool truncated = false;  ///< not sent because a value was cut: DataTruncationErrorPolicy decides
};

/// Hears what became of each message: exactly one call counts each message that send() took.
/// Thread: the sink's own report thread(s); noexcept, and quick: it holds the reports up.
class DeliveryListener {
 public:
  virtual ~DeliveryListener() = default;
  virtual void delivered(DeliveryTicket& ticket, std::uint64_t messages, std::uint64_t bytes) noexcept = 0;
  virtual void failed(DeliveryTicket& ticket, const FailedMessage& message) noexcept = 0;
};

/// What one topic should be if we have to make it. Absent: the broker's defaults.
struct TopicSpec {
  std::string name;
  std::optional<std::int32_t> partitions;
  std::optional<std::int16_t> replication_factor;
  std::map<std::string, std::string> config;
};

/// Where messages go. Nothing else of the program knows Kafka.
class Sink {
 public:
  virtual ~Sink() = default;

  /// Looks the topics up, makes those that do not exist, and waits until every partition has a leader.
  /// Results in the order of `specs`, valid as long as the sink. May be called again for further topics.
  /// Thread: the task's. Errors: kTargetUnavailable (no broker within 30 s), kTargetRejected (authorisation,
  /// invalid topic), kCancelled.
  virtual Result<std::vector<const Topic*>> open_topics(std::span<const TopicSpec> specs,
                                                        std::stop_token stop) = 0;

  /// Takes one message; blocks while more than the byte budget is in flight (back-pressure). Messages of one
  /// partition sent by one thread, or by threads that order themselves, arrive in that order. Thread: any.
  /// Errors: kCancelled; the sink's failure (kTargetUnavailable after the stall timeout, kTargetRejected, kProducerFatal
  /// when a new sink could go on where this one cannot),
  /// which every later call repeats. On an error the message was not taken and its ticket is not reported.
  virtual Result<void> send(const OutboundMessage& message, std::stop_token stop) = 0;

  /// send() for several messages of one topic, in order; a sink that pays for each call does it in one. `taken` is how many
  /// of them, from the first on, were taken, also on an error, after which those that were not are not reported.
  /// REQUIRES: one topic; views of all of them live until it returns. Thread, errors: as send().
  virtual Result<void> send_all(std::span<const OutboundMessage> messages, std::size_t& taken,
                                const std::stop_token& stop) {
    for (taken = 0; taken < messages.size(); ++taken) DMSKAFKA_TRY(send(messages[taken], stop));
    return {};
  }

  /// Sends what lingers in batches now instead of later; cheap to repeat. Thread: any.
  virtual void flush() noexcept = 0;

  /// Ends: waits at most `timeout` until everything is reported; what is not is reported as failed and
  /// kUndelivered returned. After it no listener call comes. Thread: the task's.
  virtual Result<void> close(std::chrono::milliseconds timeout) = 0;

  /// The sink's failure, if it has one; send() would return it. Thread: any.
  virtual std::optional<Error> failure() const = 0;

  /// Messages taken and not yet reported. Thread: any.
  virtual std::uint64_t in_flight() const noexcept = 0;
};

}  // namespace dmskafka

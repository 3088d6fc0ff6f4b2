#pragma once
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/task/sink.h"

namespace dmskafka {

/// How messages are written to a stream.
enum class PrintFormat : std::uint8_t {
  kNdjson,  ///< one JSON object a line: {"topic":…,"partition":…,"key":…,"value":{…}}; partition null when unknown;
            ///< with reasons also "size" and "rules" before "value"
  kPretty,  ///< for people: a head line (topic, partition, key, size), the value as it is, an empty line; colours on request
};

/// Why a message is what it is, in words; empty where there is nothing to say.
struct MessageReasons {
  std::string topic, partition, key, value;
};

struct PrintingSinkOptions {
  std::FILE* stream = nullptr;  ///< not owned
  PrintFormat format = PrintFormat::kNdjson;
  bool colours = false;
  std::optional<std::int32_t> partitions;  ///< of every topic; unset: the TopicSpec's, else unknown
  /// Asked for topics of which neither tells: their counts in the same order, 0 for unknown. May be empty.
  std::function<std::vector<std::int32_t>(std::span<const TopicSpec>)> ask_partitions = {};
  /// Asked for each message; set, the size and the reasons are printed with it. Thread: those that send. May be empty.
  std::function<MessageReasons(const OutboundMessage&)> reasons = {};
};

/// Writes each message to a stream; a written message counts as delivered. A failed write (closed pipe, full disk) is the
/// sink's failure. In kNdjson "value" is the message's own JSON, embedded byte for byte when it is one line, and as a JSON
/// string when it is not (formatted messages), so that the bytes can always be got back.
std::unique_ptr<Sink> make_printing_sink(const PrintingSinkOptions& options, DeliveryListener& listener);

}  // namespace dmskafka

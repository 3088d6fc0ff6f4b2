#pragma once
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>

#include "core/task/sink.h"

namespace dmskafka {

/// How messages are written to a stream.
enum class PrintFormat : std::uint8_t {
  kNdjson,  ///< one JSON object a line: {"topic":…,"partition":…,"key":…,"value":{…}}; partition null when unknown
  kPretty,  ///< for people: a head line (topic, partition, key, size), the value as it is, an empty line; colours on request
};

struct PrintingSinkOptions {
  std::FILE* stream = nullptr;  ///< not owned
  PrintFormat format = PrintFormat::kNdjson;
  bool colours = false;
  std::optional<std::int32_t> partitions;  ///< of every topic; unset: the TopicSpec's, else unknown
};

/// Writes each message to a stream; a written message counts as delivered. A failed write (closed pipe, full disk) is the
/// sink's failure. In kNdjson "value" is the message's own JSON, embedded byte for byte when it is one line, and as a JSON
/// string when it is not (formatted messages), so that the bytes can always be got back.
std::unique_ptr<Sink> make_printing_sink(const PrintingSinkOptions& options, DeliveryListener& listener);

}  // namespace dmskafka

#pragma once
#include <cstdint>
#include <string_view>

#include "core/base/byte_buffer.h"
#include "sinks/printing_sink.h"

namespace dmskafka {

/// One message as people or programs read it.
struct MessageText {
  std::string_view topic;
  std::int32_t partition;  ///< −1: unknown
  std::string_view key;
  std::string_view value;
  const MessageReasons* reasons = nullptr;  ///< null: they are not shown
};

/// {"topic":"t","partition":3,"key":"k","value":{…}} and a newline. A value of several lines becomes a JSON string, so that
/// one line stays one message and the bytes can be got back. With reasons "size" (of key and value) and "rules" stand before
/// "value", which is always last.
void append_ndjson(ByteBuffer& out, const MessageText& message);

enum class Colours : std::uint8_t { kOff, kOn };
/// A head line with topic, partition, key and size, a line of reasons, the value as it is, an empty line. Colours set the
/// names and the texts of the value off.
void append_pretty(ByteBuffer& out, const MessageText& message, Colours colours);

}  // namespace dmskafka

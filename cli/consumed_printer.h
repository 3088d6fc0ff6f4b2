#pragma once
#include <cstdio>
#include <optional>
#include <stop_token>
#include <string_view>

#include "core/base/byte_buffer.h"
#include "core/base/mutex.h"
#include "core/base/result.h"
#include "sinks/kafka/embedded_kafka.h"

namespace dmskafka {

/// Prints what kafka:embedded delivers, one JSON object a line: "topic", "partition", "offset", "key", "value". The value is
/// the message's own JSON, byte for byte when it is one line, else as a JSON string. When the stream fails (a closed pipe, a
/// full disk), the task is asked to stop. Thread: print() from the consumer's thread; failure() from any.
class ConsumedPrinter {
 public:
  ConsumedPrinter(std::FILE* stream, std::stop_source& stop) : stream_(stream), stop_(stop) {}

  void print(const ConsumedMessage& message) noexcept;
  /// The first failure of the stream. Also flushes it. REQUIRES: no print() runs.
  std::optional<Error> finish();

 private:
  void fail(int error_number);

  std::FILE* const stream_;
  std::stop_source& stop_;
  ByteBuffer line_;  // the consumer thread's
  Mutex mutex_;
  std::optional<Error> failure_ GUARDED_BY(mutex_);
};

}  // namespace dmskafka

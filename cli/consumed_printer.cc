#include "cli/consumed_printer.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <exception>

#include "core/json/json_writer.h"

namespace dmskafka {

void ConsumedPrinter::print(const ConsumedMessage& message) noexcept {
  try {
    line_.clear();
    line_.append("{\"topic\":");
    append_json_string(line_, message.topic);
    line_.append(fmt::format(",\"partition\":{},\"offset\":{},\"key\":", message.partition, message.offset));
    append_json_string(line_, message.key);
    line_.append(",\"value\":");
    const bool one_line = message.value.find('\n') == std::string_view::npos;
    if (one_line && !message.value.empty()) {
      line_.append(message.value);
    } else {
      append_json_string(line_, message.value);
    }
    line_.append("}\n");
    if (std::fwrite(line_.view().data(), 1, line_.size(), stream_) != line_.size()) fail(errno);
  } catch (const std::exception&) {
    fail(ENOMEM);
  }
}

std::optional<Error> ConsumedPrinter::finish() {
  if (std::fflush(stream_) != 0) fail(errno);
  MutexLock lock(mutex_);
  return failure_;
}

void ConsumedPrinter::fail(int error_number) {
  MutexLock lock(mutex_);
  if (!failure_) {
    failure_ =
        Error(ErrorCode::kTargetRejected, fmt::format("standard output: {}", std::strerror(error_number)));
  }
  stop_.request_stop();
}

}  // namespace dmskafka

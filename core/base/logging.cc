#include "core/base/logging.h"

#include <atomic>

namespace dmskafka {
namespace {
std::atomic<LogSink*> g_sink{nullptr};
}

void set_log_sink(LogSink* sink) noexcept { g_sink.store(sink, std::memory_order_release); }

void log(LogLevel level, std::string_view message) noexcept {
  if (LogSink* sink = g_sink.load(std::memory_order_acquire)) sink->log(level, message);
}

}  // namespace dmskafka

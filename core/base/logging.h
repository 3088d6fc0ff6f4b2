#pragma once
#include <cstdint>
#include <string_view>

namespace dmskafka {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

/// Where the words of the program go; cli/logging.cc puts spdlog behind it. Thread: any.
/// Never pass a secret: what arrives here is printed.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void log(LogLevel level, std::string_view message) noexcept = 0;
};

/// Installs `sink` for the whole process; null: words are dropped. REQUIRES: no other thread runs yet, and
/// `sink` outlives all of them.
void set_log_sink(LogSink* sink) noexcept;

void log(LogLevel level, std::string_view message) noexcept;
inline void log_debug(std::string_view message) noexcept { log(LogLevel::kDebug, message); }
inline void log_info(std::string_view message) noexcept { log(LogLevel::kInfo, message); }
inline void log_warning(std::string_view message) noexcept { log(LogLevel::kWarning, message); }
inline void log_error(std::string_view message) noexcept { log(LogLevel::kError, message); }

}  // namespace dmskafka

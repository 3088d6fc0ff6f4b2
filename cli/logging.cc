#include "cli/logging.h"

#include <fmt/format.h>
#include <spdlog/formatter.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <utility>

#include "core/json/json_writer.h"

namespace dmskafka {
namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarning: return spdlog::level::warn;
    case LogLevel::kError: return spdlog::level::err;
  }
  return spdlog::level::err;
}

std::string_view level_name(spdlog::level::level_enum level) {
  const auto name = spdlog::level::to_string_view(level);
  return {name.data(), name.size()};
}

void append(spdlog::memory_buf_t& out, std::string_view text) {
  out.append(text.data(), text.data() + text.size());
}

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const auto since_1970 =
        std::chrono::duration_cast<std::chrono::microseconds>(message.time.time_since_epoch());
    append(out, json_log_line(WallTime{since_1970.count()}, level_name(message.level),
                              {message.payload.data(), message.payload.size()}, ""));
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<JsonFormatter>(); }
};

// "error: …", but plain words for what is neither a warning nor an error.
class ShellFormatter final : public spdlog::formatter {
 public:
  explicit ShellFormatter(bool colours) : colours_(colours) {}
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    if (message.level != spdlog::level::info) {
      if (colours_) append(out, colour(message.level));
      append(out, level_name(message.level));
      append(out, ":");
      if (colours_) append(out, "\x1b[0m");
      append(out, " ");
    }
    append(out, {message.payload.data(), message.payload.size()});
    append(out, "\n");
  }
  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<ShellFormatter>(colours_);
  }

 private:
  static std::string_view colour(spdlog::level::level_enum level) {
    if (level == spdlog::level::err) return "\x1b[1;31m";
    return level == spdlog::level::warn ? "\x1b[1;33m" : "\x1b[2m";
  }
  const bool colours_;
};

std::unique_ptr<spdlog::formatter> make_formatter(const LoggingOptions& options) {
  if (options.format == LogFormat::kJson) return std::make_unique<JsonFormatter>();
  if (!options.time_stamps) return std::make_unique<ShellFormatter>(options.colours);
  return std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %l: %v",
                                                     spdlog::pattern_time_type::utc);
}

class ScreenSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit ScreenSink(Screen& screen) : screen_(screen) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    screen_.write({line.data(), line.size()});
  }
  void flush_() override {}

 private:
  Screen& screen_;
};

spdlog::level::level_enum least_level(Verbosity verbosity) {
  switch (verbosity) {
    case Verbosity::kQuiet: return spdlog::level::err;
    case Verbosity::kNormal: return spdlog::level::info;
    case Verbosity::kVerbose: return spdlog::level::debug;
  }
  return spdlog::level::info;
}

spdlog::level::level_enum least_level(LogSeverity severity) {
  switch (severity) {
    case LogSeverity::kError: return spdlog::level::err;
    case LogSeverity::kWarning: return spdlog::level::warn;
    case LogSeverity::kInfo: return spdlog::level::info;
    case LogSeverity::kDebug: return spdlog::level::debug;
  }
  return spdlog::level::info;
}

}  // namespace

struct Logging::Logger {
  spdlog::logger spdlog;
};

Logging::Logging(Screen& screen, const LoggingOptions& options)
    : options_(options),
      logger_(new Logger{spdlog::logger("dmskafka", std::make_shared<ScreenSink>(screen))}) {
  logger_->spdlog.set_formatter(make_formatter(options));
  logger_->spdlog.set_level(least_level(options.verbosity));
  set_log_sink(this);
}

void Logging::obey(const TaskSettings& task) const noexcept {
  if (options_.verbosity != Verbosity::kNormal || !task.enable_logging || !task.log_severity) return;
  logger_->spdlog.set_level(least_level(*task.log_severity));
}

Logging::~Logging() { set_log_sink(nullptr); }

void Logging::log(LogLevel level, std::string_view message) noexcept {
  try {
    logger_->spdlog.log(spdlog_level(level), spdlog::string_view_t(message.data(), message.size()));
  } catch (...) {
    // Out of memory while logging: the words are lost, the work is not.
    std::fputs("dmskafka: a log line could not be written\n", stderr);
  }
}

std::string json_log_line(WallTime time, std::string_view level, std::string_view message,
                          std::string_view members) {
  std::array<char, kIso8601Size> stamp{};
  format_iso8601(time, stamp.data());
  return fmt::format("{{\"time\":\"{}\",\"level\":\"{}\",\"message\":{}{}}}\n",
                     std::string_view(stamp.data(), stamp.size()), level, json_quoted(message), members);
}

}  // namespace dmskafka

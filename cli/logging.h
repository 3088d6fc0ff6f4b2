#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "cli/options.h"
#include "cli/screen.h"
#include "core/base/clock.h"
#include "core/base/logging.h"
#include "core/settings/task_settings.h"

namespace dmskafka {

/// How words look. In a shell they are short ("warning: …"); in a file or a CI log of a long run they carry the time.
struct LoggingOptions {
  LogFormat format = LogFormat::kText;
  Verbosity verbosity = Verbosity::kNormal;
  bool time_stamps = false;  ///< text only; JSON always has them
  bool colours = false;      ///< text only
};

/// The log sink of the process: spdlog, writing to the Screen. Thread: any, once constructed; construct and destroy it while
/// no other thread runs. `screen` outlives it.
class Logging final : public LogSink {
 public:
  Logging(Screen& screen, const LoggingOptions& options);
  ~Logging() override;
  Logging(const Logging&) = delete;
  Logging& operator=(const Logging&) = delete;

  void log(LogLevel level, std::string_view message) noexcept override;
  const LoggingOptions& options() const noexcept { return options_; }
  /// As the task's Logging asks for it; flags that say more or less win. Thread: any.
  void obey(const TaskSettings& task) const noexcept;

 private:
  struct Logger;
  const LoggingOptions options_;
  std::unique_ptr<Logger> logger_;
};

/// One line of --log-format json, with its newline: {"time":…,"level":…,"message":…`members`}. `members` is empty or
/// begins with a comma: ,"event":"progress","rows":12.
std::string json_log_line(WallTime time, std::string_view level, std::string_view message,
                          std::string_view members);

}  // namespace dmskafka

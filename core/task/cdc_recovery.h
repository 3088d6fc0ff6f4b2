#pragma once
#include <chrono>
#include <cstdint>
#include <stop_token>

#include "core/base/result.h"
#include "core/settings/task_settings.h"

namespace dmskafka {

/// Decides whether following a log goes on after a failure: AWS's RecoverableError… settings. Failures in a row count; a
/// checkpoint that moved ends the row. Thread: the task's.
class CdcRecovery {
 public:
  explicit CdcRecovery(const TaskSettings& settings) : settings_(settings) {}

  enum class Progress : std::uint8_t {
    kNever,    ///< the log was never followed by this run: a wrong address should not be tried for hours
    kNothing,  ///< this attempt moved no checkpoint
    kSome,
  };
  enum class Verdict : std::uint8_t {
    kAgain,    ///< after a pause
    kFinal,    ///< the failure ends the task
    kStopped,  ///< a stop was requested during the pause
  };
  Verdict decide(const Error& failure, Progress progress, const std::stop_token& stop);
  std::uint64_t reconnects() const { return reconnects_; }

 private:
  std::chrono::milliseconds next_wait() const;

  const TaskSettings& settings_;
  std::uint64_t reconnects_ = 0;
  std::int64_t in_a_row_ = 0;
};

}  // namespace dmskafka

#include "core/task/cdc_recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "core/base/logging.h"
#include "core/base/mutex.h"

namespace dmskafka {
namespace {

using std::chrono::milliseconds;

// After progress the first attempt comes soon: most broken connections are whole again at once.
constexpr milliseconds kFirstWaitMax{1'000};

/// Any number of seconds is taken; what nobody lives to see need not be counted.
milliseconds seconds_of(std::int64_t seconds) {
  return std::chrono::seconds(std::min<std::int64_t>(seconds, 100 * 86'400));
}

/// Half to all of `wait`, so that several tasks do not come back at one moment.
milliseconds jittered(milliseconds wait) {
  std::minstd_rand random(std::random_device{}());
  return milliseconds(std::uniform_int_distribution<std::int64_t>(wait.count() / 2, wait.count())(random));
}

/// No default: a new code must be thought about here.
bool is_recoverable(ErrorCode code) {
  switch (code) {
    case ErrorCode::kSourceUnavailable:
    case ErrorCode::kTargetUnavailable:
    case ErrorCode::kProducerFatal: return true;
    case ErrorCode::kInternal:
    case ErrorCode::kCommandLine:
    case ErrorCode::kInvalidSettings:
    case ErrorCode::kInvalidMapping:
    case ErrorCode::kSourceRejected:
    case ErrorCode::kTableUnreadable:
    case ErrorCode::kPositionLost:
    case ErrorCode::kTargetRejected:
    case ErrorCode::kUndelivered:
    case ErrorCode::kStateFile:
    case ErrorCode::kTablesInError:
    case ErrorCode::kCancelled: return false;
  }
  return false;
}

}  // namespace

milliseconds CdcRecovery::next_wait() const {
  const milliseconds interval = seconds_of(settings_.recoverable_error_interval);
  if (in_a_row_ == 0) return std::min(interval, kFirstWaitMax);
  const milliseconds max = seconds_of(settings_.recoverable_error_throttling_max);
  // SPEC RecoverableErrorThrottling: "the interval between attempts to restart a task is increased in a series based on the
  // value of RecoverableErrorInterval".
  if (!settings_.recoverable_error_throttling) return interval;
  milliseconds wait = interval;
  for (std::int64_t i = 1; i < in_a_row_ && wait < max; ++i) wait *= 2;
  return std::min(wait, max);
}

CdcRecovery::Verdict CdcRecovery::decide(const Error& failure, Progress progress,
                                         const std::stop_token& stop) {
  if (!is_recoverable(failure.code()) || progress == Progress::kNever || stop.stop_requested()) {
    return Verdict::kFinal;
  }
  if (progress == Progress::kSome) in_a_row_ = 0;
  // SPEC RecoverableErrorCount: "The maximum number of attempts made to restart a task when an environmental error occurs
  // … -1: AWS DMS attempts to restart the task indefinitely."
  if (settings_.recoverable_error_count >= 0 && in_a_row_ >= settings_.recoverable_error_count) {
    log_error(fmt::format("{} attempts in a row got nowhere (RecoverableErrorCount)", in_a_row_));
    return Verdict::kFinal;
  }
  const milliseconds wait = next_wait();
  // SPEC RecoverableErrorStopRetryAfterThrottlingMax: "stops restarting the task after the maximum number of seconds AWS DMS
  // waits between attempts to restart a task is reached".
  const bool at_max = settings_.recoverable_error_throttling && in_a_row_ > 1 &&
                      wait >= seconds_of(settings_.recoverable_error_throttling_max);
  if (at_max && settings_.recoverable_error_stop_retry_after_throttling_max) {
    log_error(
        fmt::format("{} attempts in a row got nowhere, and the pause between them has reached "
                    "RecoverableErrorThrottlingMax",
                    in_a_row_));
    return Verdict::kFinal;
  }
  ++in_a_row_;
  ++reconnects_;
  const milliseconds pause = jittered(wait);
  log_warning(fmt::format("{}; going on from the checkpoint in {:.1f} s", failure.to_string(),
                          std::chrono::duration<double>(pause).count()));
  Mutex mutex;
  CondVar never;
  MutexLock lock(mutex);
  never.wait_for(mutex, stop, pause, [] { return false; });
  return stop.stop_requested() ? Verdict::kStopped : Verdict::kAgain;
}

}  // namespace dmskafka

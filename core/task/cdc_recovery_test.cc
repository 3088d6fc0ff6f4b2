#include "core/task/cdc_recovery.h"

#include <doctest/doctest.h>

#include <chrono>
#include <thread>

using namespace dmskafka;

namespace {

using Verdict = CdcRecovery::Verdict;

// The verdicts of failures in a row after one that came behind progress. No pause: the settings have none.
Verdict after_failures(const TaskSettings& settings, int failures) {
  CdcRecovery recovery(settings);
  const Error failure(ErrorCode::kSourceUnavailable, "connection lost");
  Verdict verdict = recovery.decide(failure, CdcRecovery::Progress::kSome, {});
  for (int i = 1; i < failures; ++i) verdict = recovery.decide(failure, CdcRecovery::Progress::kNothing, {});
  return verdict;
}

TaskSettings without_pauses() {
  TaskSettings settings;
  settings.recoverable_error_interval = 0;
  settings.recoverable_error_throttling_max = 1;
  return settings;
}

}  // namespace

TEST_CASE("cdc_recovery: RecoverableErrorCount bounds the failures in a row, and progress ends the row") {
  TaskSettings settings = without_pauses();
  CHECK(after_failures(settings, 50) == Verdict::kAgain);
  settings.recoverable_error_count = 3;
  CHECK(after_failures(settings, 3) == Verdict::kAgain);
  CHECK(after_failures(settings, 4) == Verdict::kFinal);
  settings.recoverable_error_count = 0;
  CHECK(after_failures(settings, 1) == Verdict::kFinal);
}

TEST_CASE(
    "cdc_recovery: RecoverableErrorThrottling ends a task at RecoverableErrorThrottlingMax where it is to "
    "stop there") {
  TaskSettings settings = without_pauses();
  settings.recoverable_error_throttling_max = 0;
  CHECK(after_failures(settings, 2) == Verdict::kAgain);
  CHECK(after_failures(settings, 3) == Verdict::kFinal);
  settings.recoverable_error_stop_retry_after_throttling_max = false;
  CHECK(after_failures(settings, 3) == Verdict::kAgain);
  settings.recoverable_error_stop_retry_after_throttling_max = true;
  settings.recoverable_error_throttling = false;
  CHECK(after_failures(settings, 3) == Verdict::kAgain);
}

TEST_CASE("cdc_recovery: RecoverableErrorInterval is waited for, and a stop ends the waiting") {
  TaskSettings settings = without_pauses();
  settings.recoverable_error_interval = 3'600;
  settings.recoverable_error_throttling = false;
  CdcRecovery recovery(settings);
  const Error failure(ErrorCode::kProducerFatal, "fenced");
  CHECK(recovery.decide(failure, CdcRecovery::Progress::kSome, {}) ==
        Verdict::kAgain);  // the first comes soon
  std::stop_source stop;
  const std::jthread stopper([&stop] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop.request_stop();
  });
  CHECK(recovery.decide(failure, CdcRecovery::Progress::kNothing, stop.get_token()) == Verdict::kStopped);
}

TEST_CASE("cdc_recovery: what no attempt mends is final") {
  const TaskSettings settings = without_pauses();
  CdcRecovery recovery(settings);
  for (const ErrorCode code : {ErrorCode::kPositionLost, ErrorCode::kSourceRejected, ErrorCode::kStateFile}) {
    CHECK(recovery.decide(Error(code, ""), CdcRecovery::Progress::kSome, {}) == Verdict::kFinal);
  }
  const Error unavailable(ErrorCode::kSourceUnavailable, "");
  CHECK(recovery.decide(unavailable, CdcRecovery::Progress::kNever, {}) == Verdict::kFinal);
}

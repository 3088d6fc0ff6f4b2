#include "core/task/load_recovery.h"

#include <fmt/format.h>

#include <random>

#include "core/base/logging.h"
#include "core/base/mutex.h"

namespace dmskafka {
namespace {

// With pauses of 1, 2, 4 and 8 s a database that restarts is met again; one that stays away ends the load soon.
constexpr std::uint32_t kFruitlessMax = 5;

bool can_be_met_again(ErrorCode code) {
  return code == ErrorCode::kProducerFatal || code == ErrorCode::kSourceUnavailable;
}

/// Half to all of `wait`, so that several loads do not come back at one moment.
std::chrono::milliseconds jittered(std::chrono::milliseconds wait) {
  std::minstd_rand random(std::random_device{}());
  return std::chrono::milliseconds(
      std::uniform_int_distribution<std::int64_t>(wait.count() / 2, wait.count())(random));
}

}  // namespace

LoadRecovery::Verdict LoadRecovery::decide(const Error& failure, Gain gain, const std::stop_token& stop) {
  if (!can_be_met_again(failure.code()) || stop.stop_requested()) return Verdict::kFinal;
  fruitless_ = gain == Gain::kSomething ? 0 : fruitless_ + 1;
  if (fruitless_ >= kFruitlessMax) {
    log_error(fmt::format("{} attempts in a row finished nothing; giving up", fruitless_));
    return Verdict::kFinal;
  }
  ++attempts_;
  reason_ = failure.message();
  const auto wait = jittered(first_wait_ * (1 << fruitless_));
  log_warning(fmt::format("{}; beginning again in {:.1f} s with {} and with what is not done",
                          failure.message(), std::chrono::duration<double>(wait).count(),
                          failure.code() == ErrorCode::kProducerFatal ? "a new producer" : "a new snapshot"));
  Mutex mutex;
  CondVar never;
  MutexLock lock(mutex);
  never.wait_for(mutex, stop, wait, [] { return false; });
  return stop.stop_requested() ? Verdict::kStopped : Verdict::kAgain;
}

std::optional<std::string> LoadRecovery::note() const {
  if (attempts_ == 0) return std::nullopt;
  return fmt::format("the load began again {} within this run, the last time after: {}",
                     attempts_ == 1 ? "once" : fmt::format("{} times", attempts_), reason_);
}

}  // namespace dmskafka

#include "core/task/load_recovery.h"

#include <doctest/doctest.h>

#include <thread>

namespace dmskafka {
namespace {

using namespace std::chrono_literals;
using Verdict = LoadRecovery::Verdict;
using Gain = LoadRecovery::Gain;

const Error kLost(ErrorCode::kSourceUnavailable, "the snapshot is gone");

TEST_CASE("load_recovery: attempts that finish something may go on for ever, five that do not are the end") {
  LoadRecovery recovery(0ms);
  for (int i = 0; i < 100; ++i) CHECK(recovery.decide(kLost, Gain::kSomething, {}) == Verdict::kAgain);
  for (int i = 0; i < 4; ++i) CHECK(recovery.decide(kLost, Gain::kNothing, {}) == Verdict::kAgain);
  CHECK(recovery.decide(kLost, Gain::kSomething, {}) == Verdict::kAgain);
  for (int i = 0; i < 4; ++i) CHECK(recovery.decide(kLost, Gain::kNothing, {}) == Verdict::kAgain);
  CHECK(recovery.decide(kLost, Gain::kNothing, {}) == Verdict::kFinal);
  CHECK(recovery.note() ==
        "the load began again 109 times within this run, the last time after: the snapshot is gone");
}

TEST_CASE("load_recovery: only a lost source and a dead producer are worth another attempt") {
  for (int code = 0; code <= static_cast<int>(ErrorCode::kCancelled); ++code) {
    const auto failure = static_cast<ErrorCode>(code);
    const bool again = failure == ErrorCode::kSourceUnavailable || failure == ErrorCode::kProducerFatal;
    LoadRecovery recovery(0ms);
    CHECK((recovery.decide(Error(failure, "x"), Gain::kSomething, {}) == Verdict::kAgain) == again);
    CHECK(recovery.note().has_value() == again);
  }
}

TEST_CASE("load_recovery: a stop ends the pause at once") {
  LoadRecovery recovery(1h);
  std::stop_source stop;
  const std::jthread stopper([&] {
    std::this_thread::sleep_for(20ms);
    stop.request_stop();
  });
  CHECK(recovery.decide(kLost, Gain::kSomething, stop.get_token()) == Verdict::kStopped);
  CHECK(recovery.decide(kLost, Gain::kSomething, stop.get_token()) == Verdict::kFinal);
}

}  // namespace
}  // namespace dmskafka

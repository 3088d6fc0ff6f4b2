#include "sinks/kafka/stall_watchdog.h"

#include <doctest/doctest.h>

namespace dmskafka {
namespace {

using std::chrono::seconds;
using Verdict = StallWatchdog::Verdict;

StallWatchdog::TimePoint at(int second) { return StallWatchdog::TimePoint(seconds(second)); }

TEST_CASE("stall_watchdog: nothing in flight is never a stall") {
  StallWatchdog watchdog(seconds(30));
  CHECK(watchdog.observe(at(0), 0, 5) == Verdict::kFine);
  CHECK(watchdog.observe(at(1000), 0, 5) == Verdict::kFine);
  CHECK(watchdog.observe(at(1001), 1, 5) == Verdict::kFine);  // just sent: the waiting begins here
}

TEST_CASE("stall_watchdog: warns every ten seconds, then gives up") {
  StallWatchdog watchdog(seconds(25));
  CHECK(watchdog.observe(at(0), 3, 0) == Verdict::kFine);
  CHECK(watchdog.observe(at(9), 3, 0) == Verdict::kFine);
  CHECK(watchdog.observe(at(10), 3, 0) == Verdict::kWaiting);
  CHECK(watchdog.observe(at(11), 3, 0) == Verdict::kFine);
  CHECK(watchdog.observe(at(20), 3, 0) == Verdict::kWaiting);
  CHECK(watchdog.observe(at(24), 3, 0) == Verdict::kFine);
  CHECK(watchdog.observe(at(25), 3, 0) == Verdict::kStalled);
  CHECK(watchdog.waited(at(25)) == seconds(25));
}

TEST_CASE("stall_watchdog: a single report is progress") {
  StallWatchdog watchdog(seconds(25));
  CHECK(watchdog.observe(at(0), 3, 0) == Verdict::kFine);
  CHECK(watchdog.observe(at(24), 2, 1) == Verdict::kFine);
  CHECK(watchdog.observe(at(33), 2, 1) == Verdict::kFine);
  CHECK(watchdog.observe(at(34), 2, 1) == Verdict::kWaiting);
  CHECK(watchdog.observe(at(49), 2, 1) == Verdict::kStalled);
}

TEST_CASE("stall_watchdog: without a limit it only warns") {
  StallWatchdog watchdog(std::nullopt);
  CHECK(watchdog.observe(at(0), 1, 0) == Verdict::kFine);
  CHECK(watchdog.observe(at(100'000), 1, 0) == Verdict::kWaiting);
}

}  // namespace
}  // namespace dmskafka

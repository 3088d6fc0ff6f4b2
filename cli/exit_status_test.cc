#include "cli/exit_status.h"

#include <doctest/doctest.h>

#include <csignal>
#include <utility>
#include <vector>

namespace dmskafka {
namespace {

TEST_CASE("exit_status: every error code has the status that docs/command-line.md promises") {
  const std::vector<std::pair<ErrorCode, int>> promised = {
      {ErrorCode::kInternal, 1},          {ErrorCode::kCommandLine, 2},
      {ErrorCode::kInvalidSettings, 3},   {ErrorCode::kInvalidMapping, 3},
      {ErrorCode::kSourceUnavailable, 4}, {ErrorCode::kSourceRejected, 4},
      {ErrorCode::kTableUnreadable, 4},   {ErrorCode::kPositionLost, 6},
      {ErrorCode::kTargetUnavailable, 5}, {ErrorCode::kProducerFatal, 5},
      {ErrorCode::kTargetRejected, 5},    {ErrorCode::kUndelivered, 5},
      {ErrorCode::kStateFile, 6},         {ErrorCode::kTablesInError, 7},
      {ErrorCode::kCancelled, 130},
  };
  // A new code must be added here too: kCancelled is the last of the enumeration.
  CHECK(promised.size() == static_cast<std::size_t>(ErrorCode::kCancelled) + 1);
  for (const auto& row : promised) {  // no structured binding: clang 14 cannot capture one
    CAPTURE(error_code_name(row.first));
    CHECK(static_cast<int>(exit_status_of(row.first, 0)) == row.second);
  }
}

TEST_CASE("exit_status: a stop says which signal asked for it") {
  CHECK(static_cast<int>(exit_status_of(ErrorCode::kCancelled, SIGINT)) == 130);
  CHECK(static_cast<int>(exit_status_of(ErrorCode::kCancelled, SIGTERM)) == 143);
}

TEST_CASE("exit_status: a failure keeps its status when a signal came as well") {
  CHECK(static_cast<int>(exit_status_of(ErrorCode::kUndelivered, SIGTERM)) == 5);
}

}  // namespace
}  // namespace dmskafka

#include "cli/exit_status.h"

#include <csignal>

namespace dmskafka {

ExitStatus exit_status_of(ErrorCode code, int signal) noexcept {
  switch (code) {
    case ErrorCode::kInternal: return ExitStatus::kBug;
    case ErrorCode::kCommandLine: return ExitStatus::kCommandLine;
    case ErrorCode::kInvalidSettings:
    case ErrorCode::kInvalidMapping: return ExitStatus::kSettings;
    case ErrorCode::kSourceUnavailable:
    case ErrorCode::kSourceRejected:
    case ErrorCode::kTableUnreadable: return ExitStatus::kSource;
    case ErrorCode::kTargetUnavailable:
    case ErrorCode::kProducerFatal:
    case ErrorCode::kTargetRejected:
    case ErrorCode::kUndelivered: return ExitStatus::kTarget;
    case ErrorCode::kPositionLost:
    case ErrorCode::kStateFile: return ExitStatus::kState;
    case ErrorCode::kTablesInError: return ExitStatus::kTablesInError;
    case ErrorCode::kCancelled: return signal == SIGTERM ? ExitStatus::kTerminated : ExitStatus::kInterrupted;
  }
  return ExitStatus::kBug;  // a value outside the enumeration
}

}  // namespace dmskafka

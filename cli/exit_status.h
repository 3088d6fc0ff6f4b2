#pragma once
#include "core/base/error.h"

namespace dmskafka {

/// What the process says to the shell that started it. Part of the interface: docs/command-line.md lists them.
enum class ExitStatus : int {
  kDone = 0,
  kBug = 1,
  kCommandLine = 2,
  kSettings = 3,  ///< settings, mapping, a JSON file that cannot be read
  kSource = 4,
  kTarget = 5,  ///< anything undelivered included
  kState = 6,   ///< the state file, or a checkpoint that is gone from the source's log
  kTablesInError = 7,
  kInterrupted = 130,
  kTerminated = 143,
};

/// The exit status of a failure. `signal` is the one that asked the task to stop, 0 when none did.
ExitStatus exit_status_of(ErrorCode code, int signal) noexcept;

}  // namespace dmskafka

#pragma once
#include <condition_variable>
#include <thread>

#include "cli/logging.h"
#include "cli/progress_figures.h"
#include "cli/screen.h"
#include "core/task/task_progress.h"

namespace dmskafka {

/// How progress is shown.
enum class ProgressStyle : std::uint8_t {
  kNone,   ///< --quiet, and previews
  kLive,   ///< redrawn in place, on a terminal
  kLines,  ///< a log line every ten seconds
  kJson,   ///< the same as JSON lines
};

/// Shows a task's counters while it runs, on a thread of its own. Everything it reads outlives it.
class ProgressDisplay {
 public:
  ProgressDisplay(const TaskProgress& progress, Screen& screen, ProgressStyle style);
  /// Takes the live block away.
  ~ProgressDisplay();
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

 private:
  void run(std::stop_token stop) noexcept;
  void show();

  const TaskProgress& progress_;
  Screen& screen_;
  const ProgressStyle style_;
  ProgressMeter meter_;  // the thread's own
  std::jthread thread_;  // last: starts after what it uses, joins before it goes
};

}  // namespace dmskafka

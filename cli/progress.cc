#include "cli/progress.h"

#include <unistd.h>

#include <chrono>
#include <exception>

namespace dmskafka {
namespace {
using namespace std::chrono_literals;
constexpr auto kRedrawEvery = 200ms;
constexpr auto kLineEvery = 10s;
}  // namespace

ProgressDisplay::ProgressDisplay(const TaskProgress& progress, Screen& screen, ProgressStyle style)
    : progress_(progress), screen_(screen), style_(style) {
  if (style != ProgressStyle::kNone)
    thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
}

ProgressDisplay::~ProgressDisplay() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
  if (style_ == ProgressStyle::kLive) screen_.set_live({});
}

void ProgressDisplay::run(std::stop_token stop) noexcept {
  try {
    Mutex mutex;
    CondVar waiting;
    const std::chrono::nanoseconds period =
        style_ == ProgressStyle::kLive ? std::chrono::nanoseconds(kRedrawEvery) : kLineEvery;
    MutexLock lock(mutex);
    while (!stop.stop_requested()) {
      if (style_ == ProgressStyle::kLive) show();
      // Lines begin after the first period: a short load needs none but its summary.
      if (waiting.wait_for(mutex, stop, period, [] { return false; }) || stop.stop_requested()) return;
      if (style_ != ProgressStyle::kLive) show();
    }
  } catch (const std::exception&) {
    // Out of memory: the load matters, its display does not.
    log_warning("the progress display stopped");
  }
}

void ProgressDisplay::show() {
  const ProgressFigures figures = meter_.sample(progress_, ProgressMeter::Clock::now());
  switch (style_) {
    case ProgressStyle::kNone: return;
    case ProgressStyle::kLive: {
      const Terminal terminal = terminal_of(STDERR_FILENO);  // anew each time: windows are resized
      screen_.set_live(progress_block(figures, terminal.columns, terminal.rows > 4 ? terminal.rows - 2 : 2));
      return;
    }
    case ProgressStyle::kLines: log_info(progress_line(figures)); return;
    case ProgressStyle::kJson:
      screen_.write(
          json_log_line(WallClock().now(), "info", progress_line(figures), progress_json_members(figures)));
      return;
  }
}

}  // namespace dmskafka

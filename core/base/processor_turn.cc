#include "core/base/processor_turn.h"

#include <algorithm>

namespace dmskafka {
namespace {

using namespace std::chrono_literals;

// Long enough that filling the caches does not count. Of n readers on p processors each is left alone for n/p times that.
constexpr std::chrono::milliseconds kTurn = 40ms;

}  // namespace

void ProcessorTurn::take(const std::stop_token& stop) {
  if (held_) return;
  MutexLock lock(turns_.mutex_);
  if (turns_.free_ > 0) {
    --turns_.free_;
    held_ = true;
  } else {
    turns_.waiting_.push_back(this);
    while (!held_ && !stop.stop_requested()) {
      granted_.wait_for(turns_.mutex_, stop, 1s, [this] { return held_; });
    }
    if (!held_) std::erase(turns_.waiting_, this);
  }
  taken_ = std::chrono::steady_clock::now();
}

void ProcessorTurn::end() noexcept {
  if (!held_) return;
  MutexLock lock(turns_.mutex_);
  held_ = false;
  if (turns_.waiting_.empty()) {
    ++turns_.free_;
    return;
  }
  ProcessorTurn* const next = turns_.waiting_.front();
  turns_.waiting_.erase(turns_.waiting_.begin());
  next->held_ = true;
  next->granted_.notify_one();
}

void ProcessorTurn::end_if_over() noexcept {
  if (!held_ || std::chrono::steady_clock::now() - taken_ < kTurn) return;
  {
    MutexLock lock(turns_.mutex_);
    if (turns_.waiting_.empty()) {
      taken_ = std::chrono::steady_clock::now();
      return;
    }
  }
  end();
}

}  // namespace dmskafka

#pragma once
#include <chrono>
#include <stop_token>

#include "core/base/mutex.h"

namespace dmskafka {

/// Waits before another attempt; a stop request ends it early.
inline void pause(std::chrono::milliseconds wait, const std::stop_token& stop) {
  Mutex mutex;
  CondVar never;
  MutexLock lock(mutex);
  never.wait_for(mutex, stop, wait, [] { return false; });
}

}  // namespace dmskafka

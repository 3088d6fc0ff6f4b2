#pragma once
#include <chrono>
#include <cstddef>
#include <stop_token>
#include <vector>

#include "core/base/mutex.h"

namespace dmskafka {

class ProcessorTurn;

/// Lets no more of many threads work at once than there are processors. Were all of them to run whenever they can, each would find
/// the caches full of what the others left there (docs/decisions/readers-take-turns.md). Thread: any.
class ProcessorTurns {
 public:
  explicit ProcessorTurns(std::size_t at_once) : free_(at_once) {}
  /// How many threads wait for their turn.
  std::size_t waiting() const {
    MutexLock lock(mutex_);
    return waiting_.size();
  }

 private:
  friend class ProcessorTurn;

  mutable Mutex mutex_;
  std::size_t free_ GUARDED_BY(mutex_);                     // not 0 only while nobody waits
  std::vector<ProcessorTurn*> waiting_ GUARDED_BY(mutex_);  // the first came first
};

/// The turns of one of these threads, which takes one before it works, and ends it before it waits for another machine.
/// Thread: that one.
class ProcessorTurn {
 public:
  /// `turns` outlives it.
  explicit ProcessorTurn(ProcessorTurns& turns) : turns_(turns) {}
  ProcessorTurn(const ProcessorTurn&) = delete;
  ProcessorTurn& operator=(const ProcessorTurn&) = delete;
  ~ProcessorTurn() { end(); }

  /// Waits behind those that wait already; nothing when held. After a stop request it returns without a turn.
  void take(const std::stop_token& stop);
  void end() noexcept;
  /// Ends one that has lasted long enough, if somebody waits: who has a turn and never waits asks this now and then.
  void end_if_over() noexcept;
  bool held() const noexcept { return held_; }

 private:
  ProcessorTurns& turns_;
  CondVar granted_;
  bool held_ = false;  // of one that waits: written by who grants it, under the mutex
  std::chrono::steady_clock::time_point taken_;
};

}  // namespace dmskafka

#pragma once
#include <functional>
#include <optional>
#include <stop_token>
#include <utility>

#include "core/base/mutex.h"
#include "core/base/result.h"

namespace dmskafka {

/// The failure that ends a task: the first one wins, and asks every thread of the task to stop. Thread: any.
class TaskFailure {
 public:
  /// A stop request from outside (a signal) stops the task too, without a failure.
  explicit TaskFailure(std::stop_token outside)
      : on_outside_(std::move(outside), [this] { stop_.request_stop(); }) {}

  void set(Error error) {
    {
      MutexLock lock(mutex_);
      // A cancelled wait is the consequence of a stop, never its cause.
      if (!error_ && error.code() != ErrorCode::kCancelled) error_ = std::move(error);
    }
    stop_.request_stop();
  }
  std::optional<Error> get() const {
    MutexLock lock(mutex_);
    return error_;
  }
  std::stop_token token() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  mutable Mutex mutex_;
  std::optional<Error> error_ GUARDED_BY(mutex_);
  std::stop_callback<std::function<void()>> on_outside_;  // last: calls into what stands above
};

}  // namespace dmskafka

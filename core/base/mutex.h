#pragma once
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>

// clang's thread-safety analysis: https://clang.llvm.org/docs/ThreadSafetyAnalysis.html
#if defined(__clang__)
#define DMSKAFKA_TSA(x) __attribute__((x))
#else
#define DMSKAFKA_TSA(x)
#endif
#define CAPABILITY(x) DMSKAFKA_TSA(capability(x))
#define SCOPED_CAPABILITY DMSKAFKA_TSA(scoped_lockable)
#define GUARDED_BY(x) DMSKAFKA_TSA(guarded_by(x))
#define REQUIRES_LOCK(...) DMSKAFKA_TSA(requires_capability(__VA_ARGS__))
#define ACQUIRES(...) DMSKAFKA_TSA(acquire_capability(__VA_ARGS__))
#define RELEASES(...) DMSKAFKA_TSA(release_capability(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS DMSKAFKA_TSA(no_thread_safety_analysis)

namespace dmskafka {

/// std::mutex that clang can check.
class CAPABILITY("mutex") Mutex {
 public:
  void lock() ACQUIRES() { mutex_.lock(); }
  void unlock() RELEASES() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRES(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() RELEASES() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

/// Waits on a Mutex, always with a bound. A stop request wakes a waiter.
class CondVar {
 public:
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

  /// True when `predicate` holds; false after `wait` or a stop request without it.
  /// REQUIRES: `mutex` is held; `predicate` runs with it held.
  template <typename Predicate>
  bool wait_for(Mutex& mutex, std::stop_token stop, std::chrono::nanoseconds wait, Predicate predicate)
      REQUIRES_LOCK(mutex) {
    return condition_.wait_for(mutex, stop, wait, predicate);
  }

 private:
  std::condition_variable_any condition_;
};

}  // namespace dmskafka

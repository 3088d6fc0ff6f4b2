#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "core/base/log_position.h"
#include "core/base/mutex.h"
#include "core/base/result.h"

namespace dmskafka {

class DeliveryUnit;
struct TableProgress;

enum class MessageKind : std::uint8_t { kData, kControl };

/// What a delivery report must find again: its unit and its table. Given to the sink with each message.
/// Lives as long as its unit.
struct DeliveryTicket {
  DeliveryUnit* unit = nullptr;
  TableProgress* table = nullptr;  ///< null for task control records
  MessageKind kind = MessageKind::kData;
};

/// Counts the messages of one piece of work that is stored as a whole: a segment of a load, a source transaction.
/// Settled: sealed, and every message sent was reported (delivered, or kept in data_error, or lost).
/// Intact: none was lost. Only a settled and intact unit may be stored as done.
/// Thread: sent() and seal() from the thread(s) that send; the rest from any.
class DeliveryUnit {
 public:
  /// Before the message goes to the sink.
  void sent(std::uint64_t messages = 1) noexcept {
    outstanding_.fetch_add(messages, std::memory_order_relaxed);
  }
  /// Delivered, or durable in data_error.
  void reported(std::uint64_t messages) noexcept;
  /// Neither: never taken by the sink, or given up by it when the task ended. The unit can not be stored any more.
  void lost(std::uint64_t messages) noexcept {
    intact_.store(false, std::memory_order_relaxed);  // ordered before settled() by the counter
    reported(messages);
  }
  /// No message follows.
  void seal() noexcept { reported(1); }
  /// Once true, nobody touches the unit any more: it may go.
  bool settled() const noexcept;
  /// REQUIRES: settled().
  bool intact() const noexcept { return intact_.load(std::memory_order_relaxed); }

  /// True when settled (as settled()); false after `wait` or a stop request.
  bool wait_settled(std::chrono::nanoseconds wait, std::stop_token stop) const;

 private:
  std::atomic<std::uint64_t> outstanding_{1};  // the 1 is the seal's
  std::atomic<bool> intact_{true};
  mutable Mutex mutex_;  // held by the last report, and for waiting
  mutable CondVar settled_;
};

/// A stretch of a log that is sent as a whole. It may end inside a transaction, or hold many of them.
struct LogPortion {
  DeliveryUnit unit;
  std::uint64_t sequence = 0;  ///< from 1, without gaps; given by the tracker
  /// The last place in it where no transaction is open; nullopt: a transaction goes on through all of it. Written before
  /// the unit is sealed, like whatever a derived class adds.
  std::optional<LogPosition> end;

  LogPortion() = default;
  LogPortion(const LogPortion&) = delete;
  LogPortion& operator=(const LogPortion&) = delete;
  virtual ~LogPortion() = default;
};

/// The portions of a log in its order: which of them are passed, and so the position that is safe to store.
///
/// Invariants:
///  1. A portion is taken only when it is settled and intact, as are all its predecessors; so `end` of the last one taken
///     that has an end is safe to store.
///  2. It never moves back.
///  3. A portion without messages moves it like any other (filtered transactions must not pin the log).
/// Thread: add() and the waiting from the log reader alone; take_passed() from the checkpoint thread.
class DeliveryTracker {
 public:
  /// A new last portion.
  void add(std::shared_ptr<LogPortion> portion);
  /// The portions passed since the last call, in order.
  std::vector<std::shared_ptr<LogPortion>> take_passed();
  /// Every portion up to this one is settled and intact.
  std::uint64_t passed_sequence();
  /// True once passed_sequence() is at least `sequence`; false after `wait` or a stop request, and as long as a portion
  /// before it has lost something. REQUIRES: it is sealed, as are all before it.
  bool wait_passed(std::uint64_t sequence, std::chrono::nanoseconds wait, const std::stop_token& stop);
  /// Portions that are not taken yet.
  std::size_t pending() const;

 private:
  void look() REQUIRES_LOCK(mutex_);

  mutable Mutex mutex_;
  std::deque<std::shared_ptr<LogPortion>> portions_ GUARDED_BY(mutex_);
  std::size_t passed_ GUARDED_BY(mutex_) = 0;  // of portions_, from the front
  std::uint64_t passed_sequence_ GUARDED_BY(mutex_) = 0;
  std::uint64_t last_sequence_ GUARDED_BY(mutex_) = 0;
};

}  // namespace dmskafka

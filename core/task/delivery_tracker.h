#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <stop_token>

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

/// The units of a log in its order, and the position that is safe to store.
///
/// Invariants:
///  1. safe_position() is the end position of a unit that is settled and intact, as are all its predecessors.
///  2. It never moves back.
///  3. A unit without messages moves it like any other (filtered transactions must not pin the log).
/// Thread: begin() from the log reader alone; safe_position() from the checkpoint thread.
class DeliveryTracker {
 public:
  /// A new last unit; `end_position` is stored once it and all before it are settled. The reference lives
  /// until safe_position() passed it.
  DeliveryUnit& begin(LogPosition end_position);
  /// nullopt: nothing new since the last call.
  std::optional<LogPosition> safe_position();
  /// Units that are not yet passed.
  std::size_t pending() const;

 private:
  struct Entry {
    LogPosition end_position;
    std::unique_ptr<DeliveryUnit> unit;
  };
  mutable Mutex mutex_;
  std::deque<Entry> entries_ GUARDED_BY(mutex_);
};

}  // namespace dmskafka

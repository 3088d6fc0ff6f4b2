#pragma once
#include "core/base/clock.h"
#include "core/settings/task_settings.h"
#include "core/task/checkpoint_store.h"
#include "core/task/sink.h"
#include "core/task/task_failure.h"

namespace dmskafka {

/// Turns delivery reports into counts, into `data_error` records and into what the error policies ask for.
///
/// Invariant: a failed message is durable in `data_error` before its unit hears of it, so that no progress
/// can pass a message that is neither delivered nor kept. When it cannot be kept, the unit never settles and
/// the task fails. Thread: any (the counters are atomic, the store locks itself).
class DeliveryAccounts final : public DeliveryListener {
 public:
  /// All references outlive it.
  DeliveryAccounts(CheckpointStore& store, const TaskSettings& settings, TaskFailure& failure)
      : store_(store), settings_(settings), failure_(failure) {}

  void delivered(DeliveryTicket& ticket, std::uint64_t messages, std::uint64_t bytes) noexcept override;
  void failed(DeliveryTicket& ticket, const FailedMessage& message) noexcept override;

 private:
  Result<void> keep(const DeliveryTicket& ticket, const FailedMessage& message);
  void apply_policy(TableProgress& table, MessageKind kind, const FailedMessage& message);

  CheckpointStore& store_;
  const TaskSettings& settings_;
  TaskFailure& failure_;
};

}  // namespace dmskafka

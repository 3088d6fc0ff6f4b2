#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include "core/base/log_batch.h"
#include "core/base/mutex.h"
#include "core/task/checkpoint_store.h"
#include "core/task/delivery_tracker.h"
#include "core/task/planner.h"
#include "core/task/sink.h"
#include "core/task/task_progress.h"

namespace dmskafka {

/// A followed table as the log describes it from one place on. Immutable; any thread.
struct TableVersion {
  std::shared_ptr<const TableSchema> schema;
  std::unique_ptr<const TablePlan> plan;
  const Topic* topic = nullptr;
  TableProgress* progress = nullptr;
};

/// What one version of one table has in a portion.
struct PortionShare {
  PortionShare(std::shared_ptr<const TableVersion> table_version, DeliveryUnit& unit)
      : version(std::move(table_version)),
        data{&unit, version->progress, MessageKind::kData},
        control{&unit, version->progress, MessageKind::kControl} {}

  const std::shared_ptr<const TableVersion> version;
  DeliveryTicket data;
  DeliveryTicket control;
  // By the router alone, before the portion is sealed.
  std::uint64_t inserts = 0;
  std::uint64_t updates = 0;
  std::uint64_t deletes = 0;
  std::uint64_t ddls = 0;
};

/// A stretch of the log, and what a checkpoint at its end stores. It ends where no transaction is open, or nowhere in it
/// is such a place.
struct CdcPortion final : LogPortion {
  std::vector<std::unique_ptr<PortionShare>> shares;  // tickets point into them
  DeliveryTicket task_ticket{&unit, nullptr, MessageKind::kControl};
  PreviousTransaction previous;    ///< at `end`
  std::int64_t commit_us = 0;      ///< of the last transaction; 0: none ended here
  std::uint64_t transactions = 0;  ///< that ended here and had changes of ours
  std::int64_t caught_up_us = 0;   ///< the log had nothing more behind it then; 0: it had, or nobody knows
  bool started = false;            ///< holds what a task's first start sends
  std::vector<std::shared_ptr<const TableSchema>> schemas;
  std::vector<TableName> forgotten;
};

/// A batch of the log while its changes are sent. Shared by count, so that no row is copied.
struct SharedLogBatch {
  explicit SharedLogBatch(ChangeBatch::Limits limits) : batch(limits) {}
  LogBatch batch;
  std::uint64_t number = 0;  ///< among those taken from the pool, and so in the log
  /// Changes point to versions and tickets that these hold.
  std::vector<std::shared_ptr<CdcPortion>> portions;
  std::atomic<std::uint32_t> users{0};  ///< the router, and each buffer with changes of it
};

/// The batches in circulation: a fixed number, so that memory stays flat when sending is slow. Thread: any.
class LogBatchPool {
 public:
  LogBatchPool(std::size_t count, ChangeBatch::Limits limits) {
    for (std::size_t i = 0; i < count; ++i) {
      batches_.push_back(std::make_unique<SharedLogBatch>(limits));
      free_.push_back(batches_.back().get());
    }
  }

  /// An empty batch with one user; nullptr after `wait` or a stop request without one.
  SharedLogBatch* take(std::chrono::nanoseconds wait, const std::stop_token& stop) {
    MutexLock lock(mutex_);
    if (!freed_.wait_for(mutex_, stop, wait, [&]() REQUIRES_LOCK(mutex_) { return !free_.empty(); })) {
      return nullptr;
    }
    SharedLogBatch* batch = free_.back();
    free_.pop_back();
    batch->users.store(1, std::memory_order_relaxed);
    batch->number = ++taken_;
    return batch;
  }

  /// One user less; the last one gives the batch back.
  void release(SharedLogBatch& batch) {
    if (batch.users.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    batch.portions.clear();
    batch.batch.clear();
    {
      MutexLock lock(mutex_);
      free_.push_back(&batch);
    }
    freed_.notify_one();
  }

 private:
  std::vector<std::unique_ptr<SharedLogBatch>> batches_;  // constant after construction
  Mutex mutex_;
  CondVar freed_;
  std::vector<SharedLogBatch*> free_ GUARDED_BY(mutex_);
  std::uint64_t taken_ GUARDED_BY(mutex_) = 0;
};

}  // namespace dmskafka

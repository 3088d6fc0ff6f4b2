#pragma once
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>

#include "core/task/apply_lanes.h"
#include "core/task/cdc.h"
#include "core/task/cdc_checkpoints.h"
#include "core/task/cdc_router.h"
#include "core/task/cdc_start.h"
#include "core/task/delivery_accounts.h"
#include "core/task/new_tables.h"
#include "core/task/task_failure.h"

namespace dmskafka {

/// One stream and one sink, from a checkpoint until a stop condition, a stop request or a failure. What was routed is
/// delivered and stored before it ends, as far as the sink still works. Thread: the task's own; it owns the reader.
class CdcAttempt {
 public:
  /// References outlive it. `start.from` and `start.known` are those of the stored checkpoint.
  CdcAttempt(const CdcTask& task, ChangeLog& log, CdcStart& start, CdcStop& stop_conditions,
             std::stop_token stop);
  ~CdcAttempt();
  CdcAttempt(const CdcAttempt&) = delete;
  CdcAttempt& operator=(const CdcAttempt&) = delete;

  Result<void> run(const SinkFactory& make_sink);
  /// The stream was open: changes could come.
  bool followed() const { return followed_; }
  const CdcCheckpoints& checkpoints() const { return checkpoints_; }

 private:
  Result<void> follow();
  // The reader's thread.
  void read(CdcRouter& router, const TableVersions& tables) noexcept;
  Result<void> announce(CdcRouter& router, const TableVersions& tables);
  Result<void> read_log(CdcRouter& router);
  Result<CdcRouter::Outcome> read_batch(CdcRouter& router, SharedLogBatch& batch);
  // The task's.
  void tend();
  Result<void> look_after();
  Result<void> checkpoint(CdcCheckpoints::When when);
  Result<void> save_suspended();
  Result<void> end_by_time();
  void show();
  bool wait_for_reader(std::chrono::nanoseconds wait);
  Result<void> verdict();
  Result<void> end(Result<void> followed);

  const CdcTask& task_;
  ChangeLog& log_;
  CdcStart& start_;
  CdcStop& conditions_;
  const std::stop_token stop_;
  TaskFailure failure_;      // by the sink, the lanes and the state file: nothing more can be delivered
  std::stop_source intake_;  // ends the reader alone
  DeliveryAccounts accounts_;
  DeliveryTracker tracker_;
  CdcCheckpoints checkpoints_;
  NewTables new_tables_;
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<ChangeStream> stream_;
  std::unique_ptr<LogBatchPool> pool_;
  std::unique_ptr<ApplyLanes> lanes_;
  bool followed_ = false;
  bool timed_ = false;  // the end of the log at the stop time is known
  std::chrono::steady_clock::time_point shown_;
  std::chrono::steady_clock::time_point last_change_;  // the reader's
  LogPosition at_;  // the reader's: where the log was read to; empty: a transaction is open there

  mutable Mutex mutex_;
  CondVar wake_;
  bool reader_ended_ GUARDED_BY(mutex_) = false;
  Result<void> read_result_ GUARDED_BY(mutex_);
};

}  // namespace dmskafka

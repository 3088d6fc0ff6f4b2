#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/settings/task_settings.h"
#include "core/task/cdc_stop.h"
#include "core/task/change_log.h"
#include "core/task/checkpoint_store.h"
#include "core/task/full_load.h"
#include "core/task/planner.h"
#include "core/task/source.h"
#include "core/task/task_progress.h"

namespace dmskafka {

/// What following a log needs. All references outlive run_cdc().
struct CdcTask {
  Source& source;
  const Planner& planner;
  CheckpointStore& store;
  TaskProgress& progress;
  const TaskSettings& settings;
  std::string task_id;
  std::string target_name;
  std::int64_t message_bytes_max = 1'000'000;
  WallClock clock;
  bool restart = false;        ///< discard the task's state first
  std::string start_position;  ///< --cdc-start-position; "": the checkpoint, the prepared position, or now
  CdcStopOptions stop;
};

/// How it ended. Filled also when it fails, as far as it came.
struct CdcSummary {
  std::string start;          ///< where this run began to follow, for people
  std::string checkpoint;     ///< the position stored last
  std::uint64_t changes = 0;  ///< delivered by this run
  std::uint64_t transactions = 0;
  std::uint64_t inserts = 0, updates = 0, deletes = 0, ddls = 0;
  std::uint64_t rows_failed = 0;  ///< kept in data_error
  std::uint64_t reconnects = 0;
  std::string reason;  ///< why it ended by itself
  std::chrono::microseconds elapsed{0};
  std::vector<std::string> notes;
};

/// Follows the source's log into the sink: from the stored checkpoint, else from `start_position`, else from now, which it
/// says. A task that ever had a checkpoint never starts at "now" again. Returns when a stop condition holds; kCancelled after
/// a stop request, with everything delivered saved; the first failure that ended it. kPositionLost: the log has a gap.
/// After kSourceUnavailable, kTargetUnavailable and kProducerFatal it goes on from the checkpoint, as the settings
/// RecoverableError… say.
/// Order of ending: the reader stops, the lanes are drained, the sink is closed (everything reported), the checkpoint is
/// stored, then acknowledged to the source.
Result<void> run_cdc(const CdcTask& task, const SinkFactory& make_sink, CdcSummary& summary,
                     std::stop_token stop);

/// Preflight, then everything that following `tables` needs, and the position stored in the state file: nothing that is
/// committed from then on is missed. With `with_snapshot` also the snapshot that belongs to the position.
/// Errors: as ChangeLog::prepare(); kSourceRejected with every finding of the preflight.
Result<ChangeLog::Prepared> prepare_cdc(ChangeLog& log, CheckpointStore& store,
                                        const std::vector<std::shared_ptr<const TableSchema>>& tables,
                                        ChangeLog::WithSnapshot with_snapshot, std::stop_token stop);

}  // namespace dmskafka

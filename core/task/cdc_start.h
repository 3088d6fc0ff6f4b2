#pragma once
#include <memory>
#include <stop_token>
#include <vector>

#include "core/base/result.h"
#include "core/task/cdc.h"
#include "core/task/change_log.h"

namespace dmskafka {

/// From where a run follows which tables.
struct CdcStart {
  CdcCheckpoint from;
  std::vector<TableStatistics> statistics;
  std::vector<std::shared_ptr<const TableSchema>> tables;  ///< as the catalogue has them now
  std::vector<std::shared_ptr<const TableSchema>> known;   ///< as they were at `from`
  TaskStart kind = TaskStart::kResumed;
  std::vector<TableName> announce;  ///< followed for the first time, and never loaded: create-table is owed
  bool announced = false;
};

/// Compares the task with its state file and decides. Stores the position before anything is read, if it is a new one.
/// Errors: kStateFile when the file belongs to another task, source, target or mapping, or when its load is not complete;
/// kPositionLost when the source has what an earlier run made but the state file has no position;
/// those of the source and of prepare_cdc().
Result<CdcStart> choose_cdc_start(const CdcTask& task, ChangeLog& log, std::stop_token stop);

/// The same run goes on from the checkpoint that is stored now. Errors: the source's; kStateFile.
Result<void> refresh_cdc_start(const CdcTask& task, CdcStart& start);

}  // namespace dmskafka

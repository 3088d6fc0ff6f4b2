#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/settings/task_settings.h"
#include "core/task/checkpoint_store.h"
#include "core/task/planner.h"
#include "core/task/sink.h"
#include "core/task/source.h"
#include "core/task/task_progress.h"

namespace dmskafka {

class ChangeLog;

/// What a full load needs. All references outlive run_full_load().
struct FullLoadTask {
  Source& source;
  const Planner& planner;
  CheckpointStore& store;
  TaskProgress& progress;
  const TaskSettings& settings;
  std::string task_id;
  std::string target_name;                     ///< TargetSettings::display_name(), kept in the state file
  std::int64_t message_bytes_max = 1'000'000;  ///< key + value; larger ones are data errors
  WallClock clock;
  bool restart = false;                             ///< discard the task's state first
  std::optional<std::uint64_t> rows_max_per_table;  ///< dry-run --limit
  std::vector<TableName> only_tables;               ///< dry-run --table; empty: all selected
  std::chrono::milliseconds recovery_wait{
      1'000};  ///< before a load that lost its source or producer begins again
  /// Prepared before the first row is read, so that what is committed from then on can be followed; null: nothing follows.
  ChangeLog* change_log = nullptr;
};

/// How it ended. Filled also when the load fails, as far as it came.
struct FullLoadSummary {
  std::uint64_t tables_selected = 0;
  std::uint64_t tables_completed = 0;    ///< by this run
  std::uint64_t tables_done_before = 0;  ///< by an earlier run, not sent again
  std::uint64_t tables_in_error = 0;
  std::uint64_t rows_delivered = 0;
  std::uint64_t bytes_delivered = 0;
  std::uint64_t rows_failed = 0;  ///< kept in data_error
  std::uint64_t control_records = 0;
  std::uint64_t values_cut = 0;           ///< LOBs longer than LobMaxSize
  std::uint64_t characters_replaced = 0;  ///< invalid UTF-8 that became U+FFFD
  std::uint64_t zero_dates = 0;           ///< MySQL's dates 0000-00-00 that became null
  std::chrono::microseconds elapsed{0};
  std::vector<std::string>
      notes;  ///< things the user must hear: what was resumed, what spans two snapshots …
};

/// Gives the engine its sink once it has a listener for the reports.
using SinkFactory = std::function<Result<std::unique_ptr<Sink>>(DeliveryListener&)>;

/// Copies every selected table. Tables run in parallel (MaxFullLoadSubTasks); a table that fails is left in
/// error and the others go on (TableErrorPolicy). Resumes: tables completed by an earlier run are not sent
/// again. A load that loses its producer for good (kProducerFatal) or its source (kSourceUnavailable) begins again
/// with a new one, as a rerun would, while such attempts finish something. Returns the first failure that ended the load; kTablesInError when it finished but left tables or
/// records behind; kCancelled after a stop request, with what was delivered saved. Order of ending: readers
/// stop, the sink is closed (everything reported), the state is saved.
Result<void> run_full_load(const FullLoadTask& task, const SinkFactory& make_sink, FullLoadSummary& summary,
                           std::stop_token stop);

}  // namespace dmskafka

#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/result.h"
#include "core/task/full_load.h"
#include "core/task/table_load.h"

namespace dmskafka {

/// A table that the source lists but could not describe: it has no plan, only its state is written.
struct UndescribedTable {
  TableProgress* progress;
  Error error;
};

/// What a run of a full load has to do, after looking at the catalogue, the mapping and the state file.
struct LoadChoice {
  TaskRecord record;     ///< of this task, as it is in the state file now
  bool resumed = false;  ///< an earlier run of this task left its state
  std::uint64_t tables_selected = 0;
  std::uint64_t tables_done_before = 0;
  std::uint64_t rows_before = 0;   ///< delivered by earlier runs
  std::uint64_t bytes_before = 0;  ///< likewise
  std::vector<std::unique_ptr<TableLoad>>
      todo;  ///< in the order in which they are to be opened; not cut into ranges yet
  std::vector<UndescribedTable> undescribed;
};

/// The first look of a run, or one after it lost its source or its producer: then the tables of the first look are kept,
/// those that ended (completed or in error) stay ended, and one that is gone since is undescribed.
enum class LoadAttempt : std::uint8_t { kFirst, kAgain };

/// Compares the task with its state file, reads the catalogue and plans each table.
/// Errors: kStateFile when the file belongs to another task, source, target or mapping; kInvalidMapping; the source's.
Result<LoadChoice> choose_load(const FullLoadTask& task, LoadAttempt attempt = LoadAttempt::kFirst);

}  // namespace dmskafka

#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/task/cdc_portion.h"
#include "core/task/checkpoint_store.h"
#include "core/task/delivery_tracker.h"

namespace dmskafka {

/// Turns delivered portions into checkpoints, and tells what the source may forget. Thread: the task's.
///
/// Invariant (DESIGN §5): stored position <= everything not yet acknowledged by Kafka; acknowledged to the source <= stored
/// position.
class CdcCheckpoints {
 public:
  /// `before`: the stored checkpoint. References outlive it.
  CdcCheckpoints(CheckpointStore& store, CdcCheckpoint before, const std::vector<TableStatistics>& statistics,
                 std::chrono::milliseconds interval);

  /// Takes in what was passed since the last call.
  void note(DeliveryTracker& tracker);
  enum class When : std::uint8_t { kDue, kNow };
  /// Stores what is new, if it is time. Returns the position to acknowledge to the source, when it stored one.
  Result<std::optional<LogPosition>> save(When when);

  const CdcCheckpoint& stored() const { return stored_; }
  std::uint64_t changes() const { return changes_; }                 ///< delivered since construction
  std::int64_t newest_commit_us() const { return next_.commit_us; }  ///< delivered, not necessarily stored
  bool moved() const { return moved_; }  ///< a checkpoint was stored since construction

 private:
  void take_in(const CdcPortion& portion);

  CheckpointStore& store_;
  const std::chrono::milliseconds interval_;
  CdcCheckpoint stored_;
  CdcCheckpoint next_;
  bool dirty_ = false;
  bool moved_ = false;
  std::uint64_t changes_ = 0;
  std::chrono::steady_clock::time_point due_;
  std::map<TableName, TableStatistics> statistics_;
  CheckpointUpdate update_;                        // beside the checkpoint: what `next_` stores
  std::vector<std::shared_ptr<LogPortion>> open_;  // passed, but the transaction they are of goes on
};

}  // namespace dmskafka

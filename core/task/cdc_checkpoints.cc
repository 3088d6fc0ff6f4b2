#include "core/task/cdc_checkpoints.h"

#include <algorithm>
#include <utility>

#include "core/base/clock.h"
#include "core/base/failpoint.h"

namespace dmskafka {

CdcCheckpoints::CdcCheckpoints(CheckpointStore& store, CdcCheckpoint before,
                               const std::vector<TableStatistics>& statistics,
                               std::chrono::milliseconds interval)
    : store_(store),
      interval_(interval),
      stored_(std::move(before)),
      next_(stored_),
      due_(std::chrono::steady_clock::now() + interval) {
  for (const TableStatistics& table : statistics) statistics_[table.name] = table;
}

void CdcCheckpoints::note(DeliveryTracker& tracker) {
  for (auto& portion : tracker.take_passed()) {
    const bool ends = portion->end.has_value();
    open_.push_back(std::move(portion));
    if (!ends) continue;
    for (const auto& passed : open_) take_in(static_cast<const CdcPortion&>(*passed));
    open_.clear();
  }
}

void CdcCheckpoints::take_in(const CdcPortion& portion) {
  if (portion.end) {
    next_.position = *portion.end;
    next_.previous = portion.previous;
    dirty_ = true;
  }
  if (portion.commit_us != 0) next_.commit_us = portion.commit_us;
  next_.caught_up_us = std::max(next_.caught_up_us, portion.caught_up_us);
  next_.started = next_.started || portion.started;
  next_.transactions += portion.transactions;
  update_.schemas.insert(update_.schemas.end(), portion.schemas.begin(), portion.schemas.end());
  for (const TableName& name : portion.forgotten) {
    std::erase_if(update_.schemas, [&](const auto& schema) { return schema->name == name; });
    update_.forgotten.push_back(name);
  }
  const std::int64_t now_us = WallClock().now().microseconds;
  for (const auto& share : portion.shares) {
    if (share->inserts + share->updates + share->deletes + share->ddls == 0) continue;
    TableProgress& progress = *share->version->progress;
    TableStatistics& table = statistics_[progress.name];
    table.name = progress.name;
    table.inserts += share->inserts;
    table.updates += share->updates;
    table.deletes += share->deletes;
    table.ddls += share->ddls;
    table.last_update_us = now_us;
    progress.inserts.store(table.inserts);
    progress.updates.store(table.updates);
    progress.deletes.store(table.deletes);
    progress.ddls.store(table.ddls);
    changes_ += share->inserts + share->updates + share->deletes;
    std::erase_if(update_.statistics, [&](const TableStatistics& older) { return older.name == table.name; });
    update_.statistics.push_back(table);
  }
}

Result<std::optional<LogPosition>> CdcCheckpoints::save(When when) {
  const auto now = std::chrono::steady_clock::now();
  if (!dirty_ || (when == When::kDue && now < due_)) return std::optional<LogPosition>();
  next_.saved_us = WallClock().now().microseconds;
  update_.checkpoint = next_;
  failpoint("changes-delivered");
  DMSKAFKA_TRY(store_.save_checkpoint(update_));
  failpoint("checkpoint-saved");
  stored_ = next_;
  update_ = CheckpointUpdate{};
  dirty_ = false;
  moved_ = true;
  due_ = now + interval_;
  return std::optional<LogPosition>(stored_.position);
}

}  // namespace dmskafka

#include "core/task/table_load.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/failpoint.h"

namespace dmskafka {

TableLoad::TableLoad(std::shared_ptr<const TableSchema> table_schema,
                     std::unique_ptr<const TablePlan> table_plan, TableProgress& table_progress,
                     const std::optional<TableLoadRecord>& before)
    : schema(std::move(table_schema)), plan(std::move(table_plan)), progress(table_progress) {
  if (before) control_records_sent_.store(before->control_records_sent);
}

void TableLoad::set_failure(const Error& error) {
  MutexLock lock(mutex_);
  if (!failure_) failure_ = error;
}

std::optional<Error> TableLoad::failure() const {
  MutexLock lock(mutex_);
  return failure_;
}

TableLoadRecord TableLoad::record_locked() const {
  TableLoadRecord record;
  record.name = progress.name;
  record.state = progress.state.load();
  record.control_records_sent = control_records_sent_.load();
  record.rows_delivered = progress.rows_delivered.load();
  record.bytes_delivered = progress.bytes_delivered.load();
  record.rows_failed = progress.rows_failed.load();
  record.values_cut = progress.values_cut.load();
  record.error = progress.error();
  record.started_us = started_us_;
  record.ended_us = ended_us_;
  return record;
}

Result<void> TableLoad::enter(TableState state, CheckpointStore& store) {
  MutexLock lock(mutex_);
  const std::int64_t now_us = WallClock().now().microseconds;
  (state == TableState::kFullLoad ? started_us_ : ended_us_) = now_us;
  TableLoadRecord record = record_locked();
  record.state = state;
  if (state == TableState::kTableCompleted) failpoint("table-delivered");
  DMSKAFKA_TRY(store.save_table(record));
  if (state == TableState::kTableCompleted) failpoint("table-saved");
  progress.state.store(state);  // what is shown is never ahead of what is stored
  return {};
}

Result<void> TableLoad::save_counters(CheckpointStore& store) {
  MutexLock lock(mutex_);
  const TableLoadRecord record = record_locked();
  if (record.state != TableState::kFullLoad || record.rows_delivered == rows_saved_) return {};
  rows_saved_ = record.rows_delivered;
  return store.save_table(record);
}

Result<void> TableLoad::save_settled_segments(CheckpointStore& store) {
  std::vector<SegmentLoad*> settled;
  std::vector<SegmentLoadRecord> records;
  for (SegmentLoad& segment : segments) {
    if (!segment.stored || segment.saved || !segment.done()) continue;
    settled.push_back(&segment);
    records.push_back(SegmentLoadRecord{segment.segment.number, segment.segment.range, true, segment.rows});
  }
  if (records.empty()) return {};
  failpoint("ranges-delivered");
  DMSKAFKA_TRY(store.save_segments_done(progress.name, records));
  failpoint("ranges-saved");
  for (SegmentLoad* segment : settled) segment->saved = true;
  return {};
}

bool TableLoad::settled() const {
  for (const SegmentLoad& segment : segments) {
    if (segment.state.load(std::memory_order_acquire) != SegmentLoad::State::kWaiting && !segment.settled())
      return false;
  }
  return true;
}

bool TableLoad::done() const { return std::ranges::all_of(segments, &SegmentLoad::done); }

}  // namespace dmskafka

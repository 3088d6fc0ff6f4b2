#include "core/task/segment_planning.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <utility>

#include "core/base/logging.h"

namespace dmskafka {
namespace {

/// True when the stored plan was taken up; false when the table is to be cut anew.
Result<bool> resume(TableLoad& table, const SegmentPlanRecord& record, Snapshot& snapshot,
                    PlannedSegments& planned) {
  std::vector<StoredSegment> stored;
  for (const SegmentLoadRecord& segment : record.segments) {
    stored.push_back(StoredSegment{Segment{table.schema.get(), segment.number, segment.range}, segment.done});
  }
  DMSKAFKA_ASSIGN(ResumedSegments resumed, snapshot.resume_segments(*table.schema, record.token, stored));
  const std::string name = table.progress.name.text();
  if (!resumed.reason.empty()) planned.notes.push_back(fmt::format("{}: {}", name, resumed.reason));
  if (resumed.reload) return false;

  std::uint64_t rows = 0;
  std::size_t unfinished = 0;
  for (std::size_t i = 0; i < stored.size(); ++i) {
    if (stored[i].done) {
      rows += record.segments[i].rows;
    } else {
      table.segments.emplace_back(std::move(stored[i].segment), true, table.progress);
      ++unfinished;
    }
  }
  for (Segment& segment : resumed.catch_up)
    table.segments.emplace_back(std::move(segment), false, table.progress);
  table.progress.rows_delivered.store(rows);
  table.progress.rows_read.store(rows);
  planned.rows_done_before += rows;
  planned.notes.push_back(fmt::format("{}: resumed: {} of {} ranges were done ({} rows)", name,
                                      stored.size() - unfinished, stored.size(), rows));
  return true;
}

/// What is to be stored of the table's new plan; nothing when it is one range.
Result<std::optional<SegmentPlanRecord>> cut(TableLoad& table, Snapshot& snapshot,
                                             const SegmentPlanningOptions& options) {
  SegmentPlan plan;
  if (options.whole_tables) {
    plan.segments.push_back(Segment{table.schema.get(), 0, ""});
  } else {
    const SegmentRequest request{options.segment_bytes, table.plan->parallel_load()};
    DMSKAFKA_ASSIGN(plan, snapshot.plan_segments(*table.schema, request));
  }
  for (const std::string& remark : plan.remarks) {
    log_warning(fmt::format("{}: {}", table.progress.name.text(), remark));
  }
  const bool stored = plan.segments.size() > 1;
  SegmentPlanRecord record{table.progress.name, plan.token, {}};
  for (Segment& segment : plan.segments) {
    record.segments.push_back(SegmentLoadRecord{segment.number, segment.range, false, 0});
    table.segments.emplace_back(std::move(segment), stored, table.progress);
  }
  if (!stored) return std::optional<SegmentPlanRecord>();
  return std::optional<SegmentPlanRecord>(std::move(record));
}

}  // namespace

Result<PlannedSegments> plan_all_segments(const std::vector<std::unique_ptr<TableLoad>>& tables,
                                          Snapshot& snapshot, CheckpointStore& store,
                                          const SegmentPlanningOptions& options) {
  DMSKAFKA_ASSIGN(const std::vector<SegmentPlanRecord> records, store.load_segment_plans());
  std::map<TableName, const SegmentPlanRecord*> record_of;
  for (const SegmentPlanRecord& record : records) record_of[record.name] = &record;

  PlannedSegments planned;
  std::vector<SegmentPlanRecord> to_store;
  for (const auto& table : tables) {
    if (const auto found = record_of.find(table->progress.name); found != record_of.end()) {
      DMSKAFKA_ASSIGN(const bool resumed, resume(*table, *found->second, snapshot, planned));
      if (resumed) continue;
      // The old plan must not outlive the reload, even where the new one is a single range.
      to_store.push_back(SegmentPlanRecord{table->progress.name, "", {}});
    }
    DMSKAFKA_ASSIGN(std::optional<SegmentPlanRecord> record, cut(*table, snapshot, options));
    if (record) to_store.push_back(*std::move(record));
  }
  if (!to_store.empty()) DMSKAFKA_TRY(store.save_segment_plans(to_store));
  return planned;
}

}  // namespace dmskafka

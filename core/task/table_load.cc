#include "core/task/table_load.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "core/base/logging.h"

namespace dmskafka {
namespace {

std::int64_t now_us() { return WallClock().now().microseconds; }

/// Waits until every message of `unit` is reported. Errors: what ended the task meanwhile, or kCancelled.
Result<void> wait_settled(const DeliveryUnit& unit, const TableLoadContext& context) {
  const std::stop_token stop = context.failure.token();
  while (!unit.wait_settled(std::chrono::milliseconds(250), stop)) {
    if (auto failed = context.sink.failure()) return *failed;
    if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
  }
  return {};
}

/// drop-table and create-table, acknowledged before the first row is sent: rows may go to other partitions,
/// so their order behind the control records exists only by waiting.
Result<void> send_control_records(TableLoad& table, MessageSender& sender, const TableLoadContext& context) {
  if (context.settings.target_table_prep_mode == TargetTablePrepMode::kDropAndCreate &&
      !table.control_records_sent()) {
    for (const ControlOperation operation : {ControlOperation::kDropTable, ControlOperation::kCreateTable}) {
      DMSKAFKA_TRY(sender.send_control(*table.plan, *table.topic, operation, table.control_ticket,
                                       context.failure.token()));
    }
    table.control_unit.seal();
    context.sink.flush();
    DMSKAFKA_TRY(wait_settled(table.control_unit, context));
    if (!table.progress.suspended.load()) table.set_control_records_sent();
  } else {
    table.control_unit.seal();
  }
  return table.enter(TableState::kFullLoad, context.store);
}

/// Reads and sends all rows of one segment.
Result<void> load_rows(TableLoad& table, SegmentReader& reader, MessageSender& sender,
                       const TableLoadContext& context) {
  const std::stop_token stop = context.failure.token();
  ChangeBatch batch;
  for (;;) {
    if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
    if (table.progress.suspended.load(std::memory_order_relaxed)) return {};
    batch.clear();
    DMSKAFKA_ASSIGN(const SegmentReader::Status status, reader.read(batch, stop));
    std::span<const Change> changes = batch.changes();
    bool enough = false;
    if (context.rows_max) {
      const std::uint64_t left = *context.rows_max - table.progress.rows_read.load();
      if (changes.size() >= left) {
        changes = changes.first(static_cast<std::size_t>(left));
        enough = true;
      }
    }
    table.progress.rows_read.fetch_add(changes.size(), std::memory_order_relaxed);
    DMSKAFKA_ASSIGN(const std::uint64_t replaced,
                    sender.send(*table.plan, *table.topic, changes, table.rows_ticket, stop));
    if (replaced != 0) table.progress.characters_replaced.fetch_add(replaced, std::memory_order_relaxed);
    if (enough || status == SegmentReader::Status::kEnd) return {};
  }
}

Result<void> read_and_send(TableLoad& table, SnapshotReader& reader, MessageSender& sender,
                           const TableLoadContext& context) {
  const Segment whole{table.schema.get(), 0, ""};
  DMSKAFKA_ASSIGN(const std::unique_ptr<SegmentReader> segment_reader, reader.open(whole));
  return load_rows(table, *segment_reader, sender, context);
}

}  // namespace

TableLoad::TableLoad(std::shared_ptr<const TableSchema> table_schema,
                     std::unique_ptr<const TablePlan> table_plan, TableProgress& table_progress,
                     const std::optional<TableLoadRecord>& before)
    : schema(std::move(table_schema)), plan(std::move(table_plan)), progress(table_progress) {
  if (before) control_records_sent_.store(before->control_records_sent);
}

TableLoadRecord TableLoad::record() const {
  MutexLock lock(mutex_);
  return record_locked();
}

TableLoadRecord TableLoad::record_locked() const {
  TableLoadRecord record;
  record.name = progress.name;
  record.state = progress.state.load();
  record.control_records_sent = control_records_sent_.load();
  record.rows_delivered = progress.rows_delivered.load();
  record.bytes_delivered = progress.bytes_delivered.load();
  record.rows_failed = progress.rows_failed.load();
  record.error = progress.error();
  record.started_us = started_us_;
  record.ended_us = ended_us_;
  return record;
}

Result<void> TableLoad::enter(TableState state, CheckpointStore& store) {
  MutexLock lock(mutex_);
  if (state == TableState::kFullLoad) {
    started_us_ = now_us();
  } else {
    ended_us_ = now_us();
  }
  TableLoadRecord record = record_locked();
  record.state = state;
  DMSKAFKA_TRY(store.save_table(record));
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

Result<void> fail_table(TableLoad& table, const Error& error, const TableLoadContext& context) {
  const std::string text = error.to_string();
  if (table.progress.error().empty()) table.progress.set_error(text);
  log_error(fmt::format("{}: {}", table.progress.name.text(), text));
  DMSKAFKA_TRY(table.enter(TableState::kTableError, context.store));
  if (context.settings.table_error_policy == ErrorPolicy::kStopTask) {
    return error.while_doing(fmt::format("loading {}", table.progress.name.text()))
        .hint("TableErrorPolicy is STOP_TASK");
  }
  return {};
}

Result<void> load_table(TableLoad& table, SnapshotReader& reader, MessageSender& sender,
                        const TableLoadContext& context) {
  DMSKAFKA_TRY(send_control_records(table, sender, context));
  auto sent = read_and_send(table, reader, sender, context);
  table.rows_unit.seal();
  if (!sent && sent.error().code() != ErrorCode::kTableUnreadable) {
    return std::move(sent).error().while_doing(fmt::format("loading {}", table.progress.name.text()));
  }
  context.sink.flush();
  DMSKAFKA_TRY(wait_settled(table.rows_unit, context));
  if (!sent) return fail_table(table, sent.error(), context);
  if (table.progress.suspended.load()) {
    return fail_table(table, Error(ErrorCode::kTableUnreadable, table.progress.error()), context);
  }
  return table.enter(TableState::kTableCompleted, context.store);
}

}  // namespace dmskafka

#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>

#include "core/settings/task_settings.h"
#include "core/task/checkpoint_store.h"
#include "core/task/load_schedule.h"
#include "core/task/message_sender.h"
#include "core/task/sink.h"
#include "core/task/source.h"
#include "core/task/table_load.h"
#include "core/task/task_failure.h"

namespace dmskafka {

/// What the reading threads of a full load share. References outlive them.
struct SubtaskContext {
  Snapshot& snapshot;
  LoadSchedule& schedule;
  ProcessorTurns& turns;
  Sink& sink;
  DeliveryListener& listener;
  CheckpointStore& store;
  TaskFailure& failure;
  const TaskSettings& settings;
  MessageSender::Options sender;
  std::optional<std::uint64_t> rows_max;  ///< of each table: a preview stops there
};

/// A reading thread of a full load: takes range after range from the schedule, reads it, and sends it (or hands it to the
/// table's lanes). Thread: the one that calls run().
class Subtask {
 public:
  explicit Subtask(const SubtaskContext& context)
      : context_(context),
        stop_(context.failure.token()),
        sender_(context.sink, context.listener, context.sender),
        turn_(context.turns) {}

  /// Opens the connection. Errors: those of Snapshot::open_reader().
  Result<void> open();
  /// Works until nothing is left. Errors: those that end the task, kCancelled. A failure of one table alone becomes that
  /// table's failure. REQUIRES: open() succeeded.
  Result<void> run();

 private:
  Result<void> open_table(TableLoad& table);
  Result<void> send_control_records(TableLoad& table);
  void start_lanes(TableLoad& table);
  Result<bool> load(TableLoad& table, SegmentLoad& segment);
  Result<void> load_once(TableLoad& table, SegmentLoad& segment);
  Result<void> read_range(TableLoad& table, SegmentLoad& segment, SegmentReader& reader);
  Result<bool> read_batch(TableLoad& table, SegmentLoad& segment, SegmentReader& reader);
  Result<void> send_batch(TableLoad& table, SegmentLoad& segment, std::unique_ptr<ChangeBatch> batch);
  std::unique_ptr<ChangeBatch> take_batch(TableLoad& table);
  void fail(TableLoad& table, const Error& error);

  const SubtaskContext& context_;
  const std::stop_token stop_;
  MessageSender sender_;
  ProcessorTurn turn_;
  std::unique_ptr<SnapshotReader> reader_;
  std::unique_ptr<ChangeBatch> spare_;
  std::uint64_t next_queue_ = 0;
};

}  // namespace dmskafka

#include "core/task/subtask.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "core/base/failpoint.h"
#include "core/base/logging.h"

namespace dmskafka {
namespace {

using namespace std::chrono_literals;

// A range whose connection breaks is read again under the same snapshot; each attempt must have read something, else the
// next one would not either.
constexpr int kFruitlessAttemptsMax = 3;
// What waits in the queues of one table, all together; but no queue is smaller than some rows.
constexpr std::size_t kLaneBytes = 4 << 20;
constexpr std::size_t kQueueBytesMin = 16 << 10;

Result<void> wait_settled(const DeliveryUnit& unit, const SubtaskContext& context,
                          const std::stop_token& stop) {
  do {
    if (auto failed = context.sink.failure()) return *failed;
    if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
    context.sink.flush();
  } while (!unit.wait_settled(100ms, stop));
  return {};
}

/// Ends the batch behind the row that is the `rows_max`-th to be sent. True: there is such a row.
bool keep_selected(const TablePlan& plan, std::uint64_t rows_max, ChangeBatch& batch) {
  std::size_t keep = 0;
  for (std::uint64_t selected = 0; keep < batch.changes().size() && selected < rows_max; ++keep) {
    if (plan.selects(batch.changes()[keep])) ++selected;
    if (selected == rows_max) {
      while (batch.changes().size() > keep + 1) batch.drop_last();
      return true;
    }
  }
  return rows_max == 0;
}

}  // namespace

Result<void> Subtask::open() {
  DMSKAFKA_ASSIGN(reader_, context_.snapshot.open_reader(stop_));
  reader_->work_in(turn_);
  return {};
}

Result<void> Subtask::run() {
  TableLoad* current = nullptr;
  while (const auto work = context_.schedule.next(current, stop_)) {
    current = work->table;
    if (work->opens_table) DMSKAFKA_TRY(open_table(*work->table));
    auto loaded = load(*work->table, *work->segment);
    // What was sent of it is still reported to this unit; nothing follows.
    work->segment->unit.seal();
    const bool complete = loaded && *loaded;
    work->segment->state.store(complete ? SegmentLoad::State::kSent : SegmentLoad::State::kAborted,
                               std::memory_order_release);
    // Without leaving: the table would look read through before the failure is known.
    if (!loaded)
      return std::move(loaded).error().while_doing(fmt::format("loading {}", current->progress.name.text()));
    context_.schedule.left(*work->table);
    if (context_.schedule.read_through(*current)) context_.sink.flush();
  }
  return {};
}

Result<void> Subtask::open_table(TableLoad& table) {
  DMSKAFKA_TRY(send_control_records(table));
  start_lanes(table);
  DMSKAFKA_TRY(table.enter(TableState::kFullLoad, context_.store));
  failpoint("control-saved");
  context_.schedule.opened(table);
  return {};
}

/// drop-table and create-table, acknowledged before the first row is sent: rows may go to other partitions, so their order
/// behind the control records exists only by waiting.
Result<void> Subtask::send_control_records(TableLoad& table) {
  if (context_.settings.target_table_prep_mode == TargetTablePrepMode::kDropAndCreate &&
      !table.control_records_sent()) {
    for (const ControlOperation operation : {ControlOperation::kDropTable, ControlOperation::kCreateTable}) {
      DMSKAFKA_TRY(sender_.send_control(*table.plan, *table.topic, operation, table.control_ticket, stop_));
    }
    table.control_unit.seal();
    DMSKAFKA_TRY(wait_settled(table.control_unit, context_, stop_));
    failpoint("control-delivered");
    if (!table.progress.suspended.load()) table.set_control_records_sent();
  } else {
    table.control_unit.seal();
  }
  return {};
}

void Subtask::start_lanes(TableLoad& table) {
  // SPEC ParallelLoadThreads: "the number of threads that AWS DMS uses to load each table into its Kafka target table".
  if (context_.settings.parallel_load_threads < 2 || context_.rows_max) return;
  LanePool::Options options;
  options.threads = static_cast<std::uint32_t>(context_.settings.parallel_load_threads);
  options.queues_per_thread = static_cast<std::uint32_t>(context_.settings.parallel_load_queues_per_thread);
  options.buffer_records = static_cast<std::uint32_t>(context_.settings.parallel_load_buffer_size);
  // Many queues are smaller ones: what waits in all of them stays flat.
  const std::size_t queues = std::size_t{options.threads} * options.queues_per_thread;
  options.buffer_bytes_max = std::clamp(kLaneBytes / queues, kQueueBytesMin, options.buffer_bytes_max);
  options.sender = context_.sender;
  table.lanes = std::make_unique<LanePool>(options, context_.sink, context_.listener, context_.failure);
}

/// True when the range was read to its end; false when the table has failed.
Result<bool> Subtask::load(TableLoad& table, SegmentLoad& segment) {
  for (int fruitless = 0;;) {
    const std::uint64_t rows_before = table.progress.rows_read.load();
    auto loaded = load_once(table, segment);
    if (loaded) return true;
    const ErrorCode code = loaded.error().code();
    if (code == ErrorCode::kTableUnreadable) {
      fail(table, loaded.error());
      return false;
    }
    if (code != ErrorCode::kSourceUnavailable) return std::move(loaded).error();
    fruitless = table.progress.rows_read.load() == rows_before ? fruitless + 1 : 0;
    if (fruitless == kFruitlessAttemptsMax) return std::move(loaded).error();
    log_warning(fmt::format("{}: reading a range again after: {}", table.progress.name.text(),
                            loaded.error().to_string()));
    reader_.reset();
    DMSKAFKA_TRY(open());
  }
}

Result<void> Subtask::load_once(TableLoad& table, SegmentLoad& segment) {
  segment.rows = 0;
  Segment wanted = segment.segment;
  wanted.condition = &table.plan->condition();
  DMSKAFKA_ASSIGN(const std::unique_ptr<SegmentReader> reader, reader_->open(wanted));
  auto read = read_range(table, segment, *reader);
  turn_.end();  // a reader that gives up its query waits for the database
  return read;
}

Result<void> Subtask::read_range(TableLoad& table, SegmentLoad& segment, SegmentReader& reader) {
  for (;;) {
    if (stop_.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
    if (table.progress.suspended.load(std::memory_order_relaxed)) {
      return Error(ErrorCode::kTableUnreadable, table.progress.error());
    }
    DMSKAFKA_ASSIGN(const bool more, read_batch(table, segment, reader));
    if (!more) return {};
    turn_.end_if_over();
  }
}

/// False: the range is at its end, or a preview has enough.
Result<bool> Subtask::read_batch(TableLoad& table, SegmentLoad& segment, SegmentReader& reader) {
  std::unique_ptr<ChangeBatch> batch = take_batch(table);
  batch->clear();
  DMSKAFKA_ASSIGN(const SegmentReader::Status status, reader.read(*batch, stop_));
  bool more = status == SegmentReader::Status::kMore;
  if (context_.rows_max) {
    const std::uint64_t shown = table.progress.rows_read.load() - table.progress.rows_filtered.load();
    more = !keep_selected(*table.plan, *context_.rows_max - shown, *batch) && more;
  }
  const std::size_t rows = batch->changes().size();
  segment.rows += rows;
  table.progress.rows_read.fetch_add(rows, std::memory_order_relaxed);
  DMSKAFKA_TRY(send_batch(table, segment, std::move(batch)));
  if (more) failpoint("inside-range");
  return more;
}

Result<void> Subtask::send_batch(TableLoad& table, SegmentLoad& segment, std::unique_ptr<ChangeBatch> batch) {
  if (batch->empty()) {
    spare_ = std::move(batch);
    return {};
  }
  segment.unit.sent(batch->changes().size());
  if (table.lanes) {
    return table.lanes->push(next_queue_++,
                             LaneBuffer{std::move(batch), table.plan.get(), table.topic, &segment.ticket},
                             sender_, stop_);
  }
  auto sent = sender_.send(*table.plan, *table.topic, batch->changes(), segment.ticket, stop_);
  spare_ = std::move(batch);
  return sent;
}

std::unique_ptr<ChangeBatch> Subtask::take_batch(TableLoad& table) {
  if (table.lanes) return table.lanes->take_batch();
  if (spare_) return std::move(spare_);
  ChangeBatch::Limits limits;
  // SPEC CommitRate: "the maximum number of records that can be transferred together".
  limits.records_max = std::min(limits.records_max, static_cast<std::size_t>(context_.settings.commit_rate));
  return std::make_unique<ChangeBatch>(limits);
}

/// The table ends in error once its other readers have left it; this reader goes on with another one.
void Subtask::fail(TableLoad& table, const Error& error) {
  table.set_failure(error);
  context_.schedule.abandon(table);
}

}  // namespace dmskafka

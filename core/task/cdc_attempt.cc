#include "core/task/cdc_attempt.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <utility>

#include "core/base/failpoint.h"
#include "core/base/logging.h"

namespace dmskafka {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kTick = 20ms;
constexpr std::chrono::milliseconds kReadWait = 100ms;
// After a stop request a person waits for what is in flight.
constexpr std::chrono::milliseconds kDrainAfterStop = 10s;
// Every message is reported before the sink is closed, or its failure is known: this bounds what should take milliseconds.
constexpr std::chrono::milliseconds kCloseTimeout = 10s;
// Batches in circulation: one that is read, the others on their way; with 1 MB each the memory stays flat.
constexpr std::size_t kBatches = 8;
constexpr std::size_t kRecordsOfMegabyte = 4'000;

// SPEC StreamBufferCount, StreamBufferSizeInMB: 3 of 8 MB, which DMS needs and we do not.
std::size_t batch_count(const TaskSettings& settings) {
  if (settings.stream_buffer_count == TaskSettings().stream_buffer_count) return kBatches;
  return static_cast<std::size_t>(std::clamp<std::int64_t>(settings.stream_buffer_count, 2, 10'000));
}
ChangeBatch::Limits batch_limits(const TaskSettings& settings) {
  const bool ours = settings.stream_buffer_megabytes == TaskSettings().stream_buffer_megabytes;
  const auto megabytes = static_cast<std::size_t>(
      ours ? 1 : std::clamp<std::int64_t>(settings.stream_buffer_megabytes, 1, 1'024));
  return {megabytes * kRecordsOfMegabyte, megabytes << 20U};
}

ApplyLanes::Options lane_options(const CdcTask& task) {
  const TaskSettings& settings = task.settings;
  ApplyLanes::Options options;
  // SPEC ParallelApplyThreads: "the number of concurrent threads that AWS DMS uses during a CDC load to push data records to
  // a Kafka target endpoint. The default value is zero (0)". Zero is one thread here.
  if (settings.parallel_apply_threads > 0) {
    options.threads = static_cast<std::uint32_t>(settings.parallel_apply_threads);
    options.queues_per_thread =
        static_cast<std::uint32_t>(std::max<std::int64_t>(1, settings.parallel_apply_queues_per_thread));
    if (settings.parallel_apply_buffer_size > 0) {
      options.buffer_records = static_cast<std::uint32_t>(settings.parallel_apply_buffer_size);
    }
  }
  options.sender = MessageSender::Options{settings.dmskafka.partitioner, task.message_bytes_max, task.clock,
                                          settings.data_truncation_error_policy};
  return options;
}

}  // namespace

CdcAttempt::CdcAttempt(const CdcTask& task, ChangeLog& log, CdcStart& start, CdcStop& stop_conditions,
                       std::stop_token stop)
    : task_(task),
      log_(log),
      start_(start),
      conditions_(stop_conditions),
      stop_(std::move(stop)),
      failure_(std::stop_token()),
      accounts_(task.store, task.settings, failure_),
      checkpoints_(task.store, start.from, start.statistics,
                   std::chrono::seconds(std::clamp<std::int64_t>(task.settings.commit_timeout, 1, 3'600))),
      new_tables_(task, log.handles_identify_tables() ? start.tables : decltype(start.tables)()) {}

CdcAttempt::~CdcAttempt() = default;

Result<void> CdcAttempt::run(const SinkFactory& make_sink) {
  task_.progress.set_phase("opening the source's log");
  DMSKAFKA_ASSIGN(stream_, log_.open_stream({start_.tables, start_.known}, start_.from.position, stop_));
  task_.progress.set_phase("connecting to the target");
  DMSKAFKA_ASSIGN(sink_, make_sink(accounts_));
  return end(follow());
}

Result<void> CdcAttempt::follow() {
  TableVersions tables(task_.planner, *sink_, task_.settings, task_.progress);
  if (log_.handles_identify_tables()) tables.know_by_handle();
  DMSKAFKA_TRY(tables.open(start_.known, stop_));
  pool_ = std::make_unique<LogBatchPool>(batch_count(task_.settings), batch_limits(task_.settings));
  const ApplyLanes::Options options = lane_options(task_);
  lanes_ = std::make_unique<ApplyLanes>(options, *sink_, accounts_, *pool_, failure_);
  MessageSender control_sender(*sink_, accounts_, options.sender);
  CdcRouter router({task_.planner, task_.settings, tables, *lanes_, *pool_, tracker_, *sink_, control_sender,
                    conditions_, failure_.token()},
                   start_.from.previous);
  task_.progress.set_phase("");
  followed_ = true;
  {
    // The reader ends by itself, by a failure, or by a stop request, after which what was read is still delivered.
    const std::stop_callback on_stop(stop_, [this] { intake_.request_stop(); });
    const std::stop_callback on_failure(failure_.token(), [this] { intake_.request_stop(); });
    const std::jthread reader([this, &router, &tables] { read(router, tables); });
    tend();
    intake_.request_stop();
  }
  lanes_->finish();
  return verdict();
}

// --- the reader's thread ---

void CdcAttempt::read(CdcRouter& router, const TableVersions& tables) noexcept {
  Result<void> result;
  try {
    result = announce(router, tables);
    if (result) result = read_log(router);
  } catch (const std::exception& caught) {
    result = Error(ErrorCode::kInternal, fmt::format("in the log's reading thread: {}", caught.what()));
  }
  MutexLock lock(mutex_);
  read_result_ = std::move(result);
  reader_ended_ = true;
  wake_.notify_all();
}

/// Once in a run, before the first change.
Result<void> CdcAttempt::announce(CdcRouter& router, const TableVersions& tables) {
  if (start_.announced) return {};
  std::vector<std::shared_ptr<const TableVersion>> versions;
  // SPEC wire-format §4 create-table: "first start of a CDC-only task"; without DROP_AND_CREATE there are none.
  const bool sends = task_.settings.target_table_prep_mode == TargetTablePrepMode::kDropAndCreate;
  for (const TableName& name : start_.announce) {
    if (auto version = tables.find(name); version != nullptr && sends) versions.push_back(std::move(version));
  }
  DMSKAFKA_TRY(router.send_start(start_.from.position,
                                 task_.planner.start_messages(start_.kind, task_.clock.now()), versions));
  for (const TableName& name : start_.announce) {
    TableLoadRecord record;
    record.name = name;
    record.control_records_sent = true;
    DMSKAFKA_TRY(task_.store.save_table(record));
  }
  start_.announced = true;
  return {};
}

Result<void> CdcAttempt::read_log(CdcRouter& router) {
  const std::stop_token stop = intake_.get_token();
  last_change_ = steady_clock::now();
  at_ = start_.from.position;
  if (conditions_.reached(start_.from.position)) return {};
  while (!stop.stop_requested()) {
    SharedLogBatch* const batch = pool_->take(kReadWait, stop);
    if (batch == nullptr) continue;
    auto outcome = read_batch(router, *batch);
    pool_->release(*batch);
    if (!outcome) return std::move(outcome).error();
    if (*outcome == CdcRouter::Outcome::kEnd) return {};
  }
  return {};
}

Result<CdcRouter::Outcome> CdcAttempt::read_batch(CdcRouter& router, SharedLogBatch& batch) {
  DMSKAFKA_TRY(stream_->read(batch.batch, kReadWait, intake_.get_token()));
  const bool has_news = std::ranges::any_of(
      batch.batch.events(), [](const LogEvent& event) { return event.kind != LogEventKind::kIdle; });
  if (!batch.batch.empty()) {
    const LogEvent& last = batch.batch.events().back();
    const bool ends = last.kind == LogEventKind::kCommit || last.kind == LogEventKind::kIdle;
    at_ = ends ? last.position : LogPosition{};
  }
  DMSKAFKA_ASSIGN(const CdcRouter::Outcome outcome, router.route(batch));
  const auto now = steady_clock::now();
  if (has_news) last_change_ = now;
  if (outcome == CdcRouter::Outcome::kEnd) return outcome;
  // An end that became known after the log had come there, in which nothing happens any more.
  const bool there = !at_.empty() && conditions_.reached(at_);
  return there || conditions_.idle_for(now - last_change_) ? CdcRouter::Outcome::kEnd : outcome;
}

// --- the task's thread ---

bool CdcAttempt::wait_for_reader(std::chrono::nanoseconds wait) {
  MutexLock lock(mutex_);
  return wake_.wait_for(mutex_, {}, wait, [&]() REQUIRES_LOCK(mutex_) { return reader_ended_; });
}

/// Until everything that was routed is delivered and stored, or nothing more can be.
void CdcAttempt::tend() {
  std::optional<steady_clock::time_point> asked_to_stop;
  while (!failure_.token().stop_requested()) {
    const bool reader_ended = wait_for_reader(kTick);
    if (auto looked = look_after(); !looked) failure_.set(std::move(looked).error());
    if (reader_ended) {
      if (tracker_.pending() == 0) return;
      sink_->flush();  // again and again: lanes send until they are through
      tracker_.wait_passed(~std::uint64_t{0}, kTick / 4, failure_.token());
    }
    if (!stop_.stop_requested()) continue;
    if (!asked_to_stop) asked_to_stop = steady_clock::now();
    if (steady_clock::now() - *asked_to_stop > kDrainAfterStop) {
      log_warning("Kafka has not acknowledged everything; what is left is sent again by the next run");
      failure_.set(Error(ErrorCode::kCancelled, "stopped"));
    }
  }
}

Result<void> CdcAttempt::look_after() {
  if (auto failed = sink_->failure()) return *failed;
  DMSKAFKA_TRY(checkpoint(CdcCheckpoints::When::kDue));
  DMSKAFKA_TRY(end_by_time());
  new_tables_.look(steady_clock::now());
  show();
  return {};
}

Result<void> CdcAttempt::checkpoint(CdcCheckpoints::When when) {
  checkpoints_.note(tracker_);
  DMSKAFKA_TRY(save_suspended());
  DMSKAFKA_ASSIGN(const std::optional<LogPosition> stored, checkpoints_.save(when));
  if (stored) stream_->acknowledge(*stored);
  return {};
}

/// Before a position behind changes that were left out is stored: the next run must not follow such a table as if it were whole.
Result<void> CdcAttempt::save_suspended() {
  for (TableProgress* const one : task_.progress.table_list()) {
    TableProgress& table = *one;
    if (!table.suspended.load() || table.state.load() == TableState::kTableError) continue;
    DMSKAFKA_ASSIGN(const std::vector<TableLoadRecord> records, task_.store.load_tables());
    const auto found = std::ranges::find(records, table.name, &TableLoadRecord::name);
    TableLoadRecord record = found != records.end() ? *found : TableLoadRecord{};
    record.name = table.name;
    record.state = TableState::kTableError;
    record.error = table.error();
    DMSKAFKA_TRY(task_.store.save_table(record));
    table.state.store(TableState::kTableError);
  }
  return {};
}

Result<void> CdcAttempt::end_by_time() {
  if (timed_ || !conditions_.is_time(WallClock().now())) return {};
  DMSKAFKA_ASSIGN(const LogPosition end, log_.current_end());
  conditions_.end_at(end, "--cdc-stop-position was reached");
  timed_ = true;
  return {};
}

void CdcAttempt::show() {
  const auto now = steady_clock::now();
  if (now - shown_ < 200ms) return;
  shown_ = now;
  const ChangeStreamStatus status = stream_->status();
  FollowingProgress following;
  following.checkpoint = checkpoints_.stored().position.text;
  following.checkpoint_time = WallTime{checkpoints_.stored().saved_us};
  following.changes = checkpoints_.changes();
  following.lag_bytes = status.lag_bytes;
  const bool waits = tracker_.pending() != 0 || status.received < status.server_end;
  if (waits && checkpoints_.newest_commit_us() != 0) {
    const std::int64_t age_us = WallClock().now().microseconds - checkpoints_.newest_commit_us();
    following.lag_seconds = static_cast<double>(std::max<std::int64_t>(0, age_us)) / 1e6;
  }
  task_.progress.set_following(std::move(following));
}

Result<void> CdcAttempt::verdict() {
  if (auto failed = failure_.get()) return *failed;
  MutexLock lock(mutex_);
  if (!read_result_ && read_result_.error().code() != ErrorCode::kCancelled) return read_result_;
  if (conditions_.reason().empty()) return Error(ErrorCode::kCancelled, "stopped");
  return {};
}

Result<void> CdcAttempt::end(Result<void> followed) {
  if (lanes_) lanes_->finish();
  auto closed = sink_->close(kCloseTimeout);
  auto stored = checkpoint(CdcCheckpoints::When::kNow);
  failpoint("checkpoint-acknowledged");
  shown_ = {};
  show();
  stream_.reset();
  if (!followed) return followed;
  if (!stored) return stored;
  return closed;
}

}  // namespace dmskafka

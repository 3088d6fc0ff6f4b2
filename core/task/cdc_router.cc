#include "core/task/cdc_router.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <span>
#include <string_view>
#include <thread>
#include <utility>

#include "core/base/logging.h"
#include "core/task/partitioner.h"
#include "core/task/schema_difference.h"

namespace dmskafka {
namespace {

using namespace std::chrono_literals;

// Each costs some hundred bytes while Kafka answers nothing: small transactions must not pile up without end.
constexpr std::size_t kPortionsMax = 10'000;

std::uint64_t hash_of(std::string_view key) { return std::hash<std::string_view>()(key); }

}  // namespace

CdcRouter::CdcRouter(const Parts& parts, const PreviousTransaction& previous)
    : parts_(parts), open_(parts.lanes.queue_count()), previous_(previous), current_(previous) {}

Result<CdcRouter::Outcome> CdcRouter::route(SharedLogBatch& batch) {
  batch_ = &batch;
  next_transaction_ = 0;
  std::size_t last_end = 0;  // behind the last event at which a transaction ended
  const std::span<const LogEvent> events = batch.batch.events();
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (events[i].kind == LogEventKind::kCommit || events[i].kind == LogEventKind::kIdle) last_end = i + 1;
  }
  Outcome outcome = Outcome::kMore;
  for (std::size_t i = 0; i < events.size() && outcome == Outcome::kMore; ++i) {
    auto routed = route_event(batch, events[i]);
    if (!routed) {
      // What came before the failure is sent and waited for; an open portion would never be passed.
      (void)finish_portion();
      batch_ = nullptr;
      return std::move(routed).error();
    }
    outcome = *routed;
    if (i + 1 == last_end) DMSKAFKA_TRY(finish_portion());
  }
  DMSKAFKA_TRY(finish_portion());
  batch_ = nullptr;
  // Small portions, while nothing is acknowledged.
  while (parts_.tracker.pending() > kPortionsMax) {
    DMSKAFKA_TRY(wait_delivered(last_sequence_ - kPortionsMax / 2));
    std::this_thread::sleep_for(5ms);  // the task's thread takes them
  }
  return outcome;
}

Result<CdcRouter::Outcome> CdcRouter::route_event(SharedLogBatch& batch, const LogEvent& event) {
  switch (event.kind) {
    case LogEventKind::kChanges: return route_changes(batch, event);
    case LogEventKind::kCommit:
    case LogEventKind::kIdle: return note_end(event);
    case LogEventKind::kTable: DMSKAFKA_TRY(describe_table(event)); return Outcome::kMore;
    case LogEventKind::kTruncate: DMSKAFKA_TRY(truncate_table(event)); return Outcome::kMore;
    case LogEventKind::kDropTable: DMSKAFKA_TRY(drop_table(event)); return Outcome::kMore;
    case LogEventKind::kRenameTable:
      DMSKAFKA_TRY(
          rename_table(event.old_schema != nullptr ? event.old_schema->name : TableName(), event.schema));
      return Outcome::kMore;
  }
  return Error(ErrorCode::kInternal, "an event of the log outside the enumeration");
}

// --- where a transaction ends ---

CdcRouter::Outcome CdcRouter::note_end(const LogEvent& event) {
  CdcPortion& now = portion();
  now.end = event.position;
  now.previous = current_;
  if (event.kind == LogEventKind::kCommit) {
    if (event.transaction != nullptr) now.commit_us = event.transaction->commit_time.microseconds;
    if (std::exchange(current_sent_, false)) ++now.transactions;
  } else {
    now.caught_up_us = WallClock().now().microseconds;
  }
  return parts_.stop.reached(event.position) ? Outcome::kEnd : Outcome::kMore;
}

// --- changes ---

Result<CdcRouter::Outcome> CdcRouter::route_changes(SharedLogBatch& batch, const LogEvent& event) {
  const auto changes = batch.batch.rows().changes().subspan(event.changes_begin, event.changes_count);
  if (changes.empty()) return Outcome::kMore;
  const SourceTransaction* const transaction = changes.front().transaction;
  if (transaction == nullptr) return Error(ErrorCode::kInternal, "a change without its transaction");
  if (!current_sent_ && parts_.stop.passed(transaction->commit_time)) return Outcome::kEnd;
  if (transaction->id != current_.id) previous_ = current_;
  const auto transactions = batch.batch.rows().transactions();
  while (next_transaction_ < transactions.size() && transactions[next_transaction_].get() != transaction) {
    ++next_transaction_;
  }
  if (next_transaction_ == transactions.size()) {
    return Error(ErrorCode::kInternal,
                 "a change of a transaction that its batch does not hold, or out of order");
  }
  transactions[next_transaction_]->previous_id = previous_.id;
  transactions[next_transaction_]->previous_record = previous_.record;
  for (const Change& change : changes) {
    portion();  // whose shares the cache is about
    if (change.table != cached_schema_) {
      const auto version = parts_.tables.of(change.table);
      if (!version) {
        return Error(ErrorCode::kInternal, fmt::format("a change of {}, which the log did not describe",
                                                       change.table->name.text()));
      }
      cached_schema_ = change.table;
      cached_share_ = **version == nullptr ? nullptr : &share_of(**version);
    }
    if (cached_share_ == nullptr) continue;
    DMSKAFKA_TRY(route_change(batch, change, *cached_share_));
    current_ = PreviousTransaction{transaction->id, change.transaction_record};
    current_sent_ = true;
  }
  return Outcome::kMore;
}

Result<void> CdcRouter::route_change(SharedLogBatch& batch, const Change& change, PortionShare& first_share) {
  DMSKAFKA_ASSIGN(const std::size_t queue, queue_of(change, *first_share.version));
  // A barrier may have begun another portion; the batch still holds the first one.
  if (cached_share_ == nullptr) {
    cached_schema_ = change.table;
    cached_share_ = &share_of(first_share.version);
  }
  PortionShare& share = *cached_share_;
  switch (change.operation) {
    case Operation::kInsert: ++share.inserts; break;
    case Operation::kUpdate: ++share.updates; break;
    case Operation::kDelete: ++share.deletes; break;
    case Operation::kLoad: return Error(ErrorCode::kInternal, "a loaded row in a log");
  }
  return add_to_queue(queue, batch, change, share);
}

Result<std::size_t> CdcRouter::queue_of(const Change& change, const TableVersion& version) {
  const WallTime now;  // no key depends on it
  key_.clear();
  version.plan->encode_key(change, now, key_);
  const std::uint64_t key = hash_of(key_.key.view());
  const std::size_t queue = key % open_.size();
  if (change.operation == Operation::kUpdate && !change.before.empty()) {
    old_key_.clear();
    if (version.plan->encode_old_key(change, now, old_key_)) {
      const std::uint64_t old_key = hash_of(old_key_.key.view());
      // In one queue and one partition the order is kept by itself.
      if (old_key % open_.size() != queue || !same_partition(*version.topic)) {
        DMSKAFKA_TRY(order_move(old_key, key));
        return queue;
      }
    }
  }
  if (!moves_.started()) return queue;
  DMSKAFKA_TRY(wait_for_left(key));
  moves_.note_sent(key, portion().sequence);
  return queue;
}

bool CdcRouter::same_partition(const Topic& topic) const {
  const std::int32_t partitions = topic.partition_count;
  if (partitions <= 0) return true;
  const Partitioner partitioner = parts_.settings.dmskafka.partitioner;
  return partition_of(partitioner, key_.key.view(), partitions) ==
         partition_of(partitioner, old_key_.key.view(), partitions);
}

/// SPEC DESIGN §4: "A change of key waits for the earlier records of the old key, and later ones of the old key wait for it."
Result<void> CdcRouter::order_move(std::uint64_t old_key, std::uint64_t new_key) {
  if (!moves_.started()) moves_.start(portion().sequence);
  DMSKAFKA_TRY(wait_delivered(moves_.sent(old_key)));
  DMSKAFKA_TRY(wait_for_left(new_key));
  const std::uint64_t sequence = portion().sequence;
  moves_.note_left(old_key, sequence);
  moves_.note_sent(new_key, sequence);
  newest_left_ = sequence;
  return {};
}

Result<void> CdcRouter::wait_for_left(std::uint64_t key) {
  if (newest_left_ <= delivered_) return {};
  return wait_delivered(moves_.left(key));
}

// --- events of tables ---

Result<void> CdcRouter::describe_table(const LogEvent& event) {
  // The log of this stream may begin behind the rename.
  if (const auto old_name = parts_.tables.renamed_from(*event.schema))
    return rename_table(*old_name, event.schema);
  DMSKAFKA_ASSIGN(const TableVersions::Note note, parts_.tables.describe(event.schema, parts_.failed));
  cached_schema_ = nullptr;
  if (note.after == nullptr) return {};
  if (note.before == nullptr) {
    log_info(fmt::format("{}: a new table, followed from here on", event.schema->name.text()));
    portion().schemas.push_back(event.schema);
    if (!parts_.planner.sends_in_cdc(ControlOperation::kCreateTable)) return {};
    return send_control(note.after, ControlOperation::kCreateTable);
  }
  if (same_definition(*note.before->schema, *event.schema)) return {};
  DMSKAFKA_TRY(alter(note));
  portion().schemas.push_back(event.schema);
  return {};
}

/// The steps from one version to the next. A barrier also where none is sent: keys may be made otherwise from here on.
Result<void> CdcRouter::alter(const TableVersions::Note& note) {
  DMSKAFKA_TRY(barrier());
  const std::vector<SchemaStep> steps =
      schema_difference(note.before->plan->shown_schema(), note.after->plan->shown_schema());
  for (const SchemaStep& step : steps) {
    PortionShare& share = share_of(note.after);
    ++share.ddls;
    if (!parts_.planner.sends_in_cdc(step.operation)) continue;
    DMSKAFKA_TRY(parts_.sender.send_alteration(*note.after->plan, *note.after->topic, step, share.control,
                                               parts_.failed));
    DMSKAFKA_TRY(barrier());
  }
  return {};
}

Result<void> CdcRouter::rename_table(const TableName& old_name,
                                     const std::shared_ptr<const TableSchema>& schema) {
  DMSKAFKA_ASSIGN(const TableVersions::Note note, parts_.tables.rename(old_name, schema, parts_.failed));
  cached_schema_ = nullptr;
  if (note.before != nullptr) portion().forgotten.push_back(old_name);
  if (note.after == nullptr) {
    if (note.before != nullptr) {
      log_warning(fmt::format("{} is now {}, which the mapping does not select: it is not followed any more",
                              old_name.text(), schema->name.text()));
    }
    return {};
  }
  portion().schemas.push_back(schema);
  if (note.before != nullptr) return alter(note);
  if (!parts_.planner.sends_in_cdc(ControlOperation::kCreateTable)) return {};
  return send_control(note.after, ControlOperation::kCreateTable);
}

Result<void> CdcRouter::drop_table(const LogEvent& event) {
  const auto version = parts_.tables.drop(event.schema->name);
  cached_schema_ = nullptr;
  if (version == nullptr) return {};
  log_warning(fmt::format("{} was dropped", event.schema->name.text()));
  ++share_of(version).ddls;
  portion().forgotten.push_back(event.schema->name);
  if (!parts_.planner.sends_in_cdc(ControlOperation::kDropTable)) return {};
  return send_control(version, ControlOperation::kDropTable);
}

Result<void> CdcRouter::truncate_table(const LogEvent& event) {
  const auto version = parts_.tables.find(event.schema->name);
  if (version == nullptr) return {};
  // SPEC ApplyErrorFailOnTruncationDdl: "Set this to true to cause the task to fail when a truncation is performed on any of
  // the tracked tables during CDC."
  if (parts_.settings.apply_error_fail_on_truncation_ddl) {
    return Error(ErrorCode::kSourceRejected, fmt::format("{} was truncated", event.schema->name.text()))
        .hint("ApplyErrorFailOnTruncationDdl is true: set it to false to go on from here");
  }
  ++share_of(version).ddls;
  if (!parts_.planner.sends_in_cdc(ControlOperation::kTruncateTable)) return {};
  return send_control(version, ControlOperation::kTruncateTable);
}

Result<void> CdcRouter::send_control(const std::shared_ptr<const TableVersion>& version,
                                     ControlOperation operation) {
  DMSKAFKA_TRY(barrier());
  DMSKAFKA_TRY(parts_.sender.send_control(*version->plan, *version->topic, operation,
                                          share_of(version).control, parts_.failed));
  return barrier();
}

Result<void> CdcRouter::send_start(const LogPosition& from, const std::vector<TaskMessage>& messages,
                                   const std::vector<std::shared_ptr<const TableVersion>>& new_tables) {
  const DmskafkaSettings& ours = parts_.settings.dmskafka;
  for (const TaskMessage& message : messages) {
    const TopicSpec spec{message.topic, ours.topic_partitions, ours.topic_replication_factor,
                         ours.topic_config};
    DMSKAFKA_ASSIGN(const std::vector<const Topic*> topics,
                    parts_.sink.open_topics({&spec, 1}, parts_.failed));
    DeliveryTicket& ticket = portion().task_ticket;
    DMSKAFKA_TRY(parts_.sender.send_task_message(*topics.front(), message, ticket, parts_.failed));
    DMSKAFKA_TRY(barrier());
  }
  for (const auto& version : new_tables) {
    DMSKAFKA_TRY(parts_.sender.send_control(*version->plan, *version->topic, ControlOperation::kCreateTable,
                                            share_of(version).control, parts_.failed));
  }
  // Stored even when nothing is committed until the task is started again.
  portion().started = true;
  portion().end = from;
  portion().previous = current_;
  return barrier();
}

// --- portions ---

CdcPortion& CdcRouter::portion() {
  if (portion_ == nullptr) {
    portion_ = std::make_shared<CdcPortion>();
    parts_.tracker.add(portion_);
    last_sequence_ = portion_->sequence;
    if (batch_ != nullptr) batch_->portions.push_back(portion_);
  }
  return *portion_;
}

PortionShare& CdcRouter::share_of(const std::shared_ptr<const TableVersion>& version) {
  auto& shares = portion().shares;
  for (const auto& share : shares) {
    if (share->version == version) return *share;
  }
  return *shares.emplace_back(std::make_unique<PortionShare>(version, portion_->unit));
}

Result<void> CdcRouter::add_to_queue(std::size_t queue, SharedLogBatch& batch, const Change& change,
                                     PortionShare& share) {
  std::unique_ptr<ApplyBuffer>& buffer = open_[queue];
  if (buffer == nullptr) {
    buffer = parts_.lanes.take_buffer();
    buffer->batch = &batch;
    batch.users.fetch_add(1, std::memory_order_relaxed);
    open_queues_.push_back(queue);
  }
  buffer->entries.push_back({&change, &share});
  if (buffer->entries.size() < parts_.lanes.buffer_records()) return {};
  std::erase(open_queues_, queue);
  return push(queue);
}

Result<void> CdcRouter::push(std::size_t queue) {
  std::unique_ptr<ApplyBuffer> buffer = std::move(open_[queue]);
  // Collected changes are all of the open portion, since a portion that ends pushes them.
  portion_->unit.sent(buffer->entries.size());
  return parts_.lanes.push(queue, std::move(buffer), parts_.failed);
}

Result<void> CdcRouter::finish_portion() {
  if (portion_ == nullptr) return {};
  Result<void> pushed;
  for (const std::size_t queue : open_queues_) {
    auto one = push(queue);
    if (!one) pushed = std::move(one);
  }
  open_queues_.clear();
  cached_schema_ = nullptr;
  cached_share_ = nullptr;
  portion_->unit.seal();
  portion_.reset();
  return pushed;
}

Result<void> CdcRouter::wait_delivered(std::uint64_t sequence) {
  if (sequence <= delivered_) return {};
  delivered_ = parts_.tracker.passed_sequence();
  if (sequence <= delivered_) return {};
  if (portion_ != nullptr && portion_->sequence <= sequence) DMSKAFKA_TRY(finish_portion());
  parts_.sink.flush();
  while (!parts_.tracker.wait_passed(sequence, 100ms, parts_.failed)) {
    parts_.sink.flush();  // what lanes have sent since
    if (auto failed = parts_.sink.failure()) return *failed;
    if (parts_.failed.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
  }
  delivered_ = parts_.tracker.passed_sequence();
  return {};
}

Result<void> CdcRouter::barrier() {
  DMSKAFKA_TRY(finish_portion());
  return wait_delivered(last_sequence_);
}

}  // namespace dmskafka

#include "test/support/fake_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/base/bounded_queue.h"
#include "core/task/schema_difference.h"

namespace dmskafka::fake {
namespace {

class FakeSegmentReader final : public SegmentReader {
 public:
  FakeSegmentReader(const FakeSource& source, const FakeTable& table, const Segment& segment,
                    ProcessorTurn* turn)
      : source_(source), table_(table), schema_(*segment.table), turn_(turn), end_(table.rows.size()) {
    if (segment.range.empty()) return;
    const std::size_t dash = segment.range.find('-');
    next_ = std::stoul(segment.range.substr(0, dash));
    end_ = std::min(end_, static_cast<std::size_t>(std::stoul(segment.range.substr(dash + 1))));
  }

  Result<Status> read(ChangeBatch& batch, std::stop_token stop) override {
    source_.batch_records_max.store(batch.limits().records_max);
    if (turn_ != nullptr) turn_->take(stop);
    const Reading reading(source_);
    while (next_ < end_ && !batch.full()) {
      if (source_.before_row) source_.before_row(table_.name, next_);
      if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
      if (source_.fail_read) {
        if (auto error = source_.fail_read(table_.name, next_)) return *error;
      }
      const std::span<Value> values = batch.allocate_values(1);
      values[0] = Value::text(batch.store(table_.rows[next_++]));
      Change& change = batch.add();
      change.table = &schema_;
      change.after = values;
    }
    const bool at_error = table_.read_error && next_ == table_.rows.size();
    if (next_ < end_ || (at_error && !batch.empty())) return Status::kMore;
    if (at_error) return *table_.read_error;
    return Status::kEnd;
  }

 private:
  struct Reading {
    explicit Reading(const FakeSource& of) : source(of) {
      const int now = ++source.reading;
      int most = source.reading_max.load();
      while (most < now && !source.reading_max.compare_exchange_weak(most, now)) {
      }
    }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;
    ~Reading() { --source.reading; }
    const FakeSource& source;
  };

  const FakeSource& source_;
  const FakeTable& table_;
  const TableSchema& schema_;
  ProcessorTurn* const turn_;
  std::size_t next_ = 0;
  std::size_t end_;
};

class FakeReader final : public SnapshotReader {
 public:
  explicit FakeReader(const FakeSource& source) : source_(source) {}
  Result<std::unique_ptr<SegmentReader>> open(const Segment& segment) override {
    const FakeTable* table = source_.find(segment.table->name);
    if (table == nullptr) return Error(ErrorCode::kTableUnreadable, "no such table");
    return std::unique_ptr<SegmentReader>(
        std::make_unique<FakeSegmentReader>(source_, *table, segment, turn_));
  }
  void work_in(ProcessorTurn& turn) override {
    if (source_.takes_turns) turn_ = &turn;
  }

 private:
  const FakeSource& source_;
  ProcessorTurn* turn_ = nullptr;
};

class FakeSnapshot final : public Snapshot {
 public:
  explicit FakeSnapshot(FakeSource& source) : source_(source) {}
  const LogPosition& position() const override { return position_; }
  std::string description() const override { return "fake snapshot"; }
  std::uint32_t readers_max() const override { return source_.readers_max; }
  Result<std::unique_ptr<SnapshotReader>> open_reader(std::stop_token) override {
    if (static_cast<std::uint32_t>(source_.readers_opened.fetch_add(1)) >= source_.readers_granted) {
      return Error(ErrorCode::kSourceUnavailable, "too many connections");
    }
    return std::unique_ptr<SnapshotReader>(std::make_unique<FakeReader>(source_));
  }
  Result<SegmentPlan> plan_segments(const TableSchema& table, const SegmentRequest&) override {
    const FakeTable& fake = *source_.find(table.name);
    SegmentPlan plan;
    plan.token = "token";
    if (fake.rows.size() <= fake.rows_per_segment) {
      plan.segments.push_back(Segment{&table, 0, ""});
      return plan;
    }
    for (std::size_t from = 0; from < fake.rows.size(); from += fake.rows_per_segment) {
      plan.segments.push_back(Segment{&table, static_cast<std::uint32_t>(plan.segments.size()),
                                      fmt::format("{}-{}", from, from + fake.rows_per_segment)});
    }
    return plan;
  }
  Result<ResumedSegments> resume_segments(const TableSchema& table, const std::string& token,
                                          std::span<const StoredSegment>) override {
    if (token != "token") return Error(ErrorCode::kInternal, "another token than the one given");
    ResumedSegments resumed;
    resumed.reload = source_.reload_on_resume;
    if (source_.reload_on_resume) resumed.reason = "rewritten";
    // As if row 0 had been touched since.
    resumed.catch_up.push_back(Segment{&table, 1'000'000, "0-1"});
    return resumed;
  }

 private:
  FakeSource& source_;
  const LogPosition position_{"position-1", "position-1", 0, 1};
};

class FakeSink final : public Sink {
 public:
  FakeSink(FakeTarget& target, DeliveryListener& listener) : target_(target), listener_(listener) {}
  ~FakeSink() override {
    if (thread_.joinable()) finish();
  }

  Result<std::vector<const Topic*>> open_topics(std::span<const TopicSpec> specs, std::stop_token) override {
    std::vector<const Topic*> topics;
    for (const TopicSpec& spec : specs) {
      topics_.push_back(std::make_unique<Topic>(Topic{spec.name, target_.partitions, 0, topics_.size()}));
      topics.push_back(topics_.back().get());
    }
    return topics;
  }

  Result<void> send(const OutboundMessage& message, std::stop_token stop) override {
    if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
    if (target_.fail_sink) {
      if (auto error = target_.fail_sink(sent_.load())) {
        MutexLock lock(mutex_);
        if (!failure_) failure_ = *error;
      }
    }
    if (auto failed = failure()) return *failed;
    Report report;
    report.ticket = message.ticket;
    report.message = SentMessage{message.topic->name, message.partition, std::string(message.key),
                                 std::string(message.value)};
    if (target_.fail_message) report.error = target_.fail_message(message);
    sent_.fetch_add(1);
    return reports_.push(std::move(report), 1, 1, stop);
  }

  void flush() noexcept override {}

  Result<void> close(std::chrono::milliseconds) override {
    finish();
    return {};
  }
  std::optional<Error> failure() const override {
    MutexLock lock(mutex_);
    return failure_;
  }
  std::uint64_t in_flight() const noexcept override { return sent_.load() - reported_.load(); }

 private:
  struct Report {
    DeliveryTicket* ticket = nullptr;
    SentMessage message;
    std::optional<Error> error;
  };

  void finish() {
    closing_.store(true);
    reports_.close();
    thread_.join();
  }

  void run() noexcept {
    while (!reports_.finished()) {
      if (target_.hold_reports && !closing_.load()) {
        std::this_thread::yield();
        continue;
      }
      auto report = reports_.pop(std::chrono::milliseconds(50), {});
      if (!report) continue;
      reported_.fetch_add(1);
      const SentMessage& message = report->message;
      if (report->error) {
        listener_.failed(*report->ticket, FailedMessage{message.topic, message.partition, message.key,
                                                        message.value, *report->error});
        continue;
      }
      const std::uint64_t bytes = message.key.size() + message.value.size();
      {
        MutexLock lock(target_.mutex);
        target_.delivered.push_back(std::move(report->message));
      }
      listener_.delivered(*report->ticket, 1, bytes);
    }
  }

  FakeTarget& target_;
  DeliveryListener& listener_;
  std::vector<std::unique_ptr<Topic>> topics_;
  mutable Mutex mutex_;
  std::optional<Error> failure_ GUARDED_BY(mutex_);
  std::atomic<std::uint64_t> sent_{0};
  std::atomic<std::uint64_t> reported_{0};
  std::atomic<bool> closing_{false};
  BoundedQueue<Report> reports_{{1'000'000, 1'000'000}};
  std::thread thread_{[this] { run(); }};
};

class FakeStore final : public CheckpointStore {
 public:
  explicit FakeStore(FakeStateFile& file) : file_(file) {}
  Result<std::optional<TaskRecord>> load_task() override { return file_.task; }
  Result<void> save_task(const TaskRecord& task) override {
    MutexLock lock(file_.mutex);
    DMSKAFKA_TRY(check());
    file_.task = task;
    return {};
  }
  Result<void> discard_task() override {
    MutexLock lock(file_.mutex);
    file_.task.reset();
    file_.tables.clear();
    file_.segment_plans.clear();
    file_.threads = {};
    file_.data_errors.clear();
    file_.checkpoint.reset();
    file_.statistics.clear();
    file_.schemas.clear();
    return {};
  }
  Result<std::vector<TableLoadRecord>> load_tables() override {
    MutexLock lock(file_.mutex);
    return file_.tables;
  }
  Result<void> save_table(const TableLoadRecord& table) override {
    MutexLock lock(file_.mutex);
    DMSKAFKA_TRY(check());
    const auto found = std::ranges::find(file_.tables, table.name, &TableLoadRecord::name);
    if (found != file_.tables.end()) {
      *found = table;
    } else {
      file_.tables.push_back(table);
    }
    if (table.state == TableState::kTableCompleted) {
      std::erase_if(file_.segment_plans,
                    [&](const SegmentPlanRecord& old) { return old.name == table.name; });
    }
    return {};
  }
  Result<std::vector<SegmentPlanRecord>> load_segment_plans() override {
    MutexLock lock(file_.mutex);
    return file_.segment_plans;
  }
  Result<void> save_segment_plans(std::span<const SegmentPlanRecord> plans) override {
    MutexLock lock(file_.mutex);
    DMSKAFKA_TRY(check());
    for (const SegmentPlanRecord& plan : plans) {
      std::erase_if(file_.segment_plans, [&](const SegmentPlanRecord& old) { return old.name == plan.name; });
      if (!plan.segments.empty()) file_.segment_plans.push_back(plan);
    }
    return {};
  }
  Result<void> save_segments_done(const TableName& table, std::span<const SegmentLoadRecord> done) override {
    MutexLock lock(file_.mutex);
    DMSKAFKA_TRY(check());
    const auto plan = std::ranges::find(file_.segment_plans, table, &SegmentPlanRecord::name);
    if (plan == file_.segment_plans.end()) return Error(ErrorCode::kInternal, "segments without a plan");
    for (const SegmentLoadRecord& segment : done) {
      *std::ranges::find(plan->segments, segment.number, &SegmentLoadRecord::number) = segment;
    }
    return {};
  }
  Result<LoadThreadsRecord> load_threads() override {
    MutexLock lock(file_.mutex);
    return file_.threads;
  }
  Result<void> save_threads(const LoadThreadsRecord& threads) override {
    MutexLock lock(file_.mutex);
    file_.threads = threads;
    return {};
  }
  Result<std::optional<CdcCheckpoint>> load_checkpoint() override {
    MutexLock lock(file_.mutex);
    return file_.checkpoint;
  }
  Result<void> save_checkpoint(const CheckpointUpdate& update) override {
    MutexLock lock(file_.mutex);
    DMSKAFKA_TRY(check());
    if (file_.checkpoint && update.checkpoint.position < file_.checkpoint->position) {
      return Error(ErrorCode::kInternal, "a checkpoint would move back");
    }
    file_.checkpoint = update.checkpoint;
    for (const TableStatistics& table : update.statistics) {
      std::erase_if(file_.statistics, [&](const TableStatistics& old) { return old.name == table.name; });
      file_.statistics.push_back(table);
    }
    for (const TableName& table : update.forgotten) file_.schemas.erase(table);
    for (const auto& schema : update.schemas) file_.schemas[schema->name] = *schema;
    return {};
  }
  Result<std::vector<TableStatistics>> load_statistics() override {
    MutexLock lock(file_.mutex);
    return file_.statistics;
  }
  Result<std::vector<TableSchema>> load_schemas() override {
    MutexLock lock(file_.mutex);
    std::vector<TableSchema> schemas;
    for (const auto& [name, schema] : file_.schemas) schemas.push_back(schema);
    return schemas;
  }
  Result<void> add_data_error(const DataErrorRecord& record) override {
    MutexLock lock(file_.mutex);
    DMSKAFKA_TRY(check());
    file_.data_errors.push_back(
        {record.name, std::string(record.key), std::string(record.value), record.reason});
    return {};
  }
  Result<std::uint64_t> count_data_errors() override {
    MutexLock lock(file_.mutex);
    return std::uint64_t{file_.data_errors.size()};
  }
  Result<void> close() override { return {}; }

 private:
  Result<void> check() REQUIRES_LOCK(file_.mutex) {
    if (file_.fail_write) {
      if (auto error = file_.fail_write()) return *error;
    }
    return {};
  }
  FakeStateFile& file_;
};

class FakePlan final : public TablePlan {
 public:
  FakePlan(std::shared_ptr<const TableSchema> schema, std::string topic,
           std::function<bool(std::string_view)> selects)
      : schema_(std::move(schema)), topic_(std::move(topic)), selects_(std::move(selects)) {}
  bool selects(const Change& change) const override { return !selects_ || selects_(change.after[0].view()); }
  const TableSchema& schema() const override { return *schema_; }
  const std::string& topic() const override { return topic_; }
  const TableName& target_name() const override { return schema_->name; }
  /// A loaded row is "table:value"; a change "insert table:value id.record<previous id.record".
  void encode(const Change& change, WallTime, EncodedMessage& out) const override {
    const RowView row = change.operation == Operation::kDelete ? change.before : change.after;
    out.key.append(row[0].view());
    if (change.operation == Operation::kLoad) {
      out.value.append(schema_->name.table + ":");
      out.value.append(row[0].view());
      return;
    }
    constexpr std::array<std::string_view, 4> kOperations = {"load", "insert", "update", "delete"};
    const SourceTransaction& transaction = *change.transaction;
    out.value.append(fmt::format("{} {}:{} {}.{}<{}.{}",
                                 kOperations[static_cast<std::size_t>(change.operation)], schema_->name.table,
                                 row[0].view(), transaction.id, change.transaction_record,
                                 transaction.previous_id, transaction.previous_record));
  }
  void encode_key(const Change& change, WallTime, EncodedMessage& out) const override {
    out.key.append((change.operation == Operation::kDelete ? change.before : change.after)[0].view());
  }
  bool encode_old_key(const Change& change, WallTime, EncodedMessage& out) const override {
    if (change.before.empty() || change.before[0].view() == change.after[0].view()) return false;
    out.key.append(change.before[0].view());
    return true;
  }
  void encode_control(ControlOperation operation, WallTime, EncodedMessage& out) const override {
    out.key.append("control." + schema_->name.table);
    out.value.append(operation == ControlOperation::kDropTable       ? "drop-table"
                     : operation == ControlOperation::kTruncateTable ? "truncate-table"
                                                                     : "create-table");
  }
  void encode_alteration(const SchemaStep& step, WallTime, EncodedMessage& out) const override {
    out.key.append("control." + schema_->name.table);
    out.value.append(step.operation == ControlOperation::kAddColumn ? "add-column" : "other-step");
  }

 private:
  std::shared_ptr<const TableSchema> schema_;
  std::string topic_;
  std::function<bool(std::string_view)> selects_;
};

}  // namespace

const FakeTable* FakeSource::find(const TableName& name) const {
  const auto found = std::ranges::find(tables, name, &FakeTable::name);
  return found == tables.end() ? nullptr : &*found;
}

Result<std::vector<CatalogTable>> FakeSource::list_tables() {
  if (before_list) before_list();
  std::vector<CatalogTable> catalog;
  for (const FakeTable& table : tables) catalog.push_back({table.name, TableKind::kTable});
  return catalog;
}

Result<std::vector<Result<TableSchema>>> FakeSource::describe_tables(std::span<const TableName> names) {
  std::vector<Result<TableSchema>> schemas;
  for (const TableName& name : names) {
    const FakeTable* table = find(name);
    if (table->describe_error) {
      schemas.emplace_back(*table->describe_error);
      continue;
    }
    TableSchema schema;
    schema.name = name;
    schema.columns.resize(1);
    schema.columns[0].name = "c";
    schema.bytes_estimate = table->bytes_estimate;
    schemas.emplace_back(std::move(schema));
  }
  return schemas;
}

Result<std::unique_ptr<Snapshot>> FakeSource::open_snapshot(std::span<const TableSchema* const>,
                                                            std::stop_token) {
  snapshots_opened.fetch_add(1);
  return std::unique_ptr<Snapshot>(std::make_unique<FakeSnapshot>(*this));
}

Result<std::unique_ptr<Sink>> make_fake_sink(FakeTarget& target, DeliveryListener& listener) {
  ++target.sinks_made;
  return std::unique_ptr<Sink>(std::make_unique<FakeSink>(target, listener));
}

std::size_t FakeStateFile::done_ranges() {
  MutexLock lock(mutex);
  if (segment_plans.empty()) return 0;
  return static_cast<std::size_t>(
      std::ranges::count(segment_plans.front().segments, true, &SegmentLoadRecord::done));
}

std::unique_ptr<CheckpointStore> make_fake_store(FakeStateFile& file) {
  return std::make_unique<FakeStore>(file);
}

std::vector<SelectedTable> FakePlanner::select(const std::vector<CatalogTable>& catalog) const {
  std::vector<SelectedTable> selected;
  for (const CatalogTable& table : catalog) {
    const auto order = load_orders.find(table.name.table);
    selected.push_back({table.name, table.kind, order == load_orders.end() ? 0 : order->second});
  }
  return selected;
}

Result<std::unique_ptr<const TablePlan>> FakePlanner::plan(std::shared_ptr<const TableSchema> schema) const {
  return std::unique_ptr<const TablePlan>(std::make_unique<FakePlan>(std::move(schema), topic, selects));
}

}  // namespace dmskafka::fake

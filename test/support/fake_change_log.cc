#include "test/support/fake_change_log.h"

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

namespace dmskafka::fake {
namespace {

class FakeStream final : public ChangeStream {
 public:
  FakeStream(FakeLog& log, std::span<const std::shared_ptr<const TableSchema>> tables, std::uint64_t from)
      : log_(log), next_(from) {
    for (const auto& table : tables) current_[table->name.table] = table;
  }

  Result<void> read(LogBatch& batch, std::chrono::milliseconds wait, std::stop_token stop) override {
    {
      MutexLock lock(log_.mutex);
      log_.batches.insert(&batch);
      log_.batch_limits = batch.rows().limits();
    }
    for (std::size_t taken = 0; taken < log_.events_per_batch && !batch.full(); ++taken) {
      const FakeTransaction* transaction = nullptr;
      {
        MutexLock lock(log_.mutex);
        if (next_ < log_.transactions.size()) transaction = &log_.transactions[next_];
      }
      if (transaction == nullptr) {
        if (!batch.empty()) return {};
        if (idle_at_ != next_) {
          idle_at_ = next_;
          batch.add_event(LogEventKind::kIdle).position = log_position(next_);
          return {};
        }
        if (!stop.stop_requested()) std::this_thread::sleep_for(std::min(wait, std::chrono::milliseconds(1)));
        return {};
      }
      if (log_.fail_read) {
        if (auto error = log_.fail_read(next_ + 1, event_)) return *error;
      }
      if (event_ == 0 || batch.empty()) owner_ = nullptr;
      if (owner_ == nullptr) {
        owner_ = &batch.rows().add_transaction();
        owner_->id = transaction->id;
        owner_->commit_time = WallTime{transaction->commit_us};
      }
      if (event_ < transaction->events.size()) {
        hand_out(batch, transaction->events[event_]);
        ++event_;
        continue;
      }
      LogEvent& commit = batch.add_event(LogEventKind::kCommit);
      commit.position = log_position(next_ + 1);
      commit.transaction = owner_;
      ++next_;
      event_ = 0;
      record_ = 0;
      owner_ = nullptr;
    }
    return {};
  }

  void acknowledge(const LogPosition& position) override {
    MutexLock lock(log_.mutex);
    log_.acknowledged.push_back(position.order_low);
  }

  ChangeStreamStatus status() const override { return {}; }

 private:
  void describe(LogBatch& batch, const std::string& table) {
    described_[table] = current_[table];
    batch.add_event(LogEventKind::kTable).schema = current_[table];
  }

  std::shared_ptr<const TableSchema> make(const std::string& table, const std::vector<std::string>& columns) {
    auto schema = std::make_shared<TableSchema>();
    schema->name = TableName{"s", table};
    for (const std::string& name : columns) schema->columns.emplace_back().name = name;
    return schema;
  }

  void hand_out(LogBatch& batch, const FakeEvent& event) {
    if (current_[event.table] == nullptr) current_[event.table] = make(event.table, {"c"});
    switch (event.kind) {
      case LogEventKind::kTable:
        current_[event.table] = make(event.table, event.columns);
        return describe(batch, event.table);
      case LogEventKind::kTruncate:
      case LogEventKind::kDropTable: batch.add_event(event.kind).schema = current_[event.table]; return;
      case LogEventKind::kRenameTable: {
        auto renamed = std::make_shared<TableSchema>(*current_[event.table]);
        renamed->name.table = event.new_table;
        LogEvent& rename = batch.add_event(event.kind);
        rename.schema = renamed;
        rename.old_schema = current_[event.table];
        current_[event.new_table] = described_[event.new_table] = renamed;
        return;
      }
      case LogEventKind::kCommit:
      case LogEventKind::kIdle:
      case LogEventKind::kChanges: break;
    }
    if (described_[event.table] != current_[event.table]) describe(batch, event.table);
    Change& change = batch.add_change();
    change.operation = event.operation;
    change.table = current_[event.table].get();
    change.transaction = owner_;
    change.transaction_record = ++record_;
    change.after = image(batch, change.table, event.after);
    change.before = image(batch, change.table, event.before);
  }

  static RowView image(LogBatch& batch, const TableSchema* table, const std::string& text) {
    if (text.empty()) return {};
    const std::span<Value> values = batch.rows().allocate_values(table->columns.size());
    for (Value& value : values) value = Value::null();
    values[0] = Value::text(batch.rows().store(text));
    return values;
  }

  FakeLog& log_;
  std::size_t next_;  // the transaction that comes, from 0
  std::size_t event_ = 0;
  std::uint64_t record_ = 0;
  std::optional<std::size_t> idle_at_;
  SourceTransaction* owner_ = nullptr;
  std::map<std::string, std::shared_ptr<const TableSchema>> current_;
  std::map<std::string, std::shared_ptr<const TableSchema>> described_;
};

class FakeChangeLog final : public ChangeLog {
 public:
  explicit FakeChangeLog(FakeLog& log) : log_(log) {}

  Result<std::vector<PreflightFinding>> preflight(std::span<const TableSchema* const>) override {
    return log_.findings;
  }
  Result<Prepared> prepare(std::span<const TableSchema* const>, WithSnapshot, std::stop_token) override {
    log_.prepared.fetch_add(1);
    return Prepared{log_position(log_.size()), nullptr};
  }
  Result<void> add_tables(std::span<const TableSchema* const> tables, std::stop_token) override {
    MutexLock lock(log_.mutex);
    for (const TableSchema* table : tables) log_.added.push_back(table->name.table);
    return {};
  }
  Result<LogPosition> parse_position(std::string_view text) override {
    return log_position(std::stoull(std::string(text)));
  }
  Result<LogPosition> restore_position(std::string_view bytes) override {
    return log_position(std::stoull(std::string(bytes)));
  }
  Result<LogPosition> current_end() override { return log_position(log_.size()); }
  Result<std::unique_ptr<ChangeStream>> open_stream(const StreamTables& tables, const LogPosition& from,
                                                    std::stop_token) override {
    log_.streams_opened.fetch_add(1);
    if (from.order_low < log_.lost_up_to) {
      return Error(ErrorCode::kPositionLost, "the log begins later than " + from.text);
    }
    return std::unique_ptr<ChangeStream>(std::make_unique<FakeStream>(log_, tables.now, from.order_low));
  }
  Result<LogRetention> retention(const LogPosition&) override { return LogRetention{}; }
  Result<std::vector<LogResource>> list_resources() override { return log_.resources; }
  Result<std::vector<LogResource>> remove_resources() override { return std::exchange(log_.resources, {}); }

 private:
  FakeLog& log_;
};

}  // namespace

LogPosition log_position(std::uint64_t number) {
  return LogPosition{std::to_string(number), std::to_string(number), 0, number};
}

std::unique_ptr<ChangeLog> make_fake_change_log(FakeLog& log) { return std::make_unique<FakeChangeLog>(log); }

}  // namespace dmskafka::fake

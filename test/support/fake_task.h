#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/mutex.h"
#include "core/task/checkpoint_store.h"
#include "core/task/planner.h"
#include "core/task/sink.h"
#include "core/task/source.h"

/// Fakes that behave: an in-memory database, a sink that reports from its own thread and can fail on chosen
/// messages, a state file in memory, and a planner whose message is "key=first column, value=table:first
/// column".
namespace dmskafka::fake {

struct FakeTable {
  TableName name;
  std::vector<std::string> rows;  ///< the only column of each row
  std::optional<Error> describe_error;
  std::optional<Error> read_error;  ///< after all rows were read
  std::uint64_t bytes_estimate = 0;
  std::size_t rows_per_segment = 1'000'000;  ///< ranges are "from-to" row numbers
};

class FakeSource final : public Source {
 public:
  std::vector<FakeTable> tables;
  SourceIdentity source_identity{"fake", "server-1", "db"};
  std::uint32_t readers_max = 4;
  std::uint32_t readers_granted = 100;                                ///< open_reader() refuses more
  std::function<void(const TableName&, std::size_t row)> before_row;  ///< called from the reader's thread
  std::function<std::optional<Error>(const TableName&, std::size_t row)>
      fail_read;  ///< an error ends the read
  bool reload_on_resume = false;
  std::function<void()> before_list;                      ///< called by list_tables()
  mutable std::atomic<std::size_t> batch_records_max{0};  ///< of the batches that readers were given
  std::atomic<int> snapshots_opened{0};
  std::atomic<int> readers_opened{0};
  bool takes_turns = false;                 ///< its readers work in turns
  mutable std::atomic<int> reading{0};      ///< readers that are in read()
  mutable std::atomic<int> reading_max{0};  ///< the most that there were

  ChangeLog* log = nullptr;  ///< null: it has none

  Result<SourceIdentity> identity() override { return source_identity; }
  Result<ChangeLog*> change_log(std::string_view task_id) override {
    if (log == nullptr) return Source::change_log(task_id);
    return log;
  }
  Result<std::vector<CatalogTable>> list_tables() override;
  Result<std::vector<Result<TableSchema>>> describe_tables(std::span<const TableName> names) override;
  Result<std::unique_ptr<Snapshot>> open_snapshot(std::span<const TableSchema* const>,
                                                  std::stop_token) override;
  std::vector<std::string> warnings() override { return {}; }
  const FakeTable* find(const TableName& name) const;
};

/// What a FakeSink took, in the order of each partition.
struct SentMessage {
  std::string topic;
  std::int32_t partition;
  std::string key;
  std::string value;
};

/// What all the sinks of a test saw; outlives them.
struct FakeTarget {
  Mutex mutex;
  std::vector<SentMessage> delivered GUARDED_BY(mutex);
  std::function<std::optional<Error>(const OutboundMessage&)> fail_message;  ///< an error: the message's own
  std::function<std::optional<Error>(std::uint64_t sent)> fail_sink;         ///< an error: the sink ends
  bool hold_reports = false;  ///< nothing is reported until close()
  std::int32_t partitions = 3;
  int sinks_made = 0;

  std::vector<SentMessage> messages() {
    MutexLock lock(mutex);
    return delivered;
  }
};
Result<std::unique_ptr<Sink>> make_fake_sink(FakeTarget& target, DeliveryListener& listener);

/// The state file in memory; survives "processes" (stores made on it) like a file does.
struct FakeStateFile {
  Mutex mutex;  ///< every store made on the file takes it; a test does while a load runs
  std::optional<TaskRecord> task;
  std::vector<TableLoadRecord> tables;
  std::vector<SegmentPlanRecord> segment_plans;
  LoadThreadsRecord threads;
  struct Kept {
    TableName name;
    std::string key;
    std::string value;
    std::string reason;
  };
  std::vector<Kept> data_errors;
  std::optional<CdcCheckpoint> checkpoint;
  std::vector<TableStatistics> statistics;
  std::map<TableName, TableSchema> schemas;
  std::function<std::optional<Error>()> fail_write;

  /// How many ranges of the first table with a plan are done. Thread: any.
  std::size_t done_ranges();
};
std::unique_ptr<CheckpointStore> make_fake_store(FakeStateFile& file);

class FakePlanner final : public Planner {
 public:
  std::map<std::string, std::int64_t> load_orders;  ///< by table name
  std::string digest_text = "digest-1";
  std::string topic = "topic-1";
  std::function<bool(std::string_view)> selects;  ///< by the row's first value; empty: all rows
  bool tells_starts = false;                      ///< "task-start", "task-resume"
  std::vector<SelectedTable> select(const std::vector<CatalogTable>& catalog) const override;
  Result<std::unique_ptr<const TablePlan>> plan(std::shared_ptr<const TableSchema> schema) const override;
  const std::string& digest() const override { return digest_text; }
  bool sends_in_cdc(ControlOperation) const override { return true; }
  std::vector<TaskMessage> start_messages(TaskStart start, WallTime) const override {
    if (!tells_starts) return {};
    return {{topic, "task", start == TaskStart::kFirst ? "task-start" : "task-resume"}};
  }
};

}  // namespace dmskafka::fake

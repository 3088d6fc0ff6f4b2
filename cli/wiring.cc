#include "cli/wiring.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "sinks/discard_sink.h"
#include "sinks/kafka/kafka_sink.h"
#include "sources/mysql/mysql_source.h"
#include "sources/postgres/postgres_source.h"
#include "sources/sqlite/sqlite_source.h"

namespace dmskafka {
namespace {

// SPEC StallTimeout: 900 s in full-load unless set, none in cdc; 0 means never.
std::optional<std::chrono::seconds> stall_timeout(const TaskSettings& task, SinkUse use) {
  const std::int64_t seconds = task.dmskafka.stall_timeout_s.value_or(use == SinkUse::kLoad ? 900 : 0);
  if (seconds == 0) return std::nullopt;
  return std::chrono::seconds(seconds);
}

// What nobody lives to see need not be counted.
std::chrono::seconds seconds_of(std::int64_t seconds) {
  return std::chrono::seconds(std::min<std::int64_t>(seconds, 100 * 86'400));
}

// SQLite gives an absolute name no special meaning.
std::string copy_path_beside(const std::string& state_file) {
  if (state_file.empty()) return "";
  std::error_code failed;
  const std::filesystem::path path = std::filesystem::absolute(state_file + ".source", failed);
  return failed ? std::string() : path.string();
}

KafkaSinkOptions kafka_options(const TargetSettings& target, const TaskSettings& task,
                               const std::string& task_id, SinkUse use) {
  KafkaSinkOptions options;
  options.kafka = target.kafka;
  options.client_id = "dmskafka-" + task_id;
  options.properties = task.dmskafka.kafka_properties;
  options.stall_timeout = stall_timeout(task, use);
  // A change should be in Kafka soon after its commit.
  if (use == SinkUse::kFollow) options.linger = std::chrono::milliseconds(5);
  return options;
}

MysqlLogOptions mysql_log_options(const TaskSettings& task) {
  return {task.dmskafka.allow_partial_images ? PartialImages::kTake : PartialImages::kRefuse,
          task.dmskafka.server_id};
}

}  // namespace

Result<std::unique_ptr<Source>> open_source(const SourceSettings& source, const TaskSettings& task,
                                            std::stop_token stop, const std::string& state_file) {
  switch (source.kind) {
    case SourceKind::kPostgres:
      return open_postgres_source(
          source,
          {.connections_max = static_cast<std::uint32_t>(task.dmskafka.max_connections),
           .lock_tables = task.dmskafka.lock_tables,
           .fetch_unchanged = task.dmskafka.unchanged_toast == UnchangedToast::kFetch,
           .transaction_wait = seconds_of(task.transaction_consistency_timeout)},
          std::move(stop));
    case SourceKind::kSqlite: return open_sqlite_source(source, copy_path_beside(state_file));
    case SourceKind::kMysql:
    case SourceKind::kMariadb:
      return open_mysql_source(source, static_cast<std::uint32_t>(task.dmskafka.max_connections),
                               task.dmskafka.lock_tables, std::move(stop), mysql_log_options(task));
  }
  return Error(ErrorCode::kInternal, "a source kind outside the enumeration");
}

SinkFactory sink_factory(const TargetSettings& target, const TaskSettings& task, const std::string& task_id,
                         SinkUse use, ConsumedCallback consumed) {
  const KafkaSinkOptions options = kafka_options(target, task, task_id, use);
  const auto partitions = task.dmskafka.topic_partitions;
  switch (target.kind) {
    case TargetKind::kKafka:
      return [options](DeliveryListener& listener) { return make_kafka_sink(options, listener); };
    case TargetKind::kEmbedded:
      return [options, consumed = std::move(consumed)](DeliveryListener& listener) {
        return make_embedded_kafka_sink(options, listener, consumed);
      };
    case TargetKind::kStdout:
      return preview_sink_factory(PrintingSinkOptions{stdout, PrintFormat::kNdjson, false, partitions});
    case TargetKind::kDiscard:
      return [](DeliveryListener& listener) -> Result<std::unique_ptr<Sink>> {
        return make_discard_sink(listener);
      };
  }
  return {};
}

Result<std::vector<std::int32_t>> partition_counts(const TargetSettings& target, const TaskSettings& task,
                                                   const std::string& task_id,
                                                   std::span<const TopicSpec> topics, std::stop_token stop) {
  KafkaSinkOptions options = kafka_options(target, task, task_id, SinkUse::kLoad);
  options.connect_timeout = std::chrono::seconds(5);
  return look_up_partitions(options, topics, std::move(stop));
}

SinkFactory preview_sink_factory(const PrintingSinkOptions& options) {
  return [options](DeliveryListener& listener) -> Result<std::unique_ptr<Sink>> {
    return make_printing_sink(options, listener);
  };
}

}  // namespace dmskafka

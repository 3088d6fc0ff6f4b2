#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace dmskafka {

enum class TargetTablePrepMode : std::uint8_t { kDropAndCreate, kTruncateBeforeLoad, kDoNothing };
enum class ErrorPolicy : std::uint8_t { kIgnoreRecord, kLogError, kSuspendTable, kStopTask };
enum class Dialect : std::uint8_t { kDms, kDmsStrict, kDocumented };
enum class Delivery : std::uint8_t { kAtLeastOnce, kExactlyOnce };
enum class Partitioner : std::uint8_t { kMurmur2Random, kConsistentRandom };
enum class UnchangedToast : std::uint8_t { kOmit, kPlaceholder, kFetch };

/// How much a run says, as Logging asks for it.
enum class LogSeverity : std::uint8_t { kError, kWarning, kInfo, kDebug };

/// BeforeImageSettings of the task; see docs/settings.md.
struct BeforeImageSettings {
  bool enabled = false;
  std::string field_name;
  enum class ColumnFilter : std::uint8_t { kPkOnly, kNonLob, kAll } column_filter = ColumnFilter::kPkOnly;
};

/// "DmskafkaSettings": what AWS does not have.
struct DmskafkaSettings {
  Dialect dialect = Dialect::kDms;
  Delivery delivery = Delivery::kAtLeastOnce;
  Partitioner partitioner = Partitioner::kMurmur2Random;  ///< consistent_random in dms-strict unless set
  UnchangedToast unchanged_toast = UnchangedToast::kOmit;
  std::optional<std::int32_t> topic_partitions;          ///< unset: the broker's default
  std::optional<std::int16_t> topic_replication_factor;  ///< unset: the broker's default
  std::map<std::string, std::string> topic_config;
  std::map<std::string, std::string> kafka_properties;  ///< any librdkafka property we do not own
  bool task_control_records = false;
  std::int64_t transaction_records_max = 1'000'000;
  std::int64_t max_threads = 32;
  std::int64_t max_connections = 32;
  std::optional<std::int64_t> stall_timeout_s;  ///< unset: 900 in full-load, never in cdc
  bool lock_tables = true;
  bool allow_partial_images = false;
  std::optional<std::uint32_t> server_id;
  std::int64_t data_error_bytes_max = std::int64_t{1} << 30;
};

/// AWS's task settings, the part that has a meaning here; names, ranges and defaults: docs/settings.md. Checked when read.
struct TaskSettings {
  std::string target_schema;
  bool support_lobs = true;
  std::optional<std::int64_t> lob_max_kilobytes;  ///< set only where the file itself limits LOBs
  std::int64_t parallel_load_threads = 0;         ///< 0: we choose
  std::int64_t parallel_load_buffer_size = 50;
  std::int64_t parallel_load_queues_per_thread = 1;
  std::int64_t parallel_apply_threads = 0;
  std::int64_t parallel_apply_buffer_size = 50;
  std::int64_t parallel_apply_queues_per_thread = 1;
  TargetTablePrepMode target_table_prep_mode = TargetTablePrepMode::kDropAndCreate;
  std::int64_t max_full_load_sub_tasks = 8;
  std::int64_t commit_rate = 10'000;
  bool stop_task_cached_changes_applied = false;
  bool stop_task_cached_changes_not_applied = false;
  std::int64_t transaction_consistency_timeout = 600;  ///< seconds
  bool handle_source_table_dropped = true;
  bool handle_source_table_truncated = true;
  bool handle_source_table_altered = true;
  ErrorPolicy data_error_policy = ErrorPolicy::kLogError;
  ErrorPolicy data_truncation_error_policy = ErrorPolicy::kLogError;
  ErrorPolicy data_error_escalation_policy = ErrorPolicy::kSuspendTable;
  std::int64_t data_error_escalation_count = 0;
  ErrorPolicy table_error_policy = ErrorPolicy::kSuspendTable;
  ErrorPolicy table_error_escalation_policy = ErrorPolicy::kStopTask;
  std::int64_t table_error_escalation_count = 0;
  bool fail_on_no_tables_captured = true;
  std::int64_t recoverable_error_count = -1;
  std::int64_t recoverable_error_interval = 5;  ///< seconds
  bool recoverable_error_throttling = true;
  std::int64_t recoverable_error_throttling_max = 1'800;  ///< seconds
  bool recoverable_error_stop_retry_after_throttling_max = true;
  std::int64_t commit_timeout = 1;  ///< seconds
  bool apply_error_fail_on_truncation_ddl = false;
  std::int64_t stream_buffer_count = 3;      ///< AWS's default leaves the choice to us
  std::int64_t stream_buffer_megabytes = 8;  ///< likewise
  bool enable_logging = false;
  std::optional<LogSeverity> log_severity;  ///< the most talkative of LogComponents; unset: DEFAULT
  BeforeImageSettings before_image;
  DmskafkaSettings dmskafka;
};

}  // namespace dmskafka

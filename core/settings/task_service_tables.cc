#include "core/settings/task_tables.h"

namespace dmskafka {
namespace {

using T = TaskSettings;

Field<T> validation_field(std::string_view name, std::string_view type, std::string fallback) {
  return unused_field<T>(name, type, std::move(fallback)).no_effect("DMS has no validation for Kafka");
}

}  // namespace

TaskTable make_logging_table() {
  const std::string words = "use --verbose, --quiet and --log-format";
  return {"Logging",
          "What DMS writes to CloudWatch.",
          {
              unused_field<T>("EnableLogging", "boolean", "false").no_effect(words),
              unused_field<T>("EnableLogContext", "boolean", "false").no_effect(words),
              unused_field<T>("LogComponents", "list", "").no_effect(words),
              unused_field<T>("DeleteTaskLogs", "boolean", "false").no_effect("there are none"),
              unused_field<T>("CloudWatchLogGroup", "string", "").no_effect("CloudWatch exists only in AWS"),
              unused_field<T>("CloudWatchLogStream", "string", "").no_effect("CloudWatch exists only in AWS"),
          }};
}

TaskTable make_validation_table() {
  return {"ValidationSettings",
          "Comparing source and target.",
          {
              refused_field<T>("EnableValidation", "boolean", "DMS has no validation for Kafka; leave it out",
                               "false"),
              refused_field<T>("ValidationOnly", "boolean", "DMS has no validation for Kafka; leave it out",
                               "false"),
              validation_field("ValidationMode", "choice", "ROW_LEVEL"),
              validation_field("ThreadCount", "integer", "5"),
              validation_field("PartitionSize", "integer", "10000"),
              validation_field("FailureMaxCount", "integer", "10000"),
              validation_field("TableFailureMaxCount", "integer", "1000"),
              validation_field("RecordFailureDelayInMinutes", "integer", "5"),
              validation_field("RecordFailureDelayLimitInMinutes", "integer", "0"),
              validation_field("RecordSuspendDelayInMinutes", "integer", "30"),
              validation_field("MaxKeyColumnSize", "integer", "8096"),
              validation_field("HandleCollationDiff", "boolean", "false"),
              validation_field("SkipLobColumns", "boolean", "false"),
              validation_field("ValidationPartialLobSize", "integer", "0"),
              validation_field("ValidationQueryCdcDelaySeconds", "integer", "0"),
          }};
}

TaskTable make_character_set_table() {
  return {
      "CharacterSetSettings",
      "Replacing characters.",
      {
          refused_field<T>("CharacterReplacements", "list", "AWS does not list Kafka for it; leave it out"),
          refused_field<T>("CharacterSetSupport", "object", "messages are UTF-8; leave it out"),
      }};
}

TaskTable make_time_travel_table() {
  return {"TTSettings",
          "Time travel in S3.",
          {
              refused_field<T>("EnableTT", "boolean", "time travel writes to S3; leave it out", "false"),
              unused_field<T>("TTS3Settings", "object", "").no_effect("time travel writes to S3"),
              unused_field<T>("TTRecordSettings", "object", "").no_effect("time travel writes to S3"),
          }};
}

}  // namespace dmskafka

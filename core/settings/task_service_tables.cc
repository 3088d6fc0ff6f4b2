#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/settings/task_tables.h"

namespace dmskafka {
namespace {

using T = TaskSettings;

constexpr std::string_view kNoValidation = "DMS has no validation for Kafka";
constexpr std::array<std::string_view, 2> kValidationModes = {"ROW_LEVEL", "GROUP_LEVEL"};
constexpr std::array<std::string_view, 23> kComponents = {
    "TRANSFORMATION", "SOURCE_UNLOAD",    "IO",           "TARGET_LOAD",   "PERFORMANCE",  "SOURCE_CAPTURE",
    "SORTER",         "REST_SERVER",      "VALIDATOR",    "VALIDATOR_EXT", "TARGET_APPLY", "TASK_MANAGER",
    "TABLES_MANAGER", "METADATA_MANAGER", "FILE_FACTORY", "COMMON",        "ADDONS",       "DATA_STRUCTURE",
    "COMMUNICATION",  "FILE_TRANSFER",    "DATA_RESYNC",  "RESYNC_APPLY",  "RESYNC_UNLOAD"};
constexpr std::array<std::string_view, 6> kSeverities = {
    "LOGGER_SEVERITY_ERROR",   "LOGGER_SEVERITY_WARNING", "LOGGER_SEVERITY_INFO",
    "LOGGER_SEVERITY_DEFAULT", "LOGGER_SEVERITY_DEBUG",   "LOGGER_SEVERITY_DETAILED_DEBUG"};

Field<T> validation_number(std::string_view name, std::string fallback) {
  return unused_integer<T>(name, std::move(fallback), {0}).no_effect(std::string(kNoValidation));
}
Field<T> validation_switch(std::string_view name) {
  return unused_boolean<T>(name, "false").no_effect(std::string(kNoValidation));
}

constexpr std::array<LogSeverity, 6> kSeverityMeanings = {LogSeverity::kError, LogSeverity::kWarning,
                                                          LogSeverity::kInfo,  LogSeverity::kInfo,
                                                          LogSeverity::kDebug, LogSeverity::kDebug};

// [{"Id": "SORTER", "Severity": "LOGGER_SEVERITY_DEFAULT"}, …]
void read_log_components(FieldInput& input, T& into) {
  input.structure(JsonKind::kArray);
  if (!input.value().is_array()) return;
  for (const JsonValue& component : input.value().items()) {
    if (!component.is_object()) {
      FieldInput("LogComponents", "LogComponents", component, input.place(), input.problems())
          .structure(JsonKind::kObject);
      continue;
    }
    for (const JsonMember& member : component.members()) {
      FieldInput part("LogComponents", member.name, member.value, input.place(), input.problems());
      if (member.name == "Id") {
        (void)part.choice(kComponents);
      } else if (member.name == "Severity") {
        if (const auto severity = part.choice(kSeverities)) {
          const LogSeverity meaning = kSeverityMeanings[*severity];
          into.log_severity = std::max(into.log_severity.value_or(meaning), meaning);
        }
      } else {
        constexpr std::array<std::string_view, 2> kMembers = {"Id", "Severity"};
        field_detail::unknown_member("LogComponents", member, kMembers, {input.problems(), input.place()});
      }
    }
  }
}

}  // namespace

TaskTable make_logging_table() {
  return {"Logging",
          "How much a run says. DMS writes it to CloudWatch, we to standard error.",
          {
              boolean_field<T>("EnableLogging", DMSKAFKA_MEMBER(enable_logging),
                               "true: LogComponents says how much; --verbose and --quiet win"),
              unused_boolean<T>("EnableLogContext", "false")
                  .no_effect("each line names its table or connection already"),
              Field<T>{
                  {"LogComponents", "list", "", "of Id and Severity, as DMS names them", Verdict::kHonoured,
                   "with EnableLogging the most talkative severity of those that are listed, for all: ERROR, "
                   "WARNING, INFO and DEFAULT (as without), DEBUG and DETAILED_DEBUG (as --verbose)"},
                  read_log_components},
              unused_boolean<T>("DeleteTaskLogs", "false").no_effect("there are none"),
              unused_text<T>("CloudWatchLogGroup", "").no_effect("CloudWatch exists only in AWS"),
              unused_text<T>("CloudWatchLogStream", "").no_effect("CloudWatch exists only in AWS"),
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
              unused_choice<T>("ValidationMode", "ROW_LEVEL", kValidationModes)
                  .no_effect(std::string(kNoValidation)),
              validation_number("ThreadCount", "5"),
              validation_number("PartitionSize", "10000"),
              validation_number("FailureMaxCount", "10000"),
              validation_number("TableFailureMaxCount", "1000"),
              validation_number("RecordFailureDelayInMinutes", "5"),
              validation_number("RecordFailureDelayLimitInMinutes", "0"),
              validation_number("RecordSuspendDelayInMinutes", "30"),
              validation_number("MaxKeyColumnSize", "8096"),
              validation_switch("HandleCollationDiff"),
              validation_switch("SkipLobColumns"),
              validation_number("ValidationPartialLobSize", "0"),
              validation_number("ValidationQueryCdcDelaySeconds", "0"),
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
              unused_object<T>("TTS3Settings").no_effect("time travel writes to S3"),
              unused_object<T>("TTRecordSettings").no_effect("time travel writes to S3"),
          }};
}

const TaskTable& task_members_table() {
  static const TaskTable table = {
      "The task settings",
      "What stands beside the groups.",
      {
          unused_boolean<T>("FailTaskWhenCleanTaskResourceFailed", "false")
              .no_effect("a task has no resources in AWS"),
          Field<T>{{"PostProcessingRules", "any", "", "", Verdict::kNoEffect, "Kafka has none"}, nullptr},
      }};
  return table;
}

}  // namespace dmskafka

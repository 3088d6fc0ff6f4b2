#include <array>

#include "core/settings/task_tables.h"

namespace dmskafka {
namespace {

using T = TaskSettings;

constexpr std::array<std::string_view, 4> kPolicies = {"IGNORE_RECORD", "LOG_ERROR", "SUSPEND_TABLE",
                                                       "STOP_TASK"};
constexpr IntegerRange kCount = {0, 10'000};

template <typename Get>
Field<T> policy_field(std::string_view name, Get get, std::string meaning) {
  return choice_field<T>(name, get, kPolicies, std::move(meaning));
}

// SPEC TableErrorPolicy: a table can be suspended or stop the task; there is no record to ignore.
template <typename Get>
Field<T> table_policy_field(std::string_view name, Get get, std::string meaning) {
  static constexpr std::array<std::string_view, 2> kTablePolicies = {"SUSPEND_TABLE", "STOP_TASK"};
  T defaults;
  return {{name, "choice", get(defaults) == ErrorPolicy::kStopTask ? "STOP_TASK" : "SUSPEND_TABLE",
           choices_text(kTablePolicies), Verdict::kHonoured, std::move(meaning)},
          [get](FieldInput& input, T& into) {
            if (const auto index = input.choice(kTablePolicies)) {
              get(into) = *index == 0 ? ErrorPolicy::kSuspendTable : ErrorPolicy::kStopTask;
            }
          }};
}

constexpr std::string_view kNoApply = "nothing is applied to rows: every change becomes a record";
// A target that rows are written into can also turn an insert into an update, and the reverse.
constexpr std::array<std::string_view, 5> kInsertPolicies = {"IGNORE_RECORD", "LOG_ERROR", "SUSPEND_TABLE",
                                                             "STOP_TASK", "UPDATE_RECORD"};
constexpr std::array<std::string_view, 5> kUpdatePolicies = {"IGNORE_RECORD", "LOG_ERROR", "SUSPEND_TABLE",
                                                             "STOP_TASK", "INSERT_RECORD"};
constexpr std::array<std::string_view, 2> kEventPolicies = {"IGNORE", "STOP_TASK"};

Field<T> apply_field(std::string_view name, std::string fallback, std::span<const std::string_view> names) {
  return unused_choice<T>(name, std::move(fallback), names).no_effect(std::string(kNoApply));
}

}  // namespace

TaskTable make_error_behavior_table() {
  return {
      "ErrorBehavior",
      "What becomes of records and tables that fail.",
      {
          policy_field(
              "DataErrorPolicy", DMSKAFKA_MEMBER(data_error_policy),
              "a record that cannot be sent; it is kept in the state file's data_error table in each case"),
          policy_field(
              "DataTruncationErrorPolicy", DMSKAFKA_MEMBER(data_truncation_error_policy),
              "a record with a LOB that was cut: LOG_ERROR sends it and counts the cut; the others do "
              "not send it, keep it in data_error, and go on, suspend the table or stop"),
          policy_field("DataErrorEscalationPolicy", DMSKAFKA_MEMBER(data_error_escalation_policy),
                       "what follows once DataErrorEscalationCount is exceeded"),
          integer_field<T>("DataErrorEscalationCount", DMSKAFKA_MEMBER(data_error_escalation_count), kCount,
                           "record errors of a table before the escalation policy; 0: never"),
          unused_choice<T>("DataMaskingErrorPolicy", "STOP_TASK", kPolicies)
              .no_effect("a mask works on a value's text, so it cannot fail"),
          table_policy_field("TableErrorPolicy", DMSKAFKA_MEMBER(table_error_policy),
                             "a table that cannot be read"),
          table_policy_field("TableErrorEscalationPolicy", DMSKAFKA_MEMBER(table_error_escalation_policy),
                             "what follows once TableErrorEscalationCount is exceeded"),
          integer_field<T>("TableErrorEscalationCount", DMSKAFKA_MEMBER(table_error_escalation_count), kCount,
                           "tables in error before the escalation policy; 0: never"),
          boolean_field<T>("FailOnNoTablesCaptured", DMSKAFKA_MEMBER(fail_on_no_tables_captured),
                           "a task that selects no table fails"),
          integer_field<T>(
              "RecoverableErrorCount", DMSKAFKA_MEMBER(recoverable_error_count),
              {-1, INT64_MAX, "-1 is without bound"},
              "while following changes: attempts in a row that get nowhere after the source or the "
              "target was lost, before the task ends"),
          integer_field<T>("RecoverableErrorInterval", DMSKAFKA_MEMBER(recoverable_error_interval),
                           {0, INT64_MAX, "seconds"},
                           "between such attempts; the first comes within one second"),
          boolean_field<T>("RecoverableErrorThrottling", DMSKAFKA_MEMBER(recoverable_error_throttling),
                           "the interval doubles with every attempt that gets nowhere"),
          integer_field<T>("RecoverableErrorThrottlingMax", DMSKAFKA_MEMBER(recoverable_error_throttling_max),
                           {0, INT64_MAX, "seconds"}, "the interval grows no further"),
          boolean_field<T>("RecoverableErrorStopRetryAfterThrottlingMax",
                           DMSKAFKA_MEMBER(recoverable_error_stop_retry_after_throttling_max),
                           "the task ends once the interval has grown to that"),
          apply_field("ApplyErrorDeletePolicy", "IGNORE_RECORD", kPolicies),
          apply_field("ApplyErrorInsertPolicy", "LOG_ERROR", kInsertPolicies),
          apply_field("ApplyErrorUpdatePolicy", "LOG_ERROR", kUpdatePolicies),
          apply_field("ApplyErrorEscalationPolicy", "LOG_ERROR", kPolicies),
          unused_integer<T>("ApplyErrorEscalationCount", "0", {0}).no_effect(std::string(kNoApply)),
          boolean_field<T>(
              "ApplyErrorFailOnTruncationDdl", DMSKAFKA_MEMBER(apply_error_fail_on_truncation_ddl),
              "true: a TRUNCATE of a followed table ends the task, before anything after it is sent"),
          unused_boolean<T>("FailOnTransactionConsistencyBreached", "false")
              .no_effect("load and changes meet at one exact position"),
          unused_boolean<T>("FullLoadIgnoreConflicts", "true").no_effect("a topic has no conflicts"),
          unused_choice<T>("EventErrorPolicy", "IGNORE", kEventPolicies)
              .no_effect("no events are sent to AWS's notification service"),
      }};
}

}  // namespace dmskafka

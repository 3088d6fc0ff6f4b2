#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <optional>
#include <utility>

#include "cli/commands.h"
#include "cli/figures.h"
#include "cli/problem_report.h"
#include "cli/task_inputs.h"
#include "cli/wiring.h"
#include "core/base/pause.h"
#include "core/json/json_writer.h"
#include "core/task/change_log.h"
#include "core/task/checkpoint_store.h"

namespace dmskafka {
namespace {

/// What the state file says, read at one moment.
struct Status {
  TaskRecord task;
  std::vector<TableLoadRecord> tables;
  LoadThreadsRecord threads;
  std::uint64_t data_errors = 0;
  std::optional<CdcCheckpoint> checkpoint;
  std::vector<TableStatistics> statistics;
  std::optional<LogRetention> retention;   ///< of the source, where it could be asked
  std::optional<double> seconds_to_limit;  ///< until it gives our position up, at the pace of this moment
};

Result<Status> read_status(const std::string& path) {
  DMSKAFKA_ASSIGN(const std::unique_ptr<CheckpointStore> store, open_checkpoint_store_for_reading(path));
  DMSKAFKA_ASSIGN(std::optional<TaskRecord> task, store->load_task());
  if (!task) return Error(ErrorCode::kStateFile, fmt::format("{} holds no task yet", path));
  DMSKAFKA_ASSIGN(std::vector<TableLoadRecord> tables, store->load_tables());
  DMSKAFKA_ASSIGN(const LoadThreadsRecord threads, store->load_threads());
  DMSKAFKA_ASSIGN(const std::uint64_t data_errors, store->count_data_errors());
  Status status{std::move(*task), std::move(tables), threads, data_errors, std::nullopt, {},
                std::nullopt,     std::nullopt};
  DMSKAFKA_ASSIGN(status.checkpoint, store->load_checkpoint());
  DMSKAFKA_ASSIGN(status.statistics, store->load_statistics());
  return status;
}

// Seconds are enough for people: "2024-07-29T00:58:17Z".
std::string time_text(std::int64_t microseconds) {
  if (microseconds == 0) return "";
  std::array<char, kIso8601Size> stamp{};
  format_iso8601(WallTime{microseconds}, stamp.data());
  return std::string(stamp.data(), 19) + "Z";
}

/// "4 reading; for each table 4 sending with 5 queues of 50 records each, the fullest held 50"; "" before a load has run.
std::string threads_text(const LoadThreadsRecord& threads) {
  if (threads.reader_threads == 0) return "";
  if (threads.sender_threads == 0) return fmt::format("{} reading and sending", threads.reader_threads);
  return fmt::format("{} reading; for each table {} sending with {} of {} records each, the fullest held {}",
                     threads.reader_threads, threads.sender_threads,
                     counted(threads.queues_per_thread, "queue", "queues"), threads.buffer_records,
                     threads.queue_records_high_water);
}

/// How old what the source has beyond the checkpoint can be at most: as old as the newest transaction that is delivered, or
/// as the last moment at which the log had nothing more. 0 when the source has no more, nothing when nobody knows.
std::optional<double> lag_seconds(const Status& status) {
  if (!status.checkpoint || !status.retention || status.retention->server_end.empty()) return std::nullopt;
  if (status.retention->server_end <= status.checkpoint->position) return 0;
  const std::int64_t since = std::max(status.checkpoint->commit_us, status.checkpoint->caught_up_us);
  if (since == 0) return std::nullopt;
  return static_cast<double>(std::max<std::int64_t>(0, WallClock().now().microseconds - since)) / 1e6;
}

std::chrono::microseconds microseconds_of(double seconds) {
  constexpr double kMost = 1e9;  // more is as good as never
  return std::chrono::microseconds(static_cast<std::int64_t>(std::min(seconds, kMost) * 1e6));
}

void print_cdc_text(const Status& status) {
  if (!status.checkpoint) return;
  const CdcCheckpoint& checkpoint = *status.checkpoint;
  fmt::print("checkpoint {} saved {}\n", checkpoint.position.text, time_text(checkpoint.saved_us));
  if (checkpoint.commit_us != 0) {
    fmt::print("           newest transaction committed {}; {} in all\n", time_text(checkpoint.commit_us),
               counted(checkpoint.transactions, "transaction", "transactions"));
  }
  if (status.retention) {
    const LogRetention& log = *status.retention;
    fmt::print("log        end {}, acknowledged {}{}\n", log.server_end.text, log.acknowledged.text,
               log.state.empty() ? std::string() : fmt::format(" ({})", log.state));
    if (log.retained_bytes) {
      fmt::print("           {} kept for this task", bytes_text(static_cast<double>(*log.retained_bytes)));
      if (log.bytes_to_limit) {
        fmt::print(
            "; the source gives it up after {} more{}", bytes_text(static_cast<double>(*log.bytes_to_limit)),
            status.seconds_to_limit ? fmt::format(", in {} at the pace of now",
                                                  duration_text(microseconds_of(*status.seconds_to_limit)))
                                    : std::string());
      }
      fmt::print("\n");
    }
    const auto lag = lag_seconds(status);
    if (log.lag_bytes || lag) {
      fmt::print("lag        {}{}\n", log.lag_bytes ? bytes_text(static_cast<double>(*log.lag_bytes)) : "",
                 lag ? fmt::format("{}{:.1f} s", log.lag_bytes ? ", " : "", *lag) : "");
    }
  }
  if (status.statistics.empty()) return;
  std::size_t width = 5;
  for (const TableStatistics& table : status.statistics) width = std::max(width, table.name.text().size());
  fmt::print("\n{:<{}}  {:>13}  {:>13}  {:>13}  {:>6}\n", "table", width, "inserts", "updates", "deletes",
             "ddls");
  for (const TableStatistics& table : status.statistics) {
    fmt::print("{:<{}}  {:>13}  {:>13}  {:>13}  {:>6}\n", table.name.text(), width, count_text(table.inserts),
               count_text(table.updates), count_text(table.deletes), count_text(table.ddls));
  }
}

void print_text(const Status& status) {
  const TaskRecord& task = status.task;
  fmt::print("task      {}\nsource    {} {} {}\ntarget    {}\n", task.task_id, task.source.kind,
             task.source.database, task.source.server, task.target);
  if (!task.snapshot_position.empty()) fmt::print("snapshot  {}\n", task.snapshot_position.text);
  if (const std::string threads = threads_text(status.threads); !threads.empty()) {
    fmt::print("threads   {}\n", threads);
  }
  print_cdc_text(status);
  if (status.tables.empty()) return;
  std::size_t width = 5;
  for (const TableLoadRecord& table : status.tables) width = std::max(width, table.name.text().size());
  fmt::print("\n{:<{}}  {:<15}  {:>15}  {:>8}  {:>9}  {:<20}  {:<20}\n", "table", width, "state", "rows",
             "bytes", "in error", "began", "ended");
  TableLoadRecord total;
  for (const TableLoadRecord& table : status.tables) {
    fmt::print("{:<{}}  {:<15}  {:>15}  {:>8}  {:>9}  {:<20}  {:<20}\n", table.name.text(), width,
               table_state_name(table.state), count_text(table.rows_delivered),
               bytes_text(static_cast<double>(table.bytes_delivered)), count_text(table.rows_failed),
               time_text(table.started_us), time_text(table.ended_us));
    if (table.values_cut != 0) {
      fmt::print("  {} cut at LobMaxSize\n", counted(table.values_cut, "value was", "values were"));
    }
    if (!table.error.empty()) fmt::print("  {}\n", table.error);
    total.rows_delivered += table.rows_delivered;
    total.bytes_delivered += table.bytes_delivered;
    total.rows_failed += table.rows_failed;
  }
  fmt::print("\n{}, {}, {}", counted(status.tables.size(), "table", "tables"),
             counted(total.rows_delivered, "row", "rows"),
             bytes_text(static_cast<double>(total.bytes_delivered)));
  if (status.data_errors != 0) {
    fmt::print("; {} in the state file's table data_error",
               counted(status.data_errors, "message", "messages"));
  }
  fmt::print("\n");
}

std::string time_json(std::int64_t microseconds) {
  return microseconds == 0 ? "null" : json_quoted(time_text(microseconds));
}

std::string threads_json(const LoadThreadsRecord& threads) {
  return fmt::format(
      "{{\"readers\":{},\"senders_per_table\":{},\"queues_per_thread\":{},\"buffer_records\":{},"
      "\"queue_records_high_water\":{}}}",
      threads.reader_threads, threads.sender_threads, threads.queues_per_thread, threads.buffer_records,
      threads.queue_records_high_water);
}

std::string position_json(const LogPosition& position) {
  return position.empty() ? "null" : json_quoted(position.text);
}

std::string optional_json(const std::optional<std::uint64_t>& number) {
  return number ? std::to_string(*number) : "null";
}

std::string seconds_json(const std::optional<double>& seconds) {
  return seconds ? fmt::format("{:.3f}", *seconds) : "null";
}

std::string cdc_json(const Status& status) {
  if (!status.checkpoint) return "null";
  const CdcCheckpoint& checkpoint = *status.checkpoint;
  const auto lag = lag_seconds(status);
  std::string out =
      fmt::format("{{\"checkpoint\":{},\"saved\":{},\"committed\":{},\"transactions\":{},\"lag_seconds\":{}",
                  position_json(checkpoint.position), time_json(checkpoint.saved_us),
                  time_json(checkpoint.commit_us), checkpoint.transactions, seconds_json(lag));
  const LogRetention log = status.retention.value_or(LogRetention{});
  out += fmt::format(
      ",\"lag_bytes\":{},\"log\":{{\"end\":{},\"acknowledged\":{},\"retained_bytes\":{},\"bytes_to_limit\":{}"
      ","
      "\"seconds_to_limit\":{},\"state\":{}}},\"tables\":[",
      optional_json(log.lag_bytes), position_json(log.server_end), position_json(log.acknowledged),
      optional_json(log.retained_bytes), optional_json(log.bytes_to_limit),
      seconds_json(status.seconds_to_limit), log.state.empty() ? "null" : json_quoted(log.state));
  const char* separator = "";
  for (const TableStatistics& table : status.statistics) {
    out += fmt::format(
        "{}{{\"schema\":{},\"table\":{},\"inserts\":{},\"updates\":{},\"deletes\":{},\"ddls\":{}}}",
        separator, json_quoted(table.name.schema), json_quoted(table.name.table), table.inserts,
        table.updates, table.deletes, table.ddls);
    separator = ",";
  }
  return out + "]}";
}

void print_json(const Status& status) {
  const TaskRecord& task = status.task;
  fmt::print(
      "{{\"task_id\":{},\"source\":{{\"kind\":{},\"server\":{},\"database\":{}}},\"target\":{},\"mapping_"
      "digest\":{},"
      "\"snapshot_position\":{},\"data_errors\":{},\"threads\":{},\"cdc\":{},\"tables\":[",
      json_quoted(task.task_id), json_quoted(task.source.kind), json_quoted(task.source.server),
      json_quoted(task.source.database), json_quoted(task.target), json_quoted(task.mapping_digest),
      task.snapshot_position.empty() ? "null" : json_quoted(task.snapshot_position.text), status.data_errors,
      threads_json(status.threads), cdc_json(status));
  const char* separator = "";
  for (const TableLoadRecord& table : status.tables) {
    fmt::print(
        "{}{{\"schema\":{},\"table\":{},\"state\":{},\"rows\":{},\"bytes\":{},\"rows_failed\":{},"
        "\"values_cut\":{},\"error\":{}"
        ",\"began\":{},"
        "\"ended\":{}}}",
        separator, json_quoted(table.name.schema), json_quoted(table.name.table),
        json_quoted(table_state_name(table.state)), table.rows_delivered, table.bytes_delivered,
        table.rows_failed, table.values_cut, table.error.empty() ? "null" : json_quoted(table.error),
        time_json(table.started_us), time_json(table.ended_us));
    separator = ",";
  }
  fmt::print("]}}\n");
}

// The pace at which the room of the log shrinks; nothing when it does not.
constexpr std::chrono::milliseconds kPaceOver{1'000};
std::optional<double> seconds_to_limit(const LogRetention& before, const LogRetention& now) {
  if (!now.bytes_to_limit || *now.bytes_to_limit >= *before.bytes_to_limit) return std::nullopt;
  const auto used = static_cast<double>(*before.bytes_to_limit - *now.bytes_to_limit);
  return static_cast<double>(*now.bytes_to_limit) / used * std::chrono::duration<double>(kPaceOver).count();
}

// The source tells how much log it keeps. When it cannot be asked, what the state file says is still worth printing.
void ask_source(const CommandContext& context, const TaskInputs& inputs, Status& status) {
  if (!inputs.source || !status.checkpoint) return;
  const auto ask = [&]() -> Result<LogRetention> {
    DMSKAFKA_ASSIGN(const std::unique_ptr<Source> source,
                    open_source(*inputs.source, inputs.task, context.signals.token()));
    DMSKAFKA_ASSIGN(ChangeLog* const log, source->change_log(status.task.task_id));
    DMSKAFKA_ASSIGN(LogRetention first, log->retention(status.checkpoint->position));
    if (!first.bytes_to_limit) return first;
    pause(kPaceOver, context.signals.token());
    DMSKAFKA_ASSIGN(LogRetention now, log->retention(status.checkpoint->position));
    status.seconds_to_limit = seconds_to_limit(first, now);
    return now;
  };
  auto retention = ask();
  if (retention) {
    status.retention = std::move(retention).value();
  } else {
    log_warning(fmt::format("the source's log: {}", retention.error().to_string()));
  }
}

}  // namespace

ExitStatus run_status_command(const CommandContext& context) {
  // The inputs are read only where they are needed to find the file, or to ask the source.
  const InputOptions& flags = context.options.inputs;
  std::string path = flags.state_file.value_or("");
  TaskInputs inputs;
  if (path.empty() || flags.source || flags.task_file) {
    inputs = read_task_inputs(context.options);
    if (!inputs.problems.ok()) {
      log_problems(inputs.problems);
      return exit_status_of(inputs.problems.errors.front().code(), context.signals.received());
    }
    path = inputs.state_file;
  }
  auto status = read_status(path);
  if (!status) return fail(context, status.error());
  ask_source(context, inputs, *status);
  context.options.json ? print_json(*status) : print_text(*status);
  return ExitStatus::kDone;
}

}  // namespace dmskafka

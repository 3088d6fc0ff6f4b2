#include <fmt/format.h>

#include <array>
#include <cstdio>

#include "cli/commands.h"
#include "cli/figures.h"
#include "cli/problem_report.h"
#include "cli/task_inputs.h"
#include "core/json/json_writer.h"
#include "core/task/checkpoint_store.h"

namespace dmskafka {
namespace {

/// What the state file says, read at one moment.
struct Status {
  TaskRecord task;
  std::vector<TableLoadRecord> tables;
  LoadThreadsRecord threads;
  std::uint64_t data_errors = 0;
};

Result<Status> read_status(const std::string& path) {
  DMSKAFKA_ASSIGN(const std::unique_ptr<CheckpointStore> store, open_checkpoint_store_for_reading(path));
  DMSKAFKA_ASSIGN(std::optional<TaskRecord> task, store->load_task());
  if (!task) return Error(ErrorCode::kStateFile, fmt::format("{} holds no task yet", path));
  DMSKAFKA_ASSIGN(std::vector<TableLoadRecord> tables, store->load_tables());
  DMSKAFKA_ASSIGN(const LoadThreadsRecord threads, store->load_threads());
  DMSKAFKA_ASSIGN(const std::uint64_t data_errors, store->count_data_errors());
  return Status{std::move(*task), std::move(tables), threads, data_errors};
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

void print_text(const Status& status) {
  const TaskRecord& task = status.task;
  fmt::print("task      {}\nsource    {} {} {}\ntarget    {}\n", task.task_id, task.source.kind,
             task.source.database, task.source.server, task.target);
  if (!task.snapshot_position.empty()) fmt::print("snapshot  {}\n", task.snapshot_position.text);
  if (const std::string threads = threads_text(status.threads); !threads.empty()) {
    fmt::print("threads   {}\n", threads);
  }
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

void print_json(const Status& status) {
  const TaskRecord& task = status.task;
  fmt::print(
      "{{\"task_id\":{},\"source\":{{\"kind\":{},\"server\":{},\"database\":{}}},\"target\":{},\"mapping_"
      "digest\":{},"
      "\"snapshot_position\":{},\"data_errors\":{},\"threads\":{},\"tables\":[",
      json_quoted(task.task_id), json_quoted(task.source.kind), json_quoted(task.source.server),
      json_quoted(task.source.database), json_quoted(task.target), json_quoted(task.mapping_digest),
      task.snapshot_position.empty() ? "null" : json_quoted(task.snapshot_position.text), status.data_errors,
      threads_json(status.threads));
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

// The inputs are read only where they are needed to find the file.
Result<std::string> state_path(const CommandContext& context) {
  const InputOptions& flags = context.options.inputs;
  if (flags.state_file) return *flags.state_file;
  TaskInputs inputs = read_task_inputs(context.options);
  if (inputs.problems.ok()) return inputs.state_file;
  log_problems(inputs.problems);
  return inputs.problems.errors.front();
}

}  // namespace

ExitStatus run_status_command(const CommandContext& context) {
  const auto path = state_path(context);
  if (!path) return exit_status_of(path.error().code(), context.signals.received());
  const auto status = read_status(*path);
  if (!status) return fail(context, status.error());
  context.options.json ? print_json(*status) : print_text(*status);
  return ExitStatus::kDone;
}

}  // namespace dmskafka

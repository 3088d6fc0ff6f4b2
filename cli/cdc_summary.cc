#include "cli/cdc_summary.h"

#include <fmt/format.h>

#include <csignal>

#include "cli/figures.h"
#include "cli/summary.h"
#include "core/base/clock.h"
#include "core/json/json_writer.h"

namespace dmskafka {
namespace {

std::string head_line(const CdcOutcome& outcome) {
  const CdcSummary& summary = outcome.summary;
  const bool stopped = outcome.failure && outcome.failure->code() == ErrorCode::kCancelled;
  const std::string_view verb = !outcome.failure ? "done" : stopped ? "stopped" : "failed";
  std::string line = fmt::format("{}: {} in {}, {}", verb, counted(summary.changes, "change", "changes"),
                                 counted(summary.transactions, "transaction", "transactions"),
                                 duration_text(summary.elapsed));
  if (!summary.checkpoint.empty()) line += fmt::format("; checkpoint {}", summary.checkpoint);
  return line;
}

std::string reason(const CdcOutcome& outcome) {
  if (!outcome.failure) return outcome.summary.reason;
  if (outcome.failure->code() != ErrorCode::kCancelled) return outcome.failure->to_string();
  if (outcome.signal == SIGTERM) return "stopped by SIGTERM";
  return outcome.signal == SIGINT ? "stopped by SIGINT (Ctrl-C)" : "stopped";
}

std::string_view next_step(const CdcOutcome& outcome) {
  if (outcome.state_file.empty() && outcome.status != ExitStatus::kBug) return "";  // nothing to go on from
  switch (outcome.status) {
    case ExitStatus::kDone:
    case ExitStatus::kState: return "";  // the error's own hint says which way out there is
    case ExitStatus::kTablesInError:
      return "Records in error are in the state file's table data_error; the same command goes on from the "
             "checkpoint.";
    case ExitStatus::kBug:
      return "This is a bug in dmskafka: please report it with the command and these lines.";
    case ExitStatus::kCommandLine:
    case ExitStatus::kSettings: return "Correct it and run the same command again.";
    case ExitStatus::kSource:
    case ExitStatus::kTarget:
      return "Remove the cause and run the same command again: it goes on from the checkpoint.";
    case ExitStatus::kInterrupted:
    case ExitStatus::kTerminated:
      return "What was delivered is saved; the same command goes on from the checkpoint.";
  }
  return "";
}

}  // namespace

std::string cdc_summary_text(const CdcOutcome& outcome) {
  const CdcSummary& summary = outcome.summary;
  std::string text = head_line(outcome) + "\n";
  if (summary.reconnects != 0) {
    text += fmt::format("  went on from the checkpoint {} after a lost connection or producer\n",
                        counted(summary.reconnects, "time", "times"));
  }
  if (summary.rows_failed != 0) {
    text += fmt::format(
        "  {} not delivered{}\n", counted(summary.rows_failed, "message was", "messages were"),
        outcome.state_file.empty() ? std::string()
                                   : fmt::format(", kept in {} (table data_error)", outcome.state_file));
  }
  for (const TableProgress& table : outcome.progress.tables()) {
    if (table.state.load() != TableState::kTableError && !table.suspended.load()) continue;
    text += fmt::format("  not followed: {}: {}\n", table.name.text(), table.error());
  }
  for (const TableProgress& table : outcome.progress.tables()) {
    for (const std::string& note : rule_notes(table)) text += fmt::format("  {}\n", note);
  }
  text += losses_text(outcome.progress);
  for (const std::string& note : summary.notes) text += fmt::format("  {}\n", note);
  if (outcome.failure) {
    text += fmt::format("exit status {}: {}\n", static_cast<int>(outcome.status), reason(outcome));
  } else if (!summary.reason.empty()) {
    text += fmt::format("  ended because {}\n", summary.reason);
  }
  if (const std::string_view next = next_step(outcome); !next.empty()) text += fmt::format("{}\n", next);
  return text;
}

std::string cdc_summary_json_members(const CdcOutcome& outcome) {
  const CdcSummary& summary = outcome.summary;
  return fmt::format(
      ",\"event\":\"cdc-summary\",\"exit_status\":{},\"reason\":{},\"start\":{},\"checkpoint\":{},"
      "\"changes\":{},"
      "\"transactions\":{},\"inserts\":{},\"updates\":{},\"deletes\":{},\"ddls\":{},\"rows_failed\":{},"
      "\"reconnects\":{},\"seconds\":{:.3f},\"state_file\":{}",
      static_cast<int>(outcome.status),
      outcome.failure ? json_quoted(error_code_name(outcome.failure->code())) : json_quoted(summary.reason),
      json_quoted(summary.start), json_quoted(summary.checkpoint), summary.changes, summary.transactions,
      summary.inserts, summary.updates, summary.deletes, summary.ddls, summary.rows_failed,
      summary.reconnects, std::chrono::duration<double>(summary.elapsed).count(),
      outcome.state_file.empty() ? "null" : json_quoted(outcome.state_file));
}

void report_cdc_outcome(const CdcOutcome& outcome, Screen& screen, const LoggingOptions& options) {
  if (options.verbosity == Verbosity::kQuiet && !outcome.failure) return;
  if (options.format == LogFormat::kText) return screen.write(cdc_summary_text(outcome));
  const std::string message =
      outcome.failure ? fmt::format("{}; {}", head_line(outcome), reason(outcome)) : head_line(outcome);
  screen.write(json_log_line(WallClock().now(), outcome.failure ? "error" : "info", message,
                             cdc_summary_json_members(outcome)));
}

}  // namespace dmskafka

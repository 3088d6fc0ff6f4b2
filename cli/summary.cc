#include "cli/summary.h"

#include <fmt/format.h>

#include <csignal>

#include "cli/figures.h"
#include "core/base/clock.h"
#include "core/json/json_writer.h"

namespace dmskafka {
namespace {

constexpr std::size_t kTablesNamedMax = 20;

std::string head_line(const LoadOutcome& outcome) {
  const FullLoadSummary& summary = outcome.summary;
  const std::string_view verb = !outcome.failure ? "done"
                                : outcome.failure->code() == ErrorCode::kTablesInError
                                    ? "finished with errors"
                                : outcome.failure->code() == ErrorCode::kCancelled ? "stopped"
                                                                                   : "failed";
  std::string line = fmt::format("{}: {}, {}, {}", verb, counted(summary.tables_completed, "table", "tables"),
                                 counted(summary.rows_delivered, "row", "rows"),
                                 bytes_text(static_cast<double>(summary.bytes_delivered)));
  const double seconds = std::chrono::duration<double>(summary.elapsed).count();
  if (seconds > 0) {
    line += fmt::format(
        " in {} ({} rows/s, {}/s)", duration_text(summary.elapsed),
        count_text(static_cast<std::uint64_t>(static_cast<double>(summary.rows_delivered) / seconds)),
        bytes_text(static_cast<double>(summary.bytes_delivered) / seconds));
  }
  return line;
}

std::string tables_in_error(const LoadOutcome& outcome) {
  std::string text;
  std::size_t named = 0;
  std::size_t unnamed = 0;
  for (const TableProgress& table : outcome.progress.tables()) {
    if (table.state.load() != TableState::kTableError) continue;
    if (named < kTablesNamedMax) {
      text += fmt::format("  {}: {}\n", table.name.text(), table.error());
      ++named;
    } else {
      ++unnamed;
    }
  }
  if (unnamed != 0) text += fmt::format("  and {} more\n", unnamed);
  return text.empty() ? text : "tables in error:\n" + text;
}

std::string_view next_step(const LoadOutcome& outcome) {
  if (outcome.state_file.empty() && outcome.status != ExitStatus::kBug) return "";  // nothing to resume
  switch (outcome.status) {
    case ExitStatus::kDone: return "";
    case ExitStatus::kBug:
      return "This is a bug in dmskafka: please report it with the command and these lines.";
    case ExitStatus::kCommandLine:
    case ExitStatus::kSettings: return "Correct it and run the same command again.";
    case ExitStatus::kSource:
    case ExitStatus::kTarget:
      return "Remove the cause and run the same command again: it resumes with the tables that are not done.";
    case ExitStatus::kState: return "";  // the error's own hint says which way out there is
    case ExitStatus::kTablesInError:
      return "Remove the causes and run the same command again: it loads the tables in error; records in "
             "error stay in the "
             "state file's table data_error.";
    case ExitStatus::kInterrupted:
    case ExitStatus::kTerminated:
      return "What was delivered is saved; the same command resumes with the tables that are not done.";
  }
  return "";
}

std::string reason(const LoadOutcome& outcome) {
  if (!outcome.failure) return "";
  if (outcome.failure->code() != ErrorCode::kCancelled) return outcome.failure->to_string();
  if (outcome.signal == SIGTERM) return "stopped by SIGTERM";
  return outcome.signal == SIGINT ? "stopped by SIGINT (Ctrl-C)" : "stopped";
}

}  // namespace

std::string losses_text(const TaskProgress& progress) {
  std::string text;
  for (const TableProgress& table : progress.tables()) {
    if (const std::uint64_t cut = table.values_cut.load(); cut != 0) {
      text += fmt::format("  {}: {} cut at LobMaxSize\n", table.name.text(),
                          counted(cut, "value was", "values were"));
    }
    if (const std::uint64_t replaced = table.characters_replaced.load(); replaced != 0) {
      text += fmt::format("  {}: {} not UTF-8 and became U+FFFD\n", table.name.text(),
                          counted(replaced, "sequence of bytes was", "sequences of bytes were"));
    }
    if (const std::uint64_t zero_dates = table.zero_dates.load(); zero_dates != 0) {
      text += fmt::format("  {}: {} 0000-00-00 and became null\n", table.name.text(),
                          counted(zero_dates, "date was", "dates were"));
    }
  }
  return text;
}

std::string summary_text(const LoadOutcome& outcome) {
  const FullLoadSummary& summary = outcome.summary;
  std::string text = head_line(outcome) + "\n";
  if (summary.tables_done_before != 0) {
    text += fmt::format("  {} loaded by an earlier run, not sent again\n",
                        counted(summary.tables_done_before, "table was", "tables were"));
  }
  if (summary.rows_failed != 0) {
    text += fmt::format(
        "  {} not delivered{}\n", counted(summary.rows_failed, "message was", "messages were"),
        outcome.state_file.empty() ? std::string()
                                   : fmt::format(", kept in {} (table data_error)", outcome.state_file));
  }
  text += losses_text(outcome.progress);
  for (const std::string& note : summary.notes) text += fmt::format("  {}\n", note);
  text += tables_in_error(outcome);
  if (outcome.failure)
    text += fmt::format("exit status {}: {}\n", static_cast<int>(outcome.status), reason(outcome));
  if (const std::string_view next = next_step(outcome); !next.empty()) text += fmt::format("{}\n", next);
  return text;
}

std::string summary_json_members(const LoadOutcome& outcome) {
  const FullLoadSummary& summary = outcome.summary;
  std::string out = fmt::format(
      ",\"event\":\"summary\",\"exit_status\":{},\"reason\":{},\"tables_selected\":{},\"tables_completed\":{}"
      ","
      "\"tables_done_before\":{},\"tables_in_error\":{},\"rows\":{},\"bytes\":{},\"rows_failed\":{},"
      "\"control_records\":{},\"values_cut\":{},\"characters_replaced\":{},\"zero_dates\":{},"
      "\"seconds\":{:.3f},\"state_file\":{},\"errors\":[",
      static_cast<int>(outcome.status),
      outcome.failure ? json_quoted(error_code_name(outcome.failure->code())) : "null",
      summary.tables_selected, summary.tables_completed, summary.tables_done_before, summary.tables_in_error,
      summary.rows_delivered, summary.bytes_delivered, summary.rows_failed, summary.control_records,
      summary.values_cut, summary.characters_replaced, summary.zero_dates,
      std::chrono::duration<double>(summary.elapsed).count(),
      outcome.state_file.empty() ? "null" : json_quoted(outcome.state_file));
  for (const TableProgress& table : outcome.progress.tables()) {
    if (table.state.load() != TableState::kTableError) continue;
    out += fmt::format("{}{{\"table\":{},\"error\":{}}}", out.back() == '[' ? "" : ",",
                       json_quoted(table.name.text()), json_quoted(table.error()));
  }
  out += "],\"notes\":[";
  for (const std::string& note : summary.notes) out += (out.back() == '[' ? "" : ",") + json_quoted(note);
  return out + "]";
}

void report_outcome(const LoadOutcome& outcome, Screen& screen, const LoggingOptions& options) {
  if (options.verbosity == Verbosity::kQuiet && !outcome.failure) return;
  if (options.format == LogFormat::kText) return screen.write(summary_text(outcome));
  const std::string message =
      outcome.failure ? fmt::format("{}; {}", head_line(outcome), reason(outcome)) : head_line(outcome);
  screen.write(json_log_line(WallClock().now(), outcome.failure ? "error" : "info", message,
                             summary_json_members(outcome)));
}

}  // namespace dmskafka

#include "cli/summary.h"

#include <doctest/doctest.h>

#include <csignal>

namespace dmskafka {
namespace {
using namespace std::chrono_literals;

struct Run {
  FullLoadSummary summary;
  TaskProgress progress;

  Run() {
    summary.tables_selected = 3;
    summary.tables_completed = 3;
    summary.rows_delivered = 1'000'000;
    summary.bytes_delivered = 250'000'000;
    summary.elapsed = 2s;
  }
  LoadOutcome outcome(std::optional<Error> failure = std::nullopt, int signal = 0) const {
    const ExitStatus status = failure ? exit_status_of(failure->code(), signal) : ExitStatus::kDone;
    return {summary, progress, std::move(failure), status, "shop.dmskafka", signal};
  }
};

TEST_CASE("summary: a load that is done says what and how fast, and nothing else") {
  const Run run;
  CHECK(summary_text(run.outcome()) ==
        "done: 3 tables, 1,000,000 rows, 250 MB in 2.00 s (500,000 rows/s, 125 MB/s)\n");
}

TEST_CASE("summary: tables in error come with their reasons, and with what to do next") {
  Run run;
  run.summary.tables_completed = 2;
  run.summary.tables_in_error = 1;
  run.summary.rows_failed = 1;
  TableProgress& table = run.progress.add_table({"public", "secrets"});
  table.state = TableState::kTableError;
  table.set_error("permission denied");
  CHECK(summary_text(run.outcome(Error(ErrorCode::kTablesInError, "1 of 3 tables in error"))) ==
        "finished with errors: 2 tables, 1,000,000 rows, 250 MB in 2.00 s (500,000 rows/s, 125 MB/s)\n"
        "  1 message was not delivered, kept in shop.dmskafka (table data_error)\n"
        "tables in error:\n"
        "  public.secrets: permission denied\n"
        "exit status 7: 1 of 3 tables in error\n"
        "Remove the causes and run the same command again: it loads the tables in error; records in error "
        "stay in the state "
        "file's table data_error.\n");
}

TEST_CASE("summary: what messages lack is told table by table") {
  Run run;
  run.progress.add_table({"public", "whole"});
  TableProgress& cut = run.progress.add_table({"public", "docs"});
  cut.values_cut = 1;
  TableProgress& bytes = run.progress.add_table({"public", "old"});
  bytes.values_cut = 2'000;
  bytes.characters_replaced = 3;
  bytes.zero_dates = 4;
  CHECK(summary_text(run.outcome()) ==
        "done: 3 tables, 1,000,000 rows, 250 MB in 2.00 s (500,000 rows/s, 125 MB/s)\n"
        "  public.docs: 1 value was cut at LobMaxSize\n"
        "  public.old: 2,000 values were cut at LobMaxSize\n"
        "  public.old: 3 sequences of bytes were not UTF-8 and became U+FFFD\n"
        "  public.old: 4 dates were 0000-00-00 and became null\n");
}

TEST_CASE("summary: a resumed load that was interrupted") {
  Run run;
  run.summary.tables_completed = 0;
  run.summary.tables_done_before = 2;
  run.summary.notes = {"this load spans two snapshots"};
  CHECK(summary_text(run.outcome(Error(ErrorCode::kCancelled, "stopped"), SIGTERM)) ==
        "stopped: 0 tables, 1,000,000 rows, 250 MB in 2.00 s (500,000 rows/s, 125 MB/s)\n"
        "  2 tables were loaded by an earlier run, not sent again\n"
        "  this load spans two snapshots\n"
        "exit status 143: stopped by SIGTERM\n"
        "What was delivered is saved; the same command resumes with the tables that are not done.\n");
}

TEST_CASE("summary: a load that never began has no rate, and one without a state file no promise to resume") {
  Run run;
  run.summary = {};
  LoadOutcome outcome =
      run.outcome(Error(ErrorCode::kTargetUnavailable, "no broker answers").hint("is it running?"));
  outcome.state_file.clear();
  CHECK(summary_text(outcome) ==
        "failed: 0 tables, 0 rows, 0 B\nexit status 5: no broker answers\n  is it running?\n");
}

TEST_CASE("summary: JSON carries the same as data") {
  const Run run;
  CHECK(
      summary_json_members(run.outcome(Error(ErrorCode::kCancelled, "stopped"), SIGINT)) ==
      R"(,"event":"summary","exit_status":130,"reason":"cancelled","tables_selected":3,"tables_completed":3,)"
      R"("tables_done_before":0,"tables_in_error":0,"rows":1000000,"bytes":250000000,"rows_failed":0,"control_records":0,)"
      R"("values_cut":0,"characters_replaced":0,"zero_dates":0,)"
      R"("seconds":2.000,"state_file":"shop.dmskafka","errors":[],"notes":[])");
}

}  // namespace
}  // namespace dmskafka

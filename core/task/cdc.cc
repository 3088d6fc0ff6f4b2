#include "core/task/cdc.h"

#include <utility>

#include "core/base/logging.h"
#include "core/task/cdc_attempt.h"
#include "core/task/cdc_recovery.h"
#include "core/task/cdc_start.h"

namespace dmskafka {
namespace {

/// Gives the conditions the positions that only the source can tell.
Result<void> set_stop_positions(const CdcTask& task, ChangeLog& log, const CdcStopPosition& position,
                                CdcStop& conditions) {
  if (!position.native.empty()) {
    DMSKAFKA_ASSIGN(const LogPosition end, log.parse_position(position.native));
    conditions.end_at(end, "--cdc-stop-position was reached");
  }
  if (task.stop.until_current) {
    DMSKAFKA_ASSIGN(const LogPosition end, log.current_end());
    log_info("following up to what is the end of the source's log now, " + end.text);
    conditions.end_at(end, "what was the end of the log at the start was reached");
  }
  return {};
}

/// A stall that the user has bounded is an end; any other lost target is waited for.
bool is_stall(const Error& failure, const CdcTask& task) {
  return failure.code() == ErrorCode::kTargetUnavailable &&
         task.settings.dmskafka.stall_timeout_s.value_or(0) != 0;
}

void summarise(const CdcTask& task, const CdcRecovery& recovery, CdcSummary& summary) {
  summary.reconnects = recovery.reconnects();
  for (const TableProgress& table : task.progress.tables()) {
    summary.inserts += table.inserts.load();
    summary.updates += table.updates.load();
    summary.deletes += table.deletes.load();
    summary.ddls += table.ddls.load();
    summary.rows_failed += table.rows_failed.load();
  }
}

Result<void> run_attempts(const CdcTask& task, ChangeLog& log, const SinkFactory& make_sink, CdcStart& start,
                          CdcStop& conditions, CdcRecovery& recovery, CdcSummary& summary,
                          const std::stop_token& stop) {
  const std::uint64_t transactions_before = start.from.transactions;
  bool ever_followed = false;
  bool refreshed = true;
  for (;;) {
    Result<void> ended;
    auto progress = CdcRecovery::Progress::kNothing;
    if (!refreshed) ended = refresh_cdc_start(task, start);
    if (ended) {
      CdcAttempt attempt(task, log, start, conditions, stop);
      ended = attempt.run(make_sink);
      ever_followed = ever_followed || attempt.followed();
      const CdcCheckpoints& checkpoints = attempt.checkpoints();
      if (checkpoints.moved()) progress = CdcRecovery::Progress::kSome;
      summary.changes += checkpoints.changes();
      summary.transactions = checkpoints.stored().transactions - transactions_before;
      summary.checkpoint = checkpoints.stored().position.text;
      if (!ended && attempt.followed() && is_stall(ended.error(), task)) return ended;
    }
    if (ended) return ended;
    if (!ever_followed) progress = CdcRecovery::Progress::kNever;
    switch (recovery.decide(ended.error(), progress, stop)) {
      case CdcRecovery::Verdict::kAgain: break;
      case CdcRecovery::Verdict::kFinal: return ended;
      case CdcRecovery::Verdict::kStopped: return Error(ErrorCode::kCancelled, "stopped");
    }
    refreshed = false;
  }
}

}  // namespace

Result<void> run_cdc(const CdcTask& task, const SinkFactory& make_sink, CdcSummary& summary,
                     std::stop_token stop) {
  const auto began = std::chrono::steady_clock::now();
  DMSKAFKA_ASSIGN(const CdcStopPosition position, parse_stop_position(task.stop.position));
  DMSKAFKA_ASSIGN(ChangeLog* const log, task.source.change_log(task.task_id));
  DMSKAFKA_ASSIGN(CdcStart start, choose_cdc_start(task, *log, stop));
  summary.start = start.from.position.text;
  summary.checkpoint = summary.start;
  CdcStop conditions(position, task.stop.idle_timeout);
  DMSKAFKA_TRY(set_stop_positions(task, *log, position, conditions));
  CdcRecovery recovery(task.settings);
  auto ended = run_attempts(task, *log, make_sink, start, conditions, recovery, summary, stop);
  summary.reason = conditions.reason();
  summarise(task, recovery, summary);
  summary.elapsed =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began);
  return ended;
}

}  // namespace dmskafka

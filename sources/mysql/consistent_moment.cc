#include "sources/mysql/consistent_moment.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

#include "core/base/logging.h"
#include "core/base/pause.h"
#include "sources/mysql/identifier.h"
#include "sources/mysql/log_status.h"
#include "sources/mysql/sql/queries.h"

namespace dmskafka::mysql {
namespace {

constexpr std::string_view kBegin = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
/// So often sessions begin anew until no commit fell between them.
constexpr int kAgreementTries = 20;
/// While our global lock waits, every writer waits behind it: short and seldom.
constexpr int kLockTries = 3;
constexpr std::string_view kLockPatience = "SET SESSION lock_wait_timeout = 2";
constexpr std::string_view kUsualPatience = "SET SESSION lock_wait_timeout = 10";
constexpr std::chrono::milliseconds kLockPause{1'000};

std::optional<BinlogPosition> to_position(const QueryResult& status, std::size_t file, std::size_t offset,
                                          Flavour flavour) {
  BinlogPosition position;
  position.flavour = flavour;
  position.file = status.text(0, file);
  const std::string_view digits = status.text(0, offset);
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), position.offset);
  if (position.file.empty() || parsed.ec != std::errc()) return std::nullopt;
  return position;
}

/// Takes a moment. Thread: the task's.
class MomentTaker {
 public:
  MomentTaker(Connection& control, std::shared_ptr<const SourceSettings> settings,
              const MomentOptions& options, const std::stop_token& stop)
      : control_(control), settings_(std::move(settings)), options_(options), stop_(stop) {}

  Result<ConsistentMoment> take() {
    DMSKAFKA_TRY(open_sessions(options_.sessions));
    DMSKAFKA_ASSIGN(const bool taken, take_with_all());
    if (!taken) DMSKAFKA_TRY(take_alone());
    log_debug("the snapshot was taken " + moment_.how);
    return std::move(moment_);
  }

 private:
  Flavour flavour() const { return control_.version().flavour; }

  Result<void> open_sessions(std::uint32_t wanted) {
    while (moment_.sessions.size() < wanted) {
      auto session = Connection::open(settings_, stop_);
      if (session) {
        moment_.sessions.push_back(std::move(session).value());
        continue;
      }
      if (moment_.sessions.empty() || session.error().code() != ErrorCode::kSourceUnavailable)
        return std::move(session).error();
      log_warning(fmt::format("the load goes on with {} of {} sessions: {}", moment_.sessions.size(), wanted,
                              session.error().to_string()));
      break;
    }
    return {};
  }

  Result<bool> take_with_all() {
    if (!options_.position_wanted && moment_.sessions.size() == 1) {
      DMSKAFKA_TRY(begin_all());
      moment_.how = "by the only session";
      return true;
    }
    if (flavour() == Flavour::kMariadb) {
      DMSKAFKA_ASSIGN(const bool agreed, take_by_agreement());
      if (agreed) return true;
    }
    DMSKAFKA_ASSIGN(const bool locked, take_under_global_lock());
    if (locked) return true;
    if (flavour() == Flavour::kMysql) return take_by_gtids();
    return false;
  }

  // --- MariaDB: sessions that say what they see ---

  Result<bool> take_by_agreement() {
    std::vector<Connection*> behind;
    for (Connection& session : moment_.sessions) behind.push_back(&session);
    for (int attempt = 0; attempt < kAgreementTries; ++attempt) {
      DMSKAFKA_TRY(begin(behind));
      std::vector<BinlogPosition> seen;
      for (Connection& session : moment_.sessions) {
        DMSKAFKA_ASSIGN(const std::optional<BinlogPosition> position, position_seen_by(session));
        if (!position) return false;  // no binary log
        seen.push_back(*position);
      }
      const auto order = [](const BinlogPosition& a, const BinlogPosition& b) {
        return to_log_position(a) < to_log_position(b);
      };
      const BinlogPosition latest = *std::max_element(seen.begin(), seen.end(), order);
      behind.clear();
      for (std::size_t i = 0; i < seen.size(); ++i) {
        if (seen[i] != latest) behind.push_back(&moment_.sessions[i]);
      }
      if (behind.empty()) {
        moment_.position = latest;
        moment_.how = "without a lock: all sessions see the same place of the binary log";
        return add_mariadb_gtid();
      }
    }
    return false;
  }

  /// At once in all, so that few commits fall between them.
  Result<void> begin(const std::vector<Connection*>& sessions) {
    for (Connection* session : sessions) DMSKAFKA_TRY(session->post(kBegin, stop_));
    for (Connection* session : sessions) {
      DMSKAFKA_ASSIGN(const Connection::Outcome outcome, session->answer(stop_));
      if (outcome.failure) return query_error(*outcome.failure);
    }
    return {};
  }
  Result<void> begin_all() {
    std::vector<Connection*> all;
    for (Connection& session : moment_.sessions) all.push_back(&session);
    return begin(all);
  }

  Result<std::optional<BinlogPosition>> position_seen_by(Connection& session) {
    DMSKAFKA_ASSIGN(const QueryResult status, session.query("SHOW STATUS LIKE 'binlog_snapshot_%'", stop_));
    BinlogPosition position;
    position.flavour = Flavour::kMariadb;
    for (std::size_t row = 0; row < status.rows(); ++row) {
      const std::string_view value = status.text(row, 1);
      if (status.text(row, 0) == "Binlog_snapshot_file") position.file = value;
      if (status.text(row, 0) == "Binlog_snapshot_position")
        std::from_chars(value.data(), value.data() + value.size(), position.offset);
    }
    if (position.file.empty()) return std::optional<BinlogPosition>();
    return std::optional<BinlogPosition>(std::move(position));
  }

  /// Where the server does not say, the place alone has to do.
  Result<bool> add_mariadb_gtid() {
    DMSKAFKA_ASSIGN(moment_.position->gtid, mariadb_gtids(control_, *moment_.position, stop_));
    return true;
  }

  // --- a lock on everything, for a moment ---

  Result<bool> take_under_global_lock() {
    DMSKAFKA_TRY(control_.query(kLockPatience, stop_));
    DMSKAFKA_ASSIGN(const bool locked, lock_everything());
    DMSKAFKA_TRY(control_.query(kUsualPatience, stop_));
    if (!locked) return false;
    auto begun = begin_all();
    Result<void> read;
    if (begun) read = read_position();
    // First the lock: others wait for it.
    DMSKAFKA_TRY(control_.query("UNLOCK TABLES", stop_));
    DMSKAFKA_TRY(std::move(begun));
    DMSKAFKA_TRY(std::move(read));
    moment_.how = "under a global read lock of a moment";
    if (flavour() == Flavour::kMariadb && moment_.position) return add_mariadb_gtid();
    return true;
  }

  Result<bool> lock_everything() {
    for (int attempt = 0; attempt < kLockTries; ++attempt) {
      DMSKAFKA_TRY(warn_of_long_statements());
      DMSKAFKA_ASSIGN(const Connection::Outcome outcome,
                      control_.run("FLUSH TABLES WITH READ LOCK", std::chrono::seconds(60), stop_));
      if (!outcome.failure) return true;
      if (!is_lock_timeout(*outcome.failure)) {
        log_debug(fmt::format("no global read lock: {}", outcome.failure->message));
        return false;
      }
      pause(kLockPause, stop_);
      if (stop_.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
    }
    log_warning("a global read lock was not to be had within 2 s, three times: other ways are tried");
    return false;
  }

  Result<void> warn_of_long_statements() {
    DMSKAFKA_ASSIGN(const Connection::Outcome outcome, control_.run(kLongStatementsSql, stop_));
    if (outcome.failure || outcome.rows.rows() == 0 || outcome.rows.text(0, 0) == "0") return {};
    log_warning(fmt::format(
        "{} statements run for up to {} s: the lock for the snapshot has to wait for them, for 2 s at most",
        outcome.rows.text(0, 0), outcome.rows.text(0, 1)));
    return {};
  }

  /// Where the log ends now. Without the right to ask (REPLICATION CLIENT) there is no position.
  Result<void> read_position() {
    moment_.position.reset();
    // MySQL 8.4 knows only the second name, older servers only the first.
    const bool renamed = flavour() == Flavour::kMysql && control_.version().number >= 80200;
    DMSKAFKA_ASSIGN(const Connection::Outcome outcome,
                    control_.run(renamed ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS", stop_));
    if (outcome.failure) {
      log_debug(fmt::format("the place in the binary log is unknown: {}", outcome.failure->message));
      return {};
    }
    if (outcome.rows.rows() == 0) return {};  // no log
    moment_.position = to_position(outcome.rows, 0, 1, flavour());
    const auto gtids = outcome.rows.find_column("Executed_Gtid_Set");
    if (moment_.position && gtids) moment_.position->gtid = normalised_gtid(outcome.rows.text(0, *gtids));
    return {};
  }

  // --- MySQL 8 without the right to lock ---

  Result<bool> take_by_gtids() {
    DMSKAFKA_ASSIGN(const Connection::Outcome mode, control_.run("SELECT @@GLOBAL.gtid_mode", stop_));
    if (mode.failure || mode.rows.text(0, 0) != "ON") return false;
    // Keeps DDL away meanwhile. Without the right to it, tables are compared afterwards all the same.
    DMSKAFKA_ASSIGN(const Connection::Outcome lock, control_.run("LOCK INSTANCE FOR BACKUP", stop_));
    auto agreed = gtids_stand_still();
    if (!lock.failure) DMSKAFKA_TRY(control_.query("UNLOCK INSTANCE", stop_));
    return agreed;
  }

  Result<bool> gtids_stand_still() {
    for (int attempt = 0; attempt < kAgreementTries; ++attempt) {
      DMSKAFKA_TRY(read_position());
      DMSKAFKA_ASSIGN(const std::string before, executed_gtids());
      DMSKAFKA_TRY(begin_all());
      DMSKAFKA_ASSIGN(const std::string after, executed_gtids());
      if (before != after) continue;
      if (moment_.position) moment_.position->gtid = before;
      moment_.how = "while no transaction was added to gtid_executed";
      return true;
    }
    return false;
  }

  Result<std::string> executed_gtids() {
    DMSKAFKA_ASSIGN(const QueryResult row, control_.query("SELECT @@GLOBAL.gtid_executed", stop_));
    return normalised_gtid(row.text(0, 0));
  }

  // --- neither ---

  Result<void> take_alone() {
    while (moment_.sessions.size() > 1) moment_.sessions.pop_back();
    DMSKAFKA_TRY(read_position());
    DMSKAFKA_TRY(begin_all());
    moment_.how = "by one session alone";
    if (flavour() == Flavour::kMariadb) {
      DMSKAFKA_ASSIGN(const std::optional<BinlogPosition> exact, position_seen_by(moment_.sessions.front()));
      if (exact) {
        moment_.position = exact;
        DMSKAFKA_TRY(add_mariadb_gtid());
      }
    }
    log_warning(
        fmt::format("one session reads everything: no moment could be found that several see alike{}",
                    flavour() == Flavour::kMysql
                        ? "; what is committed in that moment may be sent twice when changes are followed"
                        : ""));
    log_warning(fmt::format("for several: GRANT RELOAD ON *.* TO {};", quote_account(control_.account())));
    return {};
  }

  Connection& control_;
  const std::shared_ptr<const SourceSettings> settings_;
  const MomentOptions options_;
  const std::stop_token stop_;
  ConsistentMoment moment_;
};

}  // namespace

Result<ConsistentMoment> take_moment(Connection& control,
                                     const std::shared_ptr<const SourceSettings>& settings,
                                     const MomentOptions& options, const std::stop_token& stop) {
  return MomentTaker(control, settings, options, stop).take();
}

}  // namespace dmskafka::mysql

#include "sources/mysql/log_gaps.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/logging.h"
#include "core/base/pause.h"
#include "sources/mysql/catalog.h"
#include "sources/mysql/gtid.h"
#include "sources/mysql/identifier.h"
#include "sources/mysql/log_status.h"

namespace dmskafka::mysql {
namespace {

/// A transaction is in the log a moment before it is in gtid_executed.
constexpr int kExecutedTries = 10;
constexpr std::chrono::milliseconds kExecutedPause{200};
constexpr std::size_t kShownGtids = 300;

Error lost(std::string message) {
  return Error(ErrorCode::kPositionLost, std::move(message)).hint("load the tables again with --restart");
}

std::string shown(const std::string& gtids) {
  return gtids.size() <= kShownGtids ? gtids : gtids.substr(0, kShownGtids) + "…";
}

struct LogFile {
  std::string name;
  std::uint64_t size = 0;
};

class Checks {
 public:
  Checks(Connection& connection, const std::shared_ptr<const SourceSettings>& settings,
         const Replica& replica, BinlogPosition from, const std::stop_token& stop)
      : connection_(connection), settings_(settings), replica_(replica), stop_(stop) {
    plan_.from = std::move(from);
  }

  Result<Continuation> run() {
    DMSKAFKA_TRY(compare_server());
    DMSKAFKA_TRY(choose_start());
    if (plan_.start.by == DumpStart::By::kGtid) {
      DMSKAFKA_TRY(connection_.version().is_mariadb() ? check_domains() : check_gtids());
    }
    if (plan_.same_server) DMSKAFKA_TRY(check_files());
    return std::move(plan_);
  }

 private:
  Result<void> compare_server() {
    BinlogPosition& from = plan_.from;
    const Flavour flavour = connection_.version().flavour;
    if (from.flavour != flavour) {
      return lost(fmt::format("{} is a {} server, and the position {} is one of {}", connection_.place(),
                              flavour_name(flavour), print_position(from), flavour_name(from.flavour)));
    }
    DMSKAFKA_ASSIGN(std::string server, read_server_name(connection_, stop_));
    plan_.same_server = from.server.empty() || from.server == server;
    DMSKAFKA_ASSIGN(gtids_usable_, gtids_carry_over());
    if (!plan_.same_server && !gtids_usable_) {
      return Error(ErrorCode::kPositionLost,
                   fmt::format("{} is another server ({}) than the one that the position {} belongs to ({}), "
                               "and without GTIDs a position means nothing on another server",
                               connection_.place(), server, print_position(from), from.server))
          .hint("connect to the server that the task began with, or load the tables again with --restart");
    }
    if (!plan_.same_server) {
      log_warning(fmt::format("{} is another server than before ({} instead of {}): going on by GTID",
                              connection_.place(), server, from.server));
      ++from.epoch;
      from.file_time = 0;
    }
    from.server = std::move(server);
    return {};
  }

  /// Whether the server finds a place by GTIDs, and we have some.
  Result<bool> gtids_carry_over() {
    if (connection_.version().is_mariadb()) return !plan_.from.gtid.empty();
    DMSKAFKA_ASSIGN(const QueryResult mode, connection_.query("SELECT @@GLOBAL.gtid_mode", stop_));
    server_has_gtids_ = mode.text(0, 0) == "ON";
    return server_has_gtids_ && !plan_.from.gtid.empty();
  }

  Result<void> choose_start() {
    BinlogPosition& from = plan_.from;
    if (!gtids_usable_ && connection_.version().is_mariadb()) DMSKAFKA_TRY(look_up_gtid());
    DumpStart& start = plan_.start;
    const BinlogPosition::Reread place =
        from.reread ? *from.reread : BinlogPosition::Reread{from.file, from.offset, from.gtid};
    start.file = place.file;
    start.offset = place.offset;
    start.gtid = place.gtid;
    if (gtids_usable_ && !place.gtid.empty()) {
      start.by = DumpStart::By::kGtid;
    } else if (!plan_.same_server) {
      return lost(
          fmt::format("transactions that were prepared (XA) before {} are only known by their place "
                      "in the files of the server {}",
                      print_position(from), from.server));
    } else if (server_has_gtids_ && from.gtid.empty()) {
      start.offset = 4;  // the head of the file says what was before it
    }
    return {};
  }

  Result<void> look_up_gtid() {
    DMSKAFKA_ASSIGN(plan_.from.gtid, mariadb_gtids(connection_, plan_.from, stop_));
    gtids_usable_ = !plan_.from.gtid.empty();
    return {};
  }

  // --- MySQL's sets ---

  Result<void> check_gtids() {
    const std::string ours = quote_literal(plan_.start.gtid);
    DMSKAFKA_ASSIGN(
        const QueryResult purged,
        connection_.query(fmt::format("SELECT GTID_SUBTRACT(@@GLOBAL.gtid_purged, {})", ours), stop_));
    if (const std::string missing = normalised_gtid(purged.text(0, 0)); !missing.empty()) {
      return lost(
          fmt::format("{} has purged transactions that were not read yet: {} (the position is {}); they are "
                      "lost to this task",
                      connection_.place(), shown(missing), print_position(plan_.from)));
    }
    for (int attempt = 1;; ++attempt) {
      DMSKAFKA_ASSIGN(const QueryResult row,
                      connection_.query(fmt::format("SELECT GTID_SUBTRACT({}, @@GLOBAL.gtid_executed)",
                                                    quote_literal(plan_.from.gtid)),
                                        stop_));
      const std::string unknown = normalised_gtid(row.text(0, 0));
      if (unknown.empty()) return {};
      if (attempt == kExecutedTries) {
        return lost(fmt::format(
            "{} does not have transactions that were sent already: {}. Its log was reset, it is a restored "
            "backup, or a replica that took over too early",
            connection_.place(), shown(unknown)));
      }
      pause(kExecutedPause, stop_);
      if (stop_.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
    }
  }

  // --- MariaDB's domains ---

  /// A server takes a domain that it never heard of for one that has nothing yet. Purged transactions and others of the same
  /// number it refuses by itself, when the dump begins.
  Result<void> check_domains() {
    DMSKAFKA_ASSIGN(const QueryResult row,
                    connection_.query("SELECT @@GLOBAL.gtid_binlog_pos, @@GLOBAL.gtid_current_pos", stop_));
    DMSKAFKA_ASSIGN(const GtidMap ours, GtidMap::parse(plan_.from.gtid));
    DMSKAFKA_ASSIGN(const GtidMap logged, GtidMap::parse(row.text(0, 0)));
    DMSKAFKA_ASSIGN(const GtidMap applied, GtidMap::parse(row.text(0, 1)));
    for (const auto& [domain, entry] : ours.domains()) {
      if (logged.covers(domain, entry.sequence) || applied.covers(domain, entry.sequence)) continue;
      return lost(
          fmt::format("{} does not have the transaction {}-{}-{}, which was sent already. Its log was "
                      "reset, it is a restored backup, or a replica that took over too early",
                      connection_.place(), domain, entry.server_id, entry.sequence));
    }
    return {};
  }

  // --- files ---

  Result<std::optional<std::vector<LogFile>>> read_files() {
    DMSKAFKA_ASSIGN(const Connection::Outcome outcome, connection_.run("SHOW BINARY LOGS", stop_));
    if (outcome.failure) {
      log_debug(fmt::format("the server does not list its binlog files: {}", outcome.failure->message));
      return std::optional<std::vector<LogFile>>();
    }
    std::vector<LogFile> files(outcome.rows.rows());
    for (std::size_t row = 0; row < files.size(); ++row) {
      files[row].name = outcome.rows.text(row, 0);
      const std::string_view digits = outcome.rows.text(row, 1);
      std::from_chars(digits.data(), digits.data() + digits.size(), files[row].size);
    }
    return std::optional<std::vector<LogFile>>(std::move(files));
  }

  Result<void> check_files() {
    const BinlogPosition& from = plan_.from;
    DMSKAFKA_ASSIGN(const auto files, read_files());
    if (!files || files->empty()) return {};
    const std::string& first_needed = plan_.start.file;
    const auto find = [&](const std::string& name) -> const LogFile* {
      for (const LogFile& file : *files) {
        if (file.name == name) return &file;
      }
      return nullptr;
    };
    const auto number = binlog_file_number(from.file).value_or(0);
    const auto last = binlog_file_number(files->back().name).value_or(0);
    const LogFile* const file = find(from.file);
    if (number > last || (file != nullptr && file->size < from.offset)) {
      return lost(
          fmt::format("the binlog of {} ends at {}:{}, before the position {}: it was reset, or the "
                      "server lost the end of it",
                      connection_.place(), files->back().name, files->back().size, print_position(from)));
    }
    if (plan_.start.by == DumpStart::By::kFile && find(first_needed) == nullptr) {
      return lost(
          fmt::format("{} does not have the binlog file {} any more, where the position {} stands; "
                      "its oldest is {}",
                      connection_.place(), first_needed, print_position(from), files->front().name));
    }
    if (file == nullptr || from.file_time == 0) return {};
    DMSKAFKA_ASSIGN(const std::uint32_t time, read_file_time(settings_, replica_, from.file, stop_));
    if (time == from.file_time) return {};
    return lost(
        fmt::format("the file {} of {} is not the one that the position {} belongs to: the binlog was "
                    "reset",
                    from.file, connection_.place(), print_position(from)));
  }

  Connection& connection_;
  const std::shared_ptr<const SourceSettings>& settings_;
  const Replica& replica_;
  const std::stop_token& stop_;
  Continuation plan_;
  bool gtids_usable_ = false;
  bool server_has_gtids_ = false;  // MySQL
};

}  // namespace

Result<std::string> read_server_name(Connection& connection, const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(SourceIdentity identity, read_identity(connection, stop));
  return std::move(identity.server);
}

Result<Continuation> continue_from(Connection& connection,
                                   const std::shared_ptr<const SourceSettings>& settings,
                                   const Replica& replica, const BinlogPosition& from,
                                   const std::stop_token& stop) {
  return Checks(connection, settings, replica, from, stop).run();
}

}  // namespace dmskafka::mysql

#include "sources/mysql/log_preflight.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sources/mysql/identifier.h"
#include "sources/mysql/log_status.h"
#include "sources/mysql/replica_session.h"

namespace dmskafka::mysql {
namespace {

/// A log that is kept for less may be gone before a load is done, or a weekend over.
constexpr std::uint64_t kExpiryMin = 2 * 86'400;
constexpr std::uint64_t kExpiryAdvised = 7 * 86'400;
/// From here on the server logs what its foreign keys change.
constexpr std::uint32_t kCascadesLogged = 90600;
constexpr std::uint32_t kMariadbExpirySeconds = 100601;
constexpr std::uint32_t kMysqlExpirySeconds = 80001;

/// Whether a list of databases, as SHOW MASTER STATUS prints it, has this one.
bool lists(std::string_view list, std::string_view database) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (list.substr(0, comma) == database) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

/// A foreign key by which the server changes rows itself.
struct Cascade {
  std::string name;
  std::string actions;  ///< "ON DELETE CASCADE ON UPDATE SET NULL"
};

/// Of a statement as SHOW CREATE TABLE writes it: a line for each key, which ends with what is done.
std::vector<Cascade> cascades(std::string_view statement) {
  constexpr std::string_view kBegin = "  CONSTRAINT `";
  constexpr std::string_view kKey = "` FOREIGN KEY (";
  std::vector<Cascade> found;
  while (!statement.empty()) {
    std::string_view line = statement.substr(0, statement.find('\n'));
    statement.remove_prefix(std::min(line.size() + 1, statement.size()));
    const std::size_t key = line.find(kKey);
    if (!line.starts_with(kBegin) || key == std::string_view::npos) continue;
    std::string_view actions = line.substr(line.rfind(')') + 1);
    if (actions.ends_with(',')) actions.remove_suffix(1);
    if (actions.starts_with(' ')) actions.remove_prefix(1);
    const bool changes_rows =
        actions.find("CASCADE") != std::string_view::npos || actions.find(" SET ") != std::string_view::npos;
    if (!changes_rows) continue;
    found.push_back({std::string(line.substr(kBegin.size(), key - kBegin.size())), std::string(actions)});
  }
  return found;
}

class LogChecks {
 public:
  LogChecks(Connection& connection, const std::shared_ptr<const SourceSettings>& settings, ReplicaWish wish,
            const std::stop_token& stop)
      : connection_(connection), settings_(settings), wish_(std::move(wish)), stop_(stop) {}

  Result<std::vector<PreflightFinding>> run(std::span<const TableSchema* const> tables,
                                            bool allow_partial_images) {
    DMSKAFKA_TRY(read_variables());
    if (is_off("log_bin")) {
      error("the server keeps no binary log (log_bin is OFF)",
            "set log_bin and server_id in the server's configuration, and restart it");
      return std::move(findings_);
    }
    check_format();
    check_row_image(allow_partial_images);
    check_metadata();
    DMSKAFKA_TRY(check_rights(tables));
    DMSKAFKA_TRY(check_chain());
    DMSKAFKA_TRY(check_retention());
    DMSKAFKA_TRY(check_cascades(tables));
    return std::move(findings_);
  }

 private:
  void error(std::string problem, std::string repair) {
    findings_.push_back({PreflightFinding::Severity::kError, std::move(problem), std::move(repair)});
  }
  void warning(std::string problem, std::string repair) {
    findings_.push_back({PreflightFinding::Severity::kWarning, std::move(problem), std::move(repair)});
  }
  bool mariadb() const { return connection_.version().is_mariadb(); }
  std::string account() const { return quote_account(connection_.account()); }

  Result<void> read_variables() {
    DMSKAFKA_ASSIGN(
        const QueryResult rows,
        connection_.query("SHOW GLOBAL VARIABLES WHERE Variable_name IN ('log_bin', 'binlog_format', "
                          "'binlog_row_image', 'binlog_row_metadata', 'log_slave_updates', "
                          "'log_replica_updates', 'server_id')",
                          stop_));
    for (std::size_t row = 0; row < rows.rows(); ++row) {
      variables_.emplace(rows.text(row, 0), rows.text(row, 1));
    }
    return {};
  }
  bool has(std::string_view name) const { return variables_.contains(std::string(name)); }
  std::string_view value(std::string_view name) const {
    const auto found = variables_.find(std::string(name));
    return found == variables_.end() ? std::string_view() : std::string_view(found->second);
  }
  bool is_off(std::string_view name) const { return value(name) == "OFF"; }

  void check_format() {
    if (has("binlog_format") && value("binlog_format") != "ROW") {
      error(
          fmt::format("binlog_format is {}: the log holds statements, not the rows that they change",
                      value("binlog_format")),
          "SET GLOBAL binlog_format = ROW; and the same in the configuration, and end the sessions that are "
          "open");
    }
    if (value("server_id") == "0") {
      error("server_id is 0: the server serves no replicas", "SET GLOBAL server_id = 1;");
    }
  }

  void check_row_image(bool allow_partial_images) {
    const std::string_view image = value("binlog_row_image");
    if (image.empty() || image == "FULL" || image == "FULL_NODUP") return;
    const std::string problem =
        fmt::format("binlog_row_image is {}: changes do not have all columns of their rows", image);
    const std::string repair =
        "SET GLOBAL binlog_row_image = FULL; and the same in the configuration, and end the sessions that "
        "are open";
    if (allow_partial_images) {
      warning(problem + "; what is not known is left out (AllowPartialImages)", repair);
    } else {
      error(problem, repair);
    }
  }

  void check_metadata() {
    if (!has("binlog_row_metadata") || value("binlog_row_metadata") == "FULL") return;
    warning(fmt::format(
                "binlog_row_metadata is {}: the log does not say what columns are called. They are tracked "
                "through every ALTER, and what cannot be told for certain ends the task",
                value("binlog_row_metadata")),
            "SET GLOBAL binlog_row_metadata = FULL;");
  }

  /// Rights show when they are used.
  Result<void> check_rights(std::span<const TableSchema* const> tables) {
    const bool renamed = !mariadb() && connection_.version().number >= 80200;
    DMSKAFKA_ASSIGN(const Connection::Outcome status,
                    connection_.run(renamed ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS", stop_));
    if (status.failure) {
      error(fmt::format("user {} may not ask where the binary log ends: {}", account(),
                        status.failure->message),
            fmt::format("GRANT {} ON *.* TO {};", mariadb() ? "BINLOG MONITOR" : "REPLICATION CLIENT",
                        account()));
    } else {
      check_filters(status.rows, tables);
    }
    DMSKAFKA_ASSIGN(const Replica replica, choose_replica(connection_, wish_, stop_));
    const auto tried = try_replica(settings_, replica, stop_);
    if (tried) return {};
    if (tried.error().code() != ErrorCode::kSourceRejected) return tried.error();
    error(fmt::format("user {} may not read the log as a replica: {}", account(), tried.error().message()),
          fmt::format("GRANT REPLICATION SLAVE ON *.* TO {};", account()));
    return {};
  }

  void check_filters(const QueryResult& status, std::span<const TableSchema* const> tables) {
    const auto logged = status.find_column("Binlog_Do_DB");
    const auto ignored = status.find_column("Binlog_Ignore_DB");
    if (status.rows() == 0 || !logged || !ignored) return;
    const std::string_view only = status.text(0, *logged);
    std::vector<std::string> hidden;
    for (const TableSchema* table : tables) {
      const std::string& database = table->name.schema;
      const bool left_out =
          (!only.empty() && !lists(only, database)) || lists(status.text(0, *ignored), database);
      if (left_out && std::ranges::find(hidden, database) == hidden.end()) hidden.push_back(database);
    }
    for (const std::string& database : hidden) {
      error(
          fmt::format("the binary log leaves the database {} out (binlog_do_db, binlog_ignore_db)", database),
          "remove the filter from the server's configuration, and restart it");
    }
  }

  /// What a replica applies is in its own log only if it is told so.
  Result<void> check_chain() {
    if (!is_off("log_slave_updates") && !is_off("log_replica_updates")) return {};
    const bool renamed = !mariadb() && connection_.version().number >= 80022;
    DMSKAFKA_ASSIGN(const Connection::Outcome source,
                    connection_.run(renamed ? "SHOW REPLICA STATUS" : "SHOW SLAVE STATUS", stop_));
    if (source.failure || source.rows.rows() == 0) return {};
    error("the server is a replica, and what it applies is not in its own log (log_slave_updates is OFF)",
          "set log_slave_updates in its configuration, and restart it");
    return {};
  }

  Result<void> check_retention() {
    DMSKAFKA_ASSIGN(const auto expiry, read_expiry(connection_, stop_));
    if (!expiry || *expiry == 0 || *expiry >= kExpiryMin) return {};
    const std::uint32_t version = connection_.version().number;
    const bool in_seconds = version >= (mariadb() ? kMariadbExpirySeconds : kMysqlExpirySeconds);
    warning(fmt::format("the server purges its binlog files after {} s: a load, or a task that stands still, "
                        "may take longer, and would have to begin again",
                        *expiry),
            in_seconds ? fmt::format("SET GLOBAL binlog_expire_logs_seconds = {};", kExpiryAdvised)
                       : fmt::format("SET GLOBAL expire_logs_days = {};", kExpiryAdvised / 86'400));
    return {};
  }

  Result<void> check_cascades(std::span<const TableSchema* const> tables) {
    if (!mariadb() && connection_.version().number >= kCascadesLogged) return {};
    // The catalogue shows foreign keys only to those who may do more than read.
    for (const TableSchema* table : tables) {
      DMSKAFKA_ASSIGN(const Connection::Outcome outcome,
                      connection_.run("SHOW CREATE TABLE " + quote_table(table->name), stop_));
      if (outcome.failure || outcome.rows.rows() != 1) continue;
      for (const Cascade& key : cascades(outcome.rows.text(0, 1))) {
        warning(fmt::format("{}: its foreign key {} is {}: rows that the server changes by it are not in the "
                            "binary log, and will not be sent",
                            table->name.text(), key.name, key.actions),
                fmt::format("ALTER TABLE {} DROP FOREIGN KEY {}; and let the application change the rows",
                            quote_table(table->name), quote_identifier(key.name)));
      }
    }
    return {};
  }

  Connection& connection_;
  const std::shared_ptr<const SourceSettings>& settings_;
  const ReplicaWish wish_;
  const std::stop_token& stop_;
  std::map<std::string, std::string> variables_;
  std::vector<PreflightFinding> findings_;
};

}  // namespace

Result<std::vector<PreflightFinding>> check_log(Connection& connection,
                                                const std::shared_ptr<const SourceSettings>& settings,
                                                ReplicaWish wish, std::span<const TableSchema* const> tables,
                                                bool allow_partial_images, const std::stop_token& stop) {
  return LogChecks(connection, settings, std::move(wish), stop).run(tables, allow_partial_images);
}

}  // namespace dmskafka::mysql

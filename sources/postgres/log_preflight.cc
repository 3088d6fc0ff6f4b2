#include "sources/postgres/log_preflight.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "sources/postgres/identifier.h"
#include "sources/postgres/publication.h"
#include "sources/postgres/replication_slot.h"
#include "sources/postgres/sql/queries.h"

namespace dmskafka::postgres {
namespace {

constexpr int kStandbyVersion = 160'000;
constexpr int kViaRootVersion = 130'000;
/// Younger transactions end before anybody has read about them.
constexpr std::int64_t kBlockerSeconds = 1;

std::int64_t to_number(std::string_view text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// The columns of log_facts.sql.
enum Fact : int {
  kWalLevel,
  kSlotsLeft,
  kSendersLeft,
  kMayCreate,
  kStandby,
  kSlotKeepSize,
  kDatabase,
  kSlotsMax,
  kSendersMax,
  kSuperuser
};

class LogChecks {
 public:
  LogChecks(Connection& connection, const std::shared_ptr<const SourceSettings>& settings,
            const TaskObjects& objects, const std::stop_token& stop)
      : connection_(connection), settings_(settings), objects_(objects), stop_(stop) {}

  Result<std::vector<PreflightFinding>> run(std::span<const TableSchema* const> tables) {
    DMSKAFKA_ASSIGN(const QueryResult facts, connection_.query(kLogFactsSql, {}, stop_));
    DMSKAFKA_ASSIGN(const auto slot, read_slot(connection_, objects_.slot, stop_));
    DMSKAFKA_ASSIGN(const auto log_tables, read_log_tables(connection_, tables, stop_));
    check_server(facts, slot.has_value());
    DMSKAFKA_TRY(check_replication());
    DMSKAFKA_TRY(check_publications(facts, log_tables));
    for (const LogTable& table : log_tables) check_table(table);
    if (!slot) DMSKAFKA_TRY(check_blockers());
    return std::move(findings_);
  }

 private:
  void error(std::string problem, std::string repair) {
    findings_.push_back({PreflightFinding::Severity::kError, std::move(problem), std::move(repair)});
  }
  void warning(std::string problem, std::string repair) {
    findings_.push_back({PreflightFinding::Severity::kWarning, std::move(problem), std::move(repair)});
  }

  void check_server(const QueryResult& facts, bool has_slot) {
    if (facts.text(0, kWalLevel) != "logical") {
      error(fmt::format("wal_level is {}: the server's log does not hold the changes of rows",
                        facts.text(0, kWalLevel)),
            "ALTER SYSTEM SET wal_level = logical; then restart the server");
    }
    if (!has_slot && to_number(facts.text(0, kSlotsLeft)) <= 0) {
      error(fmt::format("all {} replication slots of the server are taken (max_replication_slots)",
                        facts.text(0, kSlotsMax)),
            fmt::format("ALTER SYSTEM SET max_replication_slots = {}; then restart the server",
                        to_number(facts.text(0, kSlotsMax)) + 4));
    }
    if (to_number(facts.text(0, kSendersLeft)) <= 0) {
      error(fmt::format("all {} replication connections of the server are taken (max_wal_senders)",
                        facts.text(0, kSendersMax)),
            fmt::format("ALTER SYSTEM SET max_wal_senders = {}; then restart the server",
                        to_number(facts.text(0, kSendersMax)) + 4));
    }
    if (facts.boolean(0, kStandby)) {
      if (connection_.server_version() < kStandbyVersion) {
        error("the server is a standby, which can be followed from PostgreSQL 16 on only",
              "connect to the primary");
      } else if (!has_slot) {
        warning(
            "the server is a standby: a new replication slot waits there until the primary logs its "
            "running transactions",
            "SELECT pg_log_standby_snapshot(); on the primary, while this task starts");
      }
    }
    if (!facts.is_null(0, kSlotKeepSize) && facts.text(0, kSlotKeepSize) != "-1") {
      warning(fmt::format("the server gives a replication slot up when it keeps more than {} MB of log "
                          "(max_slot_wal_keep_size); the task would then have to load its tables again",
                          facts.text(0, kSlotKeepSize)),
              "ALTER SYSTEM SET max_slot_wal_keep_size = -1; SELECT pg_reload_conf();");
    }
  }

  /// Role, pg_hba.conf and a pooler in between show when it is tried.
  Result<void> check_replication() {
    const auto replication = Connection::open_replication(settings_, stop_);
    if (replication) return {};
    if (replication.error().code() == ErrorCode::kCancelled) return replication.error();
    error(fmt::format("user \"{}\" cannot open a replication connection: {}", connection_.user(),
                      replication.error().message()),
          fmt::format("ALTER ROLE {} REPLICATION; (on Amazon RDS: GRANT rds_replication TO {};) and, in "
                      "pg_hba.conf, the same line that admits the database",
                      quote_identifier(connection_.user()), quote_identifier(connection_.user())));
    return {};
  }

  Result<void> check_publications(const QueryResult& facts, std::span<const LogTable> tables) {
    TaskPublications publications(connection_, objects_, stop_);
    DMSKAFKA_ASSIGN(const WantedPublications wanted, publications.wanted(tables));
    DMSKAFKA_ASSIGN(const auto now, publications.read());
    DMSKAFKA_ASSIGN(const auto obstacle, publications.obstacle(wanted));
    if (obstacle) {
      error(*obstacle, "as the tables' owner, or a superuser: " + publications.statements(wanted));
    }
    if (!now.first.exists && !facts.boolean(0, kMayCreate)) {
      error(fmt::format("user \"{}\" may not create a publication in the database \"{}\"", connection_.user(),
                        facts.text(0, kDatabase)),
            fmt::format("GRANT CREATE ON DATABASE {} TO {};", quote_identifier(facts.text(0, kDatabase)),
                        quote_identifier(connection_.user())));
    }
    return {};
  }

  void check_table(const LogTable& table) {
    const std::string name = table.schema->name.text();
    const std::string quoted = quote_table(table.schema->name);
    if (!table.logged()) {
      const std::string_view what = table.kind == 'v'          ? "a view"
                                    : table.kind == 'm'        ? "a materialised view"
                                    : table.kind == 'f'        ? "a foreign table"
                                    : table.persistence == 'u' ? "unlogged"
                                                               : "temporary";
      warning(
          fmt::format("{} is {}: its changes are not in the log; it is loaded, and not followed", name, what),
          table.persistence == 'u' ? fmt::format("ALTER TABLE {} SET LOGGED;", quoted) : "");
      return;
    }
    if (table.generated_identity) {
      warning(fmt::format(
                  "{} has a generated column in its replica identity, which the server does not publish: its "
                  "inserts and truncates are followed, its updates and deletes are not (publishing them "
                  "would make the application's own statements fail)",
                  name),
              fmt::format("ALTER TABLE {} REPLICA IDENTITY DEFAULT; with a primary key of other columns",
                          quoted));
    } else if (!table.usable_identity) {
      warning(fmt::format("{} has no {}: its inserts and truncates are followed, its updates and deletes are "
                          "not (publishing them would make the application's own statements fail)",
                          name,
                          table.kind == 'p' ? "primary key, from which all of its partitions have their "
                                              "replica identity"
                                            : "primary key or other replica identity"),
              table.kind == 'p' ? fmt::format("ALTER TABLE {} ADD PRIMARY KEY (…);", quoted)
                                : fmt::format("ALTER TABLE {} ADD PRIMARY KEY (…); or ALTER TABLE {} REPLICA "
                                              "IDENTITY FULL;",
                                              quoted, quoted));
    } else if (table.identity == 'i' && table.schema->has_primary_key()) {
      warning(
          fmt::format("the replica identity of {} is an index: a delete carries the columns of that index, "
                      "and the primary key only where it is among them",
                      name),
          fmt::format("ALTER TABLE {} REPLICA IDENTITY DEFAULT;", quoted));
    }
    if (table.kind == 'p' && connection_.server_version() < kViaRootVersion) {
      warning(fmt::format(
                  "{} is partitioned, and before PostgreSQL 13 its {} partitions are followed one by one: "
                  "a partition that is added later is followed from the next start on",
                  name, table.leaves),
              "");
    }
  }

  Result<void> check_blockers() {
    DMSKAFKA_ASSIGN(const QueryResult rows, connection_.query(kBlockersSql, {}, stop_));
    if (to_number(rows.text(0, 0)) == 0 || to_number(rows.text(0, 2)) < kBlockerSeconds) return {};
    warning(
        fmt::format("a new replication slot waits until these transactions have ended: {} (the oldest has "
                    "run for {} s)",
                    rows.text(0, 1), rows.text(0, 2)),
        "COMMIT or ROLLBACK there; ROLLBACK PREPARED for a prepared one");
    return {};
  }

  Connection& connection_;
  const std::shared_ptr<const SourceSettings>& settings_;
  const TaskObjects& objects_;
  const std::stop_token& stop_;
  std::vector<PreflightFinding> findings_;
};

}  // namespace

Result<std::vector<PreflightFinding>> check_log(Connection& connection,
                                                const std::shared_ptr<const SourceSettings>& settings,
                                                const TaskObjects& objects,
                                                std::span<const TableSchema* const> tables,
                                                const std::stop_token& stop) {
  return LogChecks(connection, settings, objects, stop).run(tables);
}

}  // namespace dmskafka::postgres

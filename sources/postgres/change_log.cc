#include "sources/postgres/change_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/base/logging.h"
#include "core/base/pause.h"
#include "sources/postgres/catalog.h"
#include "sources/postgres/change_stream.h"
#include "sources/postgres/ddl_capture.h"
#include "sources/postgres/identifier.h"
#include "sources/postgres/log_preflight.h"
#include "sources/postgres/lsn.h"
#include "sources/postgres/publication.h"
#include "sources/postgres/sql/queries.h"

namespace dmskafka::postgres {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kMessagesVersion = 140'000;
constexpr int kViaRootVersion = 130'000;
/// How often a load begins anew because tables were rewritten in the moment between its snapshot and its locks.
constexpr int kAttempts = 5;
constexpr milliseconds kRetryRewritten{100};  ///< times the attempt
/// A run that was killed leaves a session that the server notices after wal_sender_timeout, 60 s unless changed.
constexpr milliseconds kLeavePatience{70'000};
constexpr milliseconds kRetryFirst{100};
constexpr milliseconds kRetryMax{2'000};
constexpr const char* kObjectInUse = "55006";

std::vector<const TableSchema*> pointers(std::span<const std::shared_ptr<const TableSchema>> tables) {
  std::vector<const TableSchema*> all;
  for (const auto& table : tables) all.push_back(table.get());
  return all;
}

/// Those that there are, and those that were dropped since the checkpoint: the log still speaks of them.
FollowedTables::Tables with_dropped(const StreamTables& tables) {
  FollowedTables::Tables all(tables.now.begin(), tables.now.end());
  for (const auto& known : tables.known) {
    if (known->source_handle.empty()) continue;
    const std::string oid = TableHandle::parse(known->source_handle).oid;
    const bool there = std::ranges::any_of(tables.now, [&](const auto& table) {
      return table->name == known->name || TableHandle::parse(table->source_handle).oid == oid;
    });
    if (!there) all.push_back(known);
  }
  return all;
}

Result<Lsn> own_lsn(const LogPosition& position) {
  const auto parsed = parse_position_bytes(position.bytes);
  if (!parsed) {
    return Error(ErrorCode::kStateFile,
                 fmt::format("\"{}\" is no position of a PostgreSQL log", position.bytes));
  }
  return parsed->lsn;
}

}  // namespace

PostgresChangeLog::PostgresChangeLog(std::shared_ptr<const SourceSettings> settings, Options options,
                                     std::string_view task_id, std::stop_token stop)
    : settings_(std::move(settings)),
      options_(std::move(options)),
      objects_(task_objects(task_id, *settings_)),
      stop_(std::move(stop)) {}

Result<Connection*> PostgresChangeLog::connection(const std::stop_token& stop) {
  if (!connection_ || !connection_->usable()) {
    DMSKAFKA_ASSIGN(connection_, Connection::open(settings_, stop));
  }
  return &*connection_;
}

Result<std::vector<PreflightFinding>> PostgresChangeLog::preflight(
    std::span<const TableSchema* const> tables) {
  DMSKAFKA_ASSIGN(Connection* const connection, this->connection(stop_));
  return check_log(*connection, settings_, objects_, tables, stop_);
}

/// A slot of our own name is ours. One that SlotName names is, when the publication says so.
Result<bool> PostgresChangeLog::slot_is_made_by_us(const std::stop_token& stop) {
  if (objects_.slot == objects_.publication) return true;
  DMSKAFKA_ASSIGN(Connection* const connection, this->connection(stop));
  TaskPublications publications(*connection, objects_, stop);
  DMSKAFKA_ASSIGN(const auto found, publications.read());
  return found.first.comment == objects_.mark();
}

Result<LogPosition> PostgresChangeLog::adopt_slot(const ReplicationSlot& slot) {
  if (slot.plugin != "pgoutput" || !slot.this_database || !slot.confirmed) {
    return Error(ErrorCode::kSourceRejected,
                 fmt::format(
                     "the replication slot {} cannot be followed: its plugin is {}, its database \"{}\"",
                     slot.name, slot.plugin, slot.database))
        .hint(fmt::format("SELECT pg_create_logical_replication_slot('{}', 'pgoutput');", slot.name));
  }
  DMSKAFKA_ASSIGN(Connection replication, Connection::open_replication(settings_, stop_));
  DMSKAFKA_ASSIGN(const std::string system_id, identify_system(replication, stop_));
  return log_position(*slot.confirmed, system_id);
}

Result<ChangeLog::Prepared> PostgresChangeLog::prepare(std::span<const TableSchema* const> tables,
                                                       WithSnapshot snapshot, std::stop_token stop) {
  for (int attempt = 1; attempt <= kAttempts; ++attempt) {
    DMSKAFKA_ASSIGN(auto prepared, try_prepare(tables, snapshot, stop));
    if (prepared) return std::move(*prepared);
    log_warning("a table was truncated or rewritten while the snapshot was taken; it is taken again");
    pause(kRetryRewritten * attempt, stop);
  }
  return Error(ErrorCode::kSourceUnavailable,
               fmt::format("tables were truncated or rewritten in the moment of each of {} snapshots",
                           kAttempts))
      .hint("something alters them all the time; try again when it does not");
}

/// nullopt: the snapshot would have missed rows, everything of it is given back.
Result<std::optional<ChangeLog::Prepared>> PostgresChangeLog::try_prepare(
    std::span<const TableSchema* const> tables, WithSnapshot snapshot, const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(Connection* const connection, this->connection(stop));
  DMSKAFKA_ASSIGN(const auto left, read_slot(*connection, objects_.slot, stop));
  DMSKAFKA_ASSIGN(const bool ours, slot_is_made_by_us(stop));
  if (left && !ours) {
    if (snapshot == WithSnapshot::kYes) {
      return Error(ErrorCode::kSourceRejected,
                   fmt::format("the replication slot {} (SlotName) exists already, and only a new slot comes "
                               "with a snapshot to load from",
                               objects_.slot))
          .hint(fmt::format("leave SlotName out, or SELECT pg_drop_replication_slot('{}');", objects_.slot));
    }
    DMSKAFKA_ASSIGN(LogPosition start, adopt_slot(*left));
    return std::optional<Prepared>(Prepared{std::move(start), nullptr});
  }
  DMSKAFKA_TRY(drop_slot(*connection, objects_.slot, kLeavePatience, stop));
  DMSKAFKA_TRY(ensure_ddl_capture(*connection, *settings_, stop));
  DMSKAFKA_ASSIGN(const auto log_tables, read_log_tables(*connection, tables, stop));
  TaskPublications publications(*connection, objects_, stop);
  DMSKAFKA_ASSIGN(const WantedPublications wanted, publications.wanted(log_tables));
  DMSKAFKA_TRY(publications.establish(wanted));

  const bool load = snapshot == WithSnapshot::kYes;
  DMSKAFKA_ASSIGN(CreatedSlot slot,
                  create_slot(settings_, *connection,
                              {.name = objects_.slot,
                               .snapshot = load ? ExportSnapshot::kYes : ExportSnapshot::kNo,
                               .patience = options_.transaction_wait},
                              stop));
  Prepared prepared;
  prepared.start = log_position(slot.consistent_point, slot.system_id);
  log_info(fmt::format("replication slot {} begins at {}", objects_.slot, prepared.start.text));
  if (!load) return std::optional<Prepared>(std::move(prepared));

  PostgresSnapshot::Options options = options_.snapshot;
  options.import = slot.snapshot;
  options.import_position = prepared.start;
  Connection leader =
      std::move(*connection_);  // so that the server never sees more than MaxConnections of them
  connection_.reset();
  auto taken = PostgresSnapshot::open(std::move(leader), settings_, tables, options, stop);
  if (taken && !(*taken)->rewritten_meanwhile()) {
    prepared.snapshot = std::move(*taken);
    return std::optional<Prepared>(std::move(prepared));
  }
  // A slot that nobody will read must not keep the server's log.
  slot.connection.reset();
  DMSKAFKA_ASSIGN(Connection* const cleaner, this->connection({}));
  DMSKAFKA_TRY(drop_slot(*cleaner, objects_.slot, kLeavePatience, {}));
  if (!taken) return taken.error();
  return std::optional<Prepared>();
}

/// Whether they are still those that the slot was made with is checked when the stream is opened.
Result<void> PostgresChangeLog::add_tables(std::span<const TableSchema* const> tables, std::stop_token stop) {
  DMSKAFKA_ASSIGN(Connection* const connection, this->connection(stop));
  DMSKAFKA_ASSIGN(const auto log_tables, read_log_tables(*connection, tables, stop));
  TaskPublications publications(*connection, objects_, stop);
  DMSKAFKA_ASSIGN(const WantedPublications wanted, publications.wanted(log_tables));
  return publications.add(wanted);
}

// SPEC dms-settings §4.2: "`checkpoint:V1#1#000004AF/B00000D0#0#0#*#0#0`: version, counter, stream position as in
// wire-format.md §3.2, then five fields."
Result<LogPosition> PostgresChangeLog::parse_position(std::string_view text) {
  std::string_view native = text;
  if (native.starts_with("checkpoint:")) {
    for (int field = 0; field < 2; ++field) {
      native.remove_prefix(std::min(native.find('#'), native.size() - 1) + 1);
    }
    native = native.substr(0, native.find('#'));
    native = native.substr(0, native.find('.'));
  }
  const auto lsn = parse_lsn(native);
  if (!lsn) {
    return Error(ErrorCode::kCommandLine, fmt::format("\"{}\" is no position of a PostgreSQL log", text))
        .hint(
            "a position is an LSN (4AF/B00000D0), or a checkpoint of DMS that holds one "
            "(checkpoint:V1#1#000004AF/B00000D0#0#0#*#0#0)");
  }
  return lsn_position(*lsn);
}

Result<LogPosition> PostgresChangeLog::restore_position(std::string_view bytes) {
  const auto parsed = parse_position_bytes(bytes);
  if (!parsed) {
    return Error(ErrorCode::kStateFile, fmt::format("\"{}\" is no position of a PostgreSQL log", bytes));
  }
  return log_position(parsed->lsn, parsed->system_id);
}

Result<LogPosition> PostgresChangeLog::current_end() {
  DMSKAFKA_ASSIGN(Connection* const connection, this->connection(stop_));
  // What the server calls its end may lie within a record that is not on the disk yet, and a quiet server would not reach it
  // for minutes. A message of our own, committed, is reached at once, and everything that was committed lies before it.
  const auto marked = connection->query(kMarkEndSql, {}, stop_);
  if (marked) {
    if (const auto lsn = parse_lsn(marked->text(0, 0))) return lsn_position(*lsn);
  }
  DMSKAFKA_ASSIGN(const QueryResult row, connection->query(kLogEndSql, {}, stop_));
  const auto lsn = parse_lsn(row.text(0, 0));
  if (!lsn) return Error(ErrorCode::kInternal, "the server does not tell the end of its log");
  return lsn_position(*lsn);
}

/// A server whose log ends before our position is not the one that gave it.
Result<void> PostgresChangeLog::check_end(Lsn from, const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(Connection* const connection, this->connection(stop));
  DMSKAFKA_ASSIGN(const QueryResult row, connection->query(kLogEndSql, {}, stop));
  const auto end = parse_lsn(row.text(0, 0));
  if (!end || *end >= from || row.boolean(0, 1)) return {};
  return Error(ErrorCode::kPositionLost,
               fmt::format("the server's log ends at {}, before our position {}: it is a restored backup, a "
                           "standby that was promoted too early, or another cluster",
                           format_lsn(*end), format_lsn(from)))
      .hint("load the tables again with --restart");
}

Result<std::unique_ptr<ChangeStream>> PostgresChangeLog::open_stream(const StreamTables& tables,
                                                                     const LogPosition& from,
                                                                     std::stop_token stop) {
  DMSKAFKA_ASSIGN(const Lsn lsn, own_lsn(from));
  ReplicationStream::Options options;
  options.start = lsn;
  std::string system_id;
  // The cluster first: what another one says about slots is of no interest.
  DMSKAFKA_ASSIGN(Connection replication, Connection::open_replication(settings_, stop));
  DMSKAFKA_ASSIGN(system_id, identify_system(replication, stop));
  DMSKAFKA_ASSIGN(options.sender_timeout, sender_timeout(replication, stop));
  const std::string known = parse_position_bytes(from.bytes)->system_id;
  if (!known.empty() && known != system_id) {
    return Error(ErrorCode::kPositionLost,
                 fmt::format(
                     "{} is another cluster (system identifier {}) than the one the position {} belongs to "
                     "({})",
                     replication.place(), system_id, from.text, known))
        .hint("connect to the cluster that the task began with, or load the tables again with --restart");
  }
  DMSKAFKA_ASSIGN(Connection* const connection, this->connection(stop));
  DMSKAFKA_ASSIGN(const auto slot, read_slot(*connection, objects_.slot, stop));
  DMSKAFKA_TRY(check_slot(slot, objects_.slot, settings_->database_name, lsn));
  DMSKAFKA_TRY(check_end(lsn, stop));

  DMSKAFKA_TRY(ensure_ddl_capture(*connection, *settings_, stop));
  const std::vector<const TableSchema*> schemas = pointers(tables.now);
  DMSKAFKA_ASSIGN(const auto log_tables, read_log_tables(*connection, schemas, stop));
  TaskPublications publications(*connection, objects_, stop);
  DMSKAFKA_ASSIGN(const WantedPublications wanted, publications.wanted(log_tables));
  DMSKAFKA_ASSIGN(const std::string names, publications.verify(wanted));
  auto followed = std::make_unique<FollowedTables>(settings_, with_dropped(tables), stop);
  if (connection->server_version() < kViaRootVersion) DMSKAFKA_TRY(followed->follow_leaves(*connection));
  if (options_.fetch_unchanged) followed->fetch_unchanged();

  DMSKAFKA_TRY(start(replication, lsn, names, options.sender_timeout, stop));
  return std::unique_ptr<ChangeStream>(std::make_unique<PostgresChangeStream>(
      std::move(replication), options, std::move(followed), std::move(system_id)));
}

/// A session that died without a word keeps the slot until the server notices.
Result<void> PostgresChangeLog::start(Connection& replication, Lsn from, const std::string& publication_names,
                                      milliseconds sender_timeout, const std::stop_token& stop) {
  const std::string command =
      fmt::format("START_REPLICATION SLOT {} LOGICAL {} (proto_version '1', publication_names '{}'{})",
                  quote_identifier(objects_.slot), format_lsn(from), publication_names,
                  replication.server_version() >= kMessagesVersion ? ", messages 'true'" : "");
  const Clock::time_point until =
      Clock::now() + std::max(kLeavePatience, sender_timeout + milliseconds(10'000));
  milliseconds retry = kRetryFirst;
  bool said = false;
  while (true) {
    DMSKAFKA_ASSIGN(const auto refusal, replication.start_stream(command, stop));
    if (!refusal) return {};
    if (refusal->sqlstate != kObjectInUse) return stream_error(*refusal);
    if (Clock::now() >= until) {
      return Error(ErrorCode::kSourceUnavailable, "PostgreSQL: " + refusal->message)
          .hint("another run of this task may be at work");
    }
    if (!std::exchange(said, true)) log_warning(refusal->message + "; waiting until it is free");
    pause(retry, stop);
    if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped while waiting for the slot");
    retry = std::min(retry * 2, kRetryMax);
    if (!replication.usable()) {
      DMSKAFKA_ASSIGN(replication, Connection::open_replication(settings_, stop));
    }
  }
}

Result<LogRetention> PostgresChangeLog::retention(const LogPosition&) {
  DMSKAFKA_ASSIGN(Connection* const connection, this->connection(stop_));
  DMSKAFKA_ASSIGN(const auto slot, read_slot(*connection, objects_.slot, stop_));
  LogRetention retention;
  if (!slot) {
    retention.state = "there is no replication slot " + objects_.slot;
    return retention;
  }
  if (slot->confirmed) retention.acknowledged = lsn_position(*slot->confirmed);
  if (slot->server_end) retention.server_end = lsn_position(*slot->server_end);
  if (slot->retained_bytes) {
    retention.retained_bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(0, *slot->retained_bytes));
  }
  if (slot->confirmed && slot->server_end) {
    retention.lag_bytes = *slot->server_end - std::min(*slot->server_end, *slot->confirmed);
  }
  if (slot->bytes_to_limit) {
    retention.bytes_to_limit = static_cast<std::uint64_t>(std::max<std::int64_t>(0, *slot->bytes_to_limit));
  }
  retention.state = !slot->invalidation.empty() ? "lost: " + slot->invalidation : slot->wal_status;
  return retention;
}

}  // namespace dmskafka::postgres

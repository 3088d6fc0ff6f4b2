#include "sources/postgres/replication_slot.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/base/logging.h"
#include "core/base/pause.h"
#include "sources/postgres/identifier.h"
#include "sources/postgres/sql/queries.h"

namespace dmskafka::postgres {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kParenthesesVersion = 150'000;
constexpr std::chrono::seconds kSayWaitingEvery{10};
constexpr milliseconds kRetryInUse{500};

std::optional<std::int64_t> optional_integer(const QueryResult& rows, int row, int column) {
  if (rows.is_null(row, column)) return std::nullopt;
  std::int64_t value = 0;
  const std::string_view text = rows.text(row, column);
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::optional<Lsn> optional_lsn(const QueryResult& rows, int row, int column) {
  return rows.is_null(row, column) ? std::nullopt : parse_lsn(rows.text(row, column));
}

Error lost(std::string what) {
  return Error(ErrorCode::kPositionLost, std::move(what))
      .hint("the changes in between are lost to this task: load the tables again with --restart");
}

/// "…: who (the oldest has run for 12 s)"; "" when there are none.
std::string blockers(Connection& control, const std::stop_token& stop) {
  const auto rows = control.query(kBlockersSql, {}, stop);
  if (!rows || rows->rows() != 1 || rows->text(0, 0) == "0") return "";
  return fmt::format("{} (the oldest has run for {} s)", rows->text(0, 1), rows->text(0, 2));
}

void say_waiting(Connection& control, const std::string& slot, const std::stop_token& stop) {
  const std::string whom = blockers(control, stop);
  if (whom.empty()) return;
  log_warning(fmt::format(
      "the replication slot {} waits until the transactions that are under way have ended: {}", slot, whom));
}

/// SPEC TransactionConsistencyTimeout: "the number of seconds that AWS DMS waits for transactions to close before beginning a
/// full-load operation". DMS then begins nevertheless; without a slot we cannot.
Error out_of_patience(Connection& control, const SlotRequest& request, const std::stop_token& stop) {
  return Error(
             ErrorCode::kSourceRejected,
             fmt::format(
                 "the replication slot {} could not be made within {} s (TransactionConsistencyTimeout): the "
                 "server waits for transactions that are under way: {}",
                 request.name, request.patience.count(), blockers(control, stop)))
      .hint(
          "end them (COMMIT, ROLLBACK, ROLLBACK PREPARED), or raise TransactionConsistencyTimeout; 0 waits "
          "for ever");
}

}  // namespace

Result<std::vector<ReplicationSlot>> read_slots(Connection& connection, std::string_view prefix,
                                                const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(const QueryResult rows, connection.query(kSlotsSql, {std::string(prefix)}, stop));
  std::vector<ReplicationSlot> slots;
  for (int row = 0; row < rows.rows(); ++row) {
    ReplicationSlot& slot = slots.emplace_back();
    slot.name = rows.text(row, 0);
    slot.plugin = rows.text(row, 1);
    slot.database = rows.text(row, 2);
    slot.active = rows.boolean(row, 3);
    slot.active_pid = rows.text(row, 4);
    slot.temporary = rows.boolean(row, 5);
    slot.restart = optional_lsn(rows, row, 6);
    slot.confirmed = optional_lsn(rows, row, 7);
    slot.wal_status = rows.text(row, 8);
    slot.bytes_to_limit = optional_integer(rows, row, 9);
    slot.invalidation = rows.text(row, 10);
    slot.retained_bytes = optional_integer(rows, row, 11);
    slot.server_end = optional_lsn(rows, row, 12);
    slot.this_database = rows.boolean(row, 13);
  }
  return slots;
}

Result<std::optional<ReplicationSlot>> read_slot(Connection& connection, const std::string& name,
                                                 const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(std::vector<ReplicationSlot> slots, read_slots(connection, name, stop));
  for (ReplicationSlot& slot : slots) {
    if (slot.name == name) return std::optional<ReplicationSlot>(std::move(slot));
  }
  return std::optional<ReplicationSlot>();
}

// The server itself moves a start that lies before confirmed_flush_lsn silently forward, so that nobody would notice.
Result<void> check_slot(const std::optional<ReplicationSlot>& slot, const std::string& name,
                        const std::string& database, Lsn from) {
  if (!slot) {
    return lost(
        fmt::format("the replication slot {} is gone, and with it the log after {}", name, format_lsn(from)));
  }
  if (slot->plugin != "pgoutput") {
    return lost(fmt::format("the replication slot {} is not ours any more: it belongs to the plugin {}", name,
                            slot->plugin));
  }
  if (!slot->this_database) {
    return lost(fmt::format("the replication slot {} belongs to the database \"{}\", not to \"{}\"", name,
                            slot->database, database));
  }
  if (!slot->invalidation.empty() || slot->wal_status == "lost" || !slot->restart || !slot->confirmed) {
    const std::string_view why = !slot->invalidation.empty()  ? std::string_view(slot->invalidation)
                                 : slot->wal_status == "lost" ? "wal_status is lost"
                                                              : "it keeps no log";
    return lost(
        fmt::format("the server has given up the replication slot {} ({}), and with it the log after {}",
                    name, why, format_lsn(from)));
  }
  if (*slot->confirmed > from) {
    return lost(
        fmt::format("the replication slot {} begins at {}, after our position {}: somebody has read it on or "
                    "made it anew",
                    name, format_lsn(*slot->confirmed), format_lsn(from)));
  }
  return {};
}

Result<void> drop_slot(Connection& connection, const std::string& name, milliseconds patience,
                       const std::stop_token& stop) {
  const Clock::time_point until = Clock::now() + patience;
  bool said = false;
  while (true) {
    DMSKAFKA_ASSIGN(const auto slot, read_slot(connection, name, stop));
    if (!slot) return {};
    if (!slot->active) {
      const auto dropped =
          connection.query("select pg_catalog.pg_drop_replication_slot($1::name)", {name}, stop);
      if (dropped) return {};
      DMSKAFKA_ASSIGN(const auto again, read_slot(connection, name, stop));
      if (!again) return {};
      if (!again->active) return dropped.error().while_doing("dropping the replication slot " + name);
      continue;
    }
    if (Clock::now() >= until) {
      return Error(ErrorCode::kSourceUnavailable,
                   fmt::format("the replication slot {} is in use by pid {}", name, slot->active_pid))
          .hint(
              "another run of this task may be at work; a server notices a broken connection after "
              "wal_sender_timeout");
    }
    if (!std::exchange(said, true)) {
      log_warning(fmt::format("waiting for pid {} to leave the replication slot {}", slot->active_pid, name));
    }
    pause(kRetryInUse, stop);
    if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped while waiting for " + name);
  }
}

Result<CreatedSlot> create_slot(std::shared_ptr<const SourceSettings> settings, Connection& control,
                                const SlotRequest& request, const std::stop_token& stop) {
  const std::string& name = request.name;
  CreatedSlot created;
  DMSKAFKA_ASSIGN(created.connection, Connection::open_replication(std::move(settings), stop));
  Connection& connection = *created.connection;
  DMSKAFKA_ASSIGN(created.system_id, identify_system(connection, stop));
  // The server waits for each transaction that is under way as for a lock: those may last for hours, and we say which they are.
  DMSKAFKA_ASSIGN(const Connection::Outcome patient,
                  connection.run("SET lock_timeout = 0", std::chrono::seconds(60), stop));
  if (patient.failure) return query_error(*patient.failure);
  const bool exported = request.snapshot == ExportSnapshot::kYes;
  const char* option = connection.server_version() >= kParenthesesVersion
                           ? (exported ? "(SNAPSHOT 'export')" : "(SNAPSHOT 'nothing')")
                           : (exported ? "EXPORT_SNAPSHOT" : "NOEXPORT_SNAPSHOT");
  DMSKAFKA_TRY(connection.start_rows(
      fmt::format("CREATE_REPLICATION_SLOT {} LOGICAL pgoutput {}", quote_identifier(name), option), stop));
  const bool bounded = request.patience.count() != 0;
  const Clock::time_point until = Clock::now() + request.patience;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(until - Clock::now());
    ResultHandle row;
    switch (connection.next_row(
        row, bounded ? std::clamp(left, std::chrono::seconds(1), kSayWaitingEvery) : kSayWaitingEvery,
        stop)) {
      case Connection::Row::kRow: {
        const QueryResult result(std::move(row));
        const auto lsn = parse_lsn(result.text(0, 1));
        if (!lsn) return Error(ErrorCode::kInternal, "the new replication slot has no consistent point");
        created.consistent_point = *lsn;
        created.snapshot = result.text(0, 2);
        break;
      }
      case Connection::Row::kEnd: return created;
      case Connection::Row::kFailed:
        return query_error(native_error(row.get(), connection.native()))
            .while_doing("creating the replication slot " + name);
      case Connection::Row::kNotYet:
        if (stop.stop_requested()) {
          connection.abandon();
          return Error(ErrorCode::kCancelled, "stopped while creating the replication slot " + name);
        }
        if (bounded && Clock::now() >= until) {
          Error error = out_of_patience(control, request, stop);
          connection.abandon();
          return error;
        }
        say_waiting(control, name, stop);
        break;
    }
  }
}

Result<std::string> identify_system(Connection& connection, const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(const Connection::Outcome outcome,
                  connection.run("IDENTIFY_SYSTEM", std::chrono::seconds(60), stop));
  if (outcome.failure) return query_error(*outcome.failure);
  return std::string(outcome.last.text(0, 0));
}

Result<milliseconds> sender_timeout(Connection& connection, const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(
      const Connection::Outcome outcome,
      connection.run("SELECT setting FROM pg_catalog.pg_settings WHERE name = 'wal_sender_timeout'",
                     std::chrono::seconds(60), stop));
  if (outcome.failure) return query_error(*outcome.failure);
  const auto timeout = optional_integer(outcome.last, 0, 0);
  return milliseconds(timeout.value_or(60'000));
}

}  // namespace dmskafka::postgres

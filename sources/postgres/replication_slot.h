#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/settings/source_settings.h"
#include "sources/postgres/connection.h"
#include "sources/postgres/lsn.h"

namespace dmskafka::postgres {

/// A row of pg_replication_slots.
struct ReplicationSlot {
  std::string name;
  std::string plugin;
  std::string database;
  bool active = false;
  std::string active_pid;
  bool temporary = false;
  std::optional<Lsn> restart;
  std::optional<Lsn> confirmed;                ///< what was acknowledged to the server
  std::string wal_status;                      ///< "" before PostgreSQL 13
  std::optional<std::int64_t> bytes_to_limit;  ///< safe_wal_size: null without max_slot_wal_keep_size
  std::string invalidation;                    ///< why the server gave it up; "" when it did not
  std::optional<std::int64_t> retained_bytes;
  std::optional<Lsn> server_end;
  bool this_database = false;
};

/// Logical slots whose names begin with `prefix`. Errors: query_error(), kCancelled.
Result<std::vector<ReplicationSlot>> read_slots(Connection& connection, std::string_view prefix,
                                                const std::stop_token& stop);
/// The slot of exactly this name.
Result<std::optional<ReplicationSlot>> read_slot(Connection& connection, const std::string& name,
                                                 const std::stop_token& stop);

/// Whether the slot can still give everything after `from`. Errors: kPositionLost, with what is missing.
Result<void> check_slot(const std::optional<ReplicationSlot>& slot, const std::string& name,
                        const std::string& database, Lsn from);

/// Drops it when it is there. A slot still in use is waited for (`patience`), never its session ended.
/// Errors: query_error(), kCancelled, kSourceUnavailable when it stays in use.
Result<void> drop_slot(Connection& connection, const std::string& name, std::chrono::milliseconds patience,
                       const std::stop_token& stop);

/// A slot just made.
struct CreatedSlot {
  Lsn consistent_point = 0;
  std::string system_id;  ///< of the cluster
  std::string
      snapshot;  ///< its name while `connection` is open and used for nothing else; "" when not asked for
  std::optional<Connection> connection;
};
enum class ExportSnapshot : bool { kNo, kYes };
struct SlotRequest {
  std::string name;
  ExportSnapshot snapshot = ExportSnapshot::kNo;
  std::chrono::seconds patience{0};  ///< with the transactions that are under way; 0: without end
};
/// Waits for every transaction of the cluster that is under way, and says so. `control` is asked for whom.
/// Errors: query_error(), kCancelled, kSourceRejected when the patience is at its end.
Result<CreatedSlot> create_slot(std::shared_ptr<const SourceSettings> settings, Connection& control,
                                const SlotRequest& request, const std::stop_token& stop);

/// The cluster's identity, on a replication connection: unlike the function for it, every such role may ask.
Result<std::string> identify_system(Connection& connection, const std::stop_token& stop);

/// How long the server keeps a connection that says nothing; 0: for ever. Asked on the session it applies to.
Result<std::chrono::milliseconds> sender_timeout(Connection& connection, const std::stop_token& stop);

}  // namespace dmskafka::postgres

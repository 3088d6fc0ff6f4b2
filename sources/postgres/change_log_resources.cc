// What a task leaves in the database: listing and removing it.
#include <fmt/format.h>

#include <algorithm>

#include "core/base/logging.h"
#include "sources/postgres/change_log.h"
#include "sources/postgres/ddl_capture.h"
#include "sources/postgres/identifier.h"
#include "sources/postgres/publication.h"
#include "sources/postgres/sql/queries.h"

namespace dmskafka::postgres {
namespace {

constexpr std::chrono::seconds kLeavePatience{70};
constexpr const char* kSlotKind = "replication slot";
constexpr const char* kPublicationKind = "publication";
constexpr const char* kDdlCaptureKind = "event trigger";

std::string slot_detail(const ReplicationSlot& slot) {
  std::string detail = fmt::format("database {}", slot.database);
  if (slot.retained_bytes) detail += fmt::format(", keeps {} bytes of log", *slot.retained_bytes);
  if (!slot.wal_status.empty()) detail += ", wal_status " + slot.wal_status;
  if (slot.active) detail += ", in use by pid " + slot.active_pid;
  return detail;
}

}  // namespace

Result<std::vector<LogResource>> PostgresChangeLog::list_resources() {
  DMSKAFKA_ASSIGN(Connection* const connection, this->connection(stop_));
  DMSKAFKA_ASSIGN(const bool ours, slot_is_made_by_us(stop_));
  std::vector<LogResource> resources;
  DMSKAFKA_ASSIGN(const auto slots, read_slots(*connection, "", stop_));
  for (const ReplicationSlot& slot : slots) {
    const bool named_slot = slot.name == objects_.slot && slot.this_database;
    if (!named_slot && !slot.name.starts_with(kObjectPrefix)) continue;
    resources.push_back({kSlotKind, slot.name, named_slot && ours, slot_detail(slot)});
  }
  DMSKAFKA_ASSIGN(const QueryResult rows,
                  connection->query(kOwnPublicationsSql, {std::string(kObjectPrefix)}, stop_));
  for (int row = 0; row < rows.rows(); ++row) {
    const std::string name(rows.text(row, 0));
    const bool task = name == objects_.publication || name == objects_.insert_publication;
    resources.push_back({kPublicationKind, name, task, std::string(rows.text(row, 1))});
  }
  DMSKAFKA_ASSIGN(const auto capture, read_ddl_capture(*connection, stop_));
  if (capture && capture->ours) {
    // Another task may still need it.
    const bool only_ours = std::ranges::all_of(capture->publications, [&](const std::string& publication) {
      return publication == objects_.insert_publication;
    });
    resources.push_back({kDdlCaptureKind, "awsdms_intercept_ddl", only_ours,
                         fmt::format("captures DDL through {}.{}", capture->schema, kDdlAuditTable)});
  }
  return resources;
}

Result<std::vector<LogResource>> PostgresChangeLog::remove_resources() {
  DMSKAFKA_ASSIGN(const auto resources, list_resources());
  DMSKAFKA_ASSIGN(Connection* const connection, this->connection(stop_));
  std::vector<LogResource> removed;
  for (const LogResource& resource : resources) {
    if (!resource.ours) continue;
    if (resource.kind == kSlotKind) {
      DMSKAFKA_TRY(drop_slot(*connection, resource.name, kLeavePatience, stop_));
    } else if (resource.kind == kDdlCaptureKind) {
      DMSKAFKA_ASSIGN(const auto capture, read_ddl_capture(*connection, stop_));
      if (capture) DMSKAFKA_TRY(drop_ddl_capture(*connection, *capture, stop_));
    } else {
      DMSKAFKA_ASSIGN(const Connection::Outcome outcome,
                      connection->run("DROP PUBLICATION IF EXISTS " + quote_identifier(resource.name),
                                      std::chrono::seconds(settings_->execute_timeout_s), stop_));
      if (outcome.failure) {
        return query_error(*outcome.failure).while_doing("dropping the publication " + resource.name);
      }
    }
    removed.push_back(resource);
  }
  return removed;
}

}  // namespace dmskafka::postgres

#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/task/change_log.h"
#include "sources/postgres/connection.h"
#include "sources/postgres/replication_slot.h"
#include "sources/postgres/snapshot.h"
#include "sources/postgres/task_objects.h"

namespace dmskafka::postgres {

/// The log of one database, through pgoutput: a publication of exactly the followed tables, and a permanent slot.
///
/// 1. The publications exist before the slot does: the server looks a publication up as of the change that it decodes.
/// 2. The slot exists before the first row is read, and rows are read in its snapshot.
/// 3. A position that the slot cannot give any more is kPositionLost; nothing starts "from now" instead.
class PostgresChangeLog final : public ChangeLog {
 public:
  struct Options {
    PostgresSnapshot::Options snapshot;
    bool fetch_unchanged = false;              ///< see PostgresOptions
    std::chrono::seconds transaction_wait{0};  ///< likewise
  };
  PostgresChangeLog(std::shared_ptr<const SourceSettings> settings, Options options, std::string_view task_id,
                    std::stop_token stop);

  bool handles_identify_tables() const override { return true; }
  Result<std::vector<PreflightFinding>> preflight(std::span<const TableSchema* const> tables) override;
  Result<Prepared> prepare(std::span<const TableSchema* const> tables, WithSnapshot snapshot,
                           std::stop_token stop) override;
  Result<void> add_tables(std::span<const TableSchema* const> tables, std::stop_token stop) override;
  Result<LogPosition> parse_position(std::string_view text) override;
  Result<LogPosition> restore_position(std::string_view bytes) override;
  Result<LogPosition> current_end() override;
  Result<std::unique_ptr<ChangeStream>> open_stream(const StreamTables& tables, const LogPosition& from,
                                                    std::stop_token stop) override;
  Result<LogRetention> retention(const LogPosition& checkpoint) override;
  Result<std::vector<LogResource>> list_resources() override;
  Result<std::vector<LogResource>> remove_resources() override;

 private:
  Result<Connection*> connection(const std::stop_token& stop);
  Result<bool> slot_is_made_by_us(const std::stop_token& stop);
  Result<LogPosition> adopt_slot(const ReplicationSlot& slot);
  Result<std::optional<Prepared>> try_prepare(std::span<const TableSchema* const> tables,
                                              WithSnapshot snapshot, const std::stop_token& stop);
  Result<void> start(Connection& replication, Lsn from, const std::string& publication_names,
                     std::chrono::milliseconds sender_timeout, const std::stop_token& stop);
  Result<void> check_end(Lsn from, const std::stop_token& stop);

  const std::shared_ptr<const SourceSettings> settings_;
  const Options options_;
  const TaskObjects objects_;
  const std::stop_token stop_;  // for the calls that bring none
  std::optional<Connection> connection_;
};

}  // namespace dmskafka::postgres

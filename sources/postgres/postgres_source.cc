#include "sources/postgres/postgres_source.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "sources/postgres/catalog.h"
#include "sources/postgres/change_log.h"
#include "sources/postgres/connection.h"
#include "sources/postgres/snapshot.h"

namespace dmskafka {
namespace {

using postgres::Connection;
using postgres::PostgresChangeLog;
using postgres::PostgresSnapshot;

class PostgresSource final : public Source {
 public:
  PostgresSource(std::shared_ptr<const SourceSettings> settings, const PostgresOptions& options,
                 Connection connection, std::stop_token stop)
      : settings_(std::move(settings)),
        snapshot_options_{options.connections_max - 1, options.lock_tables, {}, {}},
        log_options_{snapshot_options_, options.fetch_unchanged, options.transaction_wait},
        connection_(std::move(connection)),
        stop_(std::move(stop)) {}

  Result<SourceIdentity> identity() override {
    DMSKAFKA_TRY(ensure_connection(stop_));
    return postgres::read_identity(*connection_, stop_);
  }
  Result<std::vector<CatalogTable>> list_tables() override {
    DMSKAFKA_TRY(ensure_connection(stop_));
    return postgres::read_tables(*connection_, stop_);
  }
  Result<std::vector<Result<TableSchema>>> describe_tables(std::span<const TableName> names) override {
    DMSKAFKA_TRY(ensure_connection(stop_));
    return postgres::read_table_schemas(*connection_, *settings_, names, postgres::Remarks::kLog, stop_);
  }
  Result<std::unique_ptr<Snapshot>> open_snapshot(std::span<const TableSchema* const> tables,
                                                  std::stop_token stop) override {
    DMSKAFKA_TRY(ensure_connection(stop));
    // The connection becomes the snapshot's leader, so that the server never sees more than connections_max of them.
    Connection leader = std::move(*connection_);
    connection_.reset();
    DMSKAFKA_ASSIGN(auto snapshot,
                    PostgresSnapshot::open(std::move(leader), settings_, tables, snapshot_options_, stop));
    return std::unique_ptr<Snapshot>(std::move(snapshot));
  }
  Result<ChangeLog*> change_log(std::string_view task_id) override {
    if (!change_log_) {
      change_log_ = std::make_unique<PostgresChangeLog>(settings_, log_options_, task_id, stop_);
    }
    return static_cast<ChangeLog*>(change_log_.get());
  }
  std::vector<std::string> warnings() override;

 private:
  Result<void> ensure_connection(const std::stop_token& stop) {
    if (connection_ && connection_->usable()) return {};
    DMSKAFKA_ASSIGN(connection_, Connection::open(settings_, stop));
    return {};
  }

  std::shared_ptr<const SourceSettings> settings_;
  PostgresSnapshot::Options snapshot_options_;
  PostgresChangeLog::Options log_options_;
  std::optional<Connection> connection_;
  std::stop_token stop_;  // for the calls that bring none
  std::unique_ptr<PostgresChangeLog> change_log_;
};

std::vector<std::string> PostgresSource::warnings() {
  std::vector<std::string> warnings;
  if (!connection_ || !connection_->usable()) return warnings;
  if (connection_->parameter("server_encoding") == "SQL_ASCII") {
    warnings.push_back(
        "the database is SQL_ASCII: the server does not know its encoding, and text that is not UTF-8 will "
        "have its invalid bytes replaced");
  }
  if (snapshot_options_.lock_tables) {
    warnings.push_back(
        "while the load runs, ALTER TABLE, TRUNCATE and the like on its tables wait for it, and whatever "
        "comes after such a statement waits too (LockTables)");
  } else {
    warnings.push_back(
        "tables are read without locks (LockTables is off): a table that is truncated or rewritten meanwhile "
        "ends in error");
  }
  return warnings;
}

}  // namespace

Result<std::unique_ptr<Source>> open_postgres_source(const SourceSettings& settings,
                                                     const PostgresOptions& options, std::stop_token stop) {
  if (options.connections_max < 2) {
    return Error(ErrorCode::kInvalidSettings,
                 "MaxConnections is 1, but reading PostgreSQL takes two connections at least")
        .hint("one holds the snapshot, the others read; raise DmskafkaSettings.MaxConnections");
  }
  auto shared = std::make_shared<const SourceSettings>(settings);
  DMSKAFKA_ASSIGN(Connection connection, Connection::open(shared, stop));
  return std::unique_ptr<Source>(
      std::make_unique<PostgresSource>(std::move(shared), options, std::move(connection), std::move(stop)));
}

}  // namespace dmskafka

#include "sources/mysql/mysql_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "sources/mysql/catalog.h"
#include "sources/mysql/change_log.h"
#include "sources/mysql/connection.h"
#include "sources/mysql/snapshot.h"

namespace dmskafka {
namespace {

using mysql::Connection;
using mysql::MysqlChangeLog;
using mysql::MysqlSnapshot;

class MysqlSource final : public Source {
 public:
  MysqlSource(std::shared_ptr<const SourceSettings> settings, std::uint32_t sessions_max, bool lock_tables,
              MysqlLogOptions log_options, Connection connection, std::stop_token stop)
      : settings_(std::move(settings)),
        sessions_max_(sessions_max),
        lock_tables_(lock_tables),
        log_options_(log_options),
        connection_(std::move(connection)),
        stop_(std::move(stop)) {
    use_.readers = sessions_max;
  }

  Result<SourceIdentity> identity() override {
    DMSKAFKA_TRY(ensure_connection(stop_));
    return mysql::read_identity(*connection_, stop_);
  }
  Result<std::vector<CatalogTable>> list_tables() override {
    DMSKAFKA_TRY(ensure_connection(stop_));
    return mysql::read_tables(*connection_, stop_);
  }
  Result<std::vector<Result<TableSchema>>> describe_tables(std::span<const TableName> names) override {
    DMSKAFKA_TRY(ensure_connection(stop_));
    return mysql::read_table_schemas(*connection_, names, stop_);
  }
  void expect(const SnapshotUse& use) override { use_ = use; }
  Result<std::unique_ptr<Snapshot>> open_snapshot(std::span<const TableSchema* const> tables,
                                                  std::stop_token stop) override {
    DMSKAFKA_TRY(ensure_connection(stop));
    // The connection becomes the snapshot's, so that the server never sees more than sessions_max_ and one of them.
    Connection control = std::move(*connection_);
    connection_.reset();
    MysqlSnapshot::Options options;
    options.moment.sessions = std::clamp(use_.readers, 1U, sessions_max_);
    options.moment.position_wanted = use_.position_wanted;
    options.lock_tables = lock_tables_;
    DMSKAFKA_ASSIGN(auto snapshot, MysqlSnapshot::open(std::move(control), settings_, tables, options, stop));
    return std::unique_ptr<Snapshot>(std::move(snapshot));
  }
  Result<ChangeLog*> change_log(std::string_view task_id) override {
    if (!change_log_) {
      MysqlChangeLog::Options options;
      options.allow_partial_images = log_options_.partial_images == PartialImages::kTake;
      options.server_id = log_options_.server_id;
      options.open_snapshot = [this](std::span<const TableSchema* const> tables, std::stop_token stop) {
        return open_snapshot(tables, std::move(stop));
      };
      change_log_ = std::make_unique<MysqlChangeLog>(settings_, std::move(options), task_id, stop_);
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
  const std::uint32_t sessions_max_;
  const bool lock_tables_;
  const MysqlLogOptions log_options_;
  SnapshotUse use_;
  std::optional<Connection> connection_;
  std::stop_token stop_;  // for the calls that bring none
  std::unique_ptr<MysqlChangeLog> change_log_;
};

std::vector<std::string> MysqlSource::warnings() {
  if (!lock_tables_) {
    return {
        "tables are opened one by one (LockTables is off): one that is altered or truncated before its turn "
        "ends "
        "in error"};
  }
  return {
      "while the load runs, ALTER TABLE, TRUNCATE and the like on its tables wait for it, and whatever comes "
      "after "
      "such a statement waits too (LockTables)"};
}

}  // namespace

Result<std::unique_ptr<Source>> open_mysql_source(const SourceSettings& settings,
                                                  std::uint32_t connections_max, bool lock_tables,
                                                  std::stop_token stop, MysqlLogOptions log_options) {
  if (connections_max < 2) {
    return Error(ErrorCode::kInvalidSettings,
                 "MaxConnections is 1, but reading MySQL takes two connections at least")
        .hint("one asks the catalogue, the others read; raise DmskafkaSettings.MaxConnections");
  }
  auto shared = std::make_shared<const SourceSettings>(settings);
  DMSKAFKA_ASSIGN(Connection connection, Connection::open(shared, stop));
  return std::unique_ptr<Source>(std::make_unique<MysqlSource>(std::move(shared), connections_max - 1,
                                                               lock_tables, log_options,
                                                               std::move(connection), std::move(stop)));
}

}  // namespace dmskafka

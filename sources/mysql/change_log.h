#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/task/change_log.h"
#include "sources/mysql/binlog_position.h"
#include "sources/mysql/connection.h"

namespace dmskafka::mysql {

/// The binary log of a server, read as one of its replicas does. The server keeps nothing for us: what its own settings purge
/// before it was read is a gap.
///
/// 1. Where there are GTIDs, a position is one of GTIDs, and holds on every server that has those transactions. The place in a
///    file stands beside it, and counts alone where there are none.
/// 2. A position that the server cannot go on from is kPositionLost; nothing starts "from now" instead.
class MysqlChangeLog final : public ChangeLog {
 public:
  using OpenSnapshot =
      std::function<Result<std::unique_ptr<Snapshot>>(std::span<const TableSchema* const>, std::stop_token)>;
  struct Options {
    bool allow_partial_images = false;
    std::optional<std::uint32_t> server_id = {};  ///< nullopt: from the task's id
    OpenSnapshot open_snapshot;                   ///< that of the source
  };
  MysqlChangeLog(std::shared_ptr<const SourceSettings> settings, Options options, std::string_view task_id,
                 std::stop_token stop);

  Result<std::vector<PreflightFinding>> preflight(std::span<const TableSchema* const> tables) override;
  Result<Prepared> prepare(std::span<const TableSchema* const> tables, WithSnapshot snapshot,
                           std::stop_token stop) override;
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
  Result<BinlogPosition> read_end(const std::stop_token& stop);

  const std::shared_ptr<const SourceSettings> settings_;
  const Options options_;
  const std::string task_id_;
  const std::stop_token stop_;  // for the calls that bring none
  std::optional<Connection> connection_;
  BinlogPosition last_;  // the position that was prepared, restored or followed last
};

}  // namespace dmskafka::mysql

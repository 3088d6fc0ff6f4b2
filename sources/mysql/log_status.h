#pragma once
#include <stop_token>

#include "core/base/result.h"
#include "core/task/change_log.h"
#include "sources/mysql/binlog_position.h"
#include "sources/mysql/connection.h"

namespace dmskafka::mysql {

/// Where the log ends now, with the GTIDs up to there.
/// Errors: kSourceRejected with the statement that grants the right to ask; those of the connection.
Result<BinlogPosition> read_log_end(Connection& connection, const std::stop_token& stop);

/// The GTIDs of MariaDB up to a place in its log; "": it does not tell. To tell of any place the server reads a file from its
/// beginning; of the end of its log it knows them. Errors: those of the connection.
Result<std::string> mariadb_gtids(Connection& connection, const BinlogPosition& place,
                                  const std::stop_token& stop);

/// How much log there is behind `position`, and how long the server keeps it. `acknowledged` is `position` itself, for the server
/// knows nothing of it; `server_end` is left to the caller. Errors: as read_log_end().
Result<LogRetention> read_retention(Connection& connection, const BinlogPosition& position,
                                    const std::stop_token& stop);

/// Seconds that the server keeps a binlog file; 0: until somebody purges it. nullopt: it does not tell.
Result<std::optional<std::uint64_t>> read_expiry(Connection& connection, const std::stop_token& stop);

}  // namespace dmskafka::mysql

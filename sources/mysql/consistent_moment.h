#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "sources/mysql/binlog_position.h"
#include "sources/mysql/connection.h"

namespace dmskafka::mysql {

/// Sessions whose transactions all see the database as it was at one moment, and the place of that moment in the binary log.
struct ConsistentMoment {
  std::vector<Connection> sessions;        ///< at least one; perhaps fewer than asked for
  std::optional<BinlogPosition> position;  ///< nullopt: the server keeps no log, or does not tell
  std::string how;                         ///< in a few words, for the log
};

struct MomentOptions {
  std::uint32_t sessions = 1;   ///< wanted
  bool position_wanted = true;  ///< false: one session needs no lock and no position
};

/// Takes the moment in the way that holds up the server least, of those it grants:
///   MariaDB: each session's own binlog_snapshot_position tells what it sees; all are equal after some tries, without any lock;
///   FLUSH TABLES WITH READ LOCK for the milliseconds that the sessions begin in;
///   MySQL 8 with GTIDs: LOCK INSTANCE FOR BACKUP and gtid_executed the same before and after;
///   one session alone. Its position is read before: what is committed in between is seen by both, and a warning says so.
/// `control` is another session. Errors: those of Connection::open(), query_error(), kCancelled.
Result<ConsistentMoment> take_moment(Connection& control,
                                     const std::shared_ptr<const SourceSettings>& settings,
                                     const MomentOptions& options, const std::stop_token& stop);

}  // namespace dmskafka::mysql

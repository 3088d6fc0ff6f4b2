#pragma once
#include <memory>
#include <stop_token>

#include "core/base/result.h"
#include "sources/mysql/binlog_position.h"
#include "sources/mysql/connection.h"
#include "sources/mysql/replica_session.h"

namespace dmskafka::mysql {

/// How following goes on from a stored position on the server that is there now.
struct Continuation {
  BinlogPosition from;      ///< with the server's name, and of the next epoch when it is another one
  bool same_server = true;  ///< the files of `from` are this server's
  DumpStart start;
};

/// The server's own name, as SourceIdentity has it.
Result<std::string> read_server_name(Connection& connection, const std::stop_token& stop);

/// Finds out whether the server still has everything after `from`. With GTIDs another server may go on where the old one was.
/// Errors: kPositionLost, which names what is missing: a purged file, transactions that were purged, transactions that this
/// server does not have, a log that was begun anew, another server. kSourceUnavailable, kSourceRejected, kCancelled.
Result<Continuation> continue_from(Connection& connection,
                                   const std::shared_ptr<const SourceSettings>& settings,
                                   const Replica& replica, const BinlogPosition& from,
                                   const std::stop_token& stop);

}  // namespace dmskafka::mysql

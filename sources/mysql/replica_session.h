#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "sources/mysql/binlog_event.h"
#include "sources/mysql/connection.h"

namespace dmskafka::mysql {

/// Who we are among the replicas of a server. A second replica of the same number, or UUID, makes the server end the first.
struct Replica {
  std::uint32_t server_id = 0;
  std::string host;  ///< as the server lists us: "dmskafka-TASK"
  std::string uuid;  ///< MySQL
};

struct ReplicaWish {
  std::string task_id;
  std::optional<std::uint32_t> server_id = {};  ///< the user's own choice
};

/// The same for a task at every start, from the upper half of the numbers; another one where the server has it, or knows a
/// replica that has it. A server that does not let us ask, and MySQL 5.7, which may crash when it is asked, are not asked.
/// Errors: kSourceRejected: the number that was chosen is taken; those of the connection.
Result<Replica> choose_replica(Connection& connection, const ReplicaWish& wish, const std::stop_token& stop);

/// Whether we may read the log as a replica, by using the right on a connection of its own. Errors: as start_dump().
Result<void> try_replica(const std::shared_ptr<const SourceSettings>& settings, const Replica& replica,
                         const std::stop_token& stop);

/// Where a dump begins.
struct DumpStart {
  enum class By : std::uint8_t { kFile, kGtid };
  By by = By::kFile;
  std::string file;  ///< kFile
  std::uint64_t offset =
      4;             ///< kFile; beyond 4 GiB, which the command cannot say, the file is sent from its start
  std::string gtid;  ///< kGtid: everything that is not to be sent
};

/// Makes `connection` a replica's and asks for the log. No acknowledgement of semi-synchronous replication is promised: what we
/// have is not durable. What the server says to it comes with the first packet. Returns what the events' checksums are.
/// Errors: kSourceUnavailable, kSourceRejected, kCancelled.
Result<Checksum> start_dump(Connection& connection, const Replica& replica, const DumpStart& start,
                            const std::stop_token& stop);

/// When the server began one of its files, in seconds since 1970, by the file's own first event.
/// Errors: dump_error(), kCancelled.
Result<std::uint32_t> read_file_time(const std::shared_ptr<const SourceSettings>& settings,
                                     const Replica& replica, const std::string& file,
                                     const std::stop_token& stop);

}  // namespace dmskafka::mysql

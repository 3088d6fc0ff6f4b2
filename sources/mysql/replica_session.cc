#include "sources/mysql/replica_session.h"

#include <fmt/format.h>
#include <mysql.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <set>
#include <vector>

#include "core/base/digest.h"
#include "core/base/logging.h"
#include "sources/mysql/binlog_stream.h"
#include "sources/mysql/gtid.h"
#include "sources/mysql/identifier.h"

namespace dmskafka::mysql {
namespace {

// Commands of the protocol that have no function. MySQL's manual, "Replication Protocol".
constexpr int kRegisterReplica = 21;
constexpr int kBinlogDump = 18;
constexpr int kBinlogDumpGtid = 30;
constexpr std::uint16_t kNonBlocking = 1;  // the end of the log is the end of the stream

/// A quiet server speaks so often. Its thread for us notices by that that we have gone.
constexpr std::chrono::nanoseconds kHeartbeat = std::chrono::seconds(1);
constexpr std::size_t kHostMax = 60;
constexpr std::uint32_t kUpperHalf = 0x8000'0000;
constexpr std::uint32_t kReplicasListedSafelySince = 80000;
constexpr std::uint32_t kShowReplicasSince = 80022;
constexpr std::uint64_t kOffsetMax = UINT32_MAX;
constexpr int kEventsBeforeDescription = 4;

std::uint64_t first_number(std::string_view hex, std::size_t digits) {
  std::uint64_t number = 0;
  std::from_chars(hex.data(), hex.data() + digits, number, 16);
  return number;
}

/// A packet's bytes, integers little-endian.
class Packet {
 public:
  Packet& integer(std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i) bytes_ += static_cast<char>(value >> (8 * i) & 0xFFU);
    return *this;
  }
  Packet& short_text(std::string_view text) { return integer(text.size(), 1).text(text); }
  Packet& text(std::string_view text) {
    bytes_ += text;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

enum class Answer : bool { kNone, kExpected };
Result<void> send_command(Connection& connection, int command, const Packet& packet, Answer answer,
                          const std::stop_token& stop) {
  const Interruption interruption(connection, stop);
  MYSQL* const native = connection.native();
  const int failed =
      native->methods->db_command(native, static_cast<enum_server_command>(command), packet.bytes().data(),
                                  packet.bytes().size(), answer == Answer::kNone ? 1 : 0, nullptr);
  if (failed == 0) return {};
  if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped while asking for the log");
  return dump_error(connection.failure(), connection.account());
}

std::vector<std::string> replica_variables(const Connection& connection, const Replica& replica,
                                           const DumpStart& start) {
  std::vector<std::string> statements = {
      "SET @master_binlog_checksum = @@GLOBAL.binlog_checksum, @source_binlog_checksum = "
      "@@GLOBAL.binlog_checksum",
      fmt::format("SET @master_heartbeat_period = {0}, @source_heartbeat_period = {0}", kHeartbeat.count()),
      fmt::format("SET @slave_uuid = {0}, @replica_uuid = {0}", quote_literal(replica.uuid))};
  if (!connection.version().is_mariadb()) return statements;
  // Otherwise events of GTIDs and compressed ones are kept from us.
  statements.emplace_back("SET @mariadb_slave_capability = 4");
  if (start.by == DumpStart::By::kGtid) {
    statements.push_back(
        fmt::format("SET @slave_connect_state = {}, @slave_gtid_strict_mode = 1, "
                    "@slave_gtid_ignore_duplicates = 0",
                    quote_literal(start.gtid)));
  }
  return statements;
}

Packet dump_by_file(const Replica& replica, const DumpStart& start, std::uint16_t flags) {
  Packet packet;
  packet.integer(start.offset > kOffsetMax ? 4 : start.offset, 4).integer(flags, 2);
  packet.integer(replica.server_id, 4).text(start.file);
  return packet;
}

Result<Packet> dump_by_gtids(const Replica& replica, const DumpStart& start) {
  DMSKAFKA_ASSIGN(const GtidSet set, GtidSet::parse(start.gtid));
  const std::string binary = set.binary();
  Packet packet;
  packet.integer(0, 2).integer(replica.server_id, 4);
  packet.integer(0, 4);  // no file: the server finds it
  packet.integer(4, 8).integer(binary.size(), 4).text(binary);
  return packet;
}

Result<void> register_replica(Connection& connection, const Replica& replica, const std::stop_token& stop) {
  Packet packet;
  packet.integer(replica.server_id, 4).short_text(replica.host).short_text("").short_text("");
  packet.integer(0, 2).integer(0, 4).integer(0, 4);  // port, rank, the source's number
  return send_command(connection, kRegisterReplica, packet, Answer::kExpected, stop);
}

/// MySQL 5.7 keeps a replica that said so and then did not ask for the log, and SHOW SLAVE HOSTS follows its dangling pointer:
/// the server crashes. There we neither say that we are one nor ask who is.
bool lists_replicas_safely(const ServerVersion& version) {
  return version.is_mariadb() || version.number >= kReplicasListedSafelySince;
}

/// The numbers that replicas and the server itself have already.
Result<std::set<std::uint32_t>> taken_ids(Connection& connection, const std::string& own_host,
                                          const std::stop_token& stop) {
  std::set<std::uint32_t> taken;
  const auto add = [&](std::string_view digits) {
    std::uint32_t id = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), id);
    taken.insert(id);
  };
  DMSKAFKA_ASSIGN(const QueryResult own, connection.query("SELECT @@GLOBAL.server_id", stop));
  add(own.text(0, 0));
  const ServerVersion& version = connection.version();
  if (!lists_replicas_safely(version)) return taken;
  const bool renamed = !version.is_mariadb() && version.number >= kShowReplicasSince;
  DMSKAFKA_ASSIGN(const Connection::Outcome outcome,
                  connection.run(renamed ? "SHOW REPLICAS" : "SHOW SLAVE HOSTS", stop));
  if (outcome.failure) {
    log_debug(fmt::format("the server does not list its replicas: {}", outcome.failure->message));
    return taken;
  }
  for (std::size_t row = 0; row < outcome.rows.rows(); ++row) {
    // A run of this task that was killed may still be listed; the server ends it when we come.
    if (outcome.rows.text(row, 1) != own_host) add(outcome.rows.text(row, 0));
  }
  return taken;
}

}  // namespace

Result<Replica> choose_replica(Connection& connection, const ReplicaWish& wish, const std::stop_token& stop) {
  Replica replica;
  replica.host = fmt::format("dmskafka-{}", wish.task_id).substr(0, kHostMax);
  const std::string digest = sha256_hex(fmt::format("replica of task {}", wish.task_id));
  DMSKAFKA_ASSIGN(const std::set<std::uint32_t> taken, taken_ids(connection, replica.host, stop));
  if (wish.server_id && taken.contains(*wish.server_id)) {
    return Error(ErrorCode::kSourceRejected,
                 fmt::format("ServerId {} is the number of {} itself, or of another replica of it",
                             *wish.server_id, connection.place()))
        .hint("choose another DmskafkaSettings.ServerId, or leave it out");
  }
  // 0xFFFFFFFF is left out: some servers mean something by it.
  for (std::uint64_t number = first_number(digest, 8);; ++number) {
    replica.server_id = static_cast<std::uint32_t>(kUpperHalf + number % (kUpperHalf - 1));
    if (!taken.contains(replica.server_id)) break;
  }
  replica.server_id = wish.server_id.value_or(replica.server_id);
  GtidSet::Uuid uuid{};
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    uuid[i] = static_cast<std::uint8_t>(first_number(std::string_view(digest).substr(8 + 2 * i), 2));
  }
  replica.uuid = print_uuid(uuid);
  return replica;
}

Result<void> try_replica(const std::shared_ptr<const SourceSettings>& settings, const Replica& replica,
                         const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(Connection connection, Connection::open(settings, stop));
  if (connection.version().is_mariadb()) return register_replica(connection, replica, stop);
  // MySQL asks for the same right here, and a replica that goes again at once may stay in its list.
  DMSKAFKA_ASSIGN(const Connection::Outcome shown, connection.run("SHOW BINLOG EVENTS LIMIT 1", stop));
  if (shown.failure) return Error(ErrorCode::kSourceRejected, shown.failure->message);
  return {};
}

Result<Checksum> start_dump(Connection& connection, const Replica& replica, const DumpStart& start,
                            const std::stop_token& stop) {
  for (const std::string& statement : replica_variables(connection, replica, start)) {
    DMSKAFKA_TRY(connection.query(statement, stop));
  }
  DMSKAFKA_ASSIGN(const QueryResult checksum, connection.query("SELECT @master_binlog_checksum", stop));
  if (lists_replicas_safely(connection.version())) {
    DMSKAFKA_TRY(register_replica(connection, replica, stop));
  }
  const bool by_gtids = start.by == DumpStart::By::kGtid && !connection.version().is_mariadb();
  if (by_gtids) {
    DMSKAFKA_ASSIGN(const Packet packet, dump_by_gtids(replica, start));
    DMSKAFKA_TRY(send_command(connection, kBinlogDumpGtid, packet, Answer::kNone, stop));
  } else {
    DMSKAFKA_TRY(send_command(connection, kBinlogDump, dump_by_file(replica, start, 0), Answer::kNone, stop));
  }
  return checksum.text(0, 0) == "CRC32" ? Checksum::kCrc32 : Checksum::kNone;
}

Result<std::uint32_t> read_file_time(const std::shared_ptr<const SourceSettings>& settings,
                                     const Replica& replica, const std::string& file,
                                     const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(Connection connection, Connection::open(settings, stop));
  const DumpStart start{DumpStart::By::kFile, file, 4, ""};
  for (const std::string& statement : replica_variables(connection, replica, start)) {
    DMSKAFKA_TRY(connection.query(statement, stop));
  }
  DMSKAFKA_TRY(
      send_command(connection, kBinlogDump, dump_by_file(replica, start, kNonBlocking), Answer::kNone, stop));
  const Interruption interruption(connection, stop);
  for (int event = 0; event < kEventsBeforeDescription; ++event) {
    const unsigned long size = mysql_net_read_packet(connection.native());
    if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped while reading the log");
    if (size == packet_error) return dump_error(connection.failure(), connection.account());
    if (size <= EventHeader::kSize) break;
    const auto* const bytes = reinterpret_cast<const char*>(connection.native()->net.read_pos);
    const EventHeader header = parse_event_header({bytes + 1, size - 1});
    if (header.kind() == EventType::kFormatDescription) return header.timestamp;
  }
  return Error(ErrorCode::kSourceRejected, fmt::format("the binlog file {} does not begin as one", file));
}

}  // namespace dmskafka::mysql

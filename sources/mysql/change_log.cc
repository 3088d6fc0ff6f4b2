#include "sources/mysql/change_log.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <utility>

#include "core/base/logging.h"
#include "sources/mysql/change_stream.h"
#include "sources/mysql/identifier.h"
#include "sources/mysql/log_gaps.h"
#include "sources/mysql/log_preflight.h"
#include "sources/mysql/log_status.h"

namespace dmskafka::mysql {
namespace {

using std::chrono::milliseconds;

/// A refusal comes at once. A server that looks for a GTID in many files may be silent for longer, and is not waited for here.
constexpr milliseconds kFirstEvent{5'000};

/// What a checkpoint of DMS says: "file:rows start:row:rows end:transaction:file:table map". A row of -1 is a commit, which ends
/// there; else the transaction comes again.
std::optional<std::string> dms_checkpoint(std::string_view text) {
  constexpr std::size_t kParts = 7;
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t colon = std::min(text.find(':'), text.size());
    parts.push_back(text.substr(0, colon));
    text.remove_prefix(std::min(colon + 1, text.size()));
  }
  if (parts.size() != kParts) return std::nullopt;
  if (parts[2] == "-1") return fmt::format("{}:{}", parts[0], parts[3]);
  std::uint64_t transaction = 0;
  const auto parsed = std::from_chars(parts[4].data(), parts[4].data() + parts[4].size(), transaction);
  if (parsed.ec != std::errc()) return std::nullopt;
  return fmt::format("{}:{}", parts[0], transaction & UINT32_MAX);
}

}  // namespace

MysqlChangeLog::MysqlChangeLog(std::shared_ptr<const SourceSettings> settings, Options options,
                               std::string_view task_id, std::stop_token stop)
    : settings_(std::move(settings)),
      options_(std::move(options)),
      task_id_(task_id),
      stop_(std::move(stop)) {}

Result<Connection*> MysqlChangeLog::connection(const std::stop_token& stop) {
  if (!connection_ || !connection_->usable()) {
    DMSKAFKA_ASSIGN(connection_, Connection::open(settings_, stop));
  }
  return &*connection_;
}

Result<std::vector<PreflightFinding>> MysqlChangeLog::preflight(std::span<const TableSchema* const> tables) {
  DMSKAFKA_ASSIGN(Connection* const connection, this->connection(stop_));
  return check_log(*connection, settings_, {task_id_, options_.server_id}, tables,
                   options_.allow_partial_images, stop_);
}

Result<ChangeLog::Prepared> MysqlChangeLog::prepare(std::span<const TableSchema* const> tables,
                                                    WithSnapshot snapshot, std::stop_token stop) {
  Prepared prepared;
  if (snapshot == WithSnapshot::kYes) {
    DMSKAFKA_ASSIGN(prepared.snapshot, options_.open_snapshot(tables, stop));
    if (prepared.snapshot->position().empty()) {
      return Error(ErrorCode::kSourceRejected,
                   "the server does not tell the place of the snapshot in its binary log")
          .hint("the preflight says which right is missing");
    }
    DMSKAFKA_ASSIGN(last_, from_log_position(prepared.snapshot->position()));
    DMSKAFKA_ASSIGN(Connection* const connection, this->connection(stop));
    DMSKAFKA_ASSIGN(last_.server, read_server_name(*connection, stop));
  } else {
    DMSKAFKA_ASSIGN(last_, read_end(stop));
  }
  prepared.start = to_log_position(last_);
  log_info("the server's binary log is followed from " + prepared.start.text);
  return prepared;
}

// SPEC dms-settings §4.2: "MySQL native `mysql-bin-changelog.000024:373`", "checkpoint:V1#27#mysql-bin-changelog.157832:1975:
// -1:2002:677883278264080:mysql-bin-changelog.157832:1876#0#0#*#0#93".
Result<LogPosition> MysqlChangeLog::parse_position(std::string_view text) {
  std::string native(text);
  if (text.starts_with("checkpoint:")) {
    std::string_view stream = text;
    for (int field = 0; field < 2; ++field) {
      stream.remove_prefix(std::min(stream.find('#'), stream.size() - 1) + 1);
    }
    native = dms_checkpoint(stream.substr(0, stream.find('#'))).value_or(native);
  }
  DMSKAFKA_ASSIGN(Connection* const connection, this->connection(stop_));
  auto position = mysql::parse_position(native, connection->version().flavour);
  if (!position) {
    return Error(ErrorCode::kCommandLine, fmt::format("\"{}\" is no position of a binary log", text))
        .hint(
            "a position is FILE:OFFSET (mysql-bin.000024:373), the same with GTIDs behind a blank, or a "
            "checkpoint "
            "of DMS that holds one");
  }
  DMSKAFKA_ASSIGN(position->server, read_server_name(*connection, stop_));
  return to_log_position(*position);
}

Result<LogPosition> MysqlChangeLog::restore_position(std::string_view bytes) {
  LogPosition stored;
  stored.bytes = stored.text = bytes;
  DMSKAFKA_ASSIGN(last_, from_log_position(stored));
  return to_log_position(last_);
}

/// Of the epoch that a stream from last_ would tell positions of.
Result<BinlogPosition> MysqlChangeLog::read_end(const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(Connection* const connection, this->connection(stop));
  DMSKAFKA_ASSIGN(BinlogPosition end, read_log_end(*connection, stop));
  DMSKAFKA_ASSIGN(end.server, read_server_name(*connection, stop));
  end.epoch = last_.epoch;
  if (!last_.server.empty() && last_.server != end.server) ++end.epoch;
  return end;
}

Result<LogPosition> MysqlChangeLog::current_end() {
  DMSKAFKA_ASSIGN(const BinlogPosition end, read_end(stop_));
  return to_log_position(end);
}

Result<std::unique_ptr<ChangeStream>> MysqlChangeLog::open_stream(const StreamTables& tables,
                                                                  const LogPosition& from,
                                                                  std::stop_token stop) {
  DMSKAFKA_ASSIGN(const BinlogPosition position, from_log_position(from));
  DMSKAFKA_ASSIGN(Connection* const connection, this->connection(stop));
  DMSKAFKA_ASSIGN(const Replica replica, choose_replica(*connection, {task_id_, options_.server_id}, stop));
  DMSKAFKA_ASSIGN(Continuation going_on, continue_from(*connection, settings_, replica, position, stop));
  last_ = going_on.from;

  DMSKAFKA_ASSIGN(Connection dump, Connection::open(settings_, stop));
  BinlogDecoder::Options options;
  DMSKAFKA_ASSIGN(options.checksum, start_dump(dump, replica, going_on.start, stop));
  options.from = std::move(going_on.from);
  options.same_server = going_on.same_server;
  options.allow_partial_images = options_.allow_partial_images;
  log_debug(fmt::format("reading the binlog of {} from {} as replica {}", dump.place(),
                        going_on.start.by == DumpStart::By::kGtid
                            ? "GTIDs " + going_on.start.gtid
                            : fmt::format("{}:{}", going_on.start.file, going_on.start.offset),
                        replica.server_id));
  auto stream =
      std::make_unique<BinlogStream>(std::move(dump), std::chrono::seconds(settings_->execute_timeout_s));
  if (auto first = stream->wait_for_first(kFirstEvent, stop); !first) {
    return std::move(first).error().while_doing("going on from " + from.text);
  }
  MysqlChangeStream::Tables followed{{tables.known.begin(), tables.known.end()},
                                     {tables.now.begin(), tables.now.end()}};
  DMSKAFKA_ASSIGN(auto changes, MysqlChangeStream::make(std::move(stream),
                                                        std::make_unique<CatalogDescriber>(settings_, stop),
                                                        followed, std::move(options)));
  return std::unique_ptr<ChangeStream>(std::move(changes));
}

Result<LogRetention> MysqlChangeLog::retention(const LogPosition& checkpoint) {
  if (!checkpoint.empty()) {
    DMSKAFKA_ASSIGN(last_, from_log_position(checkpoint));
  }
  DMSKAFKA_ASSIGN(Connection* const connection, this->connection(stop_));
  LogRetention retention;
  DMSKAFKA_ASSIGN(retention, read_retention(*connection, last_, stop_));
  DMSKAFKA_ASSIGN(const BinlogPosition end, read_end(stop_));
  retention.server_end = to_log_position(end);
  return retention;
}

/// A replica leaves nothing in its server.
Result<std::vector<LogResource>> MysqlChangeLog::list_resources() { return std::vector<LogResource>(); }
Result<std::vector<LogResource>> MysqlChangeLog::remove_resources() { return std::vector<LogResource>(); }

}  // namespace dmskafka::mysql

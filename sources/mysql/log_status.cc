#include "sources/mysql/log_status.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sources/mysql/identifier.h"

namespace dmskafka::mysql {
namespace {

constexpr std::uint32_t kStatusRenamed = 80200;  // MySQL 8.4 does not know the old name any more
constexpr std::uint64_t kDay = 86'400;

template <typename Number>
Number to_number(std::string_view text) {
  Number number{};
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Error refused(const NativeError& native, const Connection& connection) {
  if (!is_denied(native)) return query_error(native);
  return Error(ErrorCode::kSourceRejected, fmt::format("user {} may not ask where the binary log ends: {}",
                                                       quote_account(connection.account()), native.message))
      .hint(fmt::format("GRANT {} ON *.* TO {};",
                        connection.version().is_mariadb() ? "BINLOG MONITOR" : "REPLICATION CLIENT",
                        quote_account(connection.account())));
}

/// False too where the server does not tell.
Result<bool> ends_at(Connection& connection, const BinlogPosition& place, const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(const Connection::Outcome end, connection.run("SHOW MASTER STATUS", stop));
  return !end.failure && end.rows.rows() == 1 && end.rows.text(0, 0) == place.file &&
         to_number<std::uint64_t>(end.rows.text(0, 1)) == place.offset;
}

/// nullopt: the log does not end there, or goes on meanwhile.
Result<std::optional<std::string>> gtids_of_end(Connection& connection, const BinlogPosition& place,
                                                const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(const bool before, ends_at(connection, place, stop));
  if (!before) return std::optional<std::string>();
  DMSKAFKA_ASSIGN(const QueryResult gtids, connection.query("SELECT @@GLOBAL.gtid_binlog_pos", stop));
  // The server writes a transaction and its GTID under one lock, which this takes too.
  DMSKAFKA_ASSIGN(const bool after, ends_at(connection, place, stop));
  if (!after) return std::optional<std::string>();
  return std::optional<std::string>(normalised_gtid(gtids.text(0, 0)));
}

}  // namespace

Result<std::string> mariadb_gtids(Connection& connection, const BinlogPosition& place,
                                  const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(std::optional<std::string> of_end, gtids_of_end(connection, place, stop));
  if (of_end) return *std::move(of_end);
  DMSKAFKA_ASSIGN(
      const Connection::Outcome outcome,
      connection.run(fmt::format("SELECT BINLOG_GTID_POS({}, {})", quote_literal(place.file), place.offset),
                     stop));
  if (outcome.failure || outcome.rows.rows() == 0) return std::string();
  return normalised_gtid(outcome.rows.text(0, 0));
}

Result<BinlogPosition> read_log_end(Connection& connection, const std::stop_token& stop) {
  const ServerVersion& version = connection.version();
  const bool renamed = !version.is_mariadb() && version.number >= kStatusRenamed;
  DMSKAFKA_ASSIGN(const Connection::Outcome outcome,
                  connection.run(renamed ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS", stop));
  if (outcome.failure) return refused(*outcome.failure, connection);
  if (outcome.rows.rows() == 0) {
    return Error(ErrorCode::kSourceRejected, fmt::format("{} keeps no binary log", connection.place()))
        .hint("set log_bin in the server's configuration, and restart it");
  }
  BinlogPosition end;
  end.flavour = version.flavour;
  end.file = outcome.rows.text(0, 0);
  end.offset = to_number<std::uint64_t>(outcome.rows.text(0, 1));
  if (version.is_mariadb()) {
    DMSKAFKA_ASSIGN(end.gtid, mariadb_gtids(connection, end, stop));
  } else if (const auto gtids = outcome.rows.find_column("Executed_Gtid_Set")) {
    end.gtid = normalised_gtid(outcome.rows.text(0, *gtids));
  }
  return end;
}

Result<std::optional<std::uint64_t>> read_expiry(Connection& connection, const std::stop_token& stop) {
  DMSKAFKA_ASSIGN(
      const QueryResult rows,
      connection.query("SHOW GLOBAL VARIABLES WHERE Variable_name IN ('binlog_expire_logs_seconds', "
                       "'expire_logs_days', 'binlog_expire_logs_auto_purge')",
                       stop));
  std::optional<std::uint64_t> seconds;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const std::string_view name = rows.text(row, 0);
    const std::string_view value = rows.text(row, 1);
    if (name == "binlog_expire_logs_auto_purge" && value == "OFF") return std::optional<std::uint64_t>(0);
    if (name == "binlog_expire_logs_seconds") {
      const auto told = to_number<std::uint64_t>(value);
      if (told != 0 || !seconds) seconds = told;
    }
    if (name == "expire_logs_days") {
      const auto told = static_cast<std::uint64_t>(to_number<double>(value) * static_cast<double>(kDay));
      if (told != 0 || !seconds) seconds = std::max(told, seconds.value_or(0));
    }
  }
  return seconds;
}

Result<LogRetention> read_retention(Connection& connection, const BinlogPosition& position,
                                    const std::stop_token& stop) {
  LogRetention retention;
  if (!position.file.empty()) retention.acknowledged = to_log_position(position);
  DMSKAFKA_ASSIGN(const Connection::Outcome files, connection.run("SHOW BINARY LOGS", stop));
  if (files.failure) return refused(*files.failure, connection);
  const auto from = binlog_file_number(position.file).value_or(0);
  std::uint64_t bytes = 0;
  bool found = position.file.empty();
  for (std::size_t row = 0; row < files.rows.rows(); ++row) {
    const auto number = binlog_file_number(files.rows.text(row, 0)).value_or(0);
    const auto size = to_number<std::uint64_t>(files.rows.text(row, 1));
    found = found || number == from;
    if (number > from) bytes += size;
    if (number == from) bytes += size - std::min(size, position.offset);
  }
  if (!position.file.empty()) retention.retained_bytes = bytes;
  DMSKAFKA_ASSIGN(const auto expiry, read_expiry(connection, stop));
  if (!found) {
    retention.state = "the file of the checkpoint is gone";
  } else if (expiry) {
    retention.state = *expiry == 0 ? std::string("files are kept until they are purged")
                                   : fmt::format("files are kept for {} s", *expiry);
  }
  return retention;
}

}  // namespace dmskafka::mysql

#include "sources/mysql/binlog_position.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace dmskafka::mysql {
namespace {

std::optional<std::uint64_t> whole_number(std::string_view text) noexcept {
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())
    return std::nullopt;
  return number;
}

std::optional<BinlogPosition> parse(std::string_view text, Flavour flavour) {
  BinlogPosition position;
  position.flavour = flavour;
  const std::size_t blank = text.find(' ');
  if (blank != std::string_view::npos) {
    position.gtid = normalised_gtid(text.substr(blank + 1));
    if (position.gtid.empty()) return std::nullopt;
    text = text.substr(0, blank);
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  position.file = text.substr(0, colon);
  const auto offset = whole_number(text.substr(colon + 1));
  if (!offset || !binlog_file_number(position.file)) return std::nullopt;
  position.offset = *offset;
  return position;
}

// What only the state file holds of a position: ";server=…;epoch=…;time=…;reread=FILE:OFFSET GTID", each where there is one.
std::string print_rest(const BinlogPosition& position) {
  std::string text;
  if (!position.server.empty()) text.append(";server=").append(position.server);
  if (position.epoch != 0) text.append(";epoch=").append(std::to_string(position.epoch));
  if (position.file_time != 0) text.append(";time=").append(std::to_string(position.file_time));
  if (!position.reread) return text;
  const BinlogPosition::Reread& reread = *position.reread;
  return fmt::format("{};reread={}:{}{}{}", text, reread.file, reread.offset, reread.gtid.empty() ? "" : " ",
                     reread.gtid);
}

bool parse_rest(std::string_view member, BinlogPosition& position) {
  const std::size_t equals = member.find('=');
  if (equals == std::string_view::npos) return false;
  const std::string_view name = member.substr(0, equals);
  const std::string_view value = member.substr(equals + 1);
  if (name == "server") {
    position.server = value;
    return !value.empty();
  }
  if (name == "epoch" || name == "time") {
    const auto number = whole_number(value);
    if (!number || *number > UINT32_MAX) return false;
    (name == "epoch" ? position.epoch : position.file_time) = static_cast<std::uint32_t>(*number);
    return true;
  }
  if (name != "reread") return false;
  auto reread = parse(value, position.flavour);
  if (!reread) return false;
  position.reread = BinlogPosition::Reread{std::move(reread->file), reread->offset, std::move(reread->gtid)};
  return true;
}

std::optional<BinlogPosition> parse_stored(std::string_view text, Flavour flavour) {
  std::size_t end = std::min(text.find(';'), text.size());
  auto position = parse(text.substr(0, end), flavour);
  while (position && end < text.size()) {
    text.remove_prefix(end + 1);
    end = std::min(text.find(';'), text.size());
    if (!parse_rest(text.substr(0, end), *position)) return std::nullopt;
  }
  return position;
}

}  // namespace

std::string_view flavour_name(Flavour flavour) noexcept {
  return flavour == Flavour::kMysql ? "mysql" : "mariadb";
}

std::optional<std::uint64_t> binlog_file_number(std::string_view file) noexcept {
  const std::size_t point = file.rfind('.');
  if (point == std::string_view::npos || point == 0) return std::nullopt;
  return whole_number(file.substr(point + 1));
}

// Once a transaction, so without fmt's parsing.
std::string print_position(const BinlogPosition& position) {
  std::string text;
  text.reserve(position.file.size() + position.gtid.size() + 24);
  text.append(position.file).append(":").append(std::to_string(position.offset));
  if (!position.gtid.empty()) text.append(" ").append(position.gtid);
  return text;
}

Result<BinlogPosition> parse_position(std::string_view text, Flavour flavour) {
  if (auto position = parse(text, flavour)) return *std::move(position);
  return Error(ErrorCode::kInvalidSettings, fmt::format("\"{}\" is no position in the binary log of {}", text,
                                                        flavour == Flavour::kMysql ? "MySQL" : "MariaDB"))
      .expected(flavour == Flavour::kMysql
                    ? "FILE:OFFSET, or FILE:OFFSET and a GTID set: mysql-bin.000024:373 uuid:1-42"
                    : "FILE:OFFSET, or FILE:OFFSET and GTIDs: mysql-bin.000024:373 0-1-42");
}

LogPosition to_log_position(const BinlogPosition& position) {
  LogPosition log;
  log.text = print_position(position);
  const std::string rest = print_rest(position);
  log.bytes.reserve(log.text.size() + rest.size() + 8);
  log.bytes.append(flavour_name(position.flavour)).append(" ").append(log.text).append(rest);
  log.order_high = std::uint64_t{position.epoch} << 32U | binlog_file_number(position.file).value_or(0);
  log.order_low = position.offset;
  return log;
}

Result<BinlogPosition> from_log_position(const LogPosition& position) {
  for (const Flavour flavour : {Flavour::kMysql, Flavour::kMariadb}) {
    const std::string prefix = fmt::format("{} ", flavour_name(flavour));
    if (!position.bytes.starts_with(prefix)) continue;
    if (auto parsed = parse_stored(std::string_view(position.bytes).substr(prefix.size()), flavour))
      return *std::move(parsed);
  }
  return Error(ErrorCode::kStateFile,
               fmt::format("the state file holds a log position that is none of ours: \"{}\"", position.text))
      .hint("restore it from a backup, or use --restart to load again from the start");
}

std::string normalised_gtid(std::string_view gtid) {
  std::string text;
  for (const char c : gtid) {
    if (c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
    text += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return text;
}

}  // namespace dmskafka::mysql

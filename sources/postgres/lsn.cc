#include "sources/postgres/lsn.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace dmskafka::postgres {
namespace {

std::optional<std::uint32_t> parse_half(std::string_view text) noexcept {
  // pg_lsn takes one to eight digits; from_chars alone would also take "" and a sign.
  if (text.empty() || text.size() > 8 || text.front() == '-') return std::nullopt;
  std::uint32_t half = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), half, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return half;
}

}  // namespace

std::optional<Lsn> parse_lsn(std::string_view text) noexcept {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto high = parse_half(text.substr(0, slash));
  const auto low = parse_half(text.substr(slash + 1));
  if (!high || !low) return std::nullopt;
  return Lsn{*high} << 32U | *low;
}

std::string format_lsn(Lsn lsn) { return fmt::format("{:X}/{:X}", lsn >> 32U, lsn & 0xFFFFFFFFU); }

LogPosition lsn_position(Lsn lsn) {
  LogPosition position;
  position.text = format_lsn(lsn);
  position.bytes = position.text;
  position.order_low = lsn;
  return position;
}

LogPosition log_position(Lsn lsn, std::string_view system_id) {
  LogPosition position = lsn_position(lsn);
  if (!system_id.empty()) {
    position.bytes += ' ';
    position.bytes += system_id;
  }
  return position;
}

std::optional<ParsedPosition> parse_position_bytes(std::string_view bytes) {
  const std::size_t blank = std::min(bytes.find(' '), bytes.size());
  const auto lsn = parse_lsn(bytes.substr(0, blank));
  if (!lsn) return std::nullopt;
  const std::string_view system_id = bytes.substr(std::min(blank + 1, bytes.size()));
  const bool digits = std::ranges::all_of(system_id, [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || (blank != bytes.size() && system_id.empty())) return std::nullopt;
  return ParsedPosition{*lsn, std::string(system_id)};
}

}  // namespace dmskafka::postgres

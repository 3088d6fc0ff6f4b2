#include "sources/postgres/lsn.h"

#include <fmt/format.h>

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

}  // namespace dmskafka::postgres

#pragma once
#include <compare>
#include <cstdint>
#include <string>

namespace dmskafka {

/// A place in a source's log, given by the source and opaque to everybody else: only the source that made it
/// parses `bytes`. Positions of one source (one server identity) are ordered by (order_high, order_low).
struct LogPosition {
  std::string bytes;  ///< What the checkpoint store keeps; the source's own encoding. Empty: no position.
  std::string text;   ///< For people, e.g. "0/16B3748" or "mysql-bin.000024:373".
  std::uint64_t order_high = 0;
  std::uint64_t order_low = 0;

  bool empty() const noexcept { return bytes.empty(); }
  friend std::strong_ordering operator<=>(const LogPosition& a, const LogPosition& b) noexcept {
    if (const auto high = a.order_high <=> b.order_high; high != 0) return high;
    return a.order_low <=> b.order_low;
  }
  friend bool operator==(const LogPosition& a, const LogPosition& b) noexcept { return (a <=> b) == 0; }
};

}  // namespace dmskafka

#pragma once
#include <cstdint>
#include <optional>

namespace dmskafka {

/// Microseconds since 1970-01-01T00:00:00Z.
struct WallTime {
  std::int64_t microseconds = 0;
  friend auto operator<=>(const WallTime&, const WallTime&) = default;
};

/// The time that goes into messages. Thread: any.
class WallClock {
 public:
  /// The machine's clock.
  WallClock() = default;
  /// A clock that always tells `fixed`: golden files, and previews under SOURCE_DATE_EPOCH.
  explicit WallClock(WallTime fixed) : fixed_(fixed) {}
  /// Reads SOURCE_DATE_EPOCH (seconds, https://reproducible-builds.org/specs/source-date-epoch/) from the
  /// environment.
  static WallClock from_environment();

  WallTime now() const noexcept;
  bool is_fixed() const noexcept { return fixed_.has_value(); }

 private:
  std::optional<WallTime> fixed_;
};

/// "2024-07-29T00:58:17.983670Z": always 27 bytes, written to `out`. Years 0–9999.
void format_iso8601(WallTime time, char* out) noexcept;
constexpr int kIso8601Size = 27;

}  // namespace dmskafka

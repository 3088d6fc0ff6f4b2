#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/log_position.h"
#include "core/base/mutex.h"
#include "core/base/result.h"

namespace dmskafka {

/// When the following of a log ends by itself, as the command line says it.
struct CdcStopOptions {
  /// DMS's --cdc-stop-position: "server_time:2018-02-09T12:12:12", "commit_time:…" (UTC), or a native position; "": none.
  std::string position;
  bool until_current = false;                        ///< at what is the end of the log at the start
  std::optional<std::chrono::seconds> idle_timeout;  ///< after so long without a change
};

/// A stop position, parsed as far as the source is not needed.
struct CdcStopPosition {
  std::optional<WallTime> server_time;
  std::optional<WallTime> commit_time;
  std::string native;
};
/// Errors: kCommandLine.
Result<CdcStopPosition> parse_stop_position(std::string_view text);
/// "2018-02-09T12:12:12", with or without a fraction and a Z: UTC. nullopt for anything else.
std::optional<WallTime> parse_utc(std::string_view text);

/// The conditions under which the following of a log ends. Thread: any (locks itself).
class CdcStop {
 public:
  CdcStop(CdcStopPosition position, std::optional<std::chrono::seconds> idle_timeout)
      : position_(std::move(position)), idle_timeout_(idle_timeout) {}

  /// Everything up to `end` is wanted, nothing later; the nearest end given counts.
  void end_at(const LogPosition& end, std::string why);
  /// True when a log that has come to `position` (where no transaction is open) has all that is wanted.
  bool reached(const LogPosition& position);
  /// True when a transaction that committed then is not wanted any more.
  bool passed(WallTime commit_time);
  /// True when nothing has come for too long.
  bool idle_for(std::chrono::steady_clock::duration quiet);
  /// True once the time has come at which the end of the log decides: give it to end_at().
  bool is_time(WallTime now) const;
  /// Why it ended, for people; "" when it did not.
  std::string reason() const;

 private:
  const CdcStopPosition position_;
  const std::optional<std::chrono::seconds> idle_timeout_;
  mutable Mutex mutex_;
  std::optional<LogPosition> end_ GUARDED_BY(mutex_);
  std::string end_why_ GUARDED_BY(mutex_);
  std::string reason_ GUARDED_BY(mutex_);
};

}  // namespace dmskafka

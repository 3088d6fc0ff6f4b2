#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/task/task_progress.h"

namespace dmskafka {

/// Rows and bytes by one moment, and how fast they grow.
struct FlowFigures {
  std::uint64_t rows = 0;
  std::uint64_t rows_estimate = 0;  ///< 0: unknown
  std::uint64_t bytes = 0;
  double rows_per_second = 0;
  double bytes_per_second = 0;
  /// 0–100; nothing when there is no estimate, and never 100 before the end: an estimate is one.
  std::optional<int> percent() const;
  std::optional<std::chrono::seconds> left() const;
};

/// A task at one moment, as the progress lines show it.
struct ProgressFigures {
  struct Table {
    std::string name;
    FlowFigures flow;
  };
  std::string phase;           ///< what the task waits for, "" while rows flow
  std::vector<Table> in_work;  ///< state "Full load", in load order
  std::uint64_t tables = 0;
  std::uint64_t tables_done = 0;
  std::uint64_t tables_in_error = 0;
  std::uint64_t rows_failed = 0;
  FlowFigures flow;
  std::optional<FollowingProgress> following;  ///< once changes are followed
  double changes_per_second = 0;
};

/// Turns the counters of a task into figures; the rates are over the last ten seconds. Thread: one.
class ProgressMeter {
 public:
  using Clock = std::chrono::steady_clock;
  /// REQUIRES: `now` does not go back.
  ProgressFigures sample(const TaskProgress& progress, Clock::time_point now);

 private:
  struct Mark {
    Clock::time_point time;
    std::uint64_t rows;
    std::uint64_t bytes;
  };
  using Track = std::deque<Mark>;
  static void set_rates(Track& track, FlowFigures& flow, Clock::time_point now);

  Track changes_;
  Track whole_;
  std::map<std::string, Track> tables_;
};

/// The live block: a line for each table in work, at most `rows_max` lines in all, the last for the whole.
std::vector<std::string> progress_block(const ProgressFigures& figures, std::size_t columns,
                                        std::size_t rows_max);
/// The whole in one line, for logs.
std::string progress_line(const ProgressFigures& figures);
/// The members of a --log-format json line, beginning with a comma.
std::string progress_json_members(const ProgressFigures& figures);

}  // namespace dmskafka

#include "core/task/cdc_stop.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

namespace dmskafka {
namespace {

constexpr std::string_view kServerTime = "server_time:";
constexpr std::string_view kCommitTime = "commit_time:";

/// Reads exactly `digits` digits and moves on.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  const char* const end = text.data() + digits;
  const auto [stopped, code] = std::from_chars(text.data(), end, value);
  if (code != std::errc() || stopped != end || text[0] == '-') return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

/// Microseconds of ".123", which may be absent.
std::optional<std::int64_t> take_fraction(std::string_view& text) {
  if (!take(text, '.')) return 0;
  std::int64_t value = 0;
  std::int64_t unit = 100'000;
  std::size_t digits = 0;
  while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
    value += (text[0] - '0') * unit;
    unit /= 10;
    ++digits;
    text.remove_prefix(1);
  }
  if (digits == 0) return std::nullopt;
  return value;
}

}  // namespace

std::optional<WallTime> parse_utc(std::string_view text) {
  const auto year = take_number(text, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day || !(take(text, 'T') || take(text, ' '))) return std::nullopt;
  const auto hour = take_number(text, 2);
  if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
  const auto minute = take_number(text, 2);
  if (!minute || *minute > 59 || !take(text, ':')) return std::nullopt;
  const auto second = take_number(text, 2);
  if (!second || *second > 59) return std::nullopt;
  const auto fraction = take_fraction(text);
  if (!fraction) return std::nullopt;
  take(text, 'Z');
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!text.empty() || !date.ok()) return std::nullopt;
  const auto days = std::chrono::sys_days(date).time_since_epoch();
  const auto time = days + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
                    std::chrono::seconds(*second) + std::chrono::microseconds(*fraction);
  return WallTime{std::chrono::duration_cast<std::chrono::microseconds>(time).count()};
}

Result<CdcStopPosition> parse_stop_position(std::string_view text) {
  CdcStopPosition position;
  const bool server = text.substr(0, kServerTime.size()) == kServerTime;
  const bool commit = text.substr(0, kCommitTime.size()) == kCommitTime;
  if (!server && !commit) {
    position.native = text;
    return position;
  }
  const auto time = parse_utc(text.substr(server ? kServerTime.size() : kCommitTime.size()));
  if (!time) {
    return Error(ErrorCode::kCommandLine, fmt::format("--cdc-stop-position \"{}\"", text))
        .expected("a time in UTC such as server_time:2018-02-09T12:12:12");
  }
  (server ? position.server_time : position.commit_time) = *time;
  return position;
}

void CdcStop::end_at(const LogPosition& end, std::string why) {
  MutexLock lock(mutex_);
  if (end_ && *end_ <= end) return;
  end_ = end;
  end_why_ = std::move(why);
}

bool CdcStop::reached(const LogPosition& position) {
  MutexLock lock(mutex_);
  if (!end_ || position < *end_) return false;
  if (reason_.empty()) reason_ = end_why_;
  return true;
}

bool CdcStop::passed(WallTime commit_time) {
  if (!position_.commit_time || commit_time <= *position_.commit_time) return false;
  MutexLock lock(mutex_);
  if (reason_.empty()) reason_ = "the next transaction committed after --cdc-stop-position";
  return true;
}

bool CdcStop::idle_for(std::chrono::steady_clock::duration quiet) {
  if (!idle_timeout_ || quiet < *idle_timeout_) return false;
  MutexLock lock(mutex_);
  if (reason_.empty()) reason_ = fmt::format("no change came for {} s", idle_timeout_->count());
  return true;
}

bool CdcStop::is_time(WallTime now) const {
  const auto& time = position_.server_time ? position_.server_time : position_.commit_time;
  return time && now > *time;
}

std::string CdcStop::reason() const {
  MutexLock lock(mutex_);
  return reason_;
}

}  // namespace dmskafka

#include "core/base/clock.h"

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>

namespace dmskafka {

WallClock WallClock::from_environment() {
  const char* text = std::getenv("SOURCE_DATE_EPOCH");
  if (text == nullptr) return WallClock();
  std::int64_t seconds = 0;
  const char* end = text + std::strlen(text);
  const auto parsed = std::from_chars(text, end, seconds);
  // A value that is no number is ignored, as the specification's own examples do for absent ones.
  if (parsed.ec != std::errc() || parsed.ptr != end) return WallClock();
  return WallClock(WallTime{seconds * 1'000'000});
}

WallTime WallClock::now() const noexcept {
  if (fixed_) return *fixed_;
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return WallTime{std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count()};
}

namespace {

void put_digits(char* out, std::int64_t value, int digits) noexcept {
  for (int i = digits - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

}  // namespace

void format_iso8601(WallTime time, char* out) noexcept {
  using namespace std::chrono;
  const sys_time<microseconds> point{microseconds(time.microseconds)};
  const sys_days day = floor<days>(point);
  const year_month_day date{day};
  const hh_mm_ss<microseconds> clock{point - day};
  put_digits(out, int{date.year()}, 4);
  out[4] = '-';
  put_digits(out + 5, unsigned{date.month()}, 2);
  out[7] = '-';
  put_digits(out + 8, unsigned{date.day()}, 2);
  out[10] = 'T';
  put_digits(out + 11, clock.hours().count(), 2);
  out[13] = ':';
  put_digits(out + 14, clock.minutes().count(), 2);
  out[16] = ':';
  put_digits(out + 17, clock.seconds().count(), 2);
  out[19] = '.';
  put_digits(out + 20, clock.subseconds().count(), 6);
  out[26] = 'Z';
}

}  // namespace dmskafka

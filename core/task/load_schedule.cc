#include "core/task/load_schedule.h"

#include <algorithm>
#include <chrono>

namespace dmskafka {
namespace {
// A bound, not a pace: whoever changes something tells those that wait.
constexpr std::chrono::minutes kWaitMax{1};
}  // namespace

LoadSchedule::LoadSchedule(const std::vector<std::unique_ptr<TableLoad>>& tables, Limits limits)
    : limits_(limits) {
  MutexLock lock(mutex_);
  for (const auto& table : tables) entries_.push_back(Entry{table.get(), 0, 0, Phase::kClosed});
}

std::optional<LoadSchedule::Work> LoadSchedule::next(TableLoad* current, const std::stop_token& stop) {
  MutexLock lock(mutex_);
  while (!stop.stop_requested()) {
    if (Entry* chosen = choose(current)) return take(*chosen);
    if (!something_left()) return std::nullopt;
    const std::uint64_t seen = changes_;
    changed_.wait_for(mutex_, stop, kWaitMax, [&]() REQUIRES_LOCK(mutex_) { return changes_ != seen; });
  }
  return std::nullopt;
}

void LoadSchedule::tell_waiting() {
  ++changes_;
  changed_.notify_all();
}

LoadSchedule::Entry* LoadSchedule::choose(const TableLoad* current) {
  std::size_t in_work = 0;
  Entry* fewest = nullptr;
  for (std::size_t i = 0; i < first_closed_; ++i) {
    Entry& candidate = entries_[i];
    if (!candidate.in_work()) continue;
    ++in_work;
    if (candidate.phase != Phase::kOpen || !candidate.has_work()) continue;
    if (candidate.table == current) return &candidate;
    if (candidate.readers >= limits_.readers_per_table_max) continue;
    if (fewest == nullptr || candidate.readers < fewest->readers) fewest = &candidate;
  }
  // A further table beats a further reader in an open one: its readers need no lock in common.
  if (in_work < limits_.tables_max && first_closed_ < entries_.size()) return &entries_[first_closed_];
  return fewest;
}

LoadSchedule::Work LoadSchedule::take(Entry& chosen) {
  const bool opens = chosen.phase == Phase::kClosed;
  if (opens) {
    chosen.phase = Phase::kOpening;
    ++first_closed_;
  }
  ++chosen.readers;
  SegmentLoad& segment = chosen.table->segments[chosen.next_segment++];
  segment.state.store(SegmentLoad::State::kReading, std::memory_order_release);
  return Work{chosen.table, &segment, opens};
}

bool LoadSchedule::something_left() const {
  return std::ranges::any_of(entries_, [](const Entry& entry) { return entry.has_work(); });
}

void LoadSchedule::opened(TableLoad& table) {
  MutexLock lock(mutex_);
  entry(table).phase = Phase::kOpen;
  tell_waiting();
}

void LoadSchedule::left(TableLoad& table) {
  MutexLock lock(mutex_);
  --entry(table).readers;
  tell_waiting();
}

void LoadSchedule::abandon(TableLoad& table) {
  MutexLock lock(mutex_);
  entry(table).next_segment = table.segments.size();
  tell_waiting();
}

bool LoadSchedule::read_through(const TableLoad& table) const {
  MutexLock lock(mutex_);
  const Entry& found = entry(table);
  return found.phase != Phase::kClosed && !found.has_work() && found.readers == 0;
}

LoadSchedule::Entry& LoadSchedule::entry(const TableLoad& table) {
  return *std::ranges::find(entries_, &table, &Entry::table);
}

const LoadSchedule::Entry& LoadSchedule::entry(const TableLoad& table) const {
  return *std::ranges::find(entries_, &table, &Entry::table);
}

}  // namespace dmskafka

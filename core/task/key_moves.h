#pragma once
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace dmskafka {

/// Remembers which keys were sent lately, and which were left by a row that moved to another key, so that records of one row
/// stay in order although they lie in different lanes and partitions. Keys share slots: a collision makes somebody wait for
/// nothing, never not wait. Sequences are those of portions. Thread: one.
class KeyMoves {
 public:
  static constexpr std::size_t kSlots = std::size_t{1} << 19;

  /// `sequence`: the portion up to which keys were not noted; they count as sent in it.
  void start(std::uint64_t sequence) {
    sent_.assign(kSlots, sequence);
    left_.assign(kSlots, 0);
  }
  bool started() const { return !sent_.empty(); }

  /// A record of this key goes out in portion `sequence`.
  void note_sent(std::uint64_t key, std::uint64_t sequence) { sent_[slot(key)] = sequence; }
  /// A row leaves this key by a record in portion `sequence`.
  void note_left(std::uint64_t key, std::uint64_t sequence) { left_[slot(key)] = sequence; }

  /// The portion that must be delivered before a row leaves this key: the last one with a record of it.
  std::uint64_t sent(std::uint64_t key) const { return sent_[slot(key)]; }
  /// The portion that must be delivered before another record of this key: the last one in which a row left it.
  std::uint64_t left(std::uint64_t key) const { return left_[slot(key)]; }

 private:
  static std::size_t slot(std::uint64_t key) {
    return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15U) >> 45U);
  }
  std::vector<std::uint64_t> sent_;  // 0: never
  std::vector<std::uint64_t> left_;
};

}  // namespace dmskafka

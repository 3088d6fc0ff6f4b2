#pragma once
#include <cstdint>
#include <optional>
#include <vector>

namespace dmskafka::postgres {

/// Heap pages [first, end) of a table and, where it is partitioned, of each of its leaves. The last range of a table is open:
/// the file may grow while it is read.
struct PageRange {
  std::uint64_t first = 0;
  std::optional<std::uint64_t> end;
  friend bool operator==(const PageRange&, const PageRange&) = default;
};

/// Cuts `pages_max` pages (of the largest leaf) into ranges so that each holds about `bytes_wanted` of `bytes_total`.
std::vector<PageRange> cut_pages(std::uint64_t pages_max, std::uint64_t bytes_total,
                                 std::uint64_t bytes_wanted);

}  // namespace dmskafka::postgres

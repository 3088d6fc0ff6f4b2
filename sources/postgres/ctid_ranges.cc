#include "sources/postgres/ctid_ranges.h"

#include <algorithm>

namespace dmskafka::postgres {

std::vector<PageRange> cut_pages(std::uint64_t pages_max, std::uint64_t bytes_total,
                                 std::uint64_t bytes_wanted) {
  const std::uint64_t wanted = std::max<std::uint64_t>(1, (bytes_total + bytes_wanted - 1) / bytes_wanted);
  const std::uint64_t count = std::max<std::uint64_t>(1, std::min(wanted, pages_max));
  const std::uint64_t step = std::max<std::uint64_t>(1, (pages_max + count - 1) / count);
  std::vector<PageRange> ranges;
  for (std::uint64_t first = 0; first < std::max<std::uint64_t>(1, pages_max); first += step) {
    ranges.push_back(PageRange{first, first + step});
  }
  ranges.back().end.reset();
  return ranges;
}

}  // namespace dmskafka::postgres

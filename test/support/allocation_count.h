#pragma once
#include <cstdint>

namespace dmskafka {

/// How often this program has called operator new, in all threads. Only a test that links dmskafka_allocation_count counts.
/// Always 0 under the thread sanitizer, whose own operator new cannot be replaced: there such a test proves nothing, and
/// the other builds do.
std::uint64_t allocation_count() noexcept;

}  // namespace dmskafka

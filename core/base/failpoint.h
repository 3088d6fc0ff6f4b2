#pragma once
#include <string_view>

namespace dmskafka {

/// A place where a test may have the program die as by kill -9: DMSKAFKA_FAILPOINT=NAME, or NAME:COUNT for the COUNT-th time
/// it is passed. Only in builds with the CMake option DMSKAFKA_FAILPOINTS; in others it is nothing. Thread: any.
#ifdef DMSKAFKA_FAILPOINTS
void failpoint(std::string_view name) noexcept;
#else
inline void failpoint(std::string_view) noexcept {}
#endif

}  // namespace dmskafka

#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace dmskafka {

/// "1,234,567".
std::string count_text(std::uint64_t count);
/// "1 row", "1,234 rows".
std::string counted(std::uint64_t count, const char* singular, const char* plural);
/// Bytes in decimal units with three figures: "812 B", "1.23 MB", "12.3 GB".
std::string bytes_text(double bytes);
/// "0.42 s", "12.3 s", "4 min 05 s", "2 h 13 min".
std::string duration_text(std::chrono::microseconds duration);

}  // namespace dmskafka

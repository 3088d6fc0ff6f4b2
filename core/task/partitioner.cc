#include "core/task/partitioner.h"

#include <array>
#include <cassert>
#include <cstddef>

namespace dmskafka {
namespace {

std::uint32_t byte_at(std::string_view bytes, std::size_t i) noexcept {
  return static_cast<unsigned char>(bytes[i]);
}

// The reflected polynomial of IEEE 802.3, as zlib uses it.
constexpr std::array<std::uint32_t, 256> make_crc32_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1U) != 0 ? (crc >> 1U) ^ 0xEDB88320U : crc >> 1U;
    table[i] = crc;
  }
  return table;
}
constexpr std::array<std::uint32_t, 256> kCrc32Table = make_crc32_table();

}  // namespace

std::uint32_t murmur2(std::string_view key) noexcept {
  constexpr std::uint32_t kMultiplier = 0x5bd1e995U;
  constexpr std::uint32_t kSeed = 0x9747b28cU;
  std::uint32_t hash = kSeed ^ static_cast<std::uint32_t>(key.size());
  std::size_t i = 0;
  for (; i + 4 <= key.size(); i += 4) {  // words are little-endian on every machine
    std::uint32_t word =
        byte_at(key, i) | byte_at(key, i + 1) << 8U | byte_at(key, i + 2) << 16U | byte_at(key, i + 3) << 24U;
    word *= kMultiplier;
    word ^= word >> 24U;
    word *= kMultiplier;
    hash = (hash * kMultiplier) ^ word;
  }
  if (i < key.size()) {
    for (std::size_t rest = key.size() - i; rest > 0; --rest) {
      hash ^= byte_at(key, i + rest - 1) << (8U * (rest - 1));
    }
    hash *= kMultiplier;
  }
  hash ^= hash >> 13U;
  hash *= kMultiplier;
  hash ^= hash >> 15U;
  return hash;
}

std::uint32_t crc32_of_key(std::string_view key) noexcept {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (std::size_t i = 0; i < key.size(); ++i)
    crc = (crc >> 8U) ^ kCrc32Table[(crc ^ byte_at(key, i)) & 0xFFU];
  return ~crc;
}

std::int32_t partition_of(Partitioner partitioner, std::string_view key,
                          std::int32_t partition_count) noexcept {
  assert(partition_count > 0);
  const auto count = static_cast<std::uint32_t>(partition_count);
  switch (partitioner) {
    // Java's toPositive() clears the sign bit; it does not negate.
    case Partitioner::kMurmur2Random: return static_cast<std::int32_t>((murmur2(key) & 0x7FFFFFFFU) % count);
    case Partitioner::kConsistentRandom: return static_cast<std::int32_t>(crc32_of_key(key) % count);
  }
  return 0;
}

}  // namespace dmskafka

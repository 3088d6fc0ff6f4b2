#pragma once
#include <cstdint>
#include <string_view>

#include "core/settings/task_settings.h"

namespace dmskafka {

/// murmur2 as org.apache.kafka.common.utils.Utils.murmur2 computes it: the partition of every Java producer is
/// (murmur2(key) & 0x7fffffff) % partitions.
std::uint32_t murmur2(std::string_view key) noexcept;
/// CRC-32 (zlib's), librdkafka's consistent_random for a non-empty key: crc32(key) % partitions.
std::uint32_t crc32_of_key(std::string_view key) noexcept;

/// The partition of a key. An empty key hashes like any other. REQUIRES: partition_count > 0.
std::int32_t partition_of(Partitioner partitioner, std::string_view key,
                          std::int32_t partition_count) noexcept;

}  // namespace dmskafka

#include "core/task/partitioner.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

namespace dmskafka {
namespace {

// The vectors of Apache Kafka's own UtilsTest, as signed Java integers.
TEST_CASE("partitioner: murmur2 is Java's") {
  const auto hash = [](std::string_view key) { return static_cast<std::int32_t>(murmur2(key)); };
  CHECK(hash("21") == -973932308);
  CHECK(hash("foobar") == -790332482);
  CHECK(hash("a-little-bit-long-string") == -985981536);
  CHECK(hash("a-little-bit-longer-string") == -1486304829);
  CHECK(hash("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8") == -58897971);
  CHECK(hash("abc") == 479470107);
}

TEST_CASE("partitioner: bytes above 127 are unsigned") {
  // Placed by librdkafka's murmur2_random into a topic of 7 partitions.
  CHECK(partition_of(Partitioner::kMurmur2Random, "größe", 7) == 4);
  CHECK(partition_of(Partitioner::kMurmur2Random, "\xF0\x9F\x98\x80", 7) == 0);
}

// The check value of CRC-32/ISO-HDLC in the CRC catalogue, and zlib's of the others.
TEST_CASE("partitioner: crc32 is zlib's") {
  CHECK(crc32_of_key("123456789") == 0xCBF43926U);
  CHECK(crc32_of_key("") == 0U);
  CHECK(crc32_of_key("a") == 0xE8B7BE43U);
  CHECK(crc32_of_key(std::string(1, '\0')) == 0xD202EF8DU);
  CHECK(crc32_of_key("\xFF\xFF\xFF\xFF") == 0xFFFFFFFFU);
}

TEST_CASE("partitioner: a negative hash loses its sign bit, as in Java") {
  // -973932308 & 0x7fffffff = 1173551340; modulo 7 = 3; its absolute value would give 6.
  CHECK(partition_of(Partitioner::kMurmur2Random, "21", 7) == 1173551340 % 7);
  CHECK(partition_of(Partitioner::kConsistentRandom, "123456789", 7) ==
        static_cast<std::int32_t>(0xCBF43926U % 7));
}

TEST_CASE("partitioner: every partition is within the topic, also the largest") {
  for (const std::int32_t count : {1, 2, 3, 7, 64, 2147483647}) {
    for (int i = 0; i < 1000; ++i) {
      const std::string key = std::to_string(i * 7919);
      for (const Partitioner partitioner : {Partitioner::kMurmur2Random, Partitioner::kConsistentRandom}) {
        const std::int32_t partition = partition_of(partitioner, key, count);
        CHECK(partition >= 0);
        CHECK(partition < count);
      }
    }
  }
}

TEST_CASE("partitioner: an empty key has a fixed partition") {
  CHECK(partition_of(Partitioner::kMurmur2Random, "", 7) ==
        static_cast<std::int32_t>((275646681U & 0x7FFFFFFFU) % 7));
  CHECK(partition_of(Partitioner::kConsistentRandom, "", 7) == 0);
}

}  // namespace
}  // namespace dmskafka

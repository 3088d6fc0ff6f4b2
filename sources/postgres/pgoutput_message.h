#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "sources/postgres/lsn.h"

namespace dmskafka::postgres {

/// The bytes of one message, read from front to back. A read past the end gives zeros and makes ok() false, so that a
/// message is checked once, at its end.
class MessageReader {
 public:
  explicit MessageReader(std::string_view bytes) noexcept : at_(bytes.data()), left_(bytes.size()) {}

  bool ok() const noexcept { return ok_; }
  std::size_t left() const noexcept { return left_; }
  std::uint8_t u8() noexcept {
    const char* from = take(1);
    return from != nullptr ? static_cast<std::uint8_t>(*from) : std::uint8_t{0};
  }
  std::uint16_t u16() noexcept { return static_cast<std::uint16_t>(big_endian<2>()); }
  std::uint32_t u32() noexcept { return static_cast<std::uint32_t>(big_endian<4>()); }
  std::uint64_t u64() noexcept { return big_endian<8>(); }
  std::string_view bytes(std::size_t size) noexcept {
    const char* from = take(size);
    return from != nullptr ? std::string_view(from, size) : std::string_view();
  }
  /// Up to the NUL byte that ends it.
  std::string_view text() noexcept {
    const void* end = left_ != 0 ? std::memchr(at_, 0, left_) : nullptr;
    if (end == nullptr) return fail(), std::string_view();
    const std::string_view found(at_, static_cast<std::size_t>(static_cast<const char*>(end) - at_));
    take(found.size() + 1);
    return found;
  }

 private:
  template <std::size_t kSize>
  std::uint64_t big_endian() noexcept {
    const char* from = take(kSize);
    if (from == nullptr) return 0;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < kSize; ++i) value = value << 8U | static_cast<std::uint8_t>(from[i]);
    return value;
  }
  const char* take(std::size_t size) noexcept {
    if (size > left_) return fail(), nullptr;
    const char* from = at_;
    at_ += size;
    left_ -= size;
    return from;
  }
  void fail() noexcept {
    ok_ = false;
    left_ = 0;
  }

  const char* at_;
  std::size_t left_;
  bool ok_ = true;
};

/// What a table's row is identified by in the log: pg_class.relreplident.
enum class ReplicaIdentity : char { kDefault = 'd', kFull = 'f', kIndex = 'i', kNothing = 'n' };

/// R: a table as it was when the following changes were made.
struct RelationMessage {
  struct Column {
    std::string name;
    std::uint32_t type = 0;  ///< pg_type.oid
    std::int32_t modifier = -1;
    bool identity = false;  ///< part of the replica identity: its value in an old key is real
    friend bool operator==(const Column&, const Column&) = default;
  };
  std::uint32_t oid = 0;
  std::string schema;
  std::string table;
  ReplicaIdentity identity = ReplicaIdentity::kDefault;
  std::vector<Column> columns;
  friend bool operator==(const RelationMessage&, const RelationMessage&) = default;
};

/// The bytes after the 'R'. Errors: kSourceRejected.
Result<RelationMessage> parse_relation(MessageReader& reader);

/// Microseconds since 2000-01-01, as PostgreSQL counts them, to those since 1970-01-01.
constexpr std::int64_t unix_microseconds(std::uint64_t postgres_microseconds) noexcept {
  constexpr std::int64_t kFrom1970To2000 = 946'684'800'000'000;
  // Clamped instead of overflowing: the bytes may be anything.
  const auto since_2000 = std::bit_cast<std::int64_t>(postgres_microseconds);
  return since_2000 > INT64_MAX - kFrom1970To2000 ? INT64_MAX : since_2000 + kFrom1970To2000;
}

}  // namespace dmskafka::postgres

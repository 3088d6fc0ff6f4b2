#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace dmskafka::mysql {

/// The bytes of one event, read from front to back, integers little-endian. A read past the end gives zeros and makes ok()
/// false, so that an event may be checked once, at its end.
class EventReader {
 public:
  explicit EventReader(std::string_view bytes) noexcept : at_(bytes.data()), left_(bytes.size()) {}

  bool ok() const noexcept { return ok_; }
  std::size_t left() const noexcept { return left_; }
  const char* at() const noexcept { return at_; }

  std::uint8_t u8() noexcept {
    const char* const from = take(1);
    return from != nullptr ? static_cast<std::uint8_t>(*from) : std::uint8_t{0};
  }
  std::uint16_t u16() noexcept { return fixed<std::uint16_t>(); }
  std::uint32_t u32() noexcept { return fixed<std::uint32_t>(); }
  std::uint64_t u64() noexcept { return fixed<std::uint64_t>(); }
  /// `size` bytes, at most 8.
  std::uint64_t little_endian(std::size_t size) noexcept {
    std::uint64_t value = 0;
    if (size != 0 && left_ >= sizeof value) {
      std::memcpy(&value, take(size), sizeof value);
      return value & UINT64_MAX >> (64 - 8 * size);
    }
    const char* const from = take(size);
    if (from != nullptr) std::memcpy(&value, from, size);
    return value;
  }
  std::uint64_t big_endian(std::size_t size) noexcept {
    const char* const from = take(size);
    std::uint64_t value = 0;
    for (std::size_t i = 0; from != nullptr && i < size; ++i) {
      value = value << 8U | static_cast<std::uint8_t>(from[i]);
    }
    return value;
  }
  /// MySQL's "length-encoded integer": one byte below 251, or 252, 253, 254 before 2, 3, 8 bytes. 251 (NULL) and 255 are none.
  std::uint64_t length_encoded() noexcept {
    const std::uint8_t first = u8();
    if (first < 251) return first;
    if (first == 252) return u16();
    if (first == 253) return little_endian(3);
    if (first == 254) return u64();
    fail();
    return 0;
  }
  std::string_view bytes(std::uint64_t size) noexcept {
    const char* const from = take(size);
    return from != nullptr ? std::string_view(from, static_cast<std::size_t>(size)) : std::string_view();
  }
  std::string_view rest() noexcept { return bytes(left_); }
  void fail() noexcept {
    ok_ = false;
    left_ = 0;
  }

 private:
  static_assert(std::endian::native == std::endian::little);
  template <typename Integer>
  Integer fixed() noexcept {
    const char* const from = take(sizeof(Integer));
    Integer value = 0;
    if (from != nullptr) std::memcpy(&value, from, sizeof value);
    return value;
  }
  const char* take(std::uint64_t size) noexcept {
    if (size > left_) return fail(), nullptr;
    const char* const from = at_;
    at_ += size;
    left_ -= static_cast<std::size_t>(size);
    return from;
  }

  const char* at_;
  std::size_t left_;
  bool ok_ = true;
};

/// A bitmap of the log: bit i is bit i%8 of byte i/8.
class BitmapView {
 public:
  BitmapView() = default;
  explicit BitmapView(std::string_view bytes) noexcept : bytes_(bytes) {}
  bool operator[](std::size_t i) const noexcept {
    return (static_cast<unsigned char>(bytes_[i / 8]) >> (i % 8) & 1U) != 0;
  }
  std::size_t count(std::size_t bits) const noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes_[i]); };
    int set = 0;
    for (std::size_t i = 0; i < bits / 8; ++i) set += std::popcount(byte(i));
    if (bits % 8 != 0) set += std::popcount(byte(bits / 8) & ((1U << bits % 8) - 1));
    return static_cast<std::size_t>(set);
  }
  static constexpr std::size_t bytes_for(std::size_t bits) noexcept { return (bits + 7) / 8; }

 private:
  std::string_view bytes_;
};

}  // namespace dmskafka::mysql

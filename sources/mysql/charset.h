#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace dmskafka::mysql {

inline constexpr std::uint32_t kBinaryCollation = 63;

/// The character set of a collation by its number, as the log has it: "latin1", "utf8mb4", …; "" for a number that we do not know.
std::string_view charset_of_collation(std::uint32_t collation) noexcept;
/// The same by its name: "latin1_swedish_ci" -> "latin1", "binary" -> "binary".
std::string_view charset_of_collation_name(std::string_view collation) noexcept;

/// Turns text of one character set into UTF-8. Bytes that are no character become U+FFFD, never an error.
/// Thread: one at a time.
class CharsetConverter {
 public:
  /// Errors: kSourceRejected for a character set that we have no table of.
  static Result<std::unique_ptr<CharsetConverter>> make(std::string_view charset);
  ~CharsetConverter();
  CharsetConverter(const CharsetConverter&) = delete;
  CharsetConverter& operator=(const CharsetConverter&) = delete;

  /// True where the bytes are UTF-8 as they stand.
  bool is_utf8() const noexcept { return kind_ == Kind::kUtf8; }
  /// Room that convert() needs for `size` bytes.
  std::size_t size_max(std::size_t size) const noexcept;
  /// Writes `text` in UTF-8 to `out`; returns the end.
  char* convert(std::string_view text, char* out) noexcept;
  std::string to_utf8(std::string_view text);

 private:
  enum class Kind : std::uint8_t { kUtf8, kSingleByte, kIconv };
  /// A character's UTF-8 in the low bytes, their number in the highest.
  using Table = std::array<std::uint32_t, 256>;
  CharsetConverter() = default;
  char* convert_by_iconv(std::string_view text, char* out) noexcept;

  Kind kind_ = Kind::kUtf8;
  bool wide_ = false;   // UTF-16 or UTF-32: no byte stands for itself
  bool ascii_ = false;  // bytes below 0x80 in front of all others are ASCII
  Table table_{};
  void* iconv_ = nullptr;
};

}  // namespace dmskafka::mysql

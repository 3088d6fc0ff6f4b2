#pragma once
#include <cstddef>

namespace dmskafka {

/// What stands at one place of a text that should be UTF-8.
struct Utf8Sequence {
  std::size_t size;  ///< At least 1. Of an invalid sequence: its maximal subpart (Unicode standard, ch. 3.9).
  bool valid;
};

/// Judges the sequence at `text`, of which `available` bytes may be read.
/// Well-formed sequences, Unicode standard, table 3-7:
///   00..7F | C2..DF 80..BF | E0 A0..BF 80..BF | E1..EC,EE,EF 80..BF 80..BF | ED 80..9F 80..BF
///   F0 90..BF 80..BF 80..BF | F1..F3 80..BF 80..BF 80..BF | F4 80..8F 80..BF 80..BF
/// REQUIRES: available > 0.
inline Utf8Sequence utf8_sequence(const char* text, std::size_t available) noexcept {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, true};
  if (lead < 0xC2 || lead > 0xF4) return {1, false};
  const std::size_t size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // Only the second byte has bounds of its own: they keep out overlong forms, surrogates and what is above U+10FFFF.
  const unsigned char second_min = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned char second_max = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (available < 2 || byte(1) < second_min || byte(1) > second_max) return {1, false};
  for (std::size_t i = 2; i < size; ++i) {
    if (i >= available || (byte(i) & 0xC0U) != 0x80U) return {i, false};
  }
  return {size, true};
}

}  // namespace dmskafka

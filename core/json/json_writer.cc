#include "core/json/json_writer.h"

#include <bit>
#include <cstring>

#include "core/json/utf8.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace dmskafka {
namespace {

// Output written beyond the input's size at one step: a block of 16 stored whole, or one \u00xx.
constexpr std::size_t kSlack = 32;
// By how much one reservation may be outgrown before the next.
constexpr std::size_t kGrowthMax = 64;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

bool is_plain(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

// The high bit of each byte that is not plain. A borrow can only disturb bytes above a true hit, so the lowest
// hit is exact, and no hit at all is exact.
std::uint64_t special_bytes(std::uint64_t bytes) noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHigh = 0x8080808080808080U;
  const std::uint64_t quote = bytes ^ (kOnes * '"');
  const std::uint64_t backslash = bytes ^ (kOnes * '\\');
  const std::uint64_t control = (bytes - kOnes * 0x20) & ~bytes;
  return (bytes | control | ((quote - kOnes) & ~quote) | ((backslash - kOnes) & ~backslash)) & kHigh;
}

// Copies plain ASCII from `in` to `out` until `end` or the first other byte; returns how many.
// REQUIRES: room for end - in + 16 bytes at `out`.
std::size_t copy_plain(const char* in, const char* end, char* out) noexcept {
  const char* const begin = in;
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i space = _mm_set1_epi8(0x20);
  while (end - in >= 16) {
    __m128i block;
    std::memcpy(&block, in, sizeof block);
    std::memcpy(out, &block, sizeof block);
    // The comparison is signed, so that "less than space" also finds every byte from 0x80 on.
    const __m128i special =
        _mm_or_si128(_mm_cmplt_epi8(block, space),
                     _mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(special));
    if (mask != 0)
      return static_cast<std::size_t>(in - begin) + static_cast<std::size_t>(std::countr_zero(mask));
    in += 16;
    out += 16;
  }
#endif
  if constexpr (std::endian::native == std::endian::little) {
    while (end - in >= 8) {
      std::uint64_t block;
      std::memcpy(&block, in, sizeof block);
      std::memcpy(out, &block, sizeof block);
      const std::uint64_t special = special_bytes(block);
      if (special != 0) {
        return static_cast<std::size_t>(in - begin) + static_cast<std::size_t>(std::countr_zero(special)) / 8;
      }
      in += 8;
      out += 8;
    }
  }
  while (in != end && is_plain(*in)) *out++ = *in++;
  return static_cast<std::size_t>(in - begin);
}

// Copies well-formed sequences beyond ASCII; returns how many bytes. REQUIRES: as copy_plain().
std::size_t copy_non_ascii(const char* in, const char* end, char* out) noexcept {
  const char* const begin = in;
  while (in != end && (static_cast<unsigned char>(*in) & 0x80U) != 0) {
    const Utf8Sequence sequence = utf8_sequence(in, static_cast<std::size_t>(end - in));
    if (!sequence.valid) break;
    // Four bytes at once where they may be read; what is too much is written over.
    std::memcpy(out, in, end - in >= 4 ? 4 : sequence.size);
    in += sequence.size;
    out += sequence.size;
  }
  return static_cast<std::size_t>(in - begin);
}

// Writes the escape of '"', '\\' or a control character; returns its size.
std::size_t write_escape(char c, char* out) noexcept {
  constexpr std::string_view kHex = "0123456789abcdef";
  out[0] = '\\';
  switch (c) {
    case '"': out[1] = '"'; return 2;
    case '\\': out[1] = '\\'; return 2;
    case '\b': out[1] = 'b'; return 2;
    case '\f': out[1] = 'f'; return 2;
    case '\n': out[1] = 'n'; return 2;
    case '\r': out[1] = 'r'; return 2;
    case '\t': out[1] = 't'; return 2;
    default: break;
  }
  const auto byte = static_cast<unsigned char>(c);
  std::memcpy(out + 1, "u00", 3);
  out[4] = kHex[byte >> 4U];
  out[5] = kHex[byte & 0xFU];
  return 6;
}

}  // namespace

std::size_t append_json_escaped(ByteBuffer& out, std::string_view text) {
  std::size_t replaced = 0;
  const char* in = text.data();
  const char* const end = in + text.size();
  while (in != end) {
    // Room for all that is left if nothing grows; a character that grows takes from the slack.
    char* const place = out.reserve(static_cast<std::size_t>(end - in) + kSlack + kGrowthMax);
    char* to = place;
    std::size_t grown = 0;
    while (in != end && grown < kGrowthMax) {
      const std::size_t plain = copy_plain(in, end, to);
      in += plain;
      to += plain;
      if (in == end) break;
      if ((static_cast<unsigned char>(*in) & 0x80U) == 0) {
        const std::size_t size = write_escape(*in++, to);
        to += size;
        grown += size - 1;
        continue;
      }
      const std::size_t copied = copy_non_ascii(in, end, to);
      in += copied;
      to += copied;
      if (copied != 0) continue;
      in += utf8_sequence(in, static_cast<std::size_t>(end - in)).size;
      std::memcpy(to, kReplacement.data(), kReplacement.size());
      to += kReplacement.size();
      grown += kReplacement.size() - 1;
      ++replaced;
    }
    out.advance(static_cast<std::size_t>(to - place));
  }
  return replaced;
}

std::size_t append_json_string(ByteBuffer& out, std::string_view text) {
  out.append('"');
  const std::size_t replaced = append_json_escaped(out, text);
  out.append('"');
  return replaced;
}

std::string json_quoted(std::string_view text) {
  ByteBuffer buffer;
  append_json_string(buffer, text);
  return std::string(buffer.view());
}

}  // namespace dmskafka

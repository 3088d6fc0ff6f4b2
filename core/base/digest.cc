#include "core/base/digest.h"

#include <openssl/sha.h>

#include <array>

namespace dmskafka {

namespace {

using Sha256 = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

Sha256 sha256(std::string_view bytes) {
  Sha256 digest;
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return digest;
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : sha256(bytes)) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

std::string task_id_from(std::string_view bytes) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  constexpr std::size_t kSize = 26;
  const Sha256 digest = sha256(bytes);
  std::string text;
  unsigned bits = 0;  // the bits taken from the digest and not yet written, in the low end
  unsigned bit_count = 0;
  for (std::size_t i = 0; text.size() < kSize; ++i) {
    bits = (bits << 8U) | digest[i];
    for (bit_count += 8; bit_count >= 5 && text.size() < kSize; bit_count -= 5) {
      text += kAlphabet[(bits >> (bit_count - 5)) & 31U];
    }
    bits &= 31U;  // what is left is below 5 bits
  }
  return text;
}

}  // namespace dmskafka

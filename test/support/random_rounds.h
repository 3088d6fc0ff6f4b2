#pragma once

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define DMSKAFKA_UNDER_SANITIZER
#endif
#endif

namespace dmskafka {

/// How often a test with random data goes round: `rounds` in a build for use, a tenth under a sanitizer, which is many times
/// slower and looks for other mistakes.
constexpr int random_rounds(int rounds) noexcept {
#ifdef DMSKAFKA_UNDER_SANITIZER
  return rounds / 10;
#else
  return rounds;
#endif
}

}  // namespace dmskafka

#pragma once

namespace dmskafka {

/// Sanitizers make a program many times slower, and look for other mistakes than random values do: they get less of them.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define DMSKAFKA_UNDER_SANITIZER
#endif
#endif
#ifdef DMSKAFKA_UNDER_SANITIZER
inline constexpr bool kUnderSanitizer = true;
#else
inline constexpr bool kUnderSanitizer = false;
#endif

/// How often a test with random values goes round.
constexpr int random_rounds(int rounds) noexcept { return kUnderSanitizer ? rounds / 50 : rounds; }

}  // namespace dmskafka

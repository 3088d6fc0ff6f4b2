#pragma once
#include <string_view>

namespace dmskafka {

/// A place where a test may have the program die as by kill -9. Here it is nothing; the tests' program dmskafka_failpoints, which is
/// otherwise the same, brings a definition of its own (test/support/armed_failpoint.cc). Thread: any.
void failpoint(std::string_view name) noexcept;

}  // namespace dmskafka

#pragma once

namespace dmskafka {

/// The most bytes either function writes.
constexpr int kFloatTextSize = 32;

/// printf's "%.9g", without its cost. Returns the end. REQUIRES: `value` is finite; kFloatTextSize bytes at
/// `out`.
char* format_float4(float value, char* out) noexcept;

/// printf's "%1.15g", or "%1.17g" where that does not read back as the same double: the habit of cJSON, which
/// DMS writes JSON with. Returns the end. REQUIRES: `value` is finite; kFloatTextSize bytes at `out`.
char* format_float8(double value, char* out) noexcept;

}  // namespace dmskafka

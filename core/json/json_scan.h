#pragma once
#include <optional>
#include <string>

#include "core/json/json_text.h"

namespace dmskafka {

constexpr std::size_t kJsonDepthMax = 128;

/// What makes a text no JSON: the exact byte, and what would have been right there.
struct JsonFault {
  std::size_t offset;
  std::string pointer;  ///< of the value that was being read
  std::string message;
  std::string expected;  ///< "" when nothing sensible can be said
};

/// Finds the first fault of a text against RFC 8259 (and our limits), one byte at a time. The fast parser says only that
/// there is one; this is its error path. nullopt: the text is JSON.
std::optional<JsonFault> find_json_fault(const JsonText& text);

}  // namespace dmskafka

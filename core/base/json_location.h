#pragma once
#include <cstdint>
#include <string>

namespace dmskafka {

/// A place in a JSON text, for messages. It owns its strings, so that it outlives the document.
struct JsonLocation {
  std::string file;     ///< As the user named it; "--kafka-settings" for an argument, "-" for standard input.
  std::string pointer;  ///< RFC 6901, e.g. "/rules/1/rule-action"; "" for the whole document.
  std::uint32_t line = 0;    ///< From 1; 0 when unknown.
  std::uint32_t column = 0;  ///< From 1, in characters (not bytes).
  std::string
      line_text;  ///< The quoted line, cut to what fits a terminal; the caret goes under `caret_column`.
  std::uint32_t caret_column =
      0;  ///< From 1, within `line_text`; differs from `column` where the line was cut.
};

}  // namespace dmskafka

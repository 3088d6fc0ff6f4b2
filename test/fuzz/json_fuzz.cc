#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/json/json_reader.h"
#include "core/json/json_writer.h"

// Any bytes are either JSON, whose every value knows its place, or refused at a place. The fast parser and the slow scan must
// agree on which: ErrorCode::kInternal says that they do not.

namespace {

using dmskafka::JsonDocument;
using dmskafka::JsonKind;
using dmskafka::JsonValue;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "json_fuzz: %s\n", what);
  std::abort();
}

void check_place(const dmskafka::JsonLocation& place) {
  require(place.line > 0 && place.column > 0 && place.caret_column > 0, "a value without a place");
}

// Writes the value again; what the writer wrote must read as the same.
void rewrite(const JsonValue& value, std::string& out) {
  switch (value.kind()) {
    case JsonKind::kNull: out += "null"; return;
    case JsonKind::kBoolean: out += value.boolean() ? "true" : "false"; return;
    case JsonKind::kNumber: out += value.number_text(); return;
    case JsonKind::kString: out += dmskafka::json_quoted(value.string()); return;
    case JsonKind::kArray:
      out += '[';
      for (const JsonValue& item : value.items()) {
        if (&item != value.items().data()) out += ',';
        rewrite(item, out);
      }
      out += ']';
      return;
    case JsonKind::kObject:
      out += '{';
      for (const auto& member : value.members()) {
        if (&member != value.members().data()) out += ',';
        out += dmskafka::json_quoted(member.name) + ":";
        rewrite(member.value, out);
      }
      out += '}';
      return;
  }
}

void check_places(const JsonValue& value, int budget) {
  check_place(value.location());
  check_place(value.name_location());
  if (budget == 0) return;
  if (value.is_array()) {
    for (const JsonValue& item : value.items().first(std::min<std::size_t>(value.items().size(), 4))) {
      check_places(item, budget - 1);
    }
  } else if (value.is_object()) {
    for (const auto& member : value.members().first(std::min<std::size_t>(value.members().size(), 4))) {
      check_places(member.value, budget - 1);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto document = JsonDocument::parse("fuzz", text);
  if (!document) {
    require(document.error().code() == dmskafka::ErrorCode::kInvalidSettings, "the two parsers disagree");
    require(!document.error().to_string().empty(), "an error without a text");
    return 0;
  }
  check_places(document->root(), 3);
  std::string first;
  rewrite(document->root(), first);
  const auto again = JsonDocument::parse("again", first);
  require(again.ok(), "what was written is no JSON");
  std::string second;
  rewrite(again->root(), second);
  require(first == second, "what was written reads differently");
  return 0;
}

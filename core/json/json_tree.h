#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/json/json_reader.h"
#include "core/json/json_text.h"

namespace dmskafka {

/// What a JsonDocument owns. It never moves: values point into it.
struct JsonTree {
  JsonTree(std::string name, std::string content) : text(std::move(name), std::move(content)) {}

  JsonText text;
  bool had_byte_order_mark = false;
  JsonValue root;
  std::deque<std::string> unescaped;  // strings and names that are not in the text as they are
  std::vector<std::unique_ptr<JsonValue[]>> arrays;
  std::vector<std::unique_ptr<JsonMember[]>> objects;

  /// RFC 6901 pointer of the value that begins at `offset`.
  std::string pointer_of(std::size_t offset) const;
};

/// Fills `tree.root` from `tree.text`. nullopt: done; otherwise the text is not what it should be, and this is why.
std::optional<Error> build_json_tree(JsonTree& tree);

}  // namespace dmskafka

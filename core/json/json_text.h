#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json_location.h"
#include "core/json/secret_spans.h"

namespace dmskafka {

/// The text of a document, and how its places are told to people. Immutable after construction.
class JsonText {
 public:
  JsonText(std::string name, std::string text);

  const std::string& name() const noexcept { return name_; }
  std::string_view text() const noexcept { return text_; }
  /// Bytes that may be read from text().data(), for simdjson, which reads ahead.
  std::size_t capacity() const noexcept { return text_.capacity(); }

  /// REQUIRES: offset <= text().size().
  JsonLocation locate(std::size_t offset, std::string pointer) const;
  /// From 1.
  std::uint32_t line_of(std::size_t offset) const;

 private:
  // A line as it can be shown, one element for each column: secrets and control sequences are gone.
  struct ShownLine {
    std::vector<std::string_view> characters;
    std::size_t caret = 0;  // index of the character the caret stands under
  };
  ShownLine shown_line(SecretSpan range, std::size_t offset) const;

  std::string name_;
  std::string text_;
  std::vector<std::size_t> line_starts_;
  std::vector<SecretSpan> secrets_;
};

/// `name` as a part of a JSON pointer: '~' and '/' are written ~0 and ~1 (RFC 6901).
std::string json_pointer_part(std::string_view name);

}  // namespace dmskafka

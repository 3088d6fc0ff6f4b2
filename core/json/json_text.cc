#include "core/json/json_text.h"

#include <algorithm>

#include "core/json/utf8.h"

namespace dmskafka {
namespace {

constexpr std::size_t kPadding = 64;  // simdjson wants 32 readable bytes behind the text
constexpr std::size_t kQuotedColumns = 100;
constexpr std::size_t kColumnsBeforeCaret = 60;  // kept where a long line is cut on its left
constexpr std::size_t kWindowBytes = 8 * kQuotedColumns;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kCut = "\xE2\x80\xA6";  // …
constexpr std::string_view kHidden = "***";

bool is_continuation(char c) noexcept { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

// What a terminal may be given for it: no control sequence, no broken character.
std::string_view shown_character(std::string_view bytes, bool valid) noexcept {
  const bool control = bytes.size() == 1 && static_cast<unsigned char>(bytes[0]) < 0x20 && bytes[0] != '\t';
  return !valid || control || bytes == "\x7F" ? kReplacement : bytes;
}

}  // namespace

JsonText::JsonText(std::string name, std::string text)
    : name_(std::move(name)), text_(std::move(text)), line_starts_{0}, secrets_(find_secrets(text_)) {
  text_.reserve(text_.size() + kPadding);
  for (std::size_t i = text_.find('\n'); i != std::string::npos; i = text_.find('\n', i + 1)) {
    line_starts_.push_back(i + 1);
  }
}

std::uint32_t JsonText::line_of(std::size_t offset) const {
  const auto after = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  return static_cast<std::uint32_t>(after - line_starts_.begin());
}

JsonLocation JsonText::locate(std::size_t offset, std::string pointer) const {
  JsonLocation place{name_, std::move(pointer), line_of(offset), 1, {}, 0};
  const std::size_t begin = line_starts_[place.line - 1];
  std::size_t end = std::min(text_.find('\n', begin), text_.size());
  if (end > begin && end > offset && text_[end - 1] == '\r') --end;
  for (std::size_t at = begin; at < offset; ++place.column)
    at += utf8_sequence(text_.data() + at, end - at).size;

  // A minified document is one line: only what can be shown is looked at.
  std::size_t from = begin;
  if (offset - begin > kWindowBytes) {
    from = offset - kWindowBytes;
    while (from < offset && is_continuation(text_[from])) ++from;
  }
  const ShownLine line = shown_line({from, std::min(end, offset + kWindowBytes)}, offset);

  // What is cut is marked by one character, which the caret's column counts.
  std::size_t first = 0;
  if (line.characters.size() > kQuotedColumns && line.caret > kColumnsBeforeCaret) {
    first = std::min(line.caret - kColumnsBeforeCaret, line.characters.size() - kQuotedColumns);
  }
  const std::size_t last = std::min(line.characters.size(), first + kQuotedColumns);
  if (first != 0) place.line_text += kCut;
  place.caret_column = static_cast<std::uint32_t>(line.caret - first) + (first == 0 ? 1U : 2U);
  for (std::size_t i = first; i < last; ++i) place.line_text += line.characters[i];
  if (last < line.characters.size()) place.line_text += kCut;
  return place;
}

JsonText::ShownLine JsonText::shown_line(SecretSpan range, std::size_t offset) const {
  ShownLine line;
  auto secret = std::lower_bound(secrets_.begin(), secrets_.end(), range.begin,
                                 [](const SecretSpan& span, std::size_t at) { return span.end <= at; });
  for (std::size_t at = range.begin; at < range.end;) {
    if (at <= offset) line.caret = line.characters.size();
    if (secret != secrets_.end() && at >= secret->begin) {
      line.characters.insert(line.characters.end(), kHidden.size(), kHidden.substr(0, 1));
      at = std::min(secret->end, range.end);
      ++secret;
      continue;
    }
    const Utf8Sequence sequence = utf8_sequence(text_.data() + at, range.end - at);
    line.characters.push_back(
        shown_character(std::string_view(text_).substr(at, sequence.size), sequence.valid));
    at += sequence.size;
  }
  if (offset >= range.end) line.caret = line.characters.size();
  return line;
}

std::string json_pointer_part(std::string_view name) {
  std::string part;
  for (const char c : name) {
    if (c == '~')
      part += "~0";
    else if (c == '/')
      part += "~1";
    else
      part += c;
  }
  return part;
}

}  // namespace dmskafka

#include "mapping/object_locator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstdint>

namespace dmskafka {

namespace {

// Takes one code point off the front. A byte that is no UTF-8 counts as a character of its own, outside
// Unicode, so that it equals only itself.
char32_t take_character(std::string_view& text) {
  const auto byte_at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte_at(0);
  if (first < 0x80) {
    text.remove_prefix(1);
    return first;
  }
  std::size_t size = 1;
  if (first >= 0xF0 && first < 0xF8)
    size = 4;
  else if (first >= 0xE0 && first < 0xF0)
    size = 3;
  else if (first >= 0xC2 && first < 0xE0)
    size = 2;
  else if (first >= 0x80)
    size = 0;
  if (size > text.size()) size = 0;
  char32_t character = size == 1 ? first : size == 0 ? char32_t{0x110000} + first : first & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte_at(i) & 0xC0U) != 0x80U) {
      size = 0;
      character = char32_t{0x110000} + first;
      break;
    }
    character = (character << 6U) | (byte_at(i) & 0x3FU);
  }
  text.remove_prefix(std::max<std::size_t>(size, 1));
  return character;
}

std::vector<char32_t> characters_of(std::string_view text) {
  std::vector<char32_t> characters;
  while (!text.empty()) characters.push_back(take_character(text));
  return characters;
}

}  // namespace

bool NamePattern::Element::accepts(char32_t character) const {
  switch (kind) {
    case Kind::kAnyRun:
    case Kind::kAnyOne: return true;
    case Kind::kOneOf: break;
  }
  return std::any_of(ranges.begin(), ranges.end(), [&](const Range& range) {
    return range.first <= character && character <= range.second;
  });
}

// Returns what is wrong, "" when nothing is.
std::string NamePattern::parse(std::string_view text, std::vector<Element>& elements) {
  const std::vector<char32_t> characters = characters_of(text);
  for (std::size_t i = 0; i < characters.size(); ++i) {
    if (characters[i] == U'%') {
      // Two runs are one.
      if (elements.empty() || elements.back().kind != Element::Kind::kAnyRun) {
        elements.push_back({Element::Kind::kAnyRun, {}});
      }
    } else if (characters[i] == U'_') {
      elements.push_back({Element::Kind::kAnyOne, {}});
    } else if (characters[i] == U'[') {
      const auto begin = characters.begin() + static_cast<std::ptrdiff_t>(i) + 1;
      const auto end = std::find(begin, characters.end(), U']');
      if (end == characters.end()) return "\"[\" without \"]\"";
      if (begin == end) return "\"[]\" holds no character";
      Element element{Element::Kind::kOneOf, {}};
      for (auto at = begin; at != end;) {
        // A minus at either end of the brackets is a minus.
        const bool range = end - at >= 3 && at[1] == U'-';
        element.ranges.emplace_back(at[0], range ? at[2] : at[0]);
        if (element.ranges.back().first > element.ranges.back().second)
          return "a range in brackets runs backwards";
        at += range ? 3 : 1;
      }
      std::sort(element.ranges.begin(), element.ranges.end());
      elements.push_back(std::move(element));
      i = static_cast<std::size_t>(end - characters.begin());
    } else {
      elements.push_back({Element::Kind::kOneOf, {{characters[i], characters[i]}}});
    }
  }
  return "";
}

std::string NamePattern::check(std::string_view text) {
  std::vector<Element> elements;
  return parse(text, elements);
}

NamePattern NamePattern::wildcard(std::string_view text) {
  std::vector<Element> elements;
  [[maybe_unused]] const std::string problem = parse(text, elements);
  assert(problem.empty());
  return NamePattern(std::move(elements));
}

NamePattern NamePattern::exact(std::string_view name) {
  std::vector<Element> elements;
  for (const char32_t character : characters_of(name)) {
    elements.push_back({Element::Kind::kOneOf, {{character, character}}});
  }
  return NamePattern(std::move(elements));
}

NamePattern::NamePattern(std::vector<Element> elements) : elements_(std::move(elements)) {
  for (const Element& element : elements_) {
    switch (element.kind) {
      case Element::Kind::kAnyRun: canonical_ += '%'; break;
      case Element::Kind::kAnyOne: canonical_ += '_'; break;
      case Element::Kind::kOneOf:
        for (const Range& range : element.ranges) {
          canonical_ += fmt::format("[{:x}-{:x}]", static_cast<std::uint32_t>(range.first),
                                    static_cast<std::uint32_t>(range.second));
        }
        canonical_ += ';';
        break;
    }
  }
}

// Asked for each rule and each table, so without memory of its own: characters are taken off the name as they come.
bool NamePattern::matches(std::string_view name) const {
  // Each run first takes nothing; on a mismatch the last run takes one character more. Earlier runs need no
  // second try: what the last one skips they could have skipped only to the same effect.
  std::size_t element = 0;
  std::size_t run = elements_.size();  // none yet
  std::string_view run_rest;
  while (!name.empty()) {
    if (element < elements_.size() && elements_[element].kind == Element::Kind::kAnyRun) {
      run = element++;
      run_rest = name;
      if (element == elements_.size()) return true;
      continue;
    }
    std::string_view rest = name;
    const char32_t character = take_character(rest);
    if (element < elements_.size() && elements_[element].accepts(character)) {
      ++element;
      name = rest;
    } else if (run < elements_.size()) {
      element = run + 1;
      take_character(run_rest);
      name = run_rest;
    } else {
      return false;
    }
  }
  while (element < elements_.size() && elements_[element].kind == Element::Kind::kAnyRun) ++element;
  return element == elements_.size();
}

bool has_wildcard(std::string_view text) { return text.find_first_of("%[]") != std::string_view::npos; }

bool ObjectLocator::matches(const TableName& name, TableKind kind) const {
  switch (type) {
    case TableType::kTable:
      if (kind != TableKind::kTable) return false;
      break;
    case TableType::kView:
      if (kind != TableKind::kView) return false;
      break;
    case TableType::kAll: break;
  }
  return schema.matches(name.schema) && table.matches(name.table);
}

std::string ObjectLocator::canonical() const {
  return fmt::format("{}|{}|{}", schema.canonical(), table.canonical(), static_cast<int>(type));
}

}  // namespace dmskafka

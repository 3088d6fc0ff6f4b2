#include "core/json/json_scan.h"

#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "core/json/utf8.h"

namespace dmskafka {
namespace {

bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_word(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// Recursive descent, one function for each rule of the grammar. Each returns false once fault_ is set.
class JsonScanner {
 public:
  explicit JsonScanner(const JsonText& text) : document_(text), text_(text.text()) {}

  std::optional<JsonFault> scan() {
    if (skip_spaces(), at_end()) {
      fail(at_, "the text is empty", "a JSON value");
    } else if (value()) {
      if (skip_spaces(), !at_end()) unexpected(", after the end of the document", "nothing more");
    }
    return std::move(fault_);
  }

 private:
  bool at_end() const { return at_ == text_.size(); }
  bool next_is(char c) const { return !at_end() && text_[at_] == c; }
  void skip_spaces() {
    while (!at_end() && is_space(text_[at_])) ++at_;
  }

  bool fail(std::size_t offset, std::string message, std::string expected) {
    std::string pointer;
    for (const std::string& part : path_) pointer += "/" + part;
    fault_ = JsonFault{offset, std::move(pointer), std::move(message), std::move(expected)};
    return false;
  }

  // Names what stands here, and the mistakes people make.
  bool unexpected(std::string_view where, std::string expected) {
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with("//") || rest.starts_with("/*") || rest.starts_with("#")) {
      return fail(at_, "a comment, which JSON does not have", std::move(expected));
    }
    const Utf8Sequence sequence = utf8_sequence(rest.data(), rest.size());
    if (!sequence.valid) return invalid_utf8();
    const std::string_view character = rest.substr(0, sequence.size);
    if (character == "\xE2\x80\x9C" || character == "\xE2\x80\x9D" || character == "\xE2\x80\x9E") {
      return fail(at_, "a typographic quotation mark", "\"");
    }
    if (character == "'") return fail(at_, "a single quotation mark", "\"");
    if (static_cast<unsigned char>(character[0]) < 0x20 || character == "\x7F") {
      return fail(
          at_, fmt::format("unexpected control character U+{:04X}{}", static_cast<int>(character[0]), where),
          std::move(expected));
    }
    std::size_t size = 0;
    while (size < rest.size() && size < 20 && is_word(rest[size])) ++size;
    return fail(at_, fmt::format("unexpected {}{}", size > 1 ? rest.substr(0, size) : character, where),
                std::move(expected));
  }

  bool invalid_utf8() {
    return fail(at_, fmt::format("invalid UTF-8, byte 0x{:02X}", static_cast<unsigned char>(text_[at_])),
                "text in UTF-8");
  }

  bool unexpected_end(std::string_view what, std::size_t opened, std::string expected) {
    return fail(text_.size(),
                fmt::format("the text ends within {} of line {}", what, document_.line_of(opened)),
                std::move(expected));
  }

  bool value() {
    if (next_is('{')) return nested(&JsonScanner::object);
    if (next_is('[')) return nested(&JsonScanner::array);
    if (next_is('"')) return string();
    if (next_is('-') || is_digit(text_[at_])) return number();
    for (const std::string_view literal :
         {std::string_view("true"), std::string_view("false"), std::string_view("null")}) {
      if (text_.substr(at_).starts_with(literal) &&
          (at_ + literal.size() == text_.size() || !is_word(text_[at_ + literal.size()]))) {
        at_ += literal.size();
        return true;
      }
    }
    return unexpected("", "a JSON value");
  }

  bool nested(bool (JsonScanner::*rule)()) {
    if (depth_ == kJsonDepthMax) {
      return fail(at_, fmt::format("more than {} levels of nesting", kJsonDepthMax), "");
    }
    ++depth_;
    const bool ok = (this->*rule)();
    --depth_;
    return ok;
  }

  bool object() {
    const std::size_t opened = at_++;
    if (skip_spaces(), next_is('}')) return ++at_, true;
    while (true) {
      if (skip_spaces(), at_end()) return unexpected_end("the object", opened, "a member's name");
      if (!next_is('"')) return unexpected("", "a member's name in \"\"");
      const std::size_t name = at_;
      if (!string()) return false;
      path_.push_back(json_pointer_part(text_.substr(name + 1, at_ - name - 2)));
      if (skip_spaces(), at_end()) return unexpected_end("the object", opened, ":");
      if (!next_is(':')) return unexpected(" after a member's name", ":");
      ++at_;
      if (skip_spaces(), at_end()) return unexpected_end("the object", opened, "a JSON value");
      if (!value()) return false;
      path_.pop_back();
      if (skip_spaces(), at_end()) return unexpected_end("the object", opened, ", or }");
      if (next_is('}')) return ++at_, true;
      if (!comma('}')) return false;
    }
  }

  bool array() {
    const std::size_t opened = at_++;
    if (skip_spaces(), next_is(']')) return ++at_, true;
    for (std::size_t index = 0;; ++index) {
      path_.push_back(std::to_string(index));
      if (skip_spaces(), at_end()) return unexpected_end("the array", opened, "a JSON value");
      if (!value()) return false;
      path_.pop_back();
      if (skip_spaces(), at_end()) return unexpected_end("the array", opened, ", or ]");
      if (next_is(']')) return ++at_, true;
      if (!comma(']')) return false;
    }
  }

  bool comma(char close) {
    if (!next_is(',')) return unexpected("", fmt::format(", or {}", close));
    const std::size_t comma = at_++;
    skip_spaces();
    if (next_is(close))
      return fail(comma, fmt::format("a comma before the closing {}", close), "no comma here");
    return true;
  }

  bool string() {
    const std::size_t opened = at_++;
    while (!at_end()) {
      const char c = text_[at_];
      if (c == '"') return ++at_, true;
      if (c == '\\') {
        if (!escape(opened)) return false;
        continue;
      }
      if (c == '\n' || c == '\r') return fail(opened, "the string is not closed on its line", "a closing \"");
      if (static_cast<unsigned char>(c) < 0x20) {
        return fail(at_, fmt::format("control character U+{:04X} within a string", static_cast<int>(c)),
                    c == '\t' ? "\\t" : fmt::format("\\u{:04x}", static_cast<int>(c)));
      }
      const Utf8Sequence sequence = utf8_sequence(text_.data() + at_, text_.size() - at_);
      if (!sequence.valid) return invalid_utf8();
      at_ += sequence.size;
    }
    return fail(opened, "the string is not closed", "a closing \"");
  }

  // The four hex digits behind "\u", or nothing.
  std::optional<unsigned> hex4(std::size_t at) const {
    if (at + 4 > text_.size()) return std::nullopt;
    unsigned code = 0;
    for (const char c : text_.substr(at, 4)) {
      const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
      if (!is_digit(lower) && (lower < 'a' || lower > 'f')) return std::nullopt;
      code = code * 16 + static_cast<unsigned>(is_digit(lower) ? lower - '0' : lower - 'a' + 10);
    }
    return code;
  }

  bool escape(std::size_t opened) {
    if (at_ + 1 == text_.size()) return fail(opened, "the string is not closed", "a closing \"");
    const char c = text_[at_ + 1];
    if (c != 'u') {
      if (std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos) {
        return fail(at_, "an escape JSON does not have", "one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0000");
      }
      at_ += 2;
      return true;
    }
    const std::optional<unsigned> code = hex4(at_ + 2);
    if (!code) return fail(at_, "an incomplete \\u escape", "four hexadecimal digits after \\u");
    const bool high = *code >= 0xD800 && *code < 0xDC00;
    if (high && text_.substr(at_ + 6).starts_with("\\u")) {
      const std::optional<unsigned> low = hex4(at_ + 8);
      if (low && *low >= 0xDC00 && *low < 0xE000) {
        at_ += 12;
        return true;
      }
    }
    if (*code >= 0xD800 && *code < 0xE000)
      return fail(at_, "half of a surrogate pair", "both halves, \\uD83D\\uDE00 for example");
    at_ += 6;
    return true;
  }

  void digits() {
    while (!at_end() && is_digit(text_[at_])) ++at_;
  }

  bool number() {
    const std::size_t begin = at_;
    if (next_is('-')) ++at_;
    const std::size_t first = at_;
    digits();
    if (at_ == first) return number_fault(begin, "a digit after -");
    if (text_[first] == '0' && at_ - first > 1) return number_fault(begin, "a number without leading zeros");
    if (next_is('.')) {
      const std::size_t fraction = ++at_;
      digits();
      if (at_ == fraction) return number_fault(begin, "a digit after .");
    }
    if (next_is('e') || next_is('E')) {
      ++at_;
      if (next_is('+') || next_is('-')) ++at_;
      const std::size_t exponent = at_;
      digits();
      if (at_ == exponent) return number_fault(begin, "a digit in the exponent");
    }
    if (!at_end() && (is_word(text_[at_]) || text_[at_] == '.' || text_[at_] == '-' || text_[at_] == '+')) {
      return number_fault(begin, "a JSON number");
    }
    return true;
  }

  bool number_fault(std::size_t begin, std::string expected) {
    std::size_t end = begin;
    while (end < text_.size() && end - begin < 40 &&
           (is_word(text_[end]) || text_[end] == '.' || text_[end] == '-' || text_[end] == '+')) {
      ++end;
    }
    return fail(begin, fmt::format("{} is no JSON number", text_.substr(begin, end - begin)),
                std::move(expected));
  }

  const JsonText& document_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::vector<std::string> path_;
  std::optional<JsonFault> fault_;
};

}  // namespace

std::optional<JsonFault> find_json_fault(const JsonText& text) { return JsonScanner(text).scan(); }

}  // namespace dmskafka

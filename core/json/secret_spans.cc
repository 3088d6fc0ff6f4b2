#include "core/json/secret_spans.h"

#include <algorithm>
#include <string>

namespace dmskafka {
namespace {

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_name(char c) noexcept {
  return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

class SecretFinder {
 public:
  explicit SecretFinder(std::string_view text) : text_(text) {}

  std::vector<SecretSpan> find() {
    for (std::size_t at = 0; at < text_.size();) {
      std::size_t next = at + 1;
      if (const std::size_t word = secret_word(at); word != 0) {
        next = std::max(next, after_name(at + word));
      } else if (text_.substr(at, 3) == "://") {
        next = std::max(next, after_scheme(at + 3));
      }
      at = next;
    }
    return std::move(spans_);
  }

 private:
  std::size_t secret_word(std::size_t at) const {
    for (const std::string_view word : {std::string_view("password"), std::string_view("secret")}) {
      if (text_.size() - at < word.size()) continue;
      const std::string_view here = text_.substr(at, word.size());
      if (std::equal(here.begin(), here.end(), word.begin(), [](char a, char b) { return lower(a) == b; })) {
        return word.size();
      }
    }
    return 0;
  }

  // `"Password": "…"`, `\"Password\": \"…\"` (inside a string) and `Password=…`. Returns where to go on.
  std::size_t after_name(std::size_t at) {
    while (at < text_.size() && is_name(text_[at])) ++at;
    while (at < text_.size() && (text_[at] == '\\' || text_[at] == '"')) ++at;
    while (at < text_.size() && is_space(text_[at])) ++at;
    if (at == text_.size() || (text_[at] != ':' && text_[at] != '=')) return at;
    const bool assignment = text_[at++] == '=';
    while (at < text_.size() && is_space(text_[at])) ++at;
    std::size_t quote = at;
    while (quote < text_.size() && text_[quote] == '\\') ++quote;
    if (quote < text_.size() && text_[quote] == '"') return after_quoted(quote + 1, quote - at);
    return after_bare(at, assignment);
  }

  // A value in quotes that stand behind `escapes` backslashes; an unclosed one is hidden up to the end of the text.
  std::size_t after_quoted(std::size_t begin, std::size_t escapes) {
    for (std::size_t at = begin; at < text_.size();) {
      std::size_t run = 0;
      while (at + run < text_.size() && text_[at + run] == '\\') ++run;
      if (at + run < text_.size() && text_[at + run] == '"') {
        // Within the value a quote has more backslashes before it than the quote that closes it.
        const bool closes = escapes == 0 ? run % 2 == 0 : run <= escapes;
        if (closes) return add(begin, escapes == 0 ? at + run : at), at + run + 1;
      }
      at += run + 1;
    }
    return add(begin, text_.size()), text_.size();
  }

  // A value without quotes: a number in JSON, anything in `key=value;`.
  std::size_t after_bare(std::size_t begin, bool assignment) {
    const bool is_list = begin < text_.size() && text_[begin] == '[';
    const std::string_view stops = assignment ? "\";&,\n\r" : is_list ? "]" : ",]}\n\r";
    const std::size_t end = std::min(text_.find_first_of(stops, begin), text_.size());
    const std::string_view value = text_.substr(begin, end - begin);
    // A nested document has names of its own.
    if (!value.empty() && value[0] != '{' && value != "null") add(begin, end);
    return begin;
  }

  // `user:password@host`: the last '@' before the path, as a password may hold one.
  std::size_t after_scheme(std::size_t begin) {
    const std::size_t end = std::min(text_.find_first_of("/?#\" \t\r\n", begin), text_.size());
    const std::string_view authority = text_.substr(begin, end - begin);
    const std::size_t at = authority.rfind('@');
    const std::size_t colon = authority.find(':');
    if (at == std::string_view::npos || colon == std::string_view::npos || colon > at) return begin;
    add(begin + colon + 1, begin + at);
    return begin + at;
  }

  void add(std::size_t begin, std::size_t end) {
    const std::string_view value = text_.substr(begin, end - begin);
    if (value.empty() || (value.starts_with("${") && value.ends_with('}'))) return;
    if (!spans_.empty() && begin < spans_.back().end) {
      spans_.back().end = std::max(spans_.back().end, end);
      return;
    }
    spans_.push_back({begin, end});
  }

  std::string_view text_;
  std::vector<SecretSpan> spans_;
};

}  // namespace

std::vector<SecretSpan> find_secrets(std::string_view text) { return SecretFinder(text).find(); }

}  // namespace dmskafka

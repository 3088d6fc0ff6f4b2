#include "mapping/lob_cut.h"

namespace dmskafka {

namespace {

constexpr std::string_view kHexPrefix = "\\x";  // PostgreSQL's text of bytes; two digits a byte follow

bool continues_character(char c) noexcept { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

std::string_view cut_text(std::string_view text, std::size_t bytes_max) noexcept {
  std::size_t end = bytes_max;
  // A character has at most three continuation bytes; more of them are no UTF-8, and any place is as good.
  for (int back = 0; back < 3 && end > 0 && continues_character(text[end]); ++back) --end;
  return text.substr(0, continues_character(text[end]) ? bytes_max : end);
}

}  // namespace

std::string_view cut_lob(ValueKind kind, const Value& value, std::size_t bytes_max) noexcept {
  const std::string_view text = value.view();
  if (value.form() == ValueForm::kBytes) return text.substr(0, bytes_max);
  if (value.form() != ValueForm::kText) return text;
  if (kind == ValueKind::kHexBytes && text.starts_with(kHexPrefix)) {
    return text.substr(0, kHexPrefix.size() + 2 * bytes_max);
  }
  return text.size() > bytes_max ? cut_text(text, bytes_max) : text;
}

}  // namespace dmskafka

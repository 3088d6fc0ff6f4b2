#include "sources/mysql/identifier.h"

#include <algorithm>

namespace dmskafka::mysql {

std::string quote_identifier(std::string_view name) {
  std::string quoted = "`";
  for (const char c : name) {
    if (c == '`') quoted += '`';
    quoted += c;
  }
  return quoted += '`';
}

std::string quote_table(const TableName& name) {
  return quote_identifier(name.schema) + "." + quote_identifier(name.table);
}

std::string quote_literal(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\0') {
      quoted += "\\0";
      continue;
    }
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted += '\'';
}

std::string hex_literal(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string literal = "x'";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    literal += kDigits[byte >> 4U];
    literal += kDigits[byte & 15U];
  }
  return literal += '\'';
}

std::string quote_account(std::string_view account) {
  const std::size_t at = std::min(account.rfind('@'), account.size());
  std::string quoted = quote_literal(account.substr(0, at));
  if (at < account.size()) quoted += "@" + quote_literal(account.substr(at + 1));
  return quoted;
}

}  // namespace dmskafka::mysql

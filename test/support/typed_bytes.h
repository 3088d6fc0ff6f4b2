#pragma once
#include <string>
#include <string_view>

namespace dmskafka {

/// Bytes as a person types them: hexadecimal digits, blanks between, and texts in single quotes (without a NUL).
inline std::string typed_bytes(std::string_view typed) {
  std::string out;
  for (std::size_t i = 0; i < typed.size();) {
    if (typed[i] == ' ') {
      ++i;
    } else if (typed[i] == '\'') {
      const std::size_t end = typed.find('\'', i + 1);
      out += typed.substr(i + 1, end - i - 1);
      i = end + 1;
    } else {
      out += static_cast<char>(std::stoi(std::string(typed.substr(i, 2)), nullptr, 16));
      i += 2;
    }
  }
  return out;
}

}  // namespace dmskafka

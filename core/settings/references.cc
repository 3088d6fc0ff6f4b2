#include "core/settings/references.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace dmskafka {
namespace {

constexpr std::size_t kSecretBytesMax = 64 << 10;

Result<std::string> environment(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  if (value != nullptr) return std::string(value);
  return Error(ErrorCode::kInvalidSettings, fmt::format("the environment has no variable {}", name));
}

Error unreadable(const std::string& path, int error) {
  return Error(ErrorCode::kInvalidSettings, fmt::format("cannot read {}: {}", path, std::strerror(error)));
}

Result<std::string> file_content(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (!file) return unreadable(path, errno);
  std::string text(kSecretBytesMax + 1, '\0');
  errno = 0;
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return unreadable(path, errno);
  if (text.size() > kSecretBytesMax) {
    return Error(ErrorCode::kInvalidSettings, fmt::format("{} has more than 64 KiB", path));
  }
  // Editors and `echo` end a file with a line break that is no part of the secret.
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

}  // namespace

Result<std::string> resolve_references(std::string_view text) {
  constexpr std::string_view kEnvironment = "${env:";
  constexpr std::string_view kFile = "${file:";
  std::string out;
  while (!text.empty()) {
    const std::size_t begin = text.find("${");
    out += text.substr(0, begin);
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin);
    const bool is_environment = text.starts_with(kEnvironment);
    if (!is_environment && !text.starts_with(kFile)) {
      out += text.substr(0, 2);
      text.remove_prefix(2);
      continue;
    }
    const std::size_t end = text.find('}');
    if (end == std::string_view::npos) {
      return Error(ErrorCode::kInvalidSettings, "a ${env: or ${file: reference is not closed").expected("}");
    }
    const std::size_t prefix = is_environment ? kEnvironment.size() : kFile.size();
    const std::string name(text.substr(prefix, end - prefix));
    DMSKAFKA_ASSIGN(const std::string value, is_environment ? environment(name) : file_content(name));
    out += value;
    text.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace dmskafka

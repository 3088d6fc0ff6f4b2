#pragma once
#include <cstddef>
#include <string_view>
#include <vector>

namespace dmskafka {

/// A run of bytes that must not be shown.
struct SecretSpan {
  std::size_t begin;
  std::size_t end;
};

/// Where a text (JSON, also JSON inside a JSON string, broken JSON, `key=value` lists, URLs) holds passwords: what stands
/// behind a name that contains "password" or "secret", and the password of a URL's `user:password@`. Quoting a line of a
/// user's file must not print them, wherever in the line the error is. In order, not overlapping. Values written as
/// `${env:NAME}` or `${file:PATH}` are no secrets and stay readable.
std::vector<SecretSpan> find_secrets(std::string_view text);

}  // namespace dmskafka

#include <cstdio>

#include "core/settings/settings_docs.h"

// Prints docs/settings.md.
int main() {
  const std::string text = dmskafka::settings_documentation();
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return written ? 0 : 1;
}

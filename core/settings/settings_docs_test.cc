#include "core/settings/settings_docs.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

TEST_CASE("settings_docs: docs/settings.md is what the tables say") {
  std::ifstream file(DMSKAFKA_SOURCE_DIR "/docs/settings.md", std::ios::binary);
  const std::string committed{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const bool same = committed == dmskafka::settings_documentation();
  CHECK_MESSAGE(same, "run: settings_docs > docs/settings.md");
}

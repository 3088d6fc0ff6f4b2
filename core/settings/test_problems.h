#pragma once
#include <string>
#include <vector>

#include "core/settings/settings_reader.h"

namespace dmskafka {

/// All texts of a list of problems, for comparing as a whole.
inline std::vector<std::string> texts_of(const std::vector<Error>& list) {
  std::vector<std::string> texts;
  for (const Error& error : list) texts.push_back(error.to_string());
  return texts;
}

/// One text of everything that was said, to look for what must not be in it.
inline std::string everything_said(const Problems& problems) {
  std::string all;
  for (const auto* list : {&problems.errors, &problems.warnings, &problems.notices}) {
    for (const std::string& text : texts_of(*list)) all += text + "\n";
  }
  return all;
}

}  // namespace dmskafka

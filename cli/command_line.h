#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "cli/options.h"
#include "core/base/result.h"

namespace dmskafka {

/// What the command line asks for: to run a command, or only to print a text (--help, --version).
struct CommandLine {
  Options options;
  std::string text;  ///< not empty: print it on standard output and exit with 0
};

/// Reads the arguments that follow the program's name. Help is laid out for lines of `columns` characters.
/// Errors: kCommandLine, with the nearest right name as its hint where there is one.
Result<CommandLine> parse_command_line(const std::vector<std::string>& arguments, std::size_t columns);

}  // namespace dmskafka

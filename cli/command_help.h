#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dmskafka {

/// A command as the user types it, with what --help says about it.
struct CommandHelp {
  std::string_view name;
  std::string_view summary;   ///< one line, for the list of commands
  std::string_view usage;     ///< after "dmskafka "
  std::string_view text;      ///< a paragraph
  std::string_view examples;  ///< as printed
};

/// The commands that are built, in the order of --help.
std::span<const CommandHelp> command_helps();
/// Null when there is no such command.
const CommandHelp* find_command_help(std::string_view name);

/// One flag as the help shows it.
struct FlagHelp {
  std::string group;
  std::string names;  ///< "-X PROPERTY=VALUE", "--source S"
  std::string text;
};

/// The whole page of `dmskafka --help`.
std::string program_help(std::size_t columns);
/// The whole page of `dmskafka COMMAND --help`; groups in the order in which they first come.
std::string command_help(const CommandHelp& command, const std::vector<FlagHelp>& flags, std::size_t columns);
/// The answer to --version: ours, and the libraries it was built with.
std::string version_text();

}  // namespace dmskafka

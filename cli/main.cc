#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/commands.h"

namespace dmskafka {
namespace {

ExitStatus dispatch(const CommandContext& context) {
  switch (context.options.command) {
    case Command::kFullLoad: return run_full_load_command(context);
    case Command::kCdc: return run_cdc_command(context);
    case Command::kCleanup: return run_cleanup_command(context);
    case Command::kDryRun: return run_dry_run_command(context);
    case Command::kValidateMapping: return run_validate_mapping_command(context);
    case Command::kStatus: return run_status_command(context);
  }
  return ExitStatus::kBug;
}

LoggingOptions logging_options(const Options& options) {
  const Terminal terminal = terminal_of(STDERR_FILENO);
  LoggingOptions logging;
  logging.format = options.log_format;
  logging.verbosity = options.verbosity;
  logging.time_stamps =
      (options.command == Command::kFullLoad || options.command == Command::kCdc) && !terminal.is_terminal;
  logging.colours = terminal.colours;
  return logging;
}

// Data that did not reach standard output must not look like success.
ExitStatus with_output_flushed(ExitStatus status) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
  if (status != ExitStatus::kDone) return status;  // the command has said why already
  log_error(fmt::format("standard output: {}", std::strerror(errno)));
  return ExitStatus::kTarget;
}

ExitStatus run(const std::vector<std::string>& arguments) {
  const std::size_t columns = std::min<std::size_t>(terminal_of(STDOUT_FILENO).columns, 100);
  const auto command_line = parse_command_line(arguments, columns);
  if (!command_line) {
    fmt::print(stderr, "dmskafka: {}\n", command_line.error().to_string());
    return exit_status_of(command_line.error().code(), 0);
  }
  if (!command_line->text.empty()) {
    fmt::print("{}", command_line->text);
    return std::fflush(stdout) == 0 ? ExitStatus::kDone : ExitStatus::kTarget;
  }
  Screen screen(STDERR_FILENO);
  const Logging logging(screen, logging_options(command_line->options));
  StopSignals signals;  // before any other thread; ends after the command's threads
  return with_output_flushed(dispatch({command_line->options, signals, screen, logging}));
}

}  // namespace
}  // namespace dmskafka

int main(int argc, char** argv) {
  // glibc gives nearly every thread a heap of its own, and each keeps its peak: with many threads too much of our memory.
  mallopt(M_ARENA_MAX, 2);
  // A batch of librdkafka's is a megabyte: mapped anew for each, its pages would be cleared again and again.
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, 16 << 20);
  try {
    return static_cast<int>(dmskafka::run(std::vector<std::string>(argv + 1, argv + argc)));
  } catch (const std::exception& caught) {
    fmt::print(stderr, "dmskafka: this is a bug, please report it with the command: {}\n", caught.what());
    return static_cast<int>(dmskafka::ExitStatus::kBug);
  }
}

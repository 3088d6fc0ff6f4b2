#include "cli/command_help.h"

#include <fmt/format.h>

#include <array>

namespace dmskafka {
namespace {

constexpr std::array<CommandHelp, 6> kCommands{{
    {"validate-mapping", "check mapping, settings and endpoints; with --source also against the real tables",
     "validate-mapping [--table-mappings M] [--task-settings TS] [--source S] [--target T] [--task FILE] "
     "[flags]",
     "Reads whatever is given, alone or together, and reports every problem with its file, line and column. "
     "With a source it "
     "also connects and lists the tables that the mapping selects. Nothing is written anywhere.",
     R"(  dmskafka validate-mapping --table-mappings mapping.json
      check one file; exit status 3 when it has errors
  dmskafka validate-mapping --table-mappings mapping.json --source postgresql://app@db/shop
      also connect, and show each selected table with its key columns and topic
  dmskafka validate-mapping --task task.json --offline --strict --json
      a step in CI: connects to nothing, warnings are errors, problems as JSON on standard output
)"},
    {"dry-run", "print the messages that a task would send, and send nothing",
     "dry-run {--source S | --input FILE} [flags]",
     "Reads the first rows of each selected table, or rows and changes from a file, and prints exactly the "
     "topics, "
     "partitions, keys and bytes that would be sent, with the rule that decided each. Writes nothing to "
     "Kafka, to the "
     "source, or into a state file. A target is optional.",
     R"(  dmskafka dry-run --source sqlite:shop.db
      the first five messages of each table
  dmskafka dry-run --source postgresql://app@db/shop --table-mappings mapping.json \
      --table public.orders --limit 1
      one message of one table, through the mapping
  echo '{"schema":"public","table":"orders","row":{"id":1,"note":"new"},"primary-key":["id"]}' |
    dmskafka dry-run --input - --table-mappings mapping.json
      what a mapping makes of a row, without any database
  dmskafka dry-run --task task.json --partitions 12 --format ndjson | jq .partition | sort | uniq -c
      how the keys would spread over a topic of twelve partitions
)"},
    {"full-load", "copy existing rows into Kafka; running it again resumes",
     "full-load --source S --target T [flags]",
     "Copies the rows of every selected table and exits. What was delivered is kept in a state file: the "
     "same command again "
     "sends only the tables that are not done yet.",
     R"(  dmskafka full-load --source sqlite:shop.db --target kafka:embedded
      needs no server: a Kafka inside the process; what is consumed back goes to standard output
  dmskafka full-load --source postgresql://app@db/shop --target kafka://broker:9092/shop
      every table of a database into one topic
  dmskafka full-load --task task.json
      with the files of an AWS DMS task: endpoints, mappings and settings named in one file
  dmskafka full-load --source postgres.json --target kafka.json --table-mappings mapping.json \
      --task-settings settings.json --log-format json -X compression.type=zstd
      a step in CI: JSON lines on standard error, and a property of librdkafka
)"},
    {"cdc", "follow changes into Kafka; running it again goes on where it ended",
     "cdc --source S --target T [flags]",
     "Sends every committed change of the selected tables, from the checkpoint in the state file; without "
     "one from the "
     "position that full-load --prepare-cdc kept or --cdc-start-position names; else it makes what it needs "
     "in the source, "
     "starts with what is committed from now on, and says so. Runs until a stop condition, SIGTERM or "
     "SIGINT; the progress is "
     "saved.",
     R"(  dmskafka cdc --source postgresql://app@db/shop --target kafka://broker:9092/shop
      follow the changes of every table
  dmskafka full-load --then-cdc --task task.json
      first the rows, then everything that changed since they were read
  dmskafka cdc --task task.json --until-current
      a step in CI: catch up with what is committed now, then exit 0
)"},
    {"status", "show a state file: what is done, rows, errors",
     "status [--state FILE | the inputs of the load] [flags]",
     "Reads a task's state file, also while the task runs. Without --state the file is found as full-load "
     "finds it: by "
     "--task-id, or by source and target.",
     R"(  dmskafka status --state orders.dmskafka
  dmskafka status --source postgresql://app@db/shop --target kafka://broker:9092/shop --json
)"},
    {"cleanup", "remove what a task left in the source (slot, publication, triggers); list what others left",
     "cleanup --source S (--target T | --task-id ID | --task FILE) [flags]",
     "A task that followed changes keeps a replication slot or triggers in its source, so that no change is "
     "lost while it is "
     "stopped. This removes them for good: the task cannot go on afterwards.",
     R"(  dmskafka cleanup --source postgresql://app@db/shop --target kafka://broker:9092/shop
)"},
}};

constexpr std::string_view kExitStatuses = R"(Exit status:
  0 done                     4 source        7 finished, but tables or records are in error
  1 a bug in dmskafka        5 target        130, 143 stopped by SIGINT or SIGTERM, progress saved
  2 command line             6 state file
  3 settings or mapping
)";

// Greedy wrapping; a word longer than the line stands alone on one.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t columns) {
  const std::size_t width = columns > indent + 20 ? columns - indent : 20;
  std::string out;
  std::size_t used = 0;
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    text = space == std::string_view::npos ? std::string_view{} : text.substr(space + 1);
    if (used != 0 && used + 1 + word.size() > width) {
      out += '\n' + std::string(indent, ' ');
      used = 0;
    } else if (used != 0) {
      out += ' ';
      ++used;
    }
    out += word;
    used += word.size();
  }
  return out;
}

constexpr std::size_t kFlagColumn = 28;

std::string flag_lines(const FlagHelp& flag, std::size_t columns) {
  std::string out = "  " + flag.names;
  if (out.size() + 2 > kFlagColumn) {
    out += '\n' + std::string(kFlagColumn, ' ');
  } else {
    out.append(kFlagColumn - out.size(), ' ');
  }
  return out + wrapped(flag.text, kFlagColumn, columns) + '\n';
}

}  // namespace

std::span<const CommandHelp> command_helps() { return kCommands; }

const CommandHelp* find_command_help(std::string_view name) {
  for (const CommandHelp& command : kCommands) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

std::string program_help(std::size_t columns) {
  std::string out = "Usage: dmskafka COMMAND [flags]\n\n";
  out += wrapped(
      "Copies databases into Apache Kafka with the configuration and the messages of AWS Database Migration "
      "Service, anywhere.",
      0, columns);
  out += "\n\nCommands:\n";
  for (const CommandHelp& command : kCommands) {
    out += flag_lines({"", std::string(command.name), std::string(command.summary)}, columns);
  }
  out += "\nExamples:\n";
  for (const CommandHelp& command : kCommands) {
    out += command.examples.substr(0, command.examples.find('\n') + 1);
  }
  out += "\n  --help after a command shows its flags and more examples; --version shows the version.\n\n";
  out += kExitStatuses;
  return out;
}

std::string command_help(const CommandHelp& command, const std::vector<FlagHelp>& flags,
                         std::size_t columns) {
  std::string out = "Usage: " + wrapped(fmt::format("dmskafka {}", command.usage), 7, columns) + "\n\n";
  out += wrapped(command.text, 0, columns) + "\n\nExamples:\n";
  out += command.examples;
  std::vector<std::string_view> groups;
  for (const FlagHelp& flag : flags) {
    bool known = false;
    for (const std::string_view group : groups) known = known || group == flag.group;
    if (!known) groups.push_back(flag.group);
  }
  for (const std::string_view group : groups) {
    out += fmt::format("\n{}:\n", group);
    for (const FlagHelp& flag : flags) {
      if (flag.group == group) out += flag_lines(flag, columns);
    }
  }
  out += '\n';
  out += kExitStatuses;
  return out;
}

std::string version_text() {
  return fmt::format("dmskafka {}\nbuilt with {}\n", DMSKAFKA_VERSION, DMSKAFKA_LIBRARY_VERSIONS);
}

}  // namespace dmskafka

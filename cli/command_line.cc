#include "cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <charconv>
#include <string_view>

#include "cli/command_help.h"
#include "cli/shorthand.h"
#include "core/json/json_reader.h"

namespace dmskafka {
namespace {

// Every value as CLI11 found it, each time it was given: what it means, and whether once was once too often, is decided
// here, so that all messages read alike.
using Values = std::vector<std::string>;
struct RawFlags {
  Values task_file, source, postgres_settings, mysql_settings, target, kafka_settings, table_mappings,
      task_settings, task_id, state_file;
  Values properties, log_format, limit, tables, keys, rows, partitions, format;
  Values start_position, start_time, stop_position, idle_timeout;
  bool then_cdc = false, prepare_cdc = false, until_current = false;
  bool restart = false, json = false, strict = false, offline = false, quiet = false, verbose = false,
       help = false;
};

constexpr const char* kInputs = "Inputs";
constexpr const char* kAwsNames = "The same under the AWS CLI's names";
constexpr const char* kTask = "The task";
constexpr const char* kFollowing = "Following changes";
constexpr const char* kPreview = "The preview";
constexpr const char* kOutput = "Output";

// Names that a user of AWS DMS, or a reader of our own plans, may well type, and why they do nothing yet.
struct Unbuilt {
  std::string_view name;
  std::string_view instead;
};
constexpr std::array<Unbuilt, 4> kUnbuiltFlags{{
    {"--my-sql-settings", "the sources are PostgreSQL and SQLite"},
    {"--migration-type", "the command says it: full-load, full-load --then-cdc, or cdc"},
    {"--source-endpoint-arn", "give the endpoint itself with --source"},
    {"--target-endpoint-arn", "give the endpoint itself with --target"},
}};

void add_values(CLI::App& app, const char* group, const char* names, const char* value, Values& into,
                const char* text) {
  app.add_option(names, into, text)
      ->expected(1, 1 << 20)
      ->allow_extra_args(false)
      ->type_name(value)
      ->group(group);
}

void add_switch(CLI::App& app, const char* group, const char* names, bool& into, const char* text) {
  app.add_flag(names, into, text)->group(group);
}

void add_inputs(CLI::App& app, RawFlags& raw) {
  add_values(app, kInputs, "--source", "S", raw.source,
             "the database: postgresql://user@host/database, sqlite:FILE, or the JSON of an endpoint (a "
             "path, file://…, - "
             "for standard input, or the text itself)");
  add_values(
      app, kInputs, "--target", "T", raw.target,
      "Kafka: kafka://host:9092[,host…][/topic]; kafka:embedded, one inside the process; - for JSON lines on "
      "standard output; discard: to count and drop; or the JSON of an endpoint");
  add_values(app, kInputs, "--table-mappings", "M", raw.table_mappings,
             "table-mapping rules of AWS DMS; without them every table is selected");
  add_values(app, kInputs, "--task-settings", "TS", raw.task_settings,
             "task settings of AWS DMS; ours are in their group DmskafkaSettings");
  add_values(app, kInputs, "--task", "FILE", raw.task_file,
             "all of these in one file: Source, Target, TableMappings, ReplicationTaskSettings, "
             "ReplicationTaskIdentifier; each also as file://… beside it. Flags win over the file");
  add_values(app, kInputs, "-X,--kafka-property", "PROPERTY=VALUE", raw.properties,
             "a property of librdkafka; may be repeated");
  add_values(app, kAwsNames, "--postgre-sql-settings", "S", raw.postgres_settings,
             "--source, as JSON or as ServerName=…,DatabaseName=…");
  add_values(app, kAwsNames, "--my-sql-settings", "S", raw.mysql_settings,
             "--source, as JSON or as ServerName=…,Username=…; checked, but not read yet");
  add_values(app, kAwsNames, "--kafka-settings", "T", raw.kafka_settings,
             "--target, as JSON or as Broker=host:9092,Topic=name");
  add_values(app, kAwsNames, "--replication-task-settings", "TS", raw.task_settings, "--task-settings");
  add_values(app, kAwsNames, "--replication-task-identifier", "ID", raw.task_id, "--task-id");
}

void add_task(CLI::App& app, RawFlags& raw) {
  add_values(app, kTask, "--task-id", "ID", raw.task_id,
             "names the task and its state file; by default made from source and target");
}

void add_state(CLI::App& app, RawFlags& raw) {
  add_values(app, kTask, "--state", "FILE", raw.state_file,
             "the state file; by default <task id>.dmskafka in the working directory");
}

void add_stops(CLI::App& app, RawFlags& raw) {
  add_values(
      app, kFollowing, "--cdc-stop-position", "P", raw.stop_position,
      "end there: server_time:2018-02-09T12:12:12 or commit_time:… (UTC), or a position of the source's log");
  add_switch(app, kFollowing, "--until-current", raw.until_current,
             "end, with exit status 0, where the source's log ends when this begins: a step in CI");
  add_values(app, kFollowing, "--idle-timeout", "SECONDS", raw.idle_timeout,
             "end when no change has come for so long");
}

void add_output(CLI::App& app, RawFlags& raw) {
  add_values(app, kOutput, "--log-format", "FORMAT", raw.log_format,
             "text, or json: one object a line on standard error");
  add_switch(app, kOutput, "-q,--quiet", raw.quiet, "errors only");
  add_switch(app, kOutput, "-v,--verbose", raw.verbose, "also what is done step by step");
  add_switch(app, kOutput, "-h,--help", raw.help, "this page");
}

void add_flags(CLI::App& app, Command command, RawFlags& raw) {
  app.set_help_flag();  // ours is laid out by command_help.cc
  app.allow_extras();   // what is wrong with them is told by unexpected_argument()
  add_inputs(app, raw);
  add_task(app, raw);
  switch (command) {
    case Command::kFullLoad:
      add_state(app, raw);
      add_switch(app, kTask, "--restart", raw.restart,
                 "forget what the state file knows and load every table again");
      add_switch(app, kFollowing, "--then-cdc", raw.then_cdc,
                 "when the rows are copied, go on with what changed since: nothing is lost between the two");
      add_switch(
          app, kFollowing, "--prepare-cdc", raw.prepare_cdc,
          "keep the position of the source's log from before the first row, for the command cdc later");
      add_stops(app, raw);
      break;
    case Command::kCdc:
      add_state(app, raw);
      add_switch(app, kTask, "--restart", raw.restart,
                 "forget the checkpoint, and follow what is committed from now on");
      add_values(app, kFollowing, "--cdc-start-position", "P", raw.start_position,
                 "begin there: a position of the source's log, or a checkpoint string of DMS; only for a "
                 "task that has "
                 "no checkpoint of its own");
      add_values(app, kFollowing, "--cdc-start-time", "T", raw.start_time,
                 "refused: the sources have no start by time");
      add_stops(app, raw);
      break;
    case Command::kCleanup:
      add_state(app, raw);
      add_switch(app, kOutput, "--json", raw.json, "one JSON object on standard output");
      break;
    case Command::kDryRun:
      add_values(
          app, kPreview, "--input", "FILE", raw.rows,
          "instead of a source: rows, one {\"schema\":…,\"table\":…,\"row\":{…}} a line, also changes with "
          "\"op\" and \"before\"; - for standard input");
      add_values(app, kPreview, "--limit", "N", raw.limit, "rows of each table (5; of --input all)");
      add_values(app, kPreview, "--key", "KEY", raw.keys,
                 "only messages with this key, wherever their rows stand in the table; may be repeated");
      add_values(app, kPreview, "--table", "SCHEMA.TABLE", raw.tables, "only this table; may be repeated");
      add_values(app, kPreview, "--partitions", "N", raw.partitions,
                 "show partitions as if each topic had this many; by default the settings' Topic.Partitions");
      add_values(app, kPreview, "--format", "FORMAT", raw.format,
                 "pretty (on a terminal) or ndjson, one JSON object a line (elsewhere)");
      break;
    case Command::kValidateMapping:
      add_switch(app, kOutput, "--json", raw.json,
                 "problems and tables as one JSON object on standard output");
      add_switch(app, kOutput, "--strict", raw.strict, "warnings count as errors");
      add_switch(app, kInputs, "--offline", raw.offline, "do not connect to the source");
      break;
    case Command::kStatus:
      add_state(app, raw);
      add_switch(app, kOutput, "--json", raw.json, "one JSON object on standard output");
      break;
  }
  add_output(app, raw);
}

struct NamedCommand {
  std::string_view name;
  Command command;
};
constexpr std::array<NamedCommand, 6> kCommands{{
    {"validate-mapping", Command::kValidateMapping},
    {"dry-run", Command::kDryRun},
    {"full-load", Command::kFullLoad},
    {"cdc", Command::kCdc},
    {"status", Command::kStatus},
    {"cleanup", Command::kCleanup},
}};

std::vector<std::string> long_flags(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::vector<FlagHelp> flag_helps(const CLI::App& app) {
  std::vector<FlagHelp> flags;
  for (const CLI::Option* option : app.get_options()) {
    std::string names;
    for (const std::string& name : option->get_snames()) names += (names.empty() ? "-" : ", -") + name;
    for (const std::string& name : option->get_lnames()) names += (names.empty() ? "--" : ", --") + name;
    if (option->get_items_expected_max() > 0) names += " " + option->get_type_name();
    flags.push_back({option->get_group(), names, option->get_description()});
  }
  return flags;
}

Error wrong(std::string message) { return Error(ErrorCode::kCommandLine, std::move(message)); }

// " (did you mean …?)" cannot be the hint: the hint already says where help is.
std::string did_you_mean(std::string_view nearest) {
  return nearest.empty() ? std::string() : fmt::format("; did you mean {}?", nearest);
}

Error unbuilt(std::string_view name, std::string_view instead) {
  return wrong(fmt::format("{} is not built yet", name)).hint(fmt::format("{}.", instead));
}

Error unknown_command(std::string_view word) {
  std::vector<std::string_view> names;
  for (const NamedCommand& command : kCommands) names.push_back(command.name);
  return wrong(fmt::format("unknown command \"{}\"{}", word, did_you_mean(nearest_name(word, names))))
      .hint("dmskafka --help lists the commands.");
}

// A flag that `app` does not have: perhaps one of another command, perhaps a misspelt one.
Error unknown_flag(const CLI::App& app, const CommandHelp& help, std::string_view argument) {
  const std::string_view flag = argument.substr(0, argument.find('='));
  for (const Unbuilt& unbuilt_flag : kUnbuiltFlags) {
    if (flag == unbuilt_flag.name) return unbuilt(unbuilt_flag.name, unbuilt_flag.instead);
  }
  const std::string hint = fmt::format("dmskafka {} --help shows its flags.", help.name);
  for (const NamedCommand& other : kCommands) {
    RawFlags raw;
    CLI::App other_app;
    add_flags(other_app, other.command, raw);
    for (const std::string& name : long_flags(other_app)) {
      if (name == flag)
        return wrong(fmt::format("{} has no {}; it belongs to {}", help.name, flag, other.name)).hint(hint);
    }
  }
  const std::vector<std::string> names = long_flags(app);
  const std::vector<std::string_view> views(names.begin(), names.end());
  return wrong(fmt::format("unknown flag {}{}", flag, did_you_mean(nearest_name(flag, views)))).hint(hint);
}

Error unexpected_argument(const CLI::App& app, const CommandHelp& help, const std::string& argument) {
  if (argument.size() > 1 && argument[0] == '-') return unknown_flag(app, help, argument);
  const bool is_url = argument.find("://") != std::string::npos;  // which may hold a password
  return wrong(is_url ? std::string("unexpected argument: a URL without a flag")
                      : fmt::format("unexpected argument \"{}\"", argument))
      .hint(fmt::format("Every input has a flag; dmskafka {} --help shows them.", help.name));
}

// CLI11 reports one failure by an exception whose text begins with the option's name.
Error translated(const CLI::ParseError& failure) {
  const std::string_view text = failure.what();
  const std::string_view name = text.substr(0, text.find(':'));
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&failure) != nullptr)
    return wrong(fmt::format("{} needs a value", name));
  return wrong(std::string(text));
}

// CLI11 takes whatever follows a flag as its value, the next flag too.
const CLI::Option* without_value(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& value : option->results()) {
      if (value.rfind("--", 0) == 0) return option;
    }
  }
  return nullptr;
}

Result<std::optional<std::string>> single(std::string_view flag, const Values& values) {
  if (values.empty()) return std::optional<std::string>();
  if (values.size() > 1) return wrong(fmt::format("{} is given {} times", flag, values.size()));
  if (values[0].empty()) return wrong(fmt::format("{} is empty", flag));
  return std::optional<std::string>(values[0]);
}

template <typename Number>
Result<std::optional<Number>> number(std::string_view flag, const Values& values, Number least) {
  DMSKAFKA_ASSIGN(const std::optional<std::string> text, single(flag, values));
  if (!text) return std::optional<Number>();
  Number value{};
  const char* const end = text->data() + text->size();
  const auto [stopped, code] = std::from_chars(text->data(), end, value);
  if (code != std::errc() || stopped != end || value < least) {
    return wrong(fmt::format("{} \"{}\"", flag, *text))
        .expected(fmt::format("a whole number from {} on", least));
  }
  return std::optional<Number>(value);
}

// One of a few words, e.g. text or json. Returns its index; `values` is the list for the message.
template <typename Enum, std::size_t kCount>
Result<Enum> word(std::string_view flag, const Values& values, Enum otherwise,
                  const std::array<std::pair<std::string_view, Enum>, kCount>& words) {
  DMSKAFKA_ASSIGN(const std::optional<std::string> text, single(flag, values));
  if (!text) return otherwise;
  std::string known;
  for (const auto& [name, value] : words) {
    if (*text == name) return value;
    known += (known.empty() ? "" : " or ") + std::string(name);
  }
  return wrong(fmt::format("{} \"{}\"", flag, *text)).expected(known);
}

// --target and --kafka-settings are one input under two names.
Result<std::optional<std::string>> endpoint(std::string_view flag, const Values& values,
                                            std::string_view aws_flag, const Values& aws_values) {
  DMSKAFKA_ASSIGN(std::optional<std::string> own, single(flag, values));
  DMSKAFKA_ASSIGN(std::optional<std::string> aws, single(aws_flag, aws_values));
  if (own && aws) return wrong(fmt::format("{} and {} are the same input: give one of them", flag, aws_flag));
  if (!aws) return own;
  if (!looks_like_shorthand(*aws)) return aws;
  DMSKAFKA_ASSIGN(std::string json, json_from_shorthand(aws_flag, *aws));
  return std::optional<std::string>(std::move(json));
}

Result<InputOptions> inputs_from(const RawFlags& raw) {
  InputOptions inputs;
  DMSKAFKA_ASSIGN(inputs.task_file, single("--task", raw.task_file));
  if (!raw.postgres_settings.empty() && !raw.mysql_settings.empty()) {
    return wrong("--postgre-sql-settings and --my-sql-settings are the same input: give one of them");
  }
  if (raw.mysql_settings.empty()) {
    DMSKAFKA_ASSIGN(inputs.source,
                    endpoint("--source", raw.source, "--postgre-sql-settings", raw.postgres_settings));
  } else {
    inputs.bare_source = SourceKind::kMysql;
    DMSKAFKA_ASSIGN(inputs.source, endpoint("--source", raw.source, "--my-sql-settings", raw.mysql_settings));
  }
  DMSKAFKA_ASSIGN(inputs.target, endpoint("--target", raw.target, "--kafka-settings", raw.kafka_settings));
  DMSKAFKA_ASSIGN(inputs.table_mappings, single("--table-mappings", raw.table_mappings));
  DMSKAFKA_ASSIGN(inputs.task_settings, single("--task-settings", raw.task_settings));
  DMSKAFKA_ASSIGN(inputs.task_id, single("--task-id", raw.task_id));
  DMSKAFKA_ASSIGN(inputs.state_file, single("--state", raw.state_file));
  for (const std::string& property : raw.properties) {
    const std::size_t equals = property.find('=');
    if (equals == 0 || equals == std::string::npos) {
      // Without the text itself: it may hold a password.
      return wrong("-X without a property and a value")
          .expected("property=value, e.g. compression.type=zstd");
    }
    inputs.kafka_properties.emplace_back(property.substr(0, equals), property.substr(equals + 1));
  }
  return inputs;
}

Result<void> cdc_options_from(const RawFlags& raw, Options& options) {
  // SPEC CdcStartTime on PostgreSQL: the engine cannot start by time; DMS refuses it for this source.
  if (!raw.start_time.empty()) {
    return wrong(
               "--cdc-start-time: the log of this source keeps no index of times, so DMS too starts it by "
               "position only")
        .hint("Use --cdc-start-position with a position of the source's log.");
  }
  DMSKAFKA_ASSIGN(const auto start, single("--cdc-start-position", raw.start_position));
  options.cdc_start_position = start.value_or("");
  DMSKAFKA_ASSIGN(const auto stop, single("--cdc-stop-position", raw.stop_position));
  options.cdc_stop_position = stop.value_or("");
  DMSKAFKA_ASSIGN(options.idle_timeout,
                  number<std::uint64_t>("--idle-timeout", raw.idle_timeout, std::uint64_t{1}));
  options.until_current = raw.until_current;
  options.then_cdc = raw.then_cdc;
  options.prepare_cdc = raw.prepare_cdc;
  if (options.then_cdc && options.prepare_cdc) {
    return wrong("--then-cdc and --prepare-cdc exclude each other: the first goes on by itself");
  }
  return {};
}

Result<Options> options_from(Command command, const RawFlags& raw) {
  Options options;
  options.command = command;
  DMSKAFKA_ASSIGN(options.inputs, inputs_from(raw));
  constexpr std::array<std::pair<std::string_view, LogFormat>, 2> kLogFormats{
      {{"text", LogFormat::kText}, {"json", LogFormat::kJson}}};
  DMSKAFKA_ASSIGN(options.log_format, word("--log-format", raw.log_format, LogFormat::kText, kLogFormats));
  constexpr std::array<std::pair<std::string_view, OutputFormat>, 2> kFormats{
      {{"pretty", OutputFormat::kPretty}, {"ndjson", OutputFormat::kNdjson}}};
  DMSKAFKA_ASSIGN(options.format, word("--format", raw.format, OutputFormat::kAuto, kFormats));
  DMSKAFKA_ASSIGN(const std::optional<std::uint64_t> limit, number<std::uint64_t>("--limit", raw.limit, 1));
  options.limit = limit;
  DMSKAFKA_ASSIGN(options.rows, single("--input", raw.rows));
  options.keys = raw.keys;
  DMSKAFKA_ASSIGN(options.partitions, number<std::int32_t>("--partitions", raw.partitions, 1));
  if (raw.quiet && raw.verbose) return wrong("--quiet and --verbose exclude each other");
  options.verbosity = raw.quiet ? Verbosity::kQuiet : raw.verbose ? Verbosity::kVerbose : Verbosity::kNormal;
  DMSKAFKA_TRY(cdc_options_from(raw, options));
  options.tables = raw.tables;
  options.restart = raw.restart;
  options.json = raw.json;
  options.strict = raw.strict;
  options.offline = raw.offline;
  return options;
}

// Rows that are given stand in for the source, and standard input holds one thing.
Result<void> check_given_rows(const Options& options, const std::string& hint) {
  const InputOptions& inputs = options.inputs;
  if (inputs.source) return wrong("--input and --source exclude each other").hint(hint);
  if (*options.rows != "-") return {};
  for (const auto* other :
       {&inputs.task_file, &inputs.target, &inputs.table_mappings, &inputs.task_settings}) {
    if (*other == "-") return wrong("standard input cannot be both --input and another file").hint(hint);
  }
  return {};
}

// What is missing altogether, said before any file is read.
Result<void> check_inputs_present(const Options& options, const CommandHelp& help) {
  const InputOptions& inputs = options.inputs;
  const std::string hint = fmt::format("dmskafka {} --help shows examples.", help.name);
  switch (options.command) {
    case Command::kFullLoad:
      if (!inputs.task_file && !inputs.source)
        return wrong("full-load needs --source (or --task)").hint(hint);
      if (!inputs.task_file && !inputs.target)
        return wrong("full-load needs --target (or --task)").hint(hint);
      return {};
    case Command::kCdc:
      if (!inputs.task_file && !inputs.source) return wrong("cdc needs --source (or --task)").hint(hint);
      if (!inputs.task_file && !inputs.target) return wrong("cdc needs --target (or --task)").hint(hint);
      return {};
    case Command::kCleanup:
      if (!inputs.task_file && !inputs.source) return wrong("cleanup needs --source (or --task)").hint(hint);
      if (!inputs.task_file && !inputs.target && !inputs.task_id) {
        return wrong("cleanup needs --task-id, or the --target from which the id was made").hint(hint);
      }
      return {};
    case Command::kDryRun:
      if (options.rows) return check_given_rows(options, hint);
      if (!inputs.task_file && !inputs.source)
        return wrong("dry-run needs --source (or --task), or --input").hint(hint);
      return {};
    case Command::kValidateMapping:
      if (!inputs.task_file && !inputs.source && !inputs.target && !inputs.table_mappings &&
          !inputs.task_settings && inputs.kafka_properties.empty()) {
        return wrong("validate-mapping needs something to check").hint(hint);
      }
      return {};
    case Command::kStatus:
      if (!inputs.state_file && !inputs.task_id && !inputs.task_file && !(inputs.source && inputs.target)) {
        return wrong("status needs --state, --task-id, or the load's --source and --target").hint(hint);
      }
      return {};
  }
  return {};
}

Result<CommandLine> parse_command(const NamedCommand& named, const CommandHelp& help,
                                  const std::vector<std::string>& arguments, std::size_t columns) {
  RawFlags raw;
  CLI::App app;
  add_flags(app, named.command, raw);
  try {
    app.parse(
        std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // CLI11 takes them from the back
  } catch (const CLI::ParseError& failure) {
    return translated(failure).hint(fmt::format("dmskafka {} --help shows its flags.", help.name));
  }
  if (raw.help) return CommandLine{{}, command_help(help, flag_helps(app), columns)};
  if (const CLI::Option* option = without_value(app))
    return wrong(fmt::format("{} needs a value", option->get_name()));
  if (const std::vector<std::string> extras = app.remaining(); !extras.empty()) {
    return unexpected_argument(app, help, extras.front());
  }
  DMSKAFKA_ASSIGN(Options options, options_from(named.command, raw));
  DMSKAFKA_TRY(check_inputs_present(options, help));
  return CommandLine{std::move(options), {}};
}

Result<CommandLine> help_about(const std::vector<std::string>& words, std::size_t columns) {
  if (words.empty()) return CommandLine{{}, program_help(columns)};
  for (const NamedCommand& named : kCommands) {
    if (words[0] == named.name)
      return parse_command(named, *find_command_help(named.name), {"--help"}, columns);
  }
  return unknown_command(words[0]);
}

}  // namespace

Result<CommandLine> parse_command_line(const std::vector<std::string>& arguments, std::size_t columns) {
  if (arguments.empty()) return wrong("no command given").hint("dmskafka --help lists the commands.");
  const std::string& first = arguments[0];
  const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
  if (first == "--help" || first == "-h" || first == "help") return help_about(rest, columns);
  if (first == "--version" || first == "-V" || first == "version") return CommandLine{{}, version_text()};
  for (const NamedCommand& named : kCommands) {
    if (first == named.name) return parse_command(named, *find_command_help(named.name), rest, columns);
  }
  if (first.size() > 1 && first[0] == '-') {
    return wrong(fmt::format("{} comes before any command", first))
        .hint("The command is the first word: dmskafka full-load --source … ; dmskafka --help lists them.");
  }
  return unknown_command(first);
}

}  // namespace dmskafka

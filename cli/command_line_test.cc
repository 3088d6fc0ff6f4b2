#include "cli/command_line.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

namespace dmskafka {
namespace {

Options parsed(const std::vector<std::string>& arguments) {
  const auto result = parse_command_line(arguments, 100);
  REQUIRE_MESSAGE(result.ok(), result.error().to_string());
  CHECK(result->text.empty());
  return result->options;
}

std::string error_of(const std::vector<std::string>& arguments) {
  const auto result = parse_command_line(arguments, 100);
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code() == ErrorCode::kCommandLine);
  return result.error().to_string();
}

std::string text_of(const std::vector<std::string>& arguments) {
  const auto result = parse_command_line(arguments, 100);
  REQUIRE_MESSAGE(result.ok(), result.error().to_string());
  return result->text;
}

TEST_CASE("command_line: every flag of full-load") {
  const Options options = parsed({"full-load",
                                  "--source",
                                  "sqlite:shop.db",
                                  "--target=kafka:embedded",
                                  "--table-mappings",
                                  "m.json",
                                  "--task-settings",
                                  "ts.json",
                                  "--task",
                                  "task.json",
                                  "--task-id",
                                  "T",
                                  "--state",
                                  "s.db",
                                  "--restart",
                                  "--log-format",
                                  "json",
                                  "--verbose",
                                  "-X",
                                  "a=b",
                                  "-Xc.d=e=f",
                                  "--kafka-property",
                                  "g="});
  CHECK(options.command == Command::kFullLoad);
  CHECK(options.inputs.source == "sqlite:shop.db");
  CHECK(options.inputs.target == "kafka:embedded");
  CHECK(options.inputs.table_mappings == "m.json");
  CHECK(options.inputs.task_settings == "ts.json");
  CHECK(options.inputs.task_file == "task.json");
  CHECK(options.inputs.task_id == "T");
  CHECK(options.inputs.state_file == "s.db");
  CHECK(options.restart);
  CHECK(options.log_format == LogFormat::kJson);
  CHECK(options.verbosity == Verbosity::kVerbose);
  using Property = std::pair<std::string, std::string>;
  CHECK(options.inputs.kafka_properties == std::vector<Property>{{"a", "b"}, {"c.d", "e=f"}, {"g", ""}});
}

TEST_CASE("command_line: what is not given is absent") {
  const Options options = parsed({"full-load", "--source", "s", "--target", "-"});
  CHECK(options.inputs.target == "-");
  CHECK_FALSE(options.inputs.table_mappings);
  CHECK_FALSE(options.inputs.task_file);
  CHECK_FALSE(options.inputs.state_file);
  CHECK_FALSE(options.restart);
  CHECK(options.log_format == LogFormat::kText);
  CHECK(options.verbosity == Verbosity::kNormal);
}

TEST_CASE("command_line: every flag of dry-run") {
  const Options options = parsed({"dry-run", "--source", "s", "--limit", "7", "--table", "a.b", "--table",
                                  "c", "--partitions", "12", "--format", "ndjson", "-q"});
  CHECK(options.command == Command::kDryRun);
  CHECK(options.limit == 7);
  CHECK(options.tables == std::vector<std::string>{"a.b", "c"});
  CHECK(options.partitions == 12);
  CHECK(options.format == OutputFormat::kNdjson);
  CHECK(options.verbosity == Verbosity::kQuiet);
  const Options defaults = parsed({"dry-run", "--source", "s"});
  CHECK_FALSE(defaults.limit.has_value());
  CHECK_FALSE(defaults.partitions);
  CHECK(defaults.format == OutputFormat::kAuto);
}

TEST_CASE("command_line: every flag of validate-mapping and status") {
  const Options validate =
      parsed({"validate-mapping", "--table-mappings", "-", "--json", "--strict", "--offline"});
  CHECK(validate.command == Command::kValidateMapping);
  CHECK(validate.inputs.table_mappings == "-");
  CHECK(validate.json);
  CHECK(validate.strict);
  CHECK(validate.offline);
  const Options status = parsed({"status", "--state", "s", "--json"});
  CHECK(status.command == Command::kStatus);
  CHECK(status.json);
}

TEST_CASE("command_line: the AWS CLI's names are the same inputs") {
  const Options options = parsed({"full-load", "--postgre-sql-settings", "ServerName=h,DatabaseName=d",
                                  "--kafka-settings", R"({"Broker":"h:9092"})", "--replication-task-settings",
                                  "ts.json", "--replication-task-identifier", "orders"});
  CHECK(options.inputs.source == R"({"ServerName":"h","DatabaseName":"d"})");
  CHECK(options.inputs.target == R"({"Broker":"h:9092"})");
  CHECK(options.inputs.task_settings == "ts.json");
  CHECK(options.inputs.task_id == "orders");
  CHECK(options.inputs.bare_source == SourceKind::kPostgres);
  const Options mysql = parsed({"validate-mapping", "--my-sql-settings", "ServerName=h,Username=u"});
  CHECK(mysql.inputs.source == R"({"ServerName":"h","Username":"u"})");
  CHECK(mysql.inputs.bare_source == SourceKind::kMysql);
  CHECK(error_of({"validate-mapping", "--my-sql-settings", "a=b", "--postgre-sql-settings", "a=b"}) ==
        "--postgre-sql-settings and --my-sql-settings are the same input: give one of them");
  CHECK(error_of({"validate-mapping", "--my-sql-settings", "a=b", "--source", "s"}) ==
        "--source and --my-sql-settings are the same input: give one of them");
  CHECK(error_of({"full-load", "--source", "s", "--target", "t", "--kafka-settings", "Broker=h:1"}) ==
        "--target and --kafka-settings are the same input: give one of them");
}

TEST_CASE("command_line: a wrong command names the nearest one") {
  CHECK(error_of({"fulload"}) ==
        "unknown command \"fulload\"; did you mean full-load?\n  dmskafka --help lists the commands.");
  CHECK(error_of({"validate"}).find("unknown command \"validate\"") == 0);
  CHECK(error_of({"xyzzy"}) == "unknown command \"xyzzy\"\n  dmskafka --help lists the commands.");
  CHECK(error_of({}) == "no command given\n  dmskafka --help lists the commands.");
  CHECK(error_of({"--source", "s", "full-load"}) ==
        "--source comes before any command\n"
        "  The command is the first word: dmskafka full-load --source … ; dmskafka --help lists them.");
}

TEST_CASE("command_line: a wrong flag names the nearest one") {
  CHECK(error_of({"full-load", "--soruce", "s"}) ==
        "unknown flag --soruce; did you mean --source?\n  dmskafka full-load --help shows its flags.");
  CHECK(error_of({"full-load", "--table_mapping=m.json"}) ==
        "unknown flag --table_mapping; did you mean --table-mappings?\n  dmskafka full-load --help shows its "
        "flags.");
  CHECK(error_of({"status", "--zzzzzzzzzzzz"}) ==
        "unknown flag --zzzzzzzzzzzz\n  dmskafka status --help shows its flags.");
}

TEST_CASE("command_line: a flag of another command says whose it is") {
  CHECK(error_of({"full-load", "--source", "s", "--target", "t", "--limit", "3"}) ==
        "full-load has no --limit; it belongs to dry-run\n  dmskafka full-load --help shows its flags.");
}

TEST_CASE("command_line: what is not built yet is refused by name") {
  CHECK(error_of({"full-load", "--source", "s", "--target", "t", "--migration-type", "cdc"}) ==
        "--migration-type is not built yet\n  the command says it: full-load, full-load --then-cdc, or cdc.");
}

TEST_CASE("command_line: how changes are followed") {
  const Options cdc =
      parsed({"cdc", "--source", "s", "--target", "t", "--cdc-start-position", "0/1", "--cdc-stop-position",
              "commit_time:2018-02-09T12:12:12", "--until-current", "--idle-timeout", "5", "--restart"});
  CHECK(cdc.command == Command::kCdc);
  CHECK(cdc.cdc_start_position == "0/1");
  CHECK(cdc.cdc_stop_position == "commit_time:2018-02-09T12:12:12");
  CHECK(cdc.until_current);
  CHECK(cdc.idle_timeout == std::uint64_t{5});
  CHECK(cdc.restart);
  CHECK(parsed({"full-load", "--source", "s", "--target", "t", "--then-cdc"}).then_cdc);
  CHECK(parsed({"full-load", "--source", "s", "--target", "t", "--prepare-cdc"}).prepare_cdc);
  CHECK(error_of({"full-load", "--source", "s", "--target", "t", "--then-cdc", "--prepare-cdc"}) ==
        "--then-cdc and --prepare-cdc exclude each other: the first goes on by itself");
  CHECK(error_of({"cdc", "--source", "s", "--target", "t", "--cdc-start-time", "2018-02-09T12:12:12"}) ==
        "--cdc-start-time: the log of this source keeps no index of times, so DMS too starts it by position "
        "only\n"
        "  Use --cdc-start-position with a position of the source's log.");
  CHECK(error_of({"cdc", "--source", "s", "--target", "t", "--idle-timeout", "0"}) ==
        "--idle-timeout \"0\" (expected a whole number from 1 on)");
  CHECK(error_of({"cdc", "--source", "s"}) ==
        "cdc needs --target (or --task)\n  dmskafka cdc --help shows examples.");
  CHECK(
      error_of({"cleanup", "--source", "s"}) ==
      "cleanup needs --task-id, or the --target from which the id was made\n  dmskafka cleanup --help shows "
      "examples.");
}

TEST_CASE("command_line: missing, doubled, empty and impossible values") {
  CHECK(error_of({"full-load", "--source"}) ==
        "--source needs a value\n  dmskafka full-load --help shows its flags.");
  CHECK(error_of({"full-load", "--source", "--target", "t"}) == "--source needs a value");
  CHECK(error_of({"full-load", "--source", "a", "--source", "b"}) == "--source is given 2 times");
  CHECK(error_of({"full-load", "--source", "", "--target", "t"}) == "--source is empty");
  CHECK(error_of({"dry-run", "--source", "s", "--limit", "0"}) ==
        "--limit \"0\" (expected a whole number from 1 on)");
  CHECK(error_of({"dry-run", "--source", "s", "--limit", "5x"}) ==
        "--limit \"5x\" (expected a whole number from 1 on)");
  CHECK(error_of({"dry-run", "--source", "s", "--partitions", "3000000000"}) ==
        "--partitions \"3000000000\" (expected a whole number from 1 on)");
  CHECK(error_of({"dry-run", "--source", "s", "--format", "xml"}) ==
        "--format \"xml\" (expected pretty or ndjson)");
  CHECK(error_of({"full-load", "--source", "s", "--target", "t", "--log-format", "xml"}) ==
        "--log-format \"xml\" (expected text or json)");
  CHECK(error_of({"full-load", "--source", "s", "--target", "t", "-q", "-v"}) ==
        "--quiet and --verbose exclude each other");
}

TEST_CASE("command_line: a secret in a wrong place is not repeated") {
  CHECK(error_of({"full-load", "postgresql://u:secret@h/d"}).find("secret") == std::string::npos);
  CHECK(error_of({"full-load", "--source", "s", "--target", "t", "-X", "secret"}).find("secret") ==
        std::string::npos);
}

TEST_CASE("command_line: inputs that a command cannot do without") {
  CHECK(error_of({"full-load", "--target", "t"}) ==
        "full-load needs --source (or --task)\n  dmskafka full-load --help shows examples.");
  CHECK(error_of({"full-load", "--source", "s"}) ==
        "full-load needs --target (or --task)\n  dmskafka full-load --help shows examples.");
  CHECK(error_of({"dry-run"}) ==
        "dry-run needs --source (or --task), or --input\n  dmskafka dry-run --help shows examples.");
  CHECK(error_of({"validate-mapping"}) ==
        "validate-mapping needs something to check\n  dmskafka validate-mapping --help shows examples.");
  CHECK(error_of({"status", "--source", "s"}) ==
        "status needs --state, --task-id, or the load's --source and --target\n  dmskafka status --help "
        "shows examples.");
  parsed({"full-load", "--task", "t.json"});
  parsed({"status", "--task-id", "t"});
}

TEST_CASE("command_line: an argument without a flag") {
  CHECK(error_of({"full-load", "shop.db"}) ==
        "unexpected argument \"shop.db\"\n  Every input has a flag; dmskafka full-load --help shows them.");
}

TEST_CASE("command_line: every help page fits 100 columns and shows examples") {
  for (const std::string command : {"full-load", "cdc", "dry-run", "validate-mapping", "status", "cleanup"}) {
    CAPTURE(command);
    const std::string page = text_of({command, "--help"});
    CHECK(page == text_of({"help", command}));
    CHECK(page == text_of({command, "-h", "--source", "s"}));
    CHECK(page.find("Usage: dmskafka " + command) == 0);
    CHECK(page.find("\nExamples:\n  dmskafka " + command) != std::string::npos);
    CHECK(page.find("\nExit status:\n") != std::string::npos);
    std::istringstream lines(page);
    for (std::string line; std::getline(lines, line);) {
      CAPTURE(line);
      CHECK(std::count_if(line.begin(), line.end(),
                          [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }) <= 100);
    }
  }
  const std::string program = text_of({"--help"});
  for (const std::string command : {"full-load", "cdc", "dry-run", "validate-mapping", "status", "cleanup"}) {
    CHECK(program.find("\n  " + command) != std::string::npos);
  }
}

TEST_CASE("command_line: --version names the program and its libraries") {
  const std::string text = text_of({"--version"});
  CHECK(text.find("dmskafka 0.") == 0);
  CHECK(text.find("librdkafka 2.") != std::string::npos);
}

}  // namespace
}  // namespace dmskafka

#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/settings/source_settings.h"

namespace dmskafka {

enum class Command : std::uint8_t { kValidateMapping, kDryRun, kFullLoad, kCdc, kStatus, kCleanup };
enum class LogFormat : std::uint8_t { kText, kJson };
enum class Verbosity : std::uint8_t { kQuiet, kNormal, kVerbose };
/// kAuto: pretty on a terminal, else one JSON object a line.
enum class OutputFormat : std::uint8_t { kAuto, kPretty, kNdjson };

/// What a task is made of, as the command line gave it: not read yet. Each text is what the settings readers take: a URL,
/// a path, file://…, "-" or JSON itself. Absent: take the task file's, else the default.
struct InputOptions {
  std::optional<std::string> task_file;
  std::optional<std::string> source;
  SourceKind bare_source = SourceKind::kPostgres;  ///< whose settings `source` holds if it does not say it
  std::optional<std::string> target;
  std::optional<std::string> table_mappings;
  std::optional<std::string> task_settings;
  std::optional<std::string> task_id;
  std::optional<std::string> state_file;
  std::vector<std::pair<std::string, std::string>> kafka_properties;  ///< -X property=value, in order
};

/// The command line, checked for everything that needs no file. Members of other commands keep their defaults.
struct Options {
  Command command = Command::kFullLoad;
  InputOptions inputs;
  LogFormat log_format = LogFormat::kText;
  Verbosity verbosity = Verbosity::kNormal;

  bool restart = false;  ///< full-load, cdc

  bool then_cdc = false;                      ///< full-load: follows changes when the rows are copied
  bool prepare_cdc = false;                   ///< full-load: keeps the position, for a cdc later
  std::string cdc_start_position;             ///< cdc
  std::string cdc_stop_position;              ///< cdc, full-load --then-cdc
  bool until_current = false;                 ///< likewise
  std::optional<std::uint64_t> idle_timeout;  ///< likewise, seconds

  std::optional<std::uint64_t> limit;         ///< dry-run: rows of each table
  std::optional<std::string> rows;            ///< dry-run --input: a file of rows, "-" for standard input
  std::vector<std::string> keys;              ///< dry-run: only messages with one of these keys; empty: all
  std::vector<std::string> tables;            ///< dry-run: "schema.table", or "table" alone
  std::optional<std::int32_t> partitions;     ///< dry-run
  OutputFormat format = OutputFormat::kAuto;  ///< dry-run

  bool json = false;     ///< validate-mapping, status, cleanup
  bool strict = false;   ///< validate-mapping: warnings are errors
  bool offline = false;  ///< validate-mapping: does not connect to the source
};

}  // namespace dmskafka

#pragma once
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/json/json_reader.h"
#include "core/settings/source_settings.h"
#include "core/settings/target_settings.h"
#include "core/settings/task_settings.h"

namespace dmskafka {

/// What reading settings or mappings found: every problem, not the first.
struct Problems {
  std::vector<Error> errors;
  std::vector<Error> warnings;  ///< accepted, but the user should know
  std::vector<Error> notices;   ///< settings accepted without effect, and why; capabilities not yet honoured
  bool ok() const noexcept { return errors.empty(); }
};

/// What the task does; some settings are wrong only for one of them.
enum class MigrationType : std::uint8_t { kFullLoad, kCdc, kFullLoadAndCdc };

/// `argument` is what stands behind --source: a URL (postgresql://…, sqlite:file, …), "file://path", a path of a JSON file,
/// "-" , or JSON itself (starts with '{'). Never throws; on problems.errors the value is not to be used.
/// `bare`: the engine whose settings an object is that does not say it.
SourceSettings read_source_settings(std::string_view argument, Problems& problems,
                                    SourceKind bare = SourceKind::kPostgres);
/// Likewise for --target: kafka://host:9092[,host…][/topic], kafka:embedded, "-" (NDJSON on standard output), discard:, or JSON.
TargetSettings read_target_settings(std::string_view argument, Problems& problems);
/// Likewise for --task-settings; "" gives the defaults.
TaskSettings read_task_settings(std::string_view argument, MigrationType type, Problems& problems);
/// `-X property=value` of the command line, over DmskafkaSettings.KafkaProperties; refuses those we own, by name.
void apply_kafka_properties(const std::vector<std::pair<std::string, std::string>>& properties,
                            TaskSettings& settings, Problems& problems);
/// Rules that need several documents (dialect and partitioner, before images and migration type …).
void check_settings_together(const SourceSettings& source, const TargetSettings& target, TaskSettings& task,
                             MigrationType type, Problems& problems);

/// Opens the JSON behind an argument as DESIGN-style inputs allow: a path, "file://path", "-", or the JSON text itself.
/// `flag` names it in messages when the text itself was given ("--table-mappings").
Result<JsonDocument> open_json_argument(std::string_view argument, std::string_view flag);

}  // namespace dmskafka

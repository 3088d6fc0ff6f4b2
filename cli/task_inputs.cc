#include "cli/task_inputs.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/task_file.h"
#include "core/base/digest.h"
#include "mapping/table_mapping.h"

namespace dmskafka {
namespace {

/// Problems of one input, moved to where the user wrote it.
void move_problems(Problems& from, const TaskInput& input, Problems& to) {
  const auto move_list = [&](std::vector<Error>& list, std::vector<Error>& target) {
    for (const Error& error : list) target.push_back(in_task_file(error, input));
  };
  move_list(from.errors, to.errors);
  move_list(from.warnings, to.warnings);
  move_list(from.notices, to.notices);
}

// A flag wins over the task file.
std::optional<TaskInput> chosen(const std::optional<std::string>& flag, std::optional<TaskInput> in_file) {
  if (flag) return TaskInput{*flag, std::nullopt, false};
  return in_file;
}

class InputReader {
 public:
  explicit InputReader(const Options& options) : options_(options) {}

  TaskInputs read() {
    const InputOptions& flags = options_.inputs;
    if (flags.task_file) {
      file_ = read_task_file(*flags.task_file, out_.problems);
      saw("task file " + *flags.task_file);
    }
    read_migration_type();
    read_source();
    read_target();
    read_settings();
    if (out_.source && out_.target && out_.problems.ok()) {
      check_settings_together(*out_.source, *out_.target, out_.task, out_.migration_type, out_.problems);
    }
    out_.task_id = flags.task_id ? *flags.task_id : file_.task_id.value_or("");
    if (out_.task_id.empty() && out_.problems.ok()) {
      out_.task_id =
          default_task_id(out_.source ? &*out_.source : nullptr, out_.target ? &*out_.target : nullptr);
    }
    if (out_.task_id.find('/') != std::string::npos) {
      out_.problems.errors.push_back(Error(ErrorCode::kInvalidSettings, "the task id contains a \"/\""));
    }
    out_.state_file_given = flags.state_file || file_.state_file;
    out_.state_file =
        flags.state_file ? *flags.state_file : file_.state_file.value_or(out_.task_id + ".dmskafka");
    read_mapping();
    return std::move(out_);
  }

 private:
  void saw(const std::string& what) { out_.checked += (out_.checked.empty() ? "" : ", ") + what; }

  static bool is_json_text(const std::string& argument) { return argument.find_first_of("{") == 0; }
  // "mapping m.json"; for text that stands in the command line or the task file just "mapping".
  void saw_input(const char* what, const TaskInput& input) {
    saw(is_json_text(input.argument) ? std::string(what) : fmt::format("{} {}", what, input.argument));
  }

  // The command says what is done; a task made for something else deserves a word.
  void read_migration_type() {
    const MigrationType in_file = file_.migration_type.value_or(MigrationType::kFullLoad);
    out_.migration_type = in_file;
    if (options_.command == Command::kFullLoad) {
      if (options_.then_cdc || options_.prepare_cdc) out_.migration_type = MigrationType::kFullLoadAndCdc;
      if (in_file != MigrationType::kCdc) return;
      out_.problems.errors.push_back(
          Error(ErrorCode::kInvalidSettings, "MigrationType cdc: this task has no full load")
              .hint("The command for it is dmskafka cdc."));
    }
    // Whatever the task does: nothing of it is run, or it is shown only.
    if (options_.command == Command::kStatus || options_.command == Command::kCleanup ||
        options_.command == Command::kDryRun) {
      out_.migration_type = file_.migration_type.value_or(MigrationType::kFullLoadAndCdc);
    }
    if (options_.command != Command::kCdc) return;
    out_.migration_type = MigrationType::kCdc;
    if (file_.migration_type && in_file == MigrationType::kFullLoad) {
      out_.problems.warnings.push_back(
          Error(ErrorCode::kInvalidSettings,
                "MigrationType full-load: the task only loads; its changes are followed all the same"));
    }
  }

  void read_source() {
    const auto input = chosen(options_.inputs.source, file_.source);
    if (!input) return;
    Problems problems;
    out_.source = read_source_settings(input->argument, problems, options_.inputs.bare_source);
    saw(problems.ok() ? "source " + out_.source->display_name() : "source");
    move_problems(problems, *input, out_.problems);
  }

  void read_target() {
    const auto input = chosen(options_.inputs.target, file_.target);
    if (!input) return;
    Problems problems;
    out_.target = read_target_settings(input->argument, problems);
    saw(problems.ok() ? "target " + out_.target->display_name() : "target");
    move_problems(problems, *input, out_.problems);
  }

  void read_settings() {
    const auto input = chosen(options_.inputs.task_settings, file_.task_settings).value_or(TaskInput{});
    Problems problems;
    out_.task = read_task_settings(input.argument, out_.migration_type, problems);
    if (!input.argument.empty()) saw_input("task settings", input);
    move_problems(problems, input, out_.problems);
    if (options_.inputs.kafka_properties.empty()) return;
    apply_kafka_properties(options_.inputs.kafka_properties, out_.task, out_.problems);
    saw("-X properties");
  }

  void read_mapping() {
    const MappingContext context{out_.target ? out_.target->kafka : KafkaSettings{}, out_.task, out_.task_id,
                                 out_.migration_type};
    const auto input = chosen(options_.inputs.table_mappings, file_.table_mappings);
    if (!input) {
      out_.planner = compile_default_mapping(context);
      return;
    }
    saw_input("table mappings", *input);
    Problems problems;
    auto document = open_json_argument(input->argument, "--table-mappings");
    if (document) {
      out_.planner = compile_table_mapping(*document, context, problems);
    } else {
      problems.errors.push_back(std::move(document).error());
    }
    move_problems(problems, *input, out_.problems);
  }

  const Options& options_;
  TaskFile file_;
  TaskInputs out_;
};

// Length first, so that no two lists of fields read the same.
void add_field(std::string& text, std::string_view field) {
  text += fmt::format("{}:{},", field.size(), field);
}

void add_source(std::string& text, const SourceSettings& source) {
  const auto kind = [&]() -> std::string_view {
    switch (source.kind) {
      case SourceKind::kPostgres: return "postgresql";
      case SourceKind::kMysql:
      case SourceKind::kMariadb: return "mysql";
      case SourceKind::kSqlite: return "sqlite";
    }
    return "";
  }();
  add_field(text, kind);
  if (source.kind == SourceKind::kSqlite) {
    std::error_code failed;
    const auto real = std::filesystem::weakly_canonical(source.file, failed);
    return add_field(text, failed ? source.file : real.string());
  }
  const std::uint16_t default_port = source.kind == SourceKind::kPostgres ? 5432 : 3306;
  add_field(text, source.host);
  add_field(text, std::to_string(source.port != 0 ? source.port : default_port));
  add_field(text, source.database_name);
}

void add_target(std::string& text, const TargetSettings& target) {
  if (target.kind == TargetKind::kKafka) {
    for (const std::string& broker : target.kafka.brokers) add_field(text, broker);
  } else {
    add_field(text, target.display_name());
  }
  add_field(text, target.kafka.topic);
}

}  // namespace

TaskInputs read_task_inputs(const Options& options) { return InputReader(options).read(); }

std::string default_task_id(const SourceSettings* source, const TargetSettings* target) {
  std::string text;
  if (source != nullptr) add_source(text, *source);
  if (target != nullptr) add_target(text, *target);
  return task_id_from(text);
}

}  // namespace dmskafka

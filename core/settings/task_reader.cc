#include <fmt/format.h>

#include <array>
#include <deque>

#include "core/settings/kafka_properties.h"
#include "core/settings/settings_reader.h"
#include "core/settings/task_tables.h"

namespace dmskafka {
namespace {

constexpr std::string_view kFlag = "--task-settings";
constexpr std::int64_t kLobKilobytesOfDms = 32;

Error wrong(const JsonValue& value, std::string message) {
  return Error(ErrorCode::kInvalidSettings, std::move(message)).at(value.location());
}

/// Finds the settings in whatever holds them, and reads them.
class TaskReader {
 public:
  TaskReader(MigrationType type, Problems& problems) : type_(type), problems_(problems) {}

  TaskSettings read(std::string_view argument) {
    if (!argument.empty()) read_document(open_json_argument(argument, kFlag));
    return std::move(settings_);
  }

 private:
  void read_document(Result<JsonDocument> opened) {
    if (!opened) {
      problems_.errors.push_back(opened.error());
      return;
    }
    const JsonDocument& document = documents_.emplace_back(std::move(opened).value());
    if (document.had_byte_order_mark()) {
      problems_.warnings.push_back(wrong(document.root(), "the text begins with a byte order mark"));
    }
    read_value(document.root());
  }

  // Replies, requests and resources wrap the settings, often as a string that holds JSON.
  void read_value(const JsonValue& value) {
    if (!value.is_object()) {
      problems_.errors.push_back(
          wrong(value, fmt::format("the task settings are {}", json_kind_name(value.kind())))
              .expected("an object of groups, FullLoadSettings for example"));
      return;
    }
    if (const JsonValue* list = value.find_present("ReplicationTasks"); list != nullptr && list->is_array()) {
      if (list->items().size() == 1) return read_value(list->items()[0]);
      problems_.errors.push_back(
          wrong(*list, fmt::format("{} tasks", list->items().size())).expected("one task"));
      return;
    }
    for (const std::string_view name : {"ReplicationTask", "Properties"}) {
      if (const JsonValue* inner = value.find_present(name); inner != nullptr && inner->is_object())
        return read_value(*inner);
    }
    for (const std::string_view name : {"ReplicationTaskSettings", "TaskSettings"}) {
      if (const JsonValue* inner = value.find_present(name)) {
        check_migration_type(value);
        return read_wrapped(*inner);
      }
    }
    if (value.find_present("ReplicationTaskIdentifier") != nullptr) return check_migration_type(value);
    read_groups(value);
  }

  // The command says what is done; a request made for something else deserves a word.
  void check_migration_type(const JsonValue& request) {
    const JsonValue* const type = request.find_present("MigrationType");
    if (type == nullptr || !type->is_string()) return;
    const std::string_view wanted = type_ == MigrationType::kFullLoad ? "full-load"
                                    : type_ == MigrationType::kCdc    ? "cdc"
                                                                      : "full-load-and-cdc";
    if (type->string() == wanted) return;
    problems_.warnings.push_back(
        wrong(*type, fmt::format("MigrationType {}: this command does {}", type->string(), wanted)));
  }

  void read_wrapped(const JsonValue& inner) {
    if (!inner.is_string()) return read_value(inner);
    const std::string_view text = inner.string();
    if (text.starts_with("file://")) return read_document(open_json_argument(text, kFlag));
    const JsonLocation place = inner.location();
    read_document(JsonDocument::parse(
        fmt::format("{}:{}:{}, in the string {}", place.file, place.line, place.column, place.pointer),
        std::string(text)));
  }

  void read_groups(const JsonValue& value) {
    // In the order of the tables, not of the file: MaxThreads is needed first.
    for (const TaskTable& table : task_tables()) {
      const JsonValue* const group = value.find_present(table.name);
      if (group == nullptr) continue;
      table.read(*group, settings_, {problems_, nullptr, false, task_group_of});
      check_group(table.name, *group);
    }
    for (const JsonMember& member : value.members()) {
      if (find_task_table(member.name) == nullptr) read_other(member);
    }
    // SPEC LobMaxSize: DMS's own default is to cut LOBs at 32 KB; only its strict dialect does that unasked.
    if (settings_.dmskafka.dialect == Dialect::kDmsStrict && !lobs_whole_ && !settings_.lob_max_kilobytes) {
      settings_.lob_max_kilobytes = kLobKilobytesOfDms;
    }
  }

  // Defaults that hang on the dialect. DMS probably lets librdkafka choose the partition by its own default; AWS's page
  // speaks of a record for "a restart of the task".
  void choose_by_dialect(const JsonValue& group) {
    if (settings_.dmskafka.dialect == Dialect::kDocumented && group.is_object() &&
        group.find_present("TaskControlRecords") == nullptr) {
      settings_.dmskafka.task_control_records = true;
    }
    if (settings_.dmskafka.dialect == Dialect::kDmsStrict && group.is_object() &&
        group.find_present("Partitioner") == nullptr) {
      settings_.dmskafka.partitioner = Partitioner::kConsistentRandom;
    }
  }

  void read_other(const JsonMember& member) {
    if (const auto* field = task_members_table().find(member.name)) {
      if (member.value.is_null()) return;
      FieldInput input("the task settings", field->name, member.value, nullptr, problems_);
      return read_field(*field, input, settings_);
    }
    std::vector<std::string_view> names = task_members_table().names();
    for (const TaskTable& table : task_tables()) names.push_back(table.name);
    const std::string_view owner = task_group_of(member.name);
    const std::string_view nearest = nearest_name(member.name, names);
    Error error =
        Error(ErrorCode::kInvalidSettings, fmt::format("the task settings have no group \"{}\"", member.name))
            .at(member.value.name_location());
    if (!owner.empty()) {
      error = std::move(error).expected(fmt::format("it in {}: {} belongs to {}", owner, member.name, owner));
    } else if (!nearest.empty()) {
      error = std::move(error).expected(fmt::format("\"{}\"", nearest));
    }
    problems_.errors.push_back(std::move(error));
  }

  void check_group(std::string_view name, const JsonValue& group) {
    if (name == "BeforeImageSettings") check_before_image(group);
    if (name == "TargetMetadata") {
      check_lob_limit(group);
      check_without_threads(group);
    }
    if (name == "DmskafkaSettings") choose_by_dialect(group);
  }

  void check_before_image(const JsonValue& group) {
    if (!settings_.before_image.enabled) return;
    if (type_ == MigrationType::kFullLoad) {
      // SPEC: "Don't apply BeforeImageSettings to tasks that are full load only."
      problems_.errors.push_back(
          wrong(group, "BeforeImageSettings are for following changes; this task only loads")
              .expected("EnableBeforeImage false, or no BeforeImageSettings"));
    }
    if (settings_.before_image.field_name.empty()) {
      problems_.errors.push_back(
          wrong(group, "EnableBeforeImage needs a FieldName").expected("a FieldName that is not empty"));
    }
  }

  // SPEC ParallelLoadBufferSize: "valid only when there is more than one thread." AWS's own documents have them without.
  void check_without_threads(const JsonValue& group) {
    struct Kind {
      std::string_view threads;
      std::int64_t count;
      std::array<std::string_view, 2> needing;
    };
    const std::array<Kind, 2> kinds = {Kind{"ParallelLoadThreads",
                                            settings_.parallel_load_threads,
                                            {"ParallelLoadBufferSize", "ParallelLoadQueuesPerThread"}},
                                       Kind{"ParallelApplyThreads",
                                            settings_.parallel_apply_threads,
                                            {"ParallelApplyBufferSize", "ParallelApplyQueuesPerThread"}}};
    if (!group.is_object()) return;
    for (const Kind& kind : kinds) {
      if (kind.count > 1) continue;
      for (const std::string_view name : kind.needing) {
        const JsonValue* const value = group.find_present(name);
        const bool is_zero =
            value != nullptr && ((value->is_string() && value->string() == "0") ||
                                 (value->kind() == JsonKind::kNumber && value->number_text() == "0"));
        if (value == nullptr || is_zero) continue;
        problems_.notices.push_back(
            wrong(*value, fmt::format("{} has no effect without {} above 1", name, kind.threads)));
      }
    }
  }

  // A mode that does not limit wins over a size that stands beside it, as in AWS's documents.
  void check_lob_limit(const JsonValue& group) {
    if (!group.is_object()) return;
    const auto is = [&](std::string_view name, bool wanted) {
      const JsonValue* const value = group.find_present(name);
      return value != nullptr && value->kind() == JsonKind::kBoolean && value->boolean() == wanted;
    };
    lobs_whole_ = is("LimitedSizeLobMode", false) || is("FullLobMode", true);
    if (lobs_whole_) settings_.lob_max_kilobytes.reset();
  }

  MigrationType type_;
  Problems& problems_;
  TaskSettings settings_;
  bool lobs_whole_ = false;  // the file says that LOBs are not cut
  std::deque<JsonDocument> documents_;
};

}  // namespace

TaskSettings read_task_settings(std::string_view argument, MigrationType type, Problems& problems) {
  return TaskReader(type, problems).read(argument);
}

void apply_kafka_properties(const std::vector<std::pair<std::string, std::string>>& properties,
                            TaskSettings& settings, Problems& problems) {
  for (const auto& [name, value] : properties) {
    const std::string_view group_setting = name;
    if (const auto instead = owned_property(group_setting)) {
      problems.errors.push_back(
          Error(ErrorCode::kInvalidSettings, fmt::format("-X cannot set {}", name)).hint(*instead));
    } else {
      settings.dmskafka.kafka_properties[name] = value;
    }
  }
}

void check_settings_together(const SourceSettings& source, const TargetSettings& target, TaskSettings& task,
                             [[maybe_unused]] MigrationType type, Problems& problems) {
  // SPEC FailTasksOnLobTruncation: "causes a task to fail if the actual size of a LOB column is greater than the specified
  // LobMaxSize."
  if (source.fail_tasks_on_lob_truncation) task.data_truncation_error_policy = ErrorPolicy::kStopTask;
  if (target.kind == TargetKind::kEmbedded && task.dmskafka.delivery == Delivery::kExactlyOnce) {
    problems.errors.push_back(
        Error(ErrorCode::kInvalidSettings,
              "kafka:embedded has no isolation, so Delivery exactly-once means nothing there")
            .expected("at-least-once"));
  }
}

}  // namespace dmskafka

#include "cli/task_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

namespace dmskafka {
namespace {

enum class Member : std::uint8_t {
  kSource,
  kTarget,
  kTableMappings,
  kTaskSettings,
  kTaskId,
  kStateFile,
  kMigrationType,
  kOnlyAws,
};
struct NamedMember {
  std::string_view name;
  Member member;
};
constexpr std::array<NamedMember, 34> kMembers{{
    {"Source", Member::kSource},
    {"SourceEndpoint", Member::kSource},
    {"Target", Member::kTarget},
    {"TargetEndpoint", Member::kTarget},
    {"TableMappings", Member::kTableMappings},
    {"ReplicationTaskSettings", Member::kTaskSettings},
    {"TaskSettings", Member::kTaskSettings},
    {"ReplicationTaskIdentifier", Member::kTaskId},
    {"TaskId", Member::kTaskId},
    {"StateFile", Member::kStateFile},
    {"MigrationType", Member::kMigrationType},
    {"SourceEndpointArn", Member::kOnlyAws},
    {"TargetEndpointArn", Member::kOnlyAws},
    {"ReplicationInstanceArn", Member::kOnlyAws},
    {"ReplicationTaskArn", Member::kOnlyAws},
    {"ReplicationTaskCreationDate", Member::kOnlyAws},
    {"ReplicationTaskStartDate", Member::kOnlyAws},
    {"ReplicationTaskStats", Member::kOnlyAws},
    {"ReplicationTaskAssessmentResults", Member::kOnlyAws},
    {"TargetReplicationInstanceArn", Member::kOnlyAws},
    {"ResourceIdentifier", Member::kOnlyAws},
    {"CdcStartPosition", Member::kOnlyAws},
    {"CdcStartTime", Member::kOnlyAws},
    {"CdcStopPosition", Member::kOnlyAws},
    {"RecoveryCheckpoint", Member::kOnlyAws},
    {"Status", Member::kOnlyAws},
    {"StopReason", Member::kOnlyAws},
    {"LastFailureMessage", Member::kOnlyAws},
    {"Tags", Member::kOnlyAws},
    {"TaskData", Member::kOnlyAws},
    {"Type", Member::kOnlyAws},
    {"Properties", Member::kOnlyAws},
    {"DependsOn", Member::kOnlyAws},
    {"ResponseMetadata", Member::kOnlyAws},
}};

Error wrong(const JsonLocation& place, std::string message) {
  return Error(ErrorCode::kInvalidSettings, std::move(message)).at(place);
}

Result<std::string> read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error(ErrorCode::kInvalidSettings, fmt::format("{}: cannot be opened", path));
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (file.bad()) return Error(ErrorCode::kInvalidSettings, fmt::format("{}: cannot be read", path));
  return text;
}

// Where the value at `place` begins in the text that `place` was made from; columns count characters.
std::size_t offset_of(std::string_view text, const JsonLocation& place) {
  std::size_t offset = 0;
  if (text.substr(0, 3) == "\xEF\xBB\xBF") offset = 3;
  for (std::uint32_t line = 1; line < place.line; ++line) offset = text.find('\n', offset) + 1;
  for (std::uint32_t column = 1; column < place.column; ++column) {
    ++offset;
    while (offset < text.size() && (static_cast<unsigned char>(text[offset]) & 0xC0U) == 0x80U) ++offset;
  }
  return offset;
}

// The object or array that begins at `offset` of a text that parsed, as it is written.
std::string_view value_text(std::string_view text, std::size_t offset) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = offset; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"' || i >= text.size();
      continue;
    }
    in_string = c == '"';
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) return text.substr(offset, i + 1 - offset);
  }
  return {};
}

/// Reads the members of one task file.
class Reader {
 public:
  Reader(const std::string& path, std::string_view text, Problems& problems)
      : folder_(std::filesystem::path(path).parent_path()), text_(text), problems_(problems) {}

  TaskFile read(const JsonValue& root) {
    for (const JsonMember& member : root.members()) {
      if (!member.value.is_null()) read_member(member);
    }
    return std::move(task_);
  }

 private:
  void read_member(const JsonMember& member) {
    const auto known = std::ranges::find(kMembers, member.name, &NamedMember::name);
    if (known == kMembers.end()) return unknown(member);
    const JsonValue& value = member.value;
    switch (known->member) {
      case Member::kSource: return set(task_.source, input(member), member);
      case Member::kTarget: return set(task_.target, input(member), member);
      case Member::kTableMappings: return set(task_.table_mappings, input(member), member);
      case Member::kTaskSettings: return set(task_.task_settings, input(member), member);
      case Member::kTaskId: return set(task_.task_id, string_of(value), member);
      case Member::kStateFile:
        if (auto path = string_of(value))
          set(task_.state_file, std::optional((folder_ / *path).string()), member);
        return;
      case Member::kMigrationType: return set(task_.migration_type, migration_type(value), member);
      case Member::kOnlyAws:
        problems_.notices.push_back(
            wrong(value.name_location(), fmt::format("{} has a meaning only within AWS", member.name)));
    }
  }

  void unknown(const JsonMember& member) {
    std::vector<std::string_view> names;
    for (const NamedMember& known : kMembers) names.push_back(known.name);
    const std::string_view nearest = nearest_name(member.name, names);
    Error error =
        wrong(member.value.name_location(), fmt::format("unknown member \"{}\" of a task file", member.name));
    if (nearest.empty()) {
      problems_.errors.push_back(std::move(error).expected(
          "Source, Target, TableMappings, ReplicationTaskSettings or ReplicationTaskIdentifier"));
    } else {
      problems_.errors.push_back(std::move(error).expected(std::string(nearest)));
    }
  }

  template <typename T>
  void set(std::optional<T>& slot, std::optional<T> value, const JsonMember& member) {
    if (!value) return;
    if (slot) {
      problems_.errors.push_back(wrong(member.value.name_location(),
                                       fmt::format("{} is given twice, under two names", member.name)));
    }
    slot = std::move(value);
  }

  std::optional<std::string> string_of(const JsonValue& value) {
    if (value.is_string() && !value.string().empty()) return std::string(value.string());
    problems_.errors.push_back(
        wrong(value.location(), fmt::format("this is {}", json_kind_name(value.kind())))
            .expected("a string that is not empty"));
    return std::nullopt;
  }

  std::optional<TaskInput> input(const JsonMember& member) {
    const JsonValue& value = member.value;
    const JsonLocation place = value.location();
    if (value.is_object())
      return TaskInput{std::string(value_text(text_, offset_of(text_, place))), place, false};
    if (!value.is_string() || value.string().empty()) {
      problems_.errors.push_back(
          wrong(place, fmt::format("{} is {}", member.name, json_kind_name(value.kind())))
              .expected("an object, a string with JSON, a URL, or file://path"));
      return std::nullopt;
    }
    const std::string_view text = value.string();
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first != std::string_view::npos && text[first] == '{') {
      return TaskInput{std::string(text.substr(first)), place, true};
    }
    return TaskInput{reference(text), std::nullopt, false};
  }

  // "file://mapping.json" and "mapping.json" mean the file beside the task file; URLs and "-" mean what they say.
  std::string reference(std::string_view text) const {
    constexpr std::string_view kFile = "file://";
    if (text.substr(0, kFile.size()) == kFile) return (folder_ / text.substr(kFile.size())).string();
    const bool is_url = text.find(':') != std::string_view::npos;
    return is_url || text == "-" ? std::string(text) : (folder_ / text).string();
  }

  std::optional<MigrationType> migration_type(const JsonValue& value) {
    if (value.is_string()) {
      if (value.string() == "full-load") return MigrationType::kFullLoad;
      if (value.string() == "cdc") return MigrationType::kCdc;
      if (value.string() == "full-load-and-cdc") return MigrationType::kFullLoadAndCdc;
    }
    problems_.errors.push_back(
        wrong(value.location(), "unknown MigrationType").expected("full-load, cdc or full-load-and-cdc"));
    return std::nullopt;
  }

  const std::filesystem::path folder_;
  const std::string_view text_;
  Problems& problems_;
  TaskFile task_;
};

// The only task of a CloudFormation template.
const JsonValue* only_task(const JsonValue& resources, Problems& problems) {
  std::vector<const JsonValue*> found;
  for (const JsonMember& resource : resources.members()) {
    if (!resource.value.is_object()) continue;
    const JsonValue* const type = resource.value.find_present("Type");
    const JsonValue* const properties = resource.value.find_present("Properties");
    const bool is_task =
        type != nullptr && type->is_string() && type->string() == "AWS::DMS::ReplicationTask";
    if (is_task && properties != nullptr && properties->is_object()) found.push_back(properties);
  }
  if (found.size() == 1) return found[0];
  problems.errors.push_back(
      wrong(resources.location(), fmt::format("{} replication tasks in the template", found.size()))
          .expected("one AWS::DMS::ReplicationTask"));
  return nullptr;
}

// {"ReplicationTasks":[{…}]} and {"ReplicationTask":{…}} are replies of the AWS CLI around the object itself; CloudFormation has
// {"Properties":{…}}, in a template below {"Resources":{…}}.
const JsonValue* task_object(const JsonValue& root, Problems& problems) {
  if (root.is_object()) {
    for (const std::string_view name : {"ReplicationTask", "Properties"}) {
      if (const JsonValue* task = root.find_present(name); task != nullptr && task->is_object()) return task;
    }
    const JsonValue* const resources = root.find_present("Resources");
    if (resources != nullptr && resources->is_object()) return only_task(*resources, problems);
    const JsonValue* tasks = root.find_present("ReplicationTasks");
    if (tasks == nullptr || !tasks->is_array()) return &root;
    if (tasks->items().size() == 1 && tasks->items()[0].is_object()) return &tasks->items()[0];
    problems.errors.push_back(
        wrong(tasks->location(), fmt::format("{} tasks where one is meant", tasks->items().size()))
            .expected("one task"));
    return nullptr;
  }
  problems.errors.push_back(
      wrong(root.location(), fmt::format("a task file holds {}", json_kind_name(root.kind())))
          .expected("an object with Source, Target, TableMappings …"));
  return nullptr;
}

}  // namespace

Error in_task_file(const Error& error, const TaskInput& input) {
  if (!input.within || !error.location()) return error;
  JsonLocation place = *error.location();
  if (input.in_string) {
    const std::string pointer = place.pointer;
    place = *input.within;
    place.pointer += pointer;
  } else {
    // The quoted line and its caret stay: both belong to the text as the file has it, from the value's first byte on.
    if (place.line == 1) place.column += input.within->column - 1;
    place.line += input.within->line - 1;
    place.file = input.within->file;
    place.pointer = input.within->pointer + place.pointer;
  }
  return Error(error).at(std::move(place));
}

TaskFile read_task_file(const std::string& path, Problems& problems) {
  auto text = read_text(path);
  if (!text) {
    problems.errors.push_back(std::move(text).error());
    return {};
  }
  auto document = JsonDocument::parse(path, *text);
  if (!document) {
    problems.errors.push_back(std::move(document).error());
    return {};
  }
  const JsonValue* const task = task_object(document->root(), problems);
  if (task == nullptr) return {};
  return Reader(path, *text, problems).read(*task);
}

}  // namespace dmskafka

#include "mapping/mapping_document.h"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace dmskafka {

namespace {

Error mapping_error(const JsonValue& value, std::string message) {
  return Error(ErrorCode::kInvalidMapping, std::move(message)).at(value.location());
}

// The object that holds TableMappings: the request itself, or the one task of a reply; null with a problem reported
// when several could be meant, null without one when none is there.
const JsonValue* holder_of_mappings(const JsonValue& root, Problems& problems) {
  if (root.find_present("TableMappings") != nullptr) return &root;
  for (const std::string_view name : {"ReplicationTask", "Properties"}) {
    const JsonValue* inner = root.find_present(name);
    if (inner != nullptr && inner->is_object() && inner->find_present("TableMappings") != nullptr)
      return inner;
  }
  const JsonValue* tasks = root.find_present("ReplicationTasks");
  if (tasks == nullptr || !tasks->is_array()) return nullptr;
  if (tasks->items().size() != 1) {
    problems.errors.push_back(
        mapping_error(*tasks, fmt::format("{} replication tasks in one reply", tasks->items().size()))
            .expected("one task")
            .hint("Keep the task that is meant, e.g. with describe-replication-tasks --filters."));
    return nullptr;
  }
  const JsonValue& task = tasks->items().front();
  return task.is_object() && task.find_present("TableMappings") != nullptr ? &task : nullptr;
}

}  // namespace

std::optional<MappingDocument> MappingDocument::find(const JsonDocument& document, Problems& problems) {
  const JsonValue& root = document.root();
  if (document.had_byte_order_mark()) {
    problems.warnings.push_back(
        mapping_error(root, "the file begins with a byte order mark, which JSON does not have"));
  }
  if (!root.is_object()) {
    problems.errors.push_back(
        mapping_error(root, fmt::format("{} is no table mapping", json_kind_name(root.kind())))
            .expected("an object with \"rules\""));
    return std::nullopt;
  }
  if (root.find("rules") != nullptr) return MappingDocument(std::nullopt, &root);

  const std::size_t errors_before = problems.errors.size();
  const JsonValue* holder = holder_of_mappings(root, problems);
  if (holder == nullptr) {
    if (problems.errors.size() == errors_before) {
      problems.errors.push_back(
          mapping_error(root, "no \"rules\" and no \"TableMappings\"")
              .expected("{\"rules\": [...]}, or an AWS request or reply with TableMappings"));
    }
    return std::nullopt;
  }
  const JsonValue& mappings = *holder->find_present("TableMappings");
  if (mappings.is_object()) return MappingDocument(std::nullopt, &mappings);
  if (!mappings.is_string()) {
    problems.errors.push_back(
        mapping_error(mappings, fmt::format("TableMappings is {}", json_kind_name(mappings.kind())))
            .expected("a string that holds JSON"));
    return std::nullopt;
  }
  const JsonLocation place = mappings.location();
  auto nested = JsonDocument::parse(place.file + "#" + place.pointer, std::string(mappings.string()));
  if (!nested) {
    problems.errors.push_back(std::move(nested).error());
    return std::nullopt;
  }
  if (!nested->root().is_object()) {
    problems.errors.push_back(
        mapping_error(nested->root(),
                      fmt::format("{} is no table mapping", json_kind_name(nested->root().kind())))
            .expected("an object with \"rules\""));
    return std::nullopt;
  }
  return MappingDocument(std::move(*nested), nullptr);
}

}  // namespace dmskafka

#include "sources/postgres/task_objects.h"

#include "core/base/digest.h"

namespace dmskafka::postgres {
namespace {

/// NAMEDATALEN is 64, with its NUL; the longest name has the prefix and the suffix.
constexpr std::size_t kTaskMax = 63 - kObjectPrefix.size() - kInsertSuffix.size();
constexpr std::size_t kDigestSize = 8;

/// Slot names have only small letters, digits and underscores. Two tasks must not meet in one name, so that whatever is
/// changed by more than its case gets a piece of a digest.
std::string object_name(std::string_view task_id) {
  std::string name;
  bool changed = task_id.empty();
  for (const char c : task_id) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_') {
      name += c;
    } else if (c >= 'A' && c <= 'Z') {
      name += static_cast<char>(c - 'A' + 'a');
    } else {
      name += '_';
      changed = true;
    }
  }
  if (!changed && name.size() <= kTaskMax) return name;
  if (name.size() > kTaskMax - kDigestSize - 1) name.resize(kTaskMax - kDigestSize - 1);
  return name + "_" + sha256_hex(task_id).substr(0, kDigestSize);
}

}  // namespace

std::string TaskObjects::mark() const { return "dmskafka: task " + task + ", replication slot " + slot; }

TaskObjects task_objects(std::string_view task_id, const SourceSettings& settings) {
  TaskObjects objects;
  objects.task = object_name(task_id);
  objects.publication = std::string(kObjectPrefix) + objects.task;
  objects.insert_publication = objects.publication + std::string(kInsertSuffix);
  objects.captures_ddl = settings.capture_ddls;
  objects.slot = settings.slot_name.empty() ? objects.publication : settings.slot_name;
  return objects;
}

}  // namespace dmskafka::postgres

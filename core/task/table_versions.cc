#include "core/task/table_versions.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/base/logging.h"

namespace dmskafka {

bool same_definition(const TableSchema& a, const TableSchema& b) {
  return a.name == b.name && a.columns == b.columns && a.primary_key == b.primary_key &&
         a.old_row == b.old_row && a.source_handle == b.source_handle;
}

Result<void> TableVersions::open(std::span<const std::shared_ptr<const TableSchema>> known,
                                 const std::stop_token& stop) {
  for (const auto& schema : known) {
    if (is_in_error(schema->name)) continue;
    DMSKAFKA_ASSIGN(auto version, make(schema, stop));
    for (const Error& warning : version->plan->warnings()) log_warning(warning.to_string());
    for (const std::string& remark : version->plan->remarks()) {
      log_warning(fmt::format("{}: {}", schema->name.text(), remark));
    }
    tables_[schema->name] = Followed{std::move(version), nullptr};
  }
  return {};
}

/// Such a table is left out until it is loaded again, whatever the log says of it.
bool TableVersions::is_in_error(const TableName& name) const {
  const auto found = std::ranges::find(progress_.tables(), name, &TableProgress::name);
  return found != progress_.tables().end() && found->state.load() == TableState::kTableError;
}

bool TableVersions::is_selected(const TableSchema& schema) const {
  if (is_in_error(schema.name)) return false;
  return !planner_.select({CatalogTable{schema.name, schema.kind}}).empty();
}

TableProgress& TableVersions::progress_of(const TableName& name) {
  const auto found = std::ranges::find(progress_.tables(), name, &TableProgress::name);
  if (found != progress_.tables().end()) return *found;
  TableProgress& added = progress_.add_table(name);
  added.state.store(TableState::kTableCompleted);
  return added;
}

Result<std::shared_ptr<const TableVersion>> TableVersions::make(
    const std::shared_ptr<const TableSchema>& schema, const std::stop_token& stop) {
  auto version = std::make_shared<TableVersion>();
  version->schema = schema;
  DMSKAFKA_ASSIGN(version->plan, planner_.plan(schema));
  const DmskafkaSettings& ours = settings_.dmskafka;
  const TopicSpec spec{version->plan->topic(), ours.topic_partitions, ours.topic_replication_factor,
                       ours.topic_config};
  DMSKAFKA_ASSIGN(const std::vector<const Topic*> topics, sink_.open_topics({&spec, 1}, stop));
  version->topic = topics.front();
  version->progress = &progress_of(schema->name);
  return std::shared_ptr<const TableVersion>(std::move(version));
}

Result<TableVersions::Note> TableVersions::describe(const std::shared_ptr<const TableSchema>& schema,
                                                    const std::stop_token& stop) {
  const auto found = tables_.find(schema->name);
  if (found != tables_.end()) return follow(found->second, schema, stop);
  if (!is_selected(*schema)) {
    described_[schema.get()] = nullptr;
    const auto before = ignored_.find(schema->name);
    if (before != ignored_.end() && before->second != schema) described_.erase(before->second.get());
    ignored_[schema->name] = schema;
    return Note{};
  }
  return follow(Followed{}, schema, stop);
}

Result<TableVersions::Note> TableVersions::rename(const TableName& old_name,
                                                  const std::shared_ptr<const TableSchema>& schema,
                                                  const std::stop_token& stop) {
  Followed followed;
  if (const auto found = tables_.find(old_name); found != tables_.end()) {
    followed = std::move(found->second);
    tables_.erase(found);
  }
  if (is_selected(*schema)) return follow(std::move(followed), schema, stop);
  if (followed.described) described_.erase(followed.described.get());
  described_[schema.get()] = nullptr;
  ignored_[schema->name] = schema;
  return Note{followed.version, nullptr};
}

Result<TableVersions::Note> TableVersions::follow(Followed followed,
                                                  const std::shared_ptr<const TableSchema>& schema,
                                                  const std::stop_token& stop) {
  Note note{followed.version, nullptr};
  auto made = make(schema, stop);
  if (followed.described) described_.erase(followed.described.get());
  if (!made) {
    if (made.error().code() != ErrorCode::kInvalidMapping ||
        settings_.table_error_policy == ErrorPolicy::kStopTask) {
      return std::move(made).error().while_doing(fmt::format("following {}", schema->name.text()));
    }
    TableProgress& progress = progress_of(schema->name);
    progress.set_error(made.error().message());
    progress.suspended.store(true);  // which is stored with the next checkpoint
    log_error(fmt::format("{}: suspended, because the mapping no longer fits it: {}", schema->name.text(),
                          made.error().to_string()));
    tables_.erase(schema->name);
    described_[schema.get()] = nullptr;
    ignored_[schema->name] = schema;
    return note;
  }
  note.after = std::move(made).value();
  Followed& place = tables_[schema->name];
  if (place.described) described_.erase(place.described.get());  // of a table that this one takes the name of
  place = Followed{note.after, schema};
  described_[schema.get()] = note.after;
  return note;
}

std::optional<TableName> TableVersions::renamed_from(const TableSchema& schema) const {
  if (!by_handle_ || tables_.contains(schema.name)) return std::nullopt;
  for (const auto& [name, followed] : tables_) {
    if (followed.version->schema->source_handle == schema.source_handle) return name;
  }
  return std::nullopt;
}

std::shared_ptr<const TableVersion> TableVersions::drop(const TableName& name) {
  const auto found = tables_.find(name);
  if (found == tables_.end()) return nullptr;
  auto version = std::move(found->second.version);
  if (found->second.described) described_.erase(found->second.described.get());
  tables_.erase(found);
  return version;
}

std::shared_ptr<const TableVersion> TableVersions::find(const TableName& name) const {
  const auto found = tables_.find(name);
  return found == tables_.end() ? nullptr : found->second.version;
}

std::optional<const std::shared_ptr<const TableVersion>*> TableVersions::of(const TableSchema* schema) const {
  const auto found = described_.find(schema);
  if (found == described_.end()) return std::nullopt;
  return &found->second;
}

std::vector<std::shared_ptr<const TableVersion>> TableVersions::all() const {
  std::vector<std::shared_ptr<const TableVersion>> versions;
  for (const auto& [name, followed] : tables_) versions.push_back(followed.version);
  return versions;
}

}  // namespace dmskafka

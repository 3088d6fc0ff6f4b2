#include "sources/mysql/followed_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/base/logging.h"
#include "sources/mysql/alter_statement.h"
#include "sources/mysql/column_layout.h"

namespace dmskafka::mysql {
namespace {

bool same_table(const TableSchema& a, const TableSchema& b) {
  return a.name == b.name && a.columns == b.columns && a.primary_key == b.primary_key;
}

std::vector<std::string_view> column_names(const TableSchema& table) {
  std::vector<std::string_view> names;
  for (const ColumnSchema& column : table.columns) names.emplace_back(column.name);
  return names;
}

/// Of a column that the log names: the description that has it, where it fits, else what the log alone says.
ColumnSchema describe_column(const MappedColumn& logged,
                             std::initializer_list<const TableSchema*> descriptions) {
  for (const TableSchema* const description : descriptions) {
    if (description == nullptr) continue;
    const auto index = description->find_column(logged.name);
    if (!index) continue;
    const ColumnSchema& declared = description->columns[*index];
    if (!fits(logged, declared)) continue;
    if (!logged.labels.empty() && logged.labels != declared_labels(declared.source_type)) continue;
    ColumnSchema column = declared;
    column.nullable = logged.nullable;
    return column;
  }
  ColumnSchema column;
  column.name = logged.name;
  column.nullable = logged.nullable;
  set_column_type(derived_type(logged), column);
  return column;
}

bool is_row_end(const MappedColumn& column) noexcept {
  return (column.type == BinlogType::kTimestamp2 && column.meta == 6) || column.type == BinlogType::kLongLong;
}

}  // namespace

FollowedTables::FollowedTables(const Schemas& known, const Schemas& now, Flavour flavour,
                               TableDescriber& describer)
    : flavour_(flavour), describer_(describer) {
  for (const auto& table : now) {
    tables_[table->name].schema = table;
    described_[table->name] = *table;
    all_.push_back(table);
  }
  for (const auto& table : known) {
    tables_[table->name].schema = table;
    all_.push_back(table);
  }
}

std::shared_ptr<const TableSchema> FollowedTables::find(const TableName& name) {
  const auto found = tables_.find(name);
  return found == tables_.end() ? nullptr : found->second.schema;
}

std::vector<TableName> FollowedTables::tables_of(std::string_view database) {
  std::vector<TableName> names;
  for (const auto& [name, followed] : tables_) {
    if (name.schema == database && followed.schema != nullptr) names.push_back(name);
  }
  return names;
}

Result<void> FollowedTables::created(const TableName& name) {
  described_.erase(name);
  Followed& followed = tables_[name];  // no matter whether it is selected: the engine tells its rows apart
  followed.altered.reset();
  followed.dirty = true;
  followed.understood = false;
  followed.last_statement = "CREATE TABLE";
  return {};
}

Result<void> FollowedTables::altered(const TableName& name, std::string_view text,
                                     const Tokenizer::Options& options) {
  const auto found = tables_.find(name);
  if (found == tables_.end()) return {};
  described_.erase(name);
  Followed& followed = found->second;
  const TableSchema* const before = followed.altered ? &*followed.altered : followed.schema.get();
  std::optional<TableSchema> after;
  if (before != nullptr && followed.understood) after = apply_alter(text, options, *before);
  followed.dirty = true;
  followed.understood = after.has_value();
  followed.altered = std::move(after);
  followed.last_statement = text.empty() ? "RENAME TABLE" : std::string(text.substr(0, 200));
  return {};
}

Result<void> FollowedTables::replaced(const TableName& name, const TableName& by) {
  const auto found = tables_.find(name);
  if (found == tables_.end()) return {};
  described_.erase(name);
  described_.erase(by);
  Followed& followed = found->second;
  followed.dirty = true;
  followed.understood = false;
  followed.altered.reset();
  followed.last_statement = fmt::format("RENAME TABLE {} TO {}", by.text(), name.text());
  const auto other = tables_.find(by);
  if (other == tables_.end()) return {};
  const Followed& ghost = other->second;
  if (ghost.schema != nullptr && ghost.understood) {
    followed.altered = ghost.altered ? *ghost.altered : *ghost.schema;
    followed.altered->name = name;
    followed.understood = true;
  }
  tables_.erase(other);
  return {};
}

void FollowedTables::dropped(const TableName& name) {
  tables_.erase(name);
  described_.erase(name);
}

Result<std::shared_ptr<const TableSchema>> FollowedTables::renamed(const TableName& from,
                                                                   const TableName& to) {
  described_.erase(from);
  described_.erase(to);
  const auto found = tables_.find(from);
  if (found == tables_.end()) {
    DMSKAFKA_TRY(created(to));
    return std::shared_ptr<const TableSchema>();
  }
  Followed followed = std::move(found->second);
  tables_.erase(found);
  std::shared_ptr<const TableSchema> schema;
  if (followed.schema != nullptr) {
    auto copy = std::make_shared<TableSchema>(*followed.schema);
    copy->name = to;
    schema = followed.schema = std::move(copy);
    all_.push_back(schema);
  }
  if (followed.altered) followed.altered->name = to;
  tables_[to] = std::move(followed);
  return schema;
}

Result<const TableSchema*> FollowedTables::describe(const TableName& name) {
  auto found = described_.find(name);
  if (found == described_.end()) {
    DMSKAFKA_ASSIGN(auto schema, describer_.describe(name));
    found = described_.emplace(name, std::move(schema)).first;
  }
  return found->second ? &*found->second : static_cast<const TableSchema*>(nullptr);
}

/// Columns that the server keeps for itself stand at the end of the log's rows, and in no catalogue.
bool FollowedTables::is_hidden(const TableMap& map, std::size_t column, const TableSchema* now) const {
  const MappedColumn& logged = map.columns[column];
  if (now != nullptr && now->find_column(logged.name)) return false;
  if (flavour_ == Flavour::kMysql) return logged.name.starts_with("!hidden!");
  if (logged.name.starts_with("DB_ROW_HASH_")) return true;
  // The columns of system versioning, where they were not declared.
  return now != nullptr && (logged.name == "row_start" || logged.name == "row_end") && is_row_end(logged);
}

Result<std::optional<FollowedTables::Matched>> FollowedTables::by_names(const TableMap& map,
                                                                        const Followed& followed) {
  const TableName name{map.database, map.table};
  const TableSchema* const before = followed.schema.get();
  const bool all_known =
      before != nullptr && std::ranges::all_of(map.columns, [&](const MappedColumn& logged) {
        const auto index = before->find_column(logged.name);
        return index && fits(logged, before->columns[*index]);
      });
  const TableSchema* now = nullptr;
  if (!all_known || before->columns.size() != map.columns.size()) {
    DMSKAFKA_ASSIGN(now, describe(name));
  }
  Matched matched;
  if (before != nullptr) matched.schema = *before;
  if (before == nullptr && now != nullptr) matched.schema = *now;
  matched.schema.name = name;
  matched.schema.columns.clear();
  matched.schema.primary_key.clear();
  for (std::size_t i = 0; i < map.columns.size(); ++i) {
    const MappedColumn& logged = map.columns[i];
    if (is_hidden(map, i, now)) {
      matched.column_of.push_back(ColumnPlan::kNoColumn);
      if (logged.name == "row_end") matched.row_end = static_cast<std::uint32_t>(i);
      continue;
    }
    matched.column_of.push_back(static_cast<std::uint32_t>(matched.schema.columns.size()));
    matched.schema.columns.push_back(describe_column(logged, {before, now}));
  }
  for (const std::uint32_t column : map.primary_key) {
    if (matched.column_of[column] != ColumnPlan::kNoColumn) {
      matched.schema.primary_key.push_back(matched.column_of[column]);
    }
  }
  return std::optional<Matched>(std::move(matched));
}

/// `declared` with the log's columns in its order; nullopt: it is another table.
std::optional<FollowedTables::Matched> FollowedTables::match(const TableMap& map,
                                                             const TableSchema& declared) const {
  const std::size_t columns = declared.columns.size();
  if (map.columns.size() < columns) return std::nullopt;
  Matched matched;
  matched.schema = declared;
  matched.schema.name = TableName{map.database, map.table};
  for (std::uint32_t i = 0; i < columns; ++i) {
    if (!fits(map.columns[i], declared.columns[i]) ||
        map.columns[i].nullable != declared.columns[i].nullable) {
      return std::nullopt;
    }
    matched.column_of.push_back(i);
  }
  const std::size_t hidden = map.columns.size() - columns;
  if (hidden == 0) return matched;
  if (flavour_ == Flavour::kMysql || hidden > 66) return std::nullopt;
  // MariaDB: two columns of system versioning, and a hash for each UNIQUE over a long text.
  std::size_t i = columns;
  if (hidden >= 2 && is_row_end(map.columns[i]) && !map.columns[i].nullable &&
      is_row_end(map.columns[i + 1]) && !map.columns[i + 1].nullable) {
    matched.row_end = static_cast<std::uint32_t>(i + 1);
    i += 2;
  }
  for (; i < map.columns.size(); ++i) {
    if (map.columns[i].type != BinlogType::kLongLong || !map.columns[i].nullable) return std::nullopt;
  }
  matched.column_of.resize(map.columns.size(), ColumnPlan::kNoColumn);
  return matched;
}

Error FollowedTables::mismatch(const TableMap& map, const Followed& followed) {
  const TableName name{map.database, map.table};
  std::string problem = fmt::format("the columns of {} in the log are not those that are known", name.text());
  if (followed.schema != nullptr) {
    const TableSchema& known = *followed.schema;
    if (map.columns.size() != known.columns.size()) {
      problem += fmt::format(": {} of them, {} are known", map.columns.size(), known.columns.size());
    } else {
      for (std::size_t i = 0; i < known.columns.size(); ++i) {
        if (fits(map.columns[i], known.columns[i])) continue;
        problem += fmt::format(": {} is {}, and was declared {}", known.columns[i].name,
                               describe_layout(map.columns[i]), known.columns[i].source_type);
        break;
      }
    }
  }
  if (!followed.last_statement.empty())
    problem += fmt::format("; the last statement about it: {}", followed.last_statement);
  return Error(ErrorCode::kPositionLost, problem)
      .hint(
          "SET GLOBAL binlog_row_metadata = FULL; makes the log say what its columns are called (MySQL "
          "8.0.1, MariaDB "
          "10.5). For what is in the log already, load the table again with --restart");
}

Result<std::optional<FollowedTables::Matched>> FollowedTables::by_tracking(const TableMap& map,
                                                                           Followed& followed) {
  if (!followed.dirty && followed.schema != nullptr) {
    if (auto matched = match(map, *followed.schema)) return matched;
  }
  const TableName name{map.database, map.table};
  std::optional<Matched> by_statement;
  if (followed.dirty && followed.understood && followed.altered) by_statement = match(map, *followed.altered);
  DMSKAFKA_ASSIGN(const TableSchema* const now, describe(name));
  std::optional<Matched> by_server;
  if (now != nullptr) by_server = match(map, *now);
  if (by_statement) {
    const bool agrees = by_server && column_names(by_server->schema) == column_names(by_statement->schema);
    // The server describes the columns better, if it speaks of the same.
    return agrees ? by_server : by_statement;
  }
  if (followed.schema == nullptr) {  // created while we followed
    if (by_server) return by_server;
    log_warning(fmt::format(
        "{} was created and is not there any more as it was then: its changes are passed over until it "
        "is altered (binlog_row_metadata = FULL would tell its columns)",
        name.text()));
    return std::optional<Matched>();
  }
  if (!by_server) return mismatch(map, followed);
  // Nobody can tell the names of today from those of then, unless they are the same.
  const bool same_names = column_names(by_server->schema) == column_names(*followed.schema);
  if (same_names) return by_server;
  return mismatch(map, followed);
}

Result<std::shared_ptr<const RowPlan>> FollowedTables::resolve(const TableMap& logged) {
  const auto found = tables_.find(TableName{logged.database, logged.table});
  if (found == tables_.end()) return std::shared_ptr<const RowPlan>();
  Followed& followed = found->second;
  TableMap map = logged;
  DMSKAFKA_TRY(labels_to_utf8(map));
  std::optional<Matched> matched;
  if (map.has_names) {
    DMSKAFKA_ASSIGN(matched, by_names(map, followed));
  } else {
    DMSKAFKA_ASSIGN(matched, by_tracking(map, followed));
  }
  if (!matched) return std::shared_ptr<const RowPlan>();
  if (followed.schema == nullptr || !same_table(*followed.schema, matched->schema)) {
    followed.schema = std::make_shared<const TableSchema>(std::move(matched->schema));
    all_.push_back(followed.schema);
  }
  followed.altered.reset();
  followed.dirty = false;
  followed.understood = true;
  DMSKAFKA_ASSIGN(const std::shared_ptr<RowPlan> plan,
                  RowPlan::make(map, followed.schema, matched->column_of));
  plan->row_end = matched->row_end;
  return std::shared_ptr<const RowPlan>(plan);
}

}  // namespace dmskafka::mysql

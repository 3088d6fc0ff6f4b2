#include "sources/postgres/followed_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/base/logging.h"
#include "sources/postgres/catalog.h"
#include "sources/postgres/column_types.h"
#include "sources/postgres/ddl_capture.h"
#include "sources/postgres/identifier.h"
#include "sources/postgres/sql/queries.h"

namespace dmskafka::postgres {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kLookEvery{5};

std::uint32_t to_oid(std::string_view text) {
  std::uint32_t oid = 0;
  std::from_chars(text.data(), text.data() + text.size(), oid);
  return oid;
}

std::int32_t to_modifier(std::string_view text) {
  std::int32_t modifier = -1;
  std::from_chars(text.data(), text.data() + text.size(), modifier);
  return modifier;
}

/// The columns of describe_relation.sql.
enum Field : int {
  kAttributeNumber,
  kRequired,
  kPrintedType,
  kTypeName,
  kTypeBuiltIn,
  kTypeKind,
  kTypeArray,
  kTypeModifier
};

ColumnSchema make_column(const QueryResult& rows, int row, const RelationMessage::Column& told,
                         const SourceSettings& settings) {
  ColumnSchema column;
  column.name = told.name;
  column.number = to_oid(rows.text(row, kAttributeNumber));
  column.nullable = !rows.boolean(row, kRequired);
  column.source_type = rows.text(row, kPrintedType);
  ColumnType type;  // of a type that was dropped meanwhile we know nothing but that its values are text
  type.built_in = false;
  if (!rows.is_null(row, kTypeName)) {
    type = ColumnType{std::string(rows.text(row, kTypeName)), rows.boolean(row, kTypeBuiltIn),
                      rows.text(row, kTypeKind).front(), rows.boolean(row, kTypeArray),
                      to_modifier(rows.text(row, kTypeModifier))};
  }
  set_column_type(type, settings, column);
  return column;
}

/// Attribute numbers, blank between them, as columns; empty when one is not among them.
std::vector<std::uint32_t> key_columns(std::string_view numbers, const QueryResult& columns) {
  std::vector<std::uint32_t> key;
  while (!numbers.empty()) {
    const std::size_t end = std::min(numbers.find(' '), numbers.size());
    int row = 0;
    while (row < columns.rows() && columns.text(row, kAttributeNumber) != numbers.substr(0, end)) ++row;
    if (row == columns.rows()) return {};
    key.push_back(static_cast<std::uint32_t>(row));
    numbers.remove_prefix(std::min(end + 1, numbers.size()));
  }
  return key;
}

bool same_table(const TableSchema& a, const TableSchema& b) {
  return a.name == b.name && a.columns == b.columns && a.primary_key == b.primary_key &&
         a.old_row == b.old_row;
}

/// A column that was renamed or dropped since is not in the catalogue under its name; the version before may know its number.
void complete_numbers(std::vector<ColumnSchema>& columns, const TableSchema& before) {
  for (ColumnSchema& column : columns) {
    const auto same = column.number == 0 ? before.find_column(column.name) : std::nullopt;
    if (same) column.number = before.columns[*same].number;
  }
}

/// A leaf's columns in the order of its table; false when they are not the same columns.
bool same_columns_in_any_order(const std::vector<ColumnSchema>& leaf, const TableSchema& table) {
  if (leaf.size() != table.columns.size()) return false;
  return std::ranges::all_of(leaf, [&](const ColumnSchema& column) {
    const auto index = table.find_column(column.name);
    return index && table.columns[*index].source_type == column.source_type;
  });
}

}  // namespace

FollowedTables::FollowedTables(std::shared_ptr<const SourceSettings> settings, const Tables& tables,
                               std::stop_token stop)
    : settings_(std::move(settings)),
      stop_(std::move(stop)),
      next_look_(Clock::now() + kLookEvery),
      next_heartbeat_(Clock::now()),
      all_(tables) {
  for (const auto& table : tables) {
    roots_.emplace(to_oid(TableHandle::parse(table->source_handle).oid), Root{table, 1, false});
  }
}

Result<void> FollowedTables::follow_leaves(Connection& connection) {
  std::vector<std::string> oids;
  for (const auto& [oid, root] : roots_) oids.push_back(std::to_string(oid));
  DMSKAFKA_ASSIGN(const QueryResult rows, connection.query(kLeavesSql, {array_literal(oids)}, stop_));
  std::unordered_map<std::uint32_t, std::size_t> parts;
  for (int row = 0; row < rows.rows(); ++row) {
    const std::uint32_t root = to_oid(rows.text(row, 0));
    root_of_.emplace(to_oid(rows.text(row, 1)), root);
    ++parts[root];
  }
  for (const auto& [root, count] : parts) roots_.at(root).parts = count;
  return {};
}

Result<Connection*> FollowedTables::connection() {
  if (!connection_ || !connection_->usable()) {
    DMSKAFKA_ASSIGN(connection_, Connection::open(settings_, stop_));
  }
  return &*connection_;
}

Result<FollowedTables::Described> FollowedTables::describe(const RelationMessage& relation) {
  std::vector<std::string> names;
  std::vector<std::string> types;
  std::vector<std::string> modifiers;
  for (const RelationMessage::Column& column : relation.columns) {
    names.push_back(column.name);
    types.push_back(std::to_string(column.type));
    modifiers.push_back(std::to_string(column.modifier));
  }
  const std::string oid = std::to_string(relation.oid);
  DMSKAFKA_ASSIGN(Connection* const connection, this->connection());
  DMSKAFKA_ASSIGN(
      const QueryResult rows,
      connection->query(kDescribeRelationSql,
                        {oid, array_literal(names), array_literal(types), array_literal(modifiers)}, stop_));
  DMSKAFKA_ASSIGN(const QueryResult key, connection->query(kRelationKeySql, {oid}, stop_));
  if (static_cast<std::size_t>(rows.rows()) != relation.columns.size() || key.rows() != 1) {
    return Error(ErrorCode::kInternal, "describe_relation.sql does not give one row for each column");
  }
  Described described;
  for (int row = 0; row < rows.rows(); ++row) {
    described.columns.push_back(
        make_column(rows, row, relation.columns[static_cast<std::size_t>(row)], *settings_));
  }
  described.catalog_key = key_columns(key.text(0, 0), rows);
  described.old_rows_whole = key.boolean(0, 1);
  return described;
}

/// With the default identity the log itself marks the primary key, and is right about the time of the change; only the
/// order within the key comes from the catalogue.
std::vector<std::uint32_t> FollowedTables::choose_key(const RelationMessage& relation,
                                                      const Described& described, const TableSchema& before) {
  std::vector<std::uint32_t> marked;
  for (std::uint32_t i = 0; i < relation.columns.size(); ++i) {
    if (relation.columns[i].identity) marked.push_back(i);
  }
  if (relation.identity == ReplicaIdentity::kDefault && !marked.empty()) {
    return std::ranges::is_permutation(marked, described.catalog_key) ? described.catalog_key : marked;
  }
  if (!described.catalog_key.empty()) return described.catalog_key;
  // The catalogue's key has names that this version of the table does not know: the table was altered again since.
  std::vector<std::uint32_t> key;
  for (const std::uint32_t index : before.primary_key) {
    const auto same =
        std::ranges::find(relation.columns, before.columns[index].name, &RelationMessage::Column::name);
    if (same == relation.columns.end()) return {};
    key.push_back(static_cast<std::uint32_t>(same - relation.columns.begin()));
  }
  return key;
}

OldRow FollowedTables::old_row(const RelationMessage& relation, const Described& described) {
  switch (relation.identity) {
    case ReplicaIdentity::kFull: return described.old_rows_whole ? OldRow::kFull : OldRow::kKeyWhenChanged;
    case ReplicaIdentity::kIndex: return OldRow::kOtherColumns;
    case ReplicaIdentity::kDefault: {
      const bool marked = std::ranges::any_of(relation.columns, &RelationMessage::Column::identity);
      return marked ? OldRow::kKeyWhenChanged : OldRow::kNothing;
    }
    case ReplicaIdentity::kNothing: break;
  }
  return OldRow::kNothing;
}

FollowedRelation FollowedTables::match(const RelationMessage& relation, const Described& described,
                                       const Root& root) {
  FollowedRelation followed;
  followed.schema = root.schema;
  followed.parts = root.parts;
  for (std::size_t i = 0; i < relation.columns.size(); ++i) {
    followed.column_of.push_back(
        root.schema->find_column(relation.columns[i].name).value_or(FollowedRelation::kNoColumn));
    followed.known_in_old.push_back(relation.columns[i].identity);
  }
  // A partitioned table says FULL for itself; what its partitions log is their own affair.
  if (relation.identity == ReplicaIdentity::kFull && !described.old_rows_whole) {
    for (std::size_t i = 0; i < relation.columns.size(); ++i) {
      followed.known_in_old[i] = followed.column_of[i] != FollowedRelation::kNoColumn &&
                                 root.schema->is_key_column(followed.column_of[i]);
    }
  }
  return followed;
}

Result<FollowedRelation> FollowedTables::resolve(const RelationMessage& relation) {
  if (settings_->capture_ddls && relation.table == kDdlAuditTable &&
      relation.schema == settings_->ddl_artifacts_schema) {
    FollowedRelation audit;
    audit.ddl_audit = true;
    return audit;
  }
  const auto leaf = root_of_.find(relation.oid);
  const auto found = roots_.find(leaf != root_of_.end() ? leaf->second : relation.oid);
  if (found == roots_.end()) return FollowedRelation{};
  Root& root = found->second;
  DMSKAFKA_ASSIGN(Described described, describe(relation));

  TableSchema now = *root.schema;
  const bool is_leaf = leaf != root_of_.end();
  if (!is_leaf || !same_columns_in_any_order(described.columns, now)) {
    if (!is_leaf) now.name = TableName{relation.schema, relation.table};
    now.primary_key = choose_key(relation, described, *root.schema);
    now.columns = described.columns;
    now.old_row = old_row(relation, described);
    complete_numbers(now.columns, *root.schema);
    if (!same_table(now, *root.schema)) {
      root.schema = std::make_shared<const TableSchema>(std::move(now));
      all_.push_back(root.schema);
    }
  }
  FollowedRelation followed = match(relation, described, root);
  followed.table = found->first;
  return followed;
}

std::shared_ptr<const TableSchema> FollowedTables::drop(std::uint32_t oid) {
  const auto root = roots_.find(oid);
  if (root == roots_.end() || std::exchange(root->second.gone, true)) return nullptr;
  return root->second.schema;
}

Result<std::vector<std::uint32_t>> FollowedTables::fetch_unchanged(const FollowedRelation& followed,
                                                                   std::span<Value> row, ChangeBatch& batch) {
  std::vector<std::uint32_t> columns;
  const TableSchema& schema = *followed.schema;
  if (!fetches_ || !schema.has_primary_key()) return columns;
  std::string list;
  for (std::uint32_t i = 0; i < row.size(); ++i) {
    if (row[i].form() != ValueForm::kUnchanged) continue;
    list += (columns.empty() ? "" : ", ") + quote_identifier(schema.columns[i].name);
    columns.push_back(i);
  }
  std::string key;
  std::vector<std::string> values;
  for (const std::uint32_t column : schema.primary_key) {
    if (row[column].form() != ValueForm::kText) return std::vector<std::uint32_t>();
    values.emplace_back(row[column].view());
    key += fmt::format("{}{} = ${}", key.empty() ? "" : " and ",
                       quote_identifier(schema.columns[column].name), values.size());
  }
  DMSKAFKA_ASSIGN(Connection* const connection, this->connection());
  const auto rows = connection->query(
      fmt::format("select {} from {} where {}", list, quote_table(schema.name), key), values, stop_);
  if (!rows) {
    // Altered, renamed or dropped since, or we may not read it.
    if (rows.error().code() != ErrorCode::kTableUnreadable &&
        rows.error().code() != ErrorCode::kSourceRejected) {
      return rows.error();
    }
    log_debug(
        fmt::format("{}: unchanged values are not fetched: {}", schema.name.text(), rows.error().message()));
    return std::vector<std::uint32_t>();
  }
  if (rows->rows() != 1) return std::vector<std::uint32_t>();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const int field = static_cast<int>(i);
    row[columns[i]] =
        rows->is_null(0, field) ? Value::null() : Value::text(batch.store(rows->text(0, field)));
  }
  return columns;
}

Result<std::vector<FollowedTables::Dropped>> FollowedTables::keep_house() {
  const Clock::time_point now = Clock::now();
  if (settings_->heartbeat_enable && now >= next_heartbeat_) {
    next_heartbeat_ = now + std::chrono::minutes(settings_->heartbeat_frequency_min);
    DMSKAFKA_TRY(write_heartbeat());
  }
  if (now < next_look_ || roots_.empty()) return std::vector<Dropped>();
  next_look_ = now + kLookEvery;
  return look_for_dropped();
}

Result<void> FollowedTables::write_heartbeat() {
  DMSKAFKA_ASSIGN(Connection* const connection, this->connection());
  const auto written = connection->query(kHeartbeatSql, {}, stop_);
  if (written || !connection->usable()) return written ? Result<void>() : written.error();
  // A standby, or a right that was taken away: the log is followed without.
  log_warning("the heartbeat could not be written: " + written.error().message());
  return {};
}

Result<std::vector<FollowedTables::Dropped>> FollowedTables::look_for_dropped() {
  std::vector<std::string> oids;
  for (const auto& [oid, root] : roots_) {
    if (!root.gone) oids.push_back(std::to_string(oid));
  }
  DMSKAFKA_ASSIGN(Connection* const connection, this->connection());
  DMSKAFKA_ASSIGN(const QueryResult rows, connection->query(kDroppedTablesSql, {array_literal(oids)}, stop_));
  std::vector<Dropped> dropped;
  for (int row = 0; row < rows.rows(); ++row) {
    const auto root = roots_.find(to_oid(rows.text(row, 0)));
    const auto after = parse_lsn(rows.text(row, 1));
    if (root == roots_.end() || !after) continue;
    dropped.push_back({root->second.schema, *after});
    root->second.gone = true;  // the log may still tell of it
  }
  return dropped;
}

}  // namespace dmskafka::postgres

#include "sources/postgres/publication.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "core/base/logging.h"
#include "sources/postgres/catalog.h"
#include "sources/postgres/ddl_capture.h"
#include "sources/postgres/identifier.h"
#include "sources/postgres/sql/queries.h"

namespace dmskafka::postgres {
namespace {

constexpr int kTruncateVersion = 110'000;
constexpr int kViaRootVersion = 130'000;
/// Adding a table to a followed publication waits for the transactions that changed it, so long and no longer: whoever wants to
/// write the table waits behind us.
constexpr const char* kLockTimeout = "10s";

template <typename Integer>
Integer to_integer(std::string_view text) {
  Integer value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::set<std::uint32_t> parse_oids(std::string_view text) {
  std::set<std::uint32_t> oids;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    oids.insert(to_integer<std::uint32_t>(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return oids;
}

std::set<std::uint32_t> oids_of(const std::vector<WantedPublications::Table>& tables) {
  std::set<std::uint32_t> oids;
  for (const auto& table : tables) oids.insert(table.oid);
  return oids;
}

std::string joined(const std::vector<WantedPublications::Table>& tables) {
  std::string text;
  for (const auto& table : tables) text += (text.empty() ? "" : ", ") + table.target;
  return text;
}

std::string literal(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += '\'';
    quoted += c;
  }
  return quoted + "'";
}

}  // namespace

Result<std::vector<LogTable>> read_log_tables(Connection& connection,
                                              std::span<const TableSchema* const> tables,
                                              const std::stop_token& stop) {
  std::vector<std::string> oids;
  for (const TableSchema* table : tables) oids.push_back(TableHandle::parse(table->source_handle).oid);
  DMSKAFKA_ASSIGN(const QueryResult rows, connection.query(kLogTablesSql, {array_literal(oids)}, stop));
  std::map<std::string_view, int> row_of;
  for (int row = 0; row < rows.rows(); ++row) row_of.emplace(rows.text(row, 0), row);
  std::vector<LogTable> found;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const auto row = row_of.find(oids[i]);
    if (row == row_of.end()) continue;
    LogTable table;
    table.schema = tables[i];
    table.oid = to_integer<std::uint32_t>(oids[i]);
    table.kind = rows.text(row->second, 1).front();
    table.persistence = rows.text(row->second, 2).front();
    table.owned = rows.boolean(row->second, 3);
    table.identity = rows.text(row->second, 4).front();
    table.usable_identity = rows.boolean(row->second, 5);
    table.leaves = to_integer<std::size_t>(rows.text(row->second, 6));
    table.generated_identity = rows.boolean(row->second, 7);
    found.push_back(table);
  }
  return found;
}

Result<WantedPublications> TaskPublications::wanted(std::span<const LogTable> tables) {
  WantedPublications wanted;
  std::vector<std::string> roots;
  std::map<std::string, const LogTable*, std::less<>> root_of;
  for (const LogTable& table : tables) {
    if (!table.logged()) continue;
    auto& list = table.usable_identity ? wanted.all : wanted.inserts;
    if (table.kind == 'p' && connection_.server_version() < kViaRootVersion) {
      roots.push_back(std::to_string(table.oid));
      root_of.emplace(roots.back(), &table);
      continue;
    }
    // The children of an inheritance parent are tables of their own; those of a partitioned table are its rows.
    const std::string target = (table.kind == 'r' ? "ONLY " : "") + quote_table(table.schema->name);
    list.push_back({table.oid, target, table.schema->name.text(), table.owned});
  }
  if (objects_.captures_ddl) {
    DMSKAFKA_ASSIGN(const auto capture, read_ddl_capture(connection_, stop_));
    if (capture && capture->ours && capture->table != 0) {
      const TableName name{capture->schema, std::string(kDdlAuditTable)};
      wanted.inserts.push_back({capture->table, "ONLY " + quote_table(name), name.text(), true});
    }
  }
  if (roots.empty()) return wanted;
  DMSKAFKA_ASSIGN(const QueryResult leaves, connection_.query(kLeavesSql, {array_literal(roots)}, stop_));
  for (int row = 0; row < leaves.rows(); ++row) {
    const LogTable& root = *root_of.find(leaves.text(row, 0))->second;
    const TableName name{std::string(leaves.text(row, 2)), std::string(leaves.text(row, 3))};
    (root.usable_identity ? wanted.all : wanted.inserts)
        .push_back({to_integer<std::uint32_t>(leaves.text(row, 1)), "ONLY " + quote_table(name), name.text(),
                    root.owned});
  }
  return wanted;
}

Result<std::pair<Publication, Publication>> TaskPublications::read() {
  std::pair<Publication, Publication> found;
  found.first.name = objects_.publication;
  found.second.name = objects_.insert_publication;
  DMSKAFKA_ASSIGN(
      const QueryResult rows,
      connection_.query(kPublicationsSql,
                        {array_literal({objects_.publication, objects_.insert_publication})}, stop_));
  for (int row = 0; row < rows.rows(); ++row) {
    Publication& publication = rows.text(row, 0) == objects_.publication ? found.first : found.second;
    publication.exists = true;
    publication.made_by_us = rows.boolean(row, 1);
    publication.ours_to_change = rows.boolean(row, 2);
    publication.all_tables = rows.boolean(row, 3);
    publication.publishes_inserts = rows.boolean(row, 4);
    publication.publishes_updates = rows.boolean(row, 5);
    publication.publishes_deletes = rows.boolean(row, 6);
    publication.publishes_truncates = rows.boolean(row, 7);
    publication.via_root = rows.boolean(row, 8);
    publication.comment = rows.text(row, 9);
    publication.tables = parse_oids(rows.text(row, 10));
    publication.filtered = rows.boolean(row, 11);
  }
  return found;
}

bool TaskPublications::right_settings(const Publication& publication, Part part) const {
  const bool all = part == Part::kAll;
  return !publication.all_tables && !publication.filtered && publication.publishes_inserts &&
         publication.publishes_updates == all && publication.publishes_deletes == all &&
         publication.publishes_truncates &&
         publication.via_root == (connection_.server_version() >= kViaRootVersion);
}

std::string TaskPublications::options(Part part) const {
  std::string publish = part == Part::kAll ? "insert, update, delete" : "insert";
  if (connection_.server_version() >= kTruncateVersion) publish += ", truncate";
  return fmt::format(
      "WITH (publish = '{}'{})", publish,
      connection_.server_version() >= kViaRootVersion ? ", publish_via_partition_root = true" : "");
}

std::string TaskPublications::create_statement(const std::string& name, Part part,
                                               const std::vector<WantedPublications::Table>& tables) const {
  return fmt::format("CREATE PUBLICATION {}{}{} {};", quote_identifier(name),
                     tables.empty() ? "" : " FOR TABLE ", joined(tables), options(part));
}

std::string TaskPublications::statements(const WantedPublications& wanted) const {
  return create_statement(objects_.publication, Part::kAll, wanted.all) + " " +
         create_statement(objects_.insert_publication, Part::kInserts, wanted.inserts);
}

Result<void> TaskPublications::run(const std::string& statements) {
  // One text is one transaction.
  DMSKAFKA_ASSIGN(const Connection::Outcome outcome,
                  connection_.run(statements, std::chrono::seconds(60), stop_));
  if (outcome.failure) {
    DMSKAFKA_TRY(connection_.run("ROLLBACK", std::chrono::seconds(60), stop_));
    return query_error(*outcome.failure).while_doing("changing the publication " + objects_.publication);
  }
  return {};
}

Result<void> TaskPublications::establish_one(const Publication& now, Part part,
                                             const std::vector<WantedPublications::Table>& tables) {
  const bool settings = now.exists && right_settings(now, part);
  const bool marked = !now.made_by_us || now.comment == objects_.mark();
  if (settings && marked && now.tables == oids_of(tables)) return {};
  const std::string name = quote_identifier(now.name);
  return run(fmt::format("{}{} COMMENT ON PUBLICATION {} IS {};",
                         now.exists ? fmt::format("DROP PUBLICATION {}; ", name) : "",
                         create_statement(now.name, part, tables), name, literal(objects_.mark())));
}

Result<void> TaskPublications::establish(const WantedPublications& wanted) {
  DMSKAFKA_ASSIGN(const auto now, read());
  DMSKAFKA_TRY(establish_one(now.first, Part::kAll, wanted.all));
  return establish_one(now.second, Part::kInserts, wanted.inserts);
}

/// The server resolves a publication as of the change that it decodes, so one that was made anew, or that publishes
/// something else now, leaves a hole which nobody would notice.
Result<void> TaskPublications::check_unchanged(const Publication& now, Part part) const {
  const auto lost = [&](std::string_view what) {
    return Error(ErrorCode::kPositionLost, fmt::format("the publication {} {}", now.name, what))
        .hint("changes made meanwhile may be missing from the log: load the tables again with --restart");
  };
  if (!now.exists) return lost("was dropped");
  const bool by_hand = objects_.slot != objects_.publication && now.comment.empty();
  if (now.made_by_us && now.comment != objects_.mark() && !by_hand) {
    return lost("was dropped and made anew by somebody");
  }
  if (!right_settings(now, part)) return lost("was altered: it does not publish what this task needs");
  return {};
}

/// A change of a transaction that was under way would be lost in part; the lock waits for such transactions.
Result<void> TaskPublications::add_live(const Publication& now, const Publication& other,
                                        const std::vector<WantedPublications::Table>& tables, Rows rows) {
  for (const WantedPublications::Table& table : tables) {
    if (now.tables.contains(table.oid)) continue;
    DMSKAFKA_TRY(
        run(fmt::format("BEGIN; SET LOCAL lock_timeout = '{}'; ALTER PUBLICATION {} ADD TABLE {}; "
                        "LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE; COMMIT;",
                        kLockTimeout, quote_identifier(now.name), table.target, table.target)));
    if (rows == Rows::kToBeLoaded || table.name.ends_with(kDdlAuditTable)) continue;
    const bool moved = other.tables.contains(table.oid);
    const bool inserts_only = now.name == objects_.insert_publication;
    log_warning(fmt::format("{}: {}", table.name,
                            !moved         ? "followed from now on; its rows and its changes before this "
                                             "moment are not in the log for this task"
                            : inserts_only ? "lost its replica identity; only its inserts and truncates are "
                                             "followed from now on"
                                           : "has a replica identity; its updates and deletes are followed "
                                             "from now on"));
  }
  return {};
}

Result<void> TaskPublications::drop_live(const Publication& now,
                                         const std::vector<WantedPublications::Table>& tables) {
  const std::set<std::uint32_t> wanted = oids_of(tables);
  std::vector<std::string> unwanted;
  for (const std::uint32_t oid : now.tables) {
    if (!wanted.contains(oid)) unwanted.push_back(std::to_string(oid));
  }
  if (unwanted.empty()) return {};
  DMSKAFKA_ASSIGN(const QueryResult names,
                  connection_.query(kQuotedNamesSql, {array_literal(unwanted)}, stop_));
  if (names.is_null(0, 0)) return {};
  return run(
      fmt::format("ALTER PUBLICATION {} DROP TABLE {};", quote_identifier(now.name), names.text(0, 0)));
}

Result<void> TaskPublications::add(const WantedPublications& wanted) {
  DMSKAFKA_ASSIGN(const auto now, read());
  const auto& [all, inserts] = now;
  DMSKAFKA_TRY(check_unchanged(all, Part::kAll));
  DMSKAFKA_TRY(add_live(all, inserts, wanted.all, Rows::kToBeLoaded));
  if (wanted.inserts.empty()) return {};
  DMSKAFKA_TRY(check_unchanged(inserts, Part::kInserts));
  return add_live(inserts, all, wanted.inserts, Rows::kToBeLoaded);
}

Result<std::string> TaskPublications::verify(const WantedPublications& wanted) {
  DMSKAFKA_ASSIGN(const auto now, read());
  const auto& [all, inserts] = now;
  DMSKAFKA_TRY(check_unchanged(all, Part::kAll));
  // Whoever made the first one by hand, and has no table for the second one, did not make that.
  const bool both = inserts.exists || all.comment == objects_.mark() || !wanted.inserts.empty();
  if (both) DMSKAFKA_TRY(check_unchanged(inserts, Part::kInserts));
  // What moves from one to the other is for a moment in both, which does no harm; in none it would be lost.
  DMSKAFKA_TRY(add_live(all, inserts, wanted.all));
  if (both) DMSKAFKA_TRY(add_live(inserts, all, wanted.inserts));
  DMSKAFKA_TRY(drop_live(all, wanted.all));
  if (both) DMSKAFKA_TRY(drop_live(inserts, wanted.inserts));
  // Our names are letters, digits and underscores.
  return both ? fmt::format("\"{}\",\"{}\"", all.name, inserts.name) : fmt::format("\"{}\"", all.name);
}

Result<std::optional<std::string>> TaskPublications::obstacle(const WantedPublications& wanted) {
  DMSKAFKA_ASSIGN(const auto now, read());
  const bool right = now.first.exists && now.second.exists && right_settings(now.first, Part::kAll) &&
                     right_settings(now.second, Part::kInserts) && now.first.tables == oids_of(wanted.all) &&
                     now.second.tables == oids_of(wanted.inserts);
  if (right) return std::optional<std::string>();
  std::string foreign;
  for (const auto* list : {&wanted.all, &wanted.inserts}) {
    for (const auto& table : *list) {
      if (!table.owned) foreign += (foreign.empty() ? "" : ", ") + table.name;
    }
  }
  if (!foreign.empty()) {
    return std::optional<std::string>(
        fmt::format("publishing takes the owner of each table, which user \"{}\" is not for {}",
                    connection_.user(), foreign));
  }
  return std::optional<std::string>();
}

}  // namespace dmskafka::postgres

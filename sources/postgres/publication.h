#pragma once
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/base/table_schema.h"
#include "sources/postgres/connection.h"
#include "sources/postgres/task_objects.h"

namespace dmskafka::postgres {

/// A table as the log sees it.
struct LogTable {
  const TableSchema* schema = nullptr;
  std::uint32_t oid = 0;
  char kind = 'r';         ///< pg_class.relkind
  char persistence = 'p';  ///< p permanent, u unlogged, t temporary
  bool owned = false;      ///< by us, so that we may publish it
  char identity = 'd';     ///< pg_class.relreplident
  bool usable_identity = false;
  bool generated_identity = false;  ///< which makes it unusable
  std::size_t leaves = 0;

  /// Only such tables appear in the log.
  bool logged() const noexcept { return (kind == 'r' || kind == 'p') && persistence == 'p'; }
};
/// In the order of `tables`; those that are gone are left out. Errors: query_error(), kCancelled.
Result<std::vector<LogTable>> read_log_tables(Connection& connection,
                                              std::span<const TableSchema* const> tables,
                                              const std::stop_token& stop);

/// A publication as it is.
struct Publication {
  std::string name;
  bool exists = false;
  bool made_by_us = false;  ///< our role is its owner
  bool ours_to_change = false;
  std::string comment;
  bool all_tables = false;
  bool publishes_updates = false;
  bool publishes_deletes = false;
  bool publishes_inserts = false;
  bool publishes_truncates = false;
  bool via_root = false;
  bool filtered = false;  ///< it has row filters or column lists
  std::set<std::uint32_t> tables;
};

/// What the two publications of a task should hold.
struct WantedPublications {
  struct Table {
    std::uint32_t oid = 0;
    std::string target;  ///< as FOR TABLE names it
    std::string name;    ///< for people
    bool owned = false;
  };
  std::vector<Table> all;      ///< every change
  std::vector<Table> inserts;  ///< inserts and truncates only
};

/// The publications of one task: exactly the followed tables, never FOR ALL TABLES.
/// Errors of all: query_error(), kCancelled.
class TaskPublications {
 public:
  TaskPublications(Connection& connection, const TaskObjects& objects, std::stop_token stop)
      : connection_(connection), objects_(objects), stop_(std::move(stop)) {}

  Result<WantedPublications> wanted(std::span<const LogTable> tables);
  /// {all, inserts}
  Result<std::pair<Publication, Publication>> read();

  /// Makes them as wanted, before the slot is. What is right already is left as it is, and needs no right to change it.
  Result<void> establish(const WantedPublications& wanted);
  /// While a slot follows them: checks that they are those it was made with, then adds and removes tables. Returns their names
  /// as START_REPLICATION takes them. Errors also: kPositionLost.
  Result<std::string> verify(const WantedPublications& wanted);
  /// Adds tables whose rows are yet to be loaded. Errors also: kPositionLost.
  Result<void> add(const WantedPublications& wanted);
  /// The statements that would establish() them, for people.
  std::string statements(const WantedPublications& wanted) const;
  /// Whether they are as wanted, or could be made so; otherwise why not.
  Result<std::optional<std::string>> obstacle(const WantedPublications& wanted);

 private:
  enum class Part : bool { kAll, kInserts };
  bool right_settings(const Publication& publication, Part part) const;
  std::string options(Part part) const;
  std::string create_statement(const std::string& name, Part part,
                               const std::vector<WantedPublications::Table>& tables) const;
  Result<void> run(const std::string& statements);
  Result<void> establish_one(const Publication& now, Part part,
                             const std::vector<WantedPublications::Table>& tables);
  Result<void> check_unchanged(const Publication& now, Part part) const;
  /// What becomes of a table that is added to a followed publication.
  enum class Rows : bool { kNotLoaded, kToBeLoaded };
  Result<void> add_live(const Publication& now, const Publication& other,
                        const std::vector<WantedPublications::Table>& tables, Rows rows = Rows::kNotLoaded);
  Result<void> drop_live(const Publication& now, const std::vector<WantedPublications::Table>& tables);

  Connection& connection_;
  const TaskObjects& objects_;
  std::stop_token stop_;
};

}  // namespace dmskafka::postgres

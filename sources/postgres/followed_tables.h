#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/result.h"
#include "core/base/table_schema.h"
#include "core/settings/source_settings.h"
#include "sources/postgres/connection.h"
#include "sources/postgres/lsn.h"
#include "sources/postgres/pgoutput_decoder.h"

namespace dmskafka::postgres {

/// The tables that a stream follows, by oid, and what the catalogue says of them as they change. It asks through a
/// connection of its own, opened when it is first needed.
///
/// The log gives names, types and key of the time of the change; the catalogue only knows now. What it adds (what a type is,
/// nullability, the key where the log does not tell) is taken where it still fits.
/// Thread: the one that reads the stream.
class FollowedTables final : public RelationCatalog {
 public:
  using Tables = std::vector<std::shared_ptr<const TableSchema>>;
  FollowedTables(std::shared_ptr<const SourceSettings> settings, const Tables& tables, std::stop_token stop);

  /// Before PostgreSQL 13 a partitioned table is published by its leaves. Errors: query_error(), kCancelled.
  Result<void> follow_leaves(Connection& connection);

  /// From now on fetch_unchanged() asks the table; without it nothing is fetched.
  void fetch_unchanged() { fetches_ = true; }

  /// Errors: query_error(), kCancelled.
  Result<FollowedRelation> resolve(const RelationMessage& relation) override;
  std::shared_ptr<const TableSchema> drop(std::uint32_t oid) override;
  /// A row that is gone, or a table that was altered since, gives nothing. Errors: query_error(), kCancelled.
  Result<std::vector<std::uint32_t>> fetch_unchanged(const FollowedRelation& followed, std::span<Value> row,
                                                     ChangeBatch& batch) override;

  /// A table that was dropped: the log does not tell.
  struct Dropped {
    std::shared_ptr<const TableSchema> schema;
    Lsn after = 0;  ///< all its changes lie before
  };
  /// Now and then asks the catalogue which tables are gone, and writes the heartbeat. What it finds is told once.
  /// Errors: query_error(), kCancelled.
  Result<std::vector<Dropped>> keep_house();

 private:
  struct Root {
    std::shared_ptr<const TableSchema> schema;
    std::size_t parts = 1;
    bool gone = false;  ///< dropped, and told so
  };
  /// What the catalogue adds to a relation message.
  struct Described {
    std::vector<ColumnSchema> columns;
    std::vector<std::uint32_t> catalog_key;  ///< indices into `columns`; empty: none that fits
    bool old_rows_whole = true;              ///< of all its partitions
  };
  Result<Described> describe(const RelationMessage& relation);
  Result<Connection*> connection();
  Result<void> write_heartbeat();
  Result<std::vector<Dropped>> look_for_dropped();
  static std::vector<std::uint32_t> choose_key(const RelationMessage& relation, const Described& described,
                                               const TableSchema& before);
  static OldRow old_row(const RelationMessage& relation, const Described& described);
  static FollowedRelation match(const RelationMessage& relation, const Described& described,
                                const Root& root);

  std::shared_ptr<const SourceSettings> settings_;
  std::stop_token stop_;
  std::optional<Connection> connection_;
  bool fetches_ = false;
  std::chrono::steady_clock::time_point next_look_;
  std::chrono::steady_clock::time_point next_heartbeat_;
  std::unordered_map<std::uint32_t, Root> roots_;             // by the table's oid
  std::unordered_map<std::uint32_t, std::uint32_t> root_of_;  // leaf -> table, where leaves are published
  Tables all_;  // schemas that were handed out: changes point at them for as long as the stream is
};

}  // namespace dmskafka::postgres

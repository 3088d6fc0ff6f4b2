#pragma once
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/base/table_schema.h"
#include "sources/mysql/binlog_decoder.h"

namespace dmskafka::mysql {

/// Asks the catalogue what a table looks like now. Thread: the stream's.
class TableDescriber {
 public:
  virtual ~TableDescriber() = default;
  /// nullopt: it is not there, or may not be read. Errors: those of the connection.
  virtual Result<std::optional<TableSchema>> describe(const TableName& name) = 0;
};

/// The tables that a stream follows, by name, and what they look like at the place that it has reached.
///
/// With binlog_row_metadata=FULL the log itself says names, types and key; what it leaves out (the declared type's text) is taken
/// from a description that fits. Without, a table is tracked: what was known at the start of the stream, then what statements make of
/// it. Each TABLE_MAP is checked against that, and what does not fit, or fits only by chance, ends the stream: a value never gets
/// another column's name.
/// Thread: the one that reads the stream.
class FollowedTables final : public TableResolver {
 public:
  using Schemas = std::vector<std::shared_ptr<const TableSchema>>;
  /// `known`: the tables as they were where the stream begins; `now`: those to follow, as the catalogue has them.
  /// `describer` outlives it.
  FollowedTables(const Schemas& known, const Schemas& now, Flavour flavour, TableDescriber& describer);

  Result<std::shared_ptr<const RowPlan>> resolve(const TableMap& map) override;
  std::shared_ptr<const TableSchema> find(const TableName& name) override;
  std::vector<TableName> tables_of(std::string_view database) override;
  Result<void> created(const TableName& name) override;
  Result<void> altered(const TableName& name, std::string_view text,
                       const Tokenizer::Options& options) override;
  Result<void> replaced(const TableName& name, const TableName& by) override;
  void dropped(const TableName& name) override;
  Result<std::shared_ptr<const TableSchema>> renamed(const TableName& from, const TableName& to) override;

 private:
  struct Followed {
    std::shared_ptr<const TableSchema> schema;  // null: it was created, and not seen since
    /// What an ALTER that we understood makes of `schema`; what it looks like shows at the next TABLE_MAP.
    std::optional<TableSchema> altered;
    bool dirty = false;          // altered since `schema`
    bool understood = true;      // `altered` holds all that was done
    std::string last_statement;  // for messages
  };
  /// A description and which of its columns the log's are.
  struct Matched {
    TableSchema schema;
    std::vector<std::uint32_t> column_of;
    std::uint32_t row_end = ColumnPlan::kNoColumn;
  };

  Result<std::optional<Matched>> by_names(const TableMap& map, const Followed& followed);
  Result<std::optional<Matched>> by_tracking(const TableMap& map, Followed& followed);
  std::optional<Matched> match(const TableMap& map, const TableSchema& declared) const;
  bool is_hidden(const TableMap& map, std::size_t column, const TableSchema* now) const;
  Result<const TableSchema*> describe(const TableName& name);
  static Error mismatch(const TableMap& map, const Followed& followed);

  const Flavour flavour_;
  TableDescriber& describer_;
  std::map<TableName, Followed> tables_;
  std::map<TableName, std::optional<TableSchema>> described_;  // since the last statement about the table
  Schemas all_;  // schemas that were handed out: changes point at them for as long as the stream is
};

}  // namespace dmskafka::mysql

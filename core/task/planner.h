#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/byte_buffer.h"
#include "core/base/change.h"
#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/base/table_schema.h"
#include "core/task/source.h"

namespace dmskafka {

/// What a plan keeps between the rows of one thread: buffers, prepared expressions. Opaque to all but the plan that made it.
class EncodeScratch {
 public:
  EncodeScratch() = default;
  EncodeScratch(const EncodeScratch&) = delete;
  EncodeScratch& operator=(const EncodeScratch&) = delete;
  virtual ~EncodeScratch() = default;
};

/// Where the encoder writes one message. Reused for every row of a thread: nothing is allocated in steady
/// state.
struct EncodedMessage {
  ByteBuffer key;
  ByteBuffer value;
  std::uint64_t replaced_characters = 0;  ///< invalid UTF-8 sequences that became U+FFFD, for the statistics
  std::uint64_t failed_expressions = 0;   ///< expressions that could not be evaluated and gave NULL
  /// By what the plan compiled, which the scratch keeps alive. Plans put it here; it stays when the message is cleared.
  std::unordered_map<const void*, std::unique_ptr<EncodeScratch>> scratch;
  std::uint64_t cut_values = 0;  ///< values longer than LobMaxSize
  void clear() noexcept {
    key.clear();
    value.clear();
    replaced_characters = 0;
    failed_expressions = 0;
    cut_values = 0;
  }
};

/// Which control record of a table; names: wire-format.md §4.
enum class ControlOperation : std::uint8_t {
  kDropTable,
  kCreateTable,
  kAddColumn,
  kDropColumn,
  kRenameColumn,
  kColumnTypeChange,
  kChangeColumns,
  kRenameTable,
  kTruncateTable,
};

/// The rules of the mapping resolved against one version of one table. Encoding cannot fail. Immutable; any
/// thread.
class TablePlan {
 public:
  virtual ~TablePlan() = default;
  virtual const TableSchema& schema() const = 0;
  /// The topic of the table's data and control records.
  virtual const std::string& topic() const = 0;
  /// Schema and table name as messages show them.
  virtual const TableName& target_name() const = 0;
  /// False for a row that the selection's filters leave out: it is not sent. Cheap; asked once for every row.
  virtual bool selects([[maybe_unused]] const Change& change) const { return true; }
  /// What a person should know about how the rules met this table: rules that had no effect because another came first.
  virtual std::vector<Error> warnings() const { return {}; }
  /// What people must hear once about this table: columns that are left out, and why.
  virtual std::vector<std::string> remarks() const { return {}; }
  /// Writes key and value of a data record into the cleared `out`. REQUIRES: change.table == &schema().
  virtual void encode(const Change& change, WallTime now, EncodedMessage& out) const = 0;
  /// Writes into the cleared `out` nothing but the key that encode() gives the data record of an insert, update or delete:
  /// what chooses the lane of a change, so that the records of one key stay in order.
  virtual void encode_key(const Change& change, EncodedMessage& out) const = 0;
  /// The same for the row before an update, whose key may have been another one. False: the log does not tell it.
  virtual bool encode_old_key([[maybe_unused]] const Change& change,
                              [[maybe_unused]] EncodedMessage& out) const {
    return false;
  }
  /// True when all changes of the table have one key.
  virtual bool has_one_key() const { return false; }
  /// Writes a control record into the cleared `out`. `old_schema` is the table before an ALTER, null
  /// otherwise.
  virtual void encode_control(ControlOperation operation, const TableSchema* old_schema, WallTime now,
                              EncodedMessage& out) const = 0;
};

/// One table that the mapping selects.
struct SelectedTable {
  TableName name;
  TableKind kind = TableKind::kTable;
  std::int64_t load_order = 0;  ///< higher first
};

/// The compiled table mapping. Pure: no I/O, no thread, no clock. Immutable; any thread.
class Planner {
 public:
  virtual ~Planner() = default;
  /// The tables to load, by falling load_order, then by name.
  virtual std::vector<SelectedTable> select(std::vector<CatalogTable> const& catalog) const = 0;
  /// A warning, with its place, for each rule that matches none of the tables, or none that is selected: often a name that
  /// is written otherwise in the source.
  virtual std::vector<Error> idle_rules([[maybe_unused]] const std::vector<CatalogTable>& catalog) const {
    return {};
  }
  /// A plan for one version of one table. Errors: kInvalidMapping when the rules do not fit the table.
  virtual Result<std::unique_ptr<const TablePlan>> plan(std::shared_ptr<const TableSchema> schema) const = 0;
  /// SHA-256 (or any stable digest) of what shapes the messages, in hex: a changed mapping is seen on a
  /// rerun.
  virtual const std::string& digest() const = 0;
};

}  // namespace dmskafka

#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/byte_buffer.h"
#include "core/base/change.h"
#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/base/row_condition.h"
#include "core/base/table_schema.h"
#include "core/task/parallel_load.h"
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
  std::uint64_t zero_dates = 0;  ///< MySQL's dates 0000-00-00, which became null
  /// A value of the key is not in the log (a column outside the replica identity): the key has nothing in its place, and
  /// the record may stand in another partition than the row's other records.
  std::uint64_t incomplete_keys = 0;
  bool lost_something() const noexcept { return replaced_characters + cut_values + zero_dates != 0; }
  void clear() noexcept {
    key.clear();
    value.clear();
    replaced_characters = 0;
    failed_expressions = 0;
    cut_values = 0;
    zero_dates = 0;
    incomplete_keys = 0;
  }
};

/// What becomes of a change.
enum class Disposition : std::uint8_t {
  kSend,
  kSendAsDelete,  ///< an update by which the row left the selection: send deletion_of(change) instead
  kLeaveOut,      ///< of no row that the filters select
  kLeaveOutUnseen,  ///< an update to a row that they don't select; whether they did before it, the log does not tell
};

/// The deletion that an update is sent as: of its old image, with its place in the log.
inline Change deletion_of(const Change& update) {
  Change deletion = update;
  deletion.operation = Operation::kDelete;
  deletion.after = {};
  return deletion;
}

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

/// A key of a table's data records, for people.
struct KeyOutline {
  std::string type;        ///< "primary-key", "schema-table", "attribute-name"
  std::string text;        ///< with `${column}` where a value stands: "public.orders.${id}"
  bool constant = false;   ///< every record has this key
  std::string decided_by;  ///< the rule, or the setting
  friend bool operator==(const KeyOutline&, const KeyOutline&) = default;
};

/// What the messages of a table will be, and which rule decided it, for people. Nothing here shapes a message.
struct PlanOutline {
  struct Member {
    std::string name;  ///< in `data`; "_doc.id" within a document of the columns
    std::string
        type;  ///< of a column as control records name it: "DECIMAL(12,2)"; of an attribute "scalar", "document"
  };
  std::vector<Member> members;
  KeyOutline load_key;
  KeyOutline change_key;
  std::string topic_decided_by;
  std::string value_decided_by;
};
struct SchemaStep;  // core/task/schema_difference.h

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
  /// The table as messages show it: names, columns and key after the rules. The difference of two versions is what an
  /// ALTER means to a consumer; one that changes nothing here is not told.
  virtual const TableSchema& shown_schema() const { return schema(); }
  /// False for a row that the selection's filters leave out: it is not sent. Cheap; asked once for every loaded row.
  virtual bool selects([[maybe_unused]] const Change& change) const { return true; }
  /// What selects() asks of a row, for a source that can leave rows out by itself.
  virtual const RowCondition& condition() const {
    static const RowCondition kEveryRow;
    return kEveryRow;
  }
  virtual PlanOutline outline() const { return {}; }
  /// What becomes of a change: the filters judge its new image, and the old one of an update that fails. Cheap; asked once
  /// for every change.
  virtual Disposition disposition(const Change& change) const {
    return selects(change) ? Disposition::kSend : Disposition::kLeaveOut;
  }
  /// What a person should know about how the rules met this table: rules that had no effect because another came first.
  virtual std::vector<Error> warnings() const { return {}; }
  /// How the user wants the table to be cut for a full load.
  virtual ParallelLoad parallel_load() const { return {}; }
  /// What people must hear once about this table: columns that are left out, and why.
  virtual std::vector<std::string> remarks() const { return {}; }
  /// Writes key and value of a data record into the cleared `out`. REQUIRES: change.table == &schema().
  virtual void encode(const Change& change, WallTime now, EncodedMessage& out) const = 0;
  /// Writes only the key into the cleared `out`: what chooses the change's lane.
  virtual void encode_key(const Change& change, WallTime now, EncodedMessage& out) const {
    encode(change, now, out);
    out.value.clear();
  }
  /// Writes into the cleared `out` the key that the row had before an update. False, and nothing written, where it is that
  /// of encode_key() or the log does not tell.
  virtual bool encode_old_key([[maybe_unused]] const Change& change, [[maybe_unused]] WallTime now,
                              [[maybe_unused]] EncodedMessage& out) const {
    return false;
  }
  /// Writes a control record into the cleared `out`: of a table that came, went or was truncated.
  virtual void encode_control(ControlOperation operation, WallTime now, EncodedMessage& out) const = 0;
  /// Writes the control record of one step of an ALTER into the cleared `out`. REQUIRES: a step of a difference that ends
  /// at this plan's shown_schema().
  virtual void encode_alteration([[maybe_unused]] const SchemaStep& step, [[maybe_unused]] WallTime now,
                                 [[maybe_unused]] EncodedMessage& out) const {}
};

/// Whether a start of following changes is a task's first, or goes on from a checkpoint.
enum class TaskStart : std::uint8_t { kFirst, kResumed };

/// A message that belongs to no table.
struct TaskMessage {
  std::string topic;
  std::string key;
  std::string value;
};

/// One table that the mapping selects.
struct SelectedTable {
  TableName name;
  TableKind kind = TableKind::kTable;
  std::int64_t load_order = 0;  ///< higher first
};

/// What a rule of the mapping meets in a source.
struct RuleReach {
  std::int64_t id = 0;
  std::string_view type;  ///< as rule-type spells it
  std::string action;     ///< as rule-action spells it; "" for table-settings
  std::vector<TableName> tables;
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
  /// Each rule, in the mapping's order, with its tables: selection rules those they match, others those of them that are
  /// selected.
  virtual std::vector<RuleReach> rule_reach([[maybe_unused]] const std::vector<CatalogTable>& catalog) const {
    return {};
  }
  /// What is wrong with tables that are each right by themselves: two of them on one topic by substitution.
  virtual std::vector<Error> clashes([[maybe_unused]] std::span<const TablePlan* const> plans) const {
    return {};
  }
  /// Whether an event of the log gets its control record: by IncludeTableAlterOperations, HandleSourceTable… and the
  /// dialect. Not asked for the control records of a full load.
  virtual bool sends_in_cdc([[maybe_unused]] ControlOperation operation) const { return false; }
  /// What a start of following changes sends before anything of a table, in order; mostly nothing.
  virtual std::vector<TaskMessage> start_messages([[maybe_unused]] TaskStart start,
                                                  [[maybe_unused]] WallTime now) const {
    return {};
  }
  /// A plan for one version of one table. Errors: kInvalidMapping when the rules do not fit the table.
  virtual Result<std::unique_ptr<const TablePlan>> plan(std::shared_ptr<const TableSchema> schema) const = 0;
  /// SHA-256 (or any stable digest) of what shapes the messages, in hex: a changed mapping is seen on a
  /// rerun.
  virtual const std::string& digest() const = 0;
};

}  // namespace dmskafka

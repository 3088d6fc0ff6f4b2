#include "sources/sqlite/snapshot_reader.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstring>
#include <utility>

#include "sources/sqlite/catalog.h"
#include "sources/sqlite/row_conditions.h"
#include "sources/sqlite/row_range.h"

namespace dmskafka::sqlite {
namespace {

/// The row a statement stands on -> values in the batch's memory. The storage class decides; the declared type does not.
class RowDecoder {
 public:
  RowDecoder(sqlite3_stmt* statement, ChangeBatch& batch) : statement_(statement), batch_(batch) {}

  /// False: SQLite had no memory for a value.
  bool decode(std::span<Value> values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!decode(static_cast<int>(i), values[i])) return false;
    }
    return true;
  }

 private:
  bool decode(int column, Value& value) {
    switch (sqlite3_column_type(statement_, column)) {
      case SQLITE_NULL: value = Value::null(); return true;
      case SQLITE_INTEGER: {
        char digits[20];
        const auto end =
            std::to_chars(digits, digits + sizeof digits, sqlite3_column_int64(statement_, column)).ptr;
        value = stored(ValueForm::kInteger, digits, static_cast<std::size_t>(end - digits));
        return true;
      }
      case SQLITE_FLOAT: {
        const double number = sqlite3_column_double(statement_, column);
        value = stored(ValueForm::kReal, &number, sizeof number);
        return true;
      }
      case SQLITE_TEXT: {
        // Converts UTF-16 databases. The length is in bytes: the text may hold NULs.
        const unsigned char* text = sqlite3_column_text(statement_, column);
        if (text == nullptr) return false;
        value = stored(ValueForm::kText, text,
                       static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
        return true;
      }
      default: {
        const void* bytes = sqlite3_column_blob(statement_, column);  // null for an empty one
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
        if (bytes == nullptr && sqlite3_errcode(sqlite3_db_handle(statement_)) == SQLITE_NOMEM) return false;
        value = stored(ValueForm::kBytes, bytes, size);
        return true;
      }
    }
  }

  // SQLite's limit of one value is 2^31 - 1 bytes.
  Value stored(ValueForm form, const void* bytes, std::size_t size) {
    char* copy = batch_.allocate_bytes(size);
    if (size != 0) std::memcpy(copy, bytes, size);
    return Value(form, copy, static_cast<std::uint32_t>(size));
  }

  sqlite3_stmt* const statement_;
  ChangeBatch& batch_;
};

class SqliteSegmentReader : public SegmentReader {
 public:
  SqliteSegmentReader(Connection& connection, Statement statement, const TableSchema& table)
      : connection_(connection), statement_(std::move(statement)), table_(table) {}

  Result<Status> read(ChangeBatch& batch, std::stop_token stop) override {
    if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
    connection_.set_stop(std::move(stop));
    RowDecoder decoder(statement_.handle(), batch);
    while (!batch.full()) {
      DMSKAFKA_ASSIGN(const bool found, statement_.step());
      if (!found) return Status::kEnd;
      const std::span<Value> values = batch.allocate_values(table_.columns.size());
      if (!decoder.decode(values)) return connection_.failure();
      Change& change = batch.add();
      change.operation = Operation::kLoad;
      change.table = &table_;
      change.after = values;
    }
    return Status::kMore;
  }

 private:
  Connection& connection_;
  Statement statement_;
  const TableSchema& table_;
};

bool same_columns(const TableSchema& a, const TableSchema& b) {
  return a.columns == b.columns && a.primary_key == b.primary_key;
}

class SqliteSnapshotReader : public SnapshotReader {
 public:
  SqliteSnapshotReader(Connection& connection, std::atomic<bool>& in_use, std::stop_token stop)
      : connection_(connection), in_use_(in_use), stop_(std::move(stop)) {}
  ~SqliteSnapshotReader() override { in_use_.store(false); }

  Result<std::unique_ptr<SegmentReader>> open(const Segment& segment) override {
    const TableSchema& table = *segment.table;
    connection_.set_stop(stop_);
    // The table was described before the snapshot began; its columns are read by name, so they must still be these.
    DMSKAFKA_ASSIGN(const TableSchema now, describe_table(connection_, table.name));
    if (!same_columns(now, table)) {
      return Error(ErrorCode::kTableUnreadable,
                   fmt::format("sqlite:{}: {} was altered since it was described", connection_.name(),
                               table.name.text()))
          .hint("run the command again");
    }
    DMSKAFKA_ASSIGN(const std::string sql, select_text(segment));
    DMSKAFKA_ASSIGN(Statement statement, Statement::prepare(connection_, sql));
    return std::unique_ptr<SegmentReader>(
        std::make_unique<SqliteSegmentReader>(connection_, std::move(statement), table));
  }

 private:
  // Every column is qualified: SQLite takes an unknown bare "name" for a string.
  Result<std::string> select_text(const Segment& segment) {
    const TableSchema& table = *segment.table;
    std::string sql = "SELECT ";
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      if (i != 0) sql += ", ";
      sql += "t." + quote_identifier(table.columns[i].name);
    }
    sql += " FROM main." + quote_identifier(table.name.table) + " AS t";
    DMSKAFKA_ASSIGN(std::string condition, segment_condition(table, segment.range));
    if (segment.condition != nullptr && !segment.condition->clauses.empty()) {
      DMSKAFKA_ASSIGN(const std::string encoding, connection_.text("PRAGMA encoding"));
      const std::string rows = condition_sql(
          table, *segment.condition, encoding == "UTF-8" ? TextEncoding::kUtf8 : TextEncoding::kUtf16);
      if (!rows.empty()) condition = condition.empty() ? rows : fmt::format("({}) AND {}", condition, rows);
    }
    return condition.empty() ? sql : sql + " WHERE " + condition;
  }

  Connection& connection_;
  std::atomic<bool>& in_use_;
  std::stop_token stop_;
};

constexpr std::string_view kNotResumable = "not resumable";

class SqliteSnapshot : public Snapshot {
 public:
  explicit SqliteSnapshot(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
  bool is_copy() const { return connection_->name() != connection_->path(); }

  // CDC will give the last sequence number of its change log here, read in this transaction.
  const LogPosition& position() const override { return position_; }
  std::string description() const override {
    return fmt::format("a read transaction on {}{}", is_copy() ? "a copy of " : "", connection_->name());
  }
  // Debian's SQLite lacks sqlite3_snapshot_open(): a second connection would see a later state.
  std::uint32_t readers_max() const override { return 1; }

  Result<std::unique_ptr<SnapshotReader>> open_reader(std::stop_token stop) override {
    if (in_use_.exchange(true)) return Error(ErrorCode::kInternal, "a second reader of an SQLite snapshot");
    return std::unique_ptr<SnapshotReader>(
        std::make_unique<SqliteSnapshotReader>(*connection_, in_use_, std::move(stop)));
  }

  Result<SegmentPlan> plan_segments(const TableSchema& table, const SegmentRequest& request) override {
    SegmentPlan plan;
    if (request.parallel_load.type == ParallelLoad::Type::kRanges) {
      DMSKAFKA_TRY(cut_as_asked(table, request, plan));
      return plan;
    }
    if (request.parallel_load.type == ParallelLoad::Type::kPartitions) {
      plan.remarks.emplace_back("tables of SQLite have no partitions: it is read in ranges of our own");
    }
    DMSKAFKA_ASSIGN(const bool by_rowid, primary_key_is_rowid(table));
    if (!by_rowid) {
      plan.segments.push_back(Segment{&table, 0, ""});
      return plan;
    }
    plan.token = table.columns[table.primary_key.front()].name;
    DMSKAFKA_ASSIGN(const std::vector<RowidRange> ranges, cut(table, request.bytes_wanted));
    for (const RowidRange& range : ranges) {
      const auto number = static_cast<std::uint32_t>(plan.segments.size());
      plan.segments.push_back(Segment{&table, number, print_rowid_range(range)});
    }
    return plan;
  }

  Result<ResumedSegments> resume_segments(const TableSchema& table, const std::string& token,
                                          std::span<const StoredSegment> stored) override {
    ResumedSegments resumed;
    if (token == kNotResumable) {
      resumed.reload = true;
      resumed.reason =
          "its ranges are not of its primary key, and a row may have moved between them since its load "
          "began; it is read "
          "from the start";
      return resumed;
    }
    DMSKAFKA_ASSIGN(const bool by_rowid, primary_key_is_rowid(table));
    if (token != key_text(table) && (!by_rowid || table.columns[table.primary_key.front()].name != token)) {
      resumed.reload = true;
      resumed.reason = "its primary key changed since its load began; it is read from the start";
    } else if (std::ranges::any_of(stored, &StoredSegment::done)) {
      resumed.reason =
          "rows that were written since in the ranges that were done are not sent again: SQLite does not "
          "tell which they are";
    }
    return resumed;
  }

 private:
  /// Only then a row keeps its rowid: VACUUM gives new ones to the rows of other tables.
  Result<bool> primary_key_is_rowid(const TableSchema& table) {
    if (table.kind != TableKind::kTable || table.primary_key.size() != 1) return false;
    const std::string& declared = table.columns[table.primary_key.front()].source_type;
    if (sqlite3_stricmp(declared.c_str(), "INTEGER") != 0) return false;
    // A key with an index of its own is none: WITHOUT ROWID, and INTEGER PRIMARY KEY DESC.
    DMSKAFKA_ASSIGN(
        Statement statement,
        Statement::prepare(*connection_, "SELECT count(*) FROM pragma_index_list(?1) WHERE origin = 'pk'"));
    statement.bind(table.name.table);
    DMSKAFKA_ASSIGN(const bool found, statement.step());
    return found && statement.number(0) == 0;
  }

  /// The user's ranges; those of a rowid table's key are cut once more where they are large.
  Result<void> cut_as_asked(const TableSchema& table, const SegmentRequest& request, SegmentPlan& plan) {
    const ParallelLoad& load = request.parallel_load;
    std::vector<std::string> names;
    bool nullable = false;
    for (const std::uint32_t column : load.columns) {
      names.push_back(table.columns[column].name);
      nullable = nullable || table.columns[column].nullable;
    }
    std::vector<KeyBound> bounds = load.boundaries;
    DMSKAFKA_ASSIGN(const bool by_rowid, primary_key_is_rowid(table));
    if (by_rowid && load.columns == table.primary_key) {
      DMSKAFKA_ASSIGN(const std::vector<RowidRange> ours, cut(table, request.bytes_wanted));
      for (const RowidRange& range : ours) {
        if (range.first) bounds.push_back(KeyBound{std::to_string(*range.first)});
      }
    }
    DMSKAFKA_ASSIGN(bounds, sorted(table, load.columns, std::move(bounds)));
    // A row can change its place among other columns between two runs, and would be missed by the second.
    const bool stays =
        std::ranges::all_of(load.columns, [&](std::uint32_t column) { return table.is_key_column(column); });
    plan.token = stays ? key_text(table) : std::string(kNotResumable);
    for (const KeyRange& range :
         cut_by_bounds(names, bounds, nullable ? KeyNulls::kPossible : KeyNulls::kNone)) {
      const auto number = static_cast<std::uint32_t>(plan.segments.size());
      plan.segments.push_back(Segment{&table, number, print_key_range(range)});
    }
    return {};
  }

  Result<std::vector<KeyBound>> sorted(const TableSchema& table, const std::vector<std::uint32_t>& columns,
                                       std::vector<KeyBound> bounds) {
    DMSKAFKA_ASSIGN(Statement statement,
                    Statement::prepare(*connection_, sort_bounds_statement(table, columns, bounds)));
    std::vector<KeyBound> in_order;
    for (;;) {
      DMSKAFKA_ASSIGN(const bool found, statement.step());
      if (!found) return in_order;
      const auto number = static_cast<std::size_t>(statement.number(static_cast<int>(columns.size())));
      in_order.push_back(bounds[number]);
    }
  }

  /// The primary key's columns, as the tokens of the user's ranges have them.
  static std::string key_text(const TableSchema& table) {
    std::string text = "key";
    for (const std::uint32_t column : table.primary_key)
      text += " " + quote_identifier(table.columns[column].name);
    return text;
  }

  /// SQLite keeps no size of a table: the whole file's is an upper bound, and ranges may come out smaller than wanted.
  Result<std::vector<RowidRange>> cut(const TableSchema& table, std::uint64_t bytes_wanted) {
    const std::string rowid = "t." + quote_identifier(table.columns[table.primary_key.front()].name);
    const std::string from = " FROM main." + quote_identifier(table.name.table) + " AS t";
    DMSKAFKA_ASSIGN(const std::int64_t rows,
                    connection_->number("SELECT count(*) FROM (SELECT 1" + from + " LIMIT 1)"));
    if (rows == 0) return std::vector<RowidRange>{RowidRange{}};
    DMSKAFKA_ASSIGN(const std::int64_t lowest, connection_->number("SELECT min(" + rowid + ")" + from));
    DMSKAFKA_ASSIGN(const std::int64_t highest, connection_->number("SELECT max(" + rowid + ")" + from));
    DMSKAFKA_ASSIGN(const std::int64_t pages, connection_->number("PRAGMA page_count"));
    DMSKAFKA_ASSIGN(const std::int64_t page_size, connection_->number("PRAGMA page_size"));
    return cut_rowids(lowest, highest, static_cast<std::uint64_t>(pages * page_size) / bytes_wanted + 1);
  }

  const std::unique_ptr<Connection>
      connection_;  // used by the one reader, before it by the task; path() by any
  const LogPosition position_;
  std::atomic<bool> in_use_{false};
};

}  // namespace

Result<std::unique_ptr<Snapshot>> open_snapshot(std::unique_ptr<Connection> connection,
                                                std::stop_token stop) {
  connection->set_stop(std::move(stop));
  DMSKAFKA_TRY(connection->execute("BEGIN"));
  // BEGIN takes no lock; the first read fixes what the transaction sees.
  DMSKAFKA_TRY(connection->number("SELECT count(*) FROM sqlite_schema"));
  return std::unique_ptr<Snapshot>(std::make_unique<SqliteSnapshot>(std::move(connection)));
}

}  // namespace dmskafka::sqlite

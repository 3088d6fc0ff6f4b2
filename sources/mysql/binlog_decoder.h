#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/log_batch.h"
#include "core/base/result.h"
#include "sources/mysql/binlog_event.h"
#include "sources/mysql/binlog_position.h"
#include "sources/mysql/gtid.h"
#include "sources/mysql/row_decoder.h"
#include "sources/mysql/statement.h"
#include "sources/mysql/transaction_payload.h"
#include "sources/mysql/xa_transactions.h"

namespace dmskafka::mysql {

/// Knows which tables are followed and what they look like. Called by the decoder, on its thread.
class TableResolver {
 public:
  virtual ~TableResolver() = default;
  /// How the rows behind this TABLE_MAP are read; null: the table is not followed. Errors end the stream.
  virtual Result<std::shared_ptr<const RowPlan>> resolve(const TableMap& map) = 0;
  /// The table as it was told last, or is known; null: not followed.
  virtual std::shared_ptr<const TableSchema> find(const TableName& name) = 0;
  /// The followed tables of a database.
  virtual std::vector<TableName> tables_of(std::string_view database) = 0;

  // What statements do; the table need not be followed.
  virtual Result<void> created(const TableName& name) = 0;
  /// `text` is the statement. What the table looks like now shows at its next TABLE_MAP.
  virtual Result<void> altered(const TableName& name, std::string_view text,
                               const Tokenizer::Options& options) = 0;
  /// The table is gone, and the one that was called `by` has its name.
  virtual Result<void> replaced(const TableName& name, const TableName& by) = 0;
  virtual void dropped(const TableName& name) = 0;
  /// A followed table under its new name; null: it was not followed, and what has the name now may be new.
  virtual Result<std::shared_ptr<const TableSchema>> renamed(const TableName& from, const TableName& to) = 0;
};

/// Turns the events of a binary log into events and changes of a LogBatch. Pure: no I/O of its own but the spool of prepared
/// transactions. The events come from a server, a file or a test; each is whole, with header and checksum.
///
/// A group of events is a transaction or a statement that is none:
///   MySQL    GTID | ANONYMOUS_GTID, QUERY "BEGIN", …, XID | QUERY "COMMIT"      or  …, QUERY (DDL)
///            GTID, TRANSACTION_PAYLOAD (BEGIN … XID inside)
///   MariaDB  GTID, …, XID | QUERY "COMMIT"                                     or  GTID (standalone), QUERY
///   both     …, XA_PREPARE, and far behind a group of XA COMMIT or XA ROLLBACK
/// with TABLE_MAP events before the row events of each statement between.
///
/// 1. A position is the end of a group, or a place between groups.
/// 2. Positions are counted here, in 64 bits; what events say of them is taken modulo 2^32.
/// 3. Rows are handed over as they come, because only committed transactions are in the log; those of a prepared one wait.
/// 4. The end of a row event's last row is the end of the event, or the description of the table is wrong.
/// Thread: one at a time.
class BinlogDecoder {
 public:
  struct Options {
    Checksum checksum = Checksum::kNone;  ///< of events before the first FORMAT_DESCRIPTION
    BinlogPosition from;                  ///< groups up to here are passed over
    bool same_server = true;              ///< `from.file` is a file of this server
    bool allow_partial_images = false;
    bool keep_history = false;  ///< rows of system-versioned tables that are no longer valid, too
  };
  /// `tables` outlives it. Errors: kStateFile: a position that cannot be read.
  static Result<std::unique_ptr<BinlogDecoder>> make(TableResolver& tables, Options options);

  /// REQUIRED before the first event that goes into another (or a cleared) batch.
  void start_batch() noexcept {
    transaction_ = nullptr;
    rows_.start_batch();
    position_space_.forget();
  }
  /// Appends what the event says. When pending() is true afterwards, `event` must stay where it is, and resume() comes before the
  /// next one. Errors: kSourceRejected with file and offset (bytes that are no event, a wrong checksum, statements that changed
  /// rows of followed tables), kPositionLost (the server says that events are missing), those of the resolver.
  Result<void> decode(std::string_view event, LogBatch& batch);
  /// More of the last event is to come: it is a whole transaction.
  bool pending() const noexcept { return payload_ != nullptr || replaying_ != nullptr; }
  /// Goes on until the batch is full or the event is done.
  Result<void> resume(LogBatch& batch);

  bool in_group() const noexcept { return group_.open; }
  /// The place between groups that was reached last.
  BinlogPosition position() const;
  /// True when position() was not handed over yet by a commit or take_idle().
  bool has_news() const noexcept { return news_ && !group_.open && !pending(); }
  /// Tells position() as an event of its own.
  void tell_idle(LogBatch& batch);
  /// For people: how far the stream was read.
  const std::string& file() const noexcept { return file_; }
  std::uint64_t offset() const noexcept { return offset_; }

 private:
  BinlogDecoder(TableResolver& tables, Options options) : tables_(tables), options_(std::move(options)) {}

  /// An event on its way: where it stands, and what is in it.
  struct Event {
    EventHeader header;
    std::string_view body;    // without header and checksum
    std::string_view whole;   // without checksum
    std::uint64_t start = 0;  // of the event itself, or of the one that contains it
    std::uint64_t end = 0;
    bool inner = false;
  };
  struct MappedTable {
    std::string body;
    std::shared_ptr<const RowPlan> plan;  // null: not followed
  };
  struct Group {
    bool open = false;
    bool passed_over = false;
    bool began = false;        // BEGIN was seen: statements do not end it
    bool standalone = false;   // MariaDB: ends with its statement
    bool changed = false;      // something of it was handed over
    bool xa = false;           // its rows wait for XA COMMIT
    bool xa_prepared = false;  // and go on waiting when it ends
    std::string xid;
    std::uint64_t start = 0;  // of the event that gives the transaction its id
    std::uint64_t first_event = 0;
    std::int64_t commit_us = 0;
    std::uint64_t record = 0;
    std::uint64_t inner_row = 0;  // rows of a payload, counted over all its events
    std::string position_tail;    // of its stream positions: ":transaction-id:file"
    std::optional<MysqlGtid> mysql;
    std::optional<MariadbGtid> mariadb;
  };
  struct RowsHeader;

  Result<void> accept(std::string_view event, Event& accepted);
  void advance(const EventHeader& header, Event& accepted);
  void advance_to(std::uint32_t next_position);
  Result<void> handle(const Event& event, LogBatch& batch);
  Result<void> handle_unknown(const Event& event);
  Error unreadable(const Event& event, std::string_view what) const;

  Result<void> rotate(const Event& event);
  Result<void> format_description(const Event& event);
  Result<void> heartbeat(const Event& event);
  Result<void> previous_gtids(const Event& event);
  void settle();
  bool before_start() const;
  Result<void> begin_mysql(const Event& event);
  Result<void> begin_mariadb(const Event& event);
  void open_group(const Event& event);
  Result<void> query(const Event& event, LogBatch& batch);
  Result<void> statement(const Event& event, const Statement& statement, std::string_view text,
                         const Tokenizer::Options& options, LogBatch& batch);
  Result<void> end_group(LogBatch& batch);
  void note_gtid();
  bool rereads_by_gtid() const noexcept {
    return options_.from.reread && !options_.from.reread->gtid.empty();
  }
  std::string gtid_before_group() const;

  Result<void> change_tables(const Statement& statement, std::string_view text,
                             const Tokenizer::Options& options, LogBatch& batch);
  Result<void> rename_tables(const Statement& statement, LogBatch& batch);
  Result<void> refuse_dml(const Event& event, const Statement& statement, std::string_view text);
  void drop_table(const TableName& name, LogBatch& batch);
  LogEvent& table_event(LogEventKind kind, std::shared_ptr<const TableSchema> schema, LogBatch& batch);

  Result<void> table_map(const Event& event);
  Result<void> rows(const Event& event, LogBatch& batch);
  Result<void> read_rows(const Event& event, RowsHeader& header, const RowPlan& plan, EventReader& reader,
                         LogBatch& batch);
  Result<void> add_row(const Event& event, const RowsHeader& header, const RowPlan& plan, EventReader& reader,
                       std::uint64_t index, LogBatch& batch);
  void tell_table(const RowPlan& plan, LogBatch& batch);
  const SourceTransaction* transaction(LogBatch& batch);
  std::string_view stream_position(const Event& event, std::uint64_t index, LogBatch& batch);

  Result<void> payload(const Event& event, LogBatch& batch);
  Result<void> xa_start(const std::string& xid);
  Result<void> xa_prepare(const Event& event, LogBatch& batch);
  Result<void> xa_commit(const Event& event, const std::string& xid, LogBatch& batch);

  TableResolver& tables_;
  const Options options_;
  FormatDescription format_;
  bool format_known_ = false;

  std::string file_;
  std::uint64_t file_number_ = 0;
  std::uint64_t offset_ = 4;  // the next event's
  // The place between groups that was reached last, and the GTIDs up to there.
  std::string settled_file_;
  std::uint64_t settled_offset_ = 4;
  std::uint32_t settled_file_time_ = 0;
  std::uint32_t file_time_ = 0;  // of file_; 0: not told yet
  GtidSet gtid_set_;
  GtidMap gtid_map_;
  GtidSet from_set_;
  GtidMap from_map_;
  // Where the log is read again from a place before `from` (prepared transactions): the GTIDs before the group.
  GtidSet reread_set_;
  GtidMap reread_map_;
  std::uint64_t from_number_ = 0;
  bool news_ = false;
  bool gtid_known_ = false;  // the GTIDs are those of everything before
  bool anonymous_ = false;   // transactions without a GTID were seen
  bool same_server_ = true;  // as the start's: its files are these
  bool warned_of_order_ = false;
  bool warned_of_function_ = false;

  Group group_;
  std::unordered_map<std::uint64_t, MappedTable> maps_;
  std::uint64_t first_map_start_ = 0;  // of the statement
  bool statement_open_ = false;
  std::unordered_map<std::string, std::shared_ptr<const TableSchema>> told_;  // by "schema.table"
  const TableSchema* last_told_ = nullptr;
  RowDecoder rows_;
  TextSpace position_space_;
  RowDecoder::Image before_image_;
  RowDecoder::Image after_image_;
  ByteBuffer expanded_;  // a compressed statement
  const SourceTransaction* transaction_ = nullptr;

  std::unique_ptr<TransactionPayload> payload_;
  XaTransactions xa_;
  std::unique_ptr<XaTransactions::Spool> replaying_;
  Event container_;  // what payload_ or replaying_ stand in
};

}  // namespace dmskafka::mysql

#include "sources/mysql/binlog_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "core/base/logging.h"

namespace dmskafka::mysql {
namespace {

constexpr std::size_t kChecksumSize = 4;
constexpr std::uint64_t kNoTable = 0xFF'FFFF;  // a row event that only ends its statement
constexpr std::size_t kMapsMax = 10'000;
constexpr std::uint16_t kStatementEnd = 1;
constexpr std::size_t kStatementShown = 120;
// MariaDB's markers of a row that is valid: 2038-01-19 03:14:07.999999, since 11.5 2106-02-07 06:28:15.999999, and with transaction
// numbers the greatest one.
constexpr std::string_view kEndOfTime32 = "\x7F\xFF\xFF\xFF\x0F\x42\x3F";
constexpr std::string_view kEndOfTime64 = "\xFF\xFF\xFF\xFF\x0F\x42\x3F";
constexpr std::string_view kNoTransaction = "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF";

bool is_current_row(std::string_view row_end) noexcept {
  return row_end == kEndOfTime32 || row_end == kEndOfTime64 || row_end == kNoTransaction;
}

std::string shown(std::string_view text) {
  return text.size() <= kStatementShown ? std::string(text)
                                        : std::string(text.substr(0, kStatementShown)) + "…";
}

/// MariaDB's compressed events: 0x80 | method << 4 | n, n bytes of the length, big-endian, zlib's data.
struct CompressedPart {
  std::size_t size = 0;
  std::string_view data;
};
std::optional<CompressedPart> parse_compressed(std::string_view bytes) noexcept {
  EventReader reader(bytes);
  const std::uint8_t head = reader.u8();
  CompressedPart part;
  const std::uint64_t size = reader.big_endian(head & 7U);
  part.data = reader.rest();
  // zlib makes at most 1,032 bytes of one.
  if (!reader.ok() || (head & 0xF0U) != 0x80 || size / 1'100 > part.data.size()) return std::nullopt;
  part.size = static_cast<std::size_t>(size);
  return part;
}

}  // namespace

/// What stands before the rows of an event.
struct BinlogDecoder::RowsHeader {
  Operation operation = Operation::kInsert;
  bool partial = false;     // PARTIAL_UPDATE_ROWS
  bool compressed = false;  // MariaDB
  bool second = false;      // version 2: there is extra data
  std::uint64_t table = 0;
  std::uint16_t flags = 0;
  std::uint64_t columns = 0;
  BitmapView present;        // of the only image, or the old one
  BitmapView present_after;  // of an update's new image
  bool whole = true;         // all columns are known of every row

  static RowsHeader of(EventType type) noexcept {
    RowsHeader header;
    switch (type) {
      case EventType::kWriteRowsV1: break;
      case EventType::kUpdateRowsV1: header.operation = Operation::kUpdate; break;
      case EventType::kDeleteRowsV1: header.operation = Operation::kDelete; break;
      case EventType::kWriteRowsCompressedV1: header.compressed = true; break;
      case EventType::kUpdateRowsCompressedV1:
        header.operation = Operation::kUpdate;
        header.compressed = true;
        break;
      case EventType::kDeleteRowsCompressedV1:
        header.operation = Operation::kDelete;
        header.compressed = true;
        break;
      case EventType::kUpdateRows:
        header.operation = Operation::kUpdate;
        header.second = true;
        break;
      case EventType::kDeleteRows:
        header.operation = Operation::kDelete;
        header.second = true;
        break;
      case EventType::kWriteRowsCompressed: header.compressed = header.second = true; break;
      case EventType::kUpdateRowsCompressed:
        header.operation = Operation::kUpdate;
        header.compressed = header.second = true;
        break;
      case EventType::kDeleteRowsCompressed:
        header.operation = Operation::kDelete;
        header.compressed = header.second = true;
        break;
      case EventType::kPartialUpdateRows:
        header.operation = Operation::kUpdate;
        header.partial = header.second = true;
        break;
      default: header.second = true; break;  // kWriteRows
    }
    return header;
  }
};

Result<std::unique_ptr<BinlogDecoder>> BinlogDecoder::make(TableResolver& tables, Options options) {
  std::unique_ptr<BinlogDecoder> made(new BinlogDecoder(tables, std::move(options)));
  BinlogDecoder& decoder = *made;
  const BinlogPosition& from = decoder.options_.from;
  decoder.settled_file_ = from.file;
  decoder.settled_offset_ = from.offset;
  decoder.file_time_ = decoder.settled_file_time_ = from.file_time;
  decoder.file_ = from.file;
  decoder.file_number_ = decoder.from_number_ = binlog_file_number(from.file).value_or(0);
  decoder.offset_ = from.offset;
  decoder.gtid_known_ = !from.gtid.empty();
  decoder.same_server_ = decoder.options_.same_server;
  if (!decoder.same_server_) decoder.settled_file_.clear();
  if (from.flavour == Flavour::kMysql) {
    DMSKAFKA_ASSIGN(decoder.gtid_set_, GtidSet::parse(from.gtid));
    decoder.from_set_ = decoder.gtid_set_;
    if (decoder.rereads_by_gtid()) {
      DMSKAFKA_ASSIGN(decoder.reread_set_, GtidSet::parse(from.reread->gtid));
    }
  } else {
    DMSKAFKA_ASSIGN(decoder.gtid_map_, GtidMap::parse(from.gtid));
    decoder.from_map_ = decoder.gtid_map_;
    if (decoder.rereads_by_gtid()) {
      DMSKAFKA_ASSIGN(decoder.reread_map_, GtidMap::parse(from.reread->gtid));
    }
  }
  return made;
}

Error BinlogDecoder::unreadable(const Event& event, std::string_view what) const {
  return unreadable_event(fmt::format("{}: {}", event_type_name(event.header.type), what), file_,
                          event.start);
}

// --- from bytes to events ---

Result<void> BinlogDecoder::decode(std::string_view bytes, LogBatch& batch) {
  Event event;
  DMSKAFKA_TRY(accept(bytes, event));
  container_ = event;
  DMSKAFKA_TRY(handle(event, batch));
  // Between groups every event's end is a place, too: those at a file's head are all that a quiet server has to tell.
  const bool in_file = event.end > event.start && event.header.kind() != EventType::kRotate;
  if (in_file && !group_.open && !pending() && offset_ != settled_offset_ && !before_start()) settle();
  return {};
}

Result<void> BinlogDecoder::accept(std::string_view bytes, Event& event) {
  event.start = offset_;
  if (bytes.size() < EventHeader::kSize) return unreadable_event("an event is cut short", file_, offset_);
  event.header = parse_event_header(bytes);
  const EventHeader& header = event.header;
  if (header.length != bytes.size()) {
    return unreadable(event, fmt::format("it says {} bytes and has {}", header.length, bytes.size()));
  }
  const bool describes = header.kind() == EventType::kFormatDescription;
  const Checksum checksum = format_known_ ? format_.checksum : options_.checksum;
  std::size_t tail = describes || checksum == Checksum::kCrc32 ? kChecksumSize : 0;
  if (bytes.size() < EventHeader::kSize + tail) return unreadable(event, "it is cut short");
  if (!describes && checksum == Checksum::kCrc32 && !checksum_holds(bytes)) {
    return unreadable(event, "its checksum is wrong: the log, or the connection, is damaged");
  }
  // What a server makes for the stream may have a checksum of its own while its files have none.
  if (tail == 0 && header.artificial() && checksum_holds(bytes)) tail = kChecksumSize;
  event.whole = bytes.substr(0, bytes.size() - tail);
  event.body = event.whole.substr(EventHeader::kSize);
  if (describes) {
    auto format = parse_format_description(bytes);
    if (!format) return unreadable(event, format.error().message());
    format_ = std::move(format).value();
    format_known_ = true;
  }
  advance(header, event);
  return {};
}

/// Servers say where an event ends, modulo 2^32, except inside transactions of newer MariaDB; what they make for the stream has no
/// place at all.
void BinlogDecoder::advance(const EventHeader& header, Event& event) {
  event.end = offset_;
  const bool in_file =
      !header.artificial() && header.kind() != EventType::kHeartbeat &&
      header.kind() != EventType::kHeartbeatV2 &&
      !(header.kind() == EventType::kFormatDescription && header.next_position == 0) &&
      !(header.kind() == EventType::kRotate && header.timestamp == 0 && header.next_position == 0);
  if (!in_file) return;
  offset_ += header.length;
  if (header.next_position != 0) advance_to(header.next_position);
  event.end = offset_;
  event.start = offset_ - header.length;
}

void BinlogDecoder::advance_to(std::uint32_t next_position) {
  constexpr std::uint64_t kWrap = std::uint64_t{1} << 32U;
  std::uint64_t next = (offset_ & ~(kWrap - 1)) | next_position;
  if (next < offset_) next += kWrap;
  offset_ = next;
}

Result<void> BinlogDecoder::resume(LogBatch& batch) {
  while (pending() && !batch.full()) {
    const bool replays = replaying_ != nullptr;
    auto next = replays ? replaying_->next() : payload_->next();
    if (!next && !replays) return unreadable(container_, next.error().message());
    if (!next) return std::move(next).error();
    if (next->empty()) {
      if (replays) {
        replaying_.reset();
        DMSKAFKA_TRY(end_group(batch));
        continue;
      }
      payload_.reset();
      if (group_.open) return unreadable(container_, "the transaction in it has no end");
      return {};
    }
    Event event = container_;
    event.header = parse_event_header(*next);
    event.whole = *next;
    event.body = next->substr(EventHeader::kSize);
    event.inner = true;
    DMSKAFKA_TRY(handle(event, batch));
  }
  return {};
}

Result<void> BinlogDecoder::handle(const Event& event, LogBatch& batch) {
  switch (event.header.kind()) {
    case EventType::kTableMap: return table_map(event);
    case EventType::kWriteRowsV1:
    case EventType::kUpdateRowsV1:
    case EventType::kDeleteRowsV1:
    case EventType::kWriteRows:
    case EventType::kUpdateRows:
    case EventType::kDeleteRows:
    case EventType::kPartialUpdateRows:
    case EventType::kWriteRowsCompressedV1:
    case EventType::kUpdateRowsCompressedV1:
    case EventType::kDeleteRowsCompressedV1:
    case EventType::kWriteRowsCompressed:
    case EventType::kUpdateRowsCompressed:
    case EventType::kDeleteRowsCompressed: return rows(event, batch);
    case EventType::kXid: return end_group(batch);
    case EventType::kGtid:
    case EventType::kAnonymousGtid:
    case EventType::kGtidTagged: return begin_mysql(event);
    case EventType::kMariadbGtid: return begin_mariadb(event);
    case EventType::kQuery:
    case EventType::kQueryCompressed:
    case EventType::kExecuteLoadQuery: return query(event, batch);
    case EventType::kXaPrepare: return xa_prepare(event, batch);
    case EventType::kTransactionPayload: return payload(event, batch);
    case EventType::kRotate: return rotate(event);
    case EventType::kFormatDescription: return format_description(event);
    case EventType::kHeartbeat:
    case EventType::kHeartbeatV2: return heartbeat(event);
    case EventType::kPreviousGtids: return previous_gtids(event);
    case EventType::kIncident:
      return Error(ErrorCode::kPositionLost,
                   fmt::format("binlog {}:{}: the server says that events are missing here (INCIDENT)", file_,
                               event.start))
          .hint("load the tables again with --restart");
    case EventType::kStop:
    case EventType::kIntvar:
    case EventType::kLoad:
    case EventType::kSlave:
    case EventType::kCreateFile:
    case EventType::kAppendBlock:
    case EventType::kExecLoad:
    case EventType::kDeleteFile:
    case EventType::kNewLoad:
    case EventType::kRand:
    case EventType::kUserVar:
    case EventType::kBeginLoadQuery:
    case EventType::kIgnorable:
    case EventType::kRowsQuery:
    case EventType::kTransactionContext:
    case EventType::kViewChange:
    case EventType::kAnnotateRows:
    case EventType::kBinlogCheckpoint:
    case EventType::kMariadbGtidList:
    case EventType::kStartEncryption: return {};
  }
  return handle_unknown(event);
}

Result<void> BinlogDecoder::handle_unknown(const Event& event) {
  // Aurora pads its log with numbers from 100 on.
  const bool padding = event.header.type >= 100 && event.header.type < 160;
  if ((event.header.flags & EventHeader::kIgnorable) != 0 || padding) return {};
  return unreadable(event, "this program does not know what it means")
      .hint("a newer dmskafka may; nothing behind it can be read safely");
}

// --- files ---

Result<void> BinlogDecoder::rotate(const Event& event) {
  EventReader reader(event.body);
  const std::uint64_t offset = reader.u64();
  const std::string_view name = reader.rest();
  const auto number = binlog_file_number(name);
  if (!reader.ok() || !number) return unreadable(event, "it names no file");
  if (group_.open && name != file_) {
    log_warning(fmt::format("binlog {} ends within a transaction, which the server gave up", file_));
    group_ = {};
  }
  file_ = name;
  if (file_number_ != *number) file_time_ = 0;
  file_number_ = *number;
  offset_ = offset;
  maps_.clear();
  statement_open_ = false;
  const bool later =
      std::pair(*number, offset) > std::pair(binlog_file_number(settled_file_).value_or(0), settled_offset_);
  if (!group_.open && (later || settled_file_.empty())) settle();
  return {};
}

void BinlogDecoder::settle() {
  if (settled_file_ != file_) settled_file_ = file_;
  settled_offset_ = offset_;
  settled_file_time_ = file_time_;
  news_ = true;
}

Result<void> BinlogDecoder::format_description(const Event& event) {
  // A server that begins anew has given up what was open.
  const BinlogPosition& from = options_.from;
  if (same_server_ && from.file_time != 0 && file_ == from.file && event.header.timestamp != from.file_time) {
    return Error(ErrorCode::kPositionLost, fmt::format("the server's file {} is not the one that the "
                                                       "position {} belongs to: its binlog was reset",
                                                       file_, print_position(from)))
        .hint("load the tables again with --restart");
  }
  file_time_ = event.header.timestamp;
  if (group_.open && format_.created != 0) {
    log_warning(
        fmt::format("binlog {}:{}: the server was started anew within a transaction, which it gave up", file_,
                    event.start));
    group_ = {};
  }
  maps_.clear();
  return {};
}

Result<void> BinlogDecoder::heartbeat(const Event& event) {
  // Of a quiet server, or one that skips what we have: everything up to there was sent.
  const bool here = event.header.kind() == EventType::kHeartbeat && event.body == file_;
  if (!here || group_.open || event.header.next_position == 0) return {};
  const std::uint64_t before = offset_;
  advance_to(event.header.next_position);
  if (offset_ != before && !before_start()) settle();
  return {};
}

bool BinlogDecoder::before_start() const {
  return same_server_ && std::pair(file_number_, offset_) <= std::pair(from_number_, options_.from.offset);
}

Result<void> BinlogDecoder::previous_gtids(const Event& event) {
  if (gtid_known_ || options_.from.flavour != Flavour::kMysql || anonymous_) return {};
  auto set = GtidSet::parse_binary(event.body);
  if (!set) return unreadable(event, set.error().message());
  // What the log's file does not have itself; transactions up to our start are added as they are passed over.
  gtid_set_ = std::move(set).value();
  gtid_known_ = true;
  return {};
}

// --- groups ---

void BinlogDecoder::open_group(const Event& event) {
  group_ = {};
  group_.open = true;
  group_.start = group_.first_event = event.start;
  group_.commit_us = std::int64_t{event.header.timestamp} * 1'000'000;
  statement_open_ = false;
  transaction_ = nullptr;
}

Result<void> BinlogDecoder::begin_mysql(const Event& event) {
  if (group_.open) return unreadable(event, "a transaction begins inside another");
  auto gtid = event.header.kind() == EventType::kGtidTagged
                  ? parse_tagged_gtid(event.body)
                  : parse_mysql_gtid(event.body, event.header.kind() == EventType::kAnonymousGtid);
  if (!gtid) return unreadable(event, "it cannot be read");
  open_group(event);
  if (gtid->commit_us != 0) group_.commit_us = gtid->commit_us;
  group_.passed_over =
      gtid->anonymous || from_set_.empty()
          ? std::pair(file_number_, event.start) < std::pair(from_number_, options_.from.offset) &&
                same_server_
          : from_set_.contains(gtid->uuid, gtid->tag, gtid->number);
  group_.mysql = std::move(gtid);
  return {};
}

Result<void> BinlogDecoder::begin_mariadb(const Event& event) {
  if (group_.open) return unreadable(event, "a transaction begins inside another");
  auto gtid = parse_mariadb_gtid(event.body, event.header.server_id);
  if (!gtid) return unreadable(event, "it cannot be read");
  open_group(event);
  group_.standalone = (gtid->flags & MariadbGtid::kStandalone) != 0;
  group_.began = !group_.standalone;
  group_.passed_over = from_map_.empty() ? same_server_ && std::pair(file_number_, event.start) <
                                                               std::pair(from_number_, options_.from.offset)
                                         : from_map_.covers(gtid->domain, gtid->sequence);
  const bool prepared = (gtid->flags & MariadbGtid::kPreparedXa) != 0;
  const std::string xid = gtid->xid;
  group_.mariadb = std::move(gtid);
  if (prepared) return xa_start(xid);
  return {};
}

void BinlogDecoder::note_gtid() {
  if (group_.mysql) {
    const MysqlGtid& gtid = *group_.mysql;
    if (gtid.anonymous) {
      // A set says nothing of it: from here on only the place in the file is a position.
      anonymous_ = true;
      gtid_known_ = false;
    } else {
      if (gtid_known_) gtid_set_.add(gtid.uuid, gtid.tag, gtid.number);
      if (rereads_by_gtid()) reread_set_.add(gtid.uuid, gtid.tag, gtid.number);
    }
  }
  if (!group_.mariadb) return;
  const MariadbGtid& gtid = *group_.mariadb;
  if (gtid_known_ && gtid_map_.covers(gtid.domain, gtid.sequence) && !group_.passed_over &&
      !std::exchange(warned_of_order_, true)) {
    log_warning(
        fmt::format("GTID {}-{}-{} comes after a later one of its domain: a position by GTID cannot tell "
                    "them apart (gtid_strict_mode=ON prevents it)",
                    gtid.domain, gtid.server_id, gtid.sequence));
  }
  if (gtid_known_ && !group_.passed_over) gtid_map_.set(gtid.domain, gtid.server_id, gtid.sequence);
  if (rereads_by_gtid()) reread_map_.set(gtid.domain, gtid.server_id, gtid.sequence);
}

/// position() has those up to the start from the beginning, also while what lies before the start is read again.
std::string BinlogDecoder::gtid_before_group() const {
  if (rereads_by_gtid())
    return options_.from.flavour == Flavour::kMysql ? reread_set_.text() : reread_map_.text();
  const bool known = gtid_known_ && !(group_.passed_over && options_.from.reread);
  return known ? position().gtid : std::string();
}

Result<void> BinlogDecoder::end_group(LogBatch& batch) {
  if (!group_.open) return {};
  if (group_.xa && !group_.xa_prepared) {
    // Committed in one phase after all: its rows waited for nothing.
    const std::string xid = group_.xid;
    group_.xa = false;
    auto spool = xa_.take(xid);
    if (spool != nullptr && !group_.passed_over) {
      DMSKAFKA_TRY(spool->rewind());
      replaying_ = std::move(spool);
      return {};
    }
  }
  note_gtid();
  if (group_.passed_over) {
    group_ = {};
    return {};
  }
  settle();
  if (group_.changed) {
    LogEvent& event = batch.add_event(LogEventKind::kCommit);
    event.position = to_log_position(position());
    event.transaction = transaction(batch);
    news_ = false;
  }
  group_ = {};
  transaction_ = nullptr;
  statement_open_ = false;
  return {};
}

BinlogPosition BinlogDecoder::position() const {
  BinlogPosition position;
  position.file = settled_file_;
  position.offset = settled_offset_;
  position.flavour = options_.from.flavour;
  position.server = options_.from.server;
  position.epoch = options_.from.epoch;
  position.file_time = settled_file_time_;
  if (gtid_known_) position.gtid = position.flavour == Flavour::kMysql ? gtid_set_.text() : gtid_map_.text();
  if (const XaTransactions::Start* const oldest = xa_.oldest()) {
    position.reread = BinlogPosition::Reread{oldest->file, oldest->offset, oldest->gtid};
  }
  return position;
}

void BinlogDecoder::tell_idle(LogBatch& batch) {
  batch.add_event(LogEventKind::kIdle).position = to_log_position(position());
  news_ = false;
}

const SourceTransaction* BinlogDecoder::transaction(LogBatch& batch) {
  if (transaction_ == nullptr) {
    SourceTransaction& added = batch.rows().add_transaction();
    // SPEC wire-format §3.2: "`(binlog number << 32) | offset of the BEGIN event`"; MariaDB "with the offset of the GTID event".
    added.id = file_number_ << 32U | group_.start;
    added.commit_time = WallTime{group_.commit_us};
    transaction_ = &added;
  }
  return transaction_;
}

// --- statements ---

Result<void> BinlogDecoder::query(const Event& event, LogBatch& batch) {
  if (!group_.open) open_group(event);
  std::string spliced;
  std::string_view body = event.body;
  if (event.header.kind() == EventType::kExecuteLoadQuery) {
    // LOAD DATA as a statement: a QUERY with 13 bytes about its file in between.
    constexpr std::size_t kQueryHeader = 13;
    if (body.size() < 2 * kQueryHeader) return unreadable(event, "it is cut short");
    spliced = std::string(body.substr(0, kQueryHeader)) + std::string(body.substr(2 * kQueryHeader));
    body = spliced;
  }
  const auto query = parse_query(body);
  if (!query) return unreadable(event, "it is cut short");
  std::string_view text = query->text;
  if (event.header.kind() == EventType::kQueryCompressed) {
    const auto part = parse_compressed(text);
    if (!part) return unreadable(event, "its compressed text cannot be read");
    expanded_.clear();
    if (!inflate_to(part->data, false, expanded_.reserve(part->size), part->size)) {
      return unreadable(event, "its compressed text cannot be expanded");
    }
    expanded_.advance(part->size);
    text = expanded_.view();
  }
  if (text == "BEGIN") {
    group_.began = true;
    if (!group_.mariadb) group_.start = event.start;
    return {};
  }
  if (text == "COMMIT") return end_group(batch);
  std::string converted;
  const std::string_view charset = query->collation == 0 ? "utf8mb4" : charset_of_collation(query->collation);
  if (auto converter = CharsetConverter::make(charset); converter && !(*converter)->is_utf8()) {
    converted = (*converter)->to_utf8(text);
    text = converted;
  }
  const Tokenizer::Options options{query->ansi_quotes, query->no_backslash_escapes};
  if (!group_.began && !group_.mariadb) group_.start = event.start;
  return statement(event, parse_statement(text, query->database, options), text, options, batch);
}

Result<void> BinlogDecoder::statement(const Event& event, const Statement& statement, std::string_view text,
                                      const Tokenizer::Options& options, LogBatch& batch) {
  switch (statement.kind) {
    case StatementKind::kBegin: group_.began = true; return {};
    case StatementKind::kCommit:
    case StatementKind::kRollback: return end_group(batch);
    case StatementKind::kSavepoint:
      if (statement.rolls_back && group_.record > 0) {
        log_warning(
            fmt::format("binlog {}:{}: {}: the log keeps rows that this takes back (tables without "
                        "transactions were changed beside them)",
                        file_, event.start, shown(text)));
      }
      return {};
    case StatementKind::kXaStart: return xa_start(statement.xid);
    case StatementKind::kXaEnd:
    case StatementKind::kXaPrepare: return {};
    case StatementKind::kXaCommit: return xa_commit(event, statement.xid, batch);
    case StatementKind::kXaRollback: (void)xa_.take(statement.xid); return end_group(batch);
    case StatementKind::kDml: DMSKAFKA_TRY(refuse_dml(event, statement, text)); break;
    case StatementKind::kOther: break;
    case StatementKind::kCreateTable:
    case StatementKind::kAlterTable:
    case StatementKind::kDropTable:
    case StatementKind::kRenameTable:
    case StatementKind::kTruncateTable:
    case StatementKind::kDropDatabase:
      if (!group_.passed_over) DMSKAFKA_TRY(change_tables(statement, text, options, batch));
      break;
  }
  if (statement.opens_transaction) group_.began = true;
  return group_.began ? Result<void>() : end_group(batch);
}

Result<void> BinlogDecoder::refuse_dml(const Event& event, const Statement& statement,
                                       std::string_view text) {
  if (group_.passed_over) return {};
  for (const TableName& name : statement.tables) {
    if (tables_.find(name) == nullptr) continue;
    return unreadable(event, fmt::format("{} was changed by a statement whose rows are not in the log: {}",
                                         name.text(), shown(text)))
        .hint(
            "the session that ran it had another binlog_format than ROW; load the table again, and see that "
            "nobody sets binlog_format (MySQL 8.4 and later: remove the right SESSION_VARIABLES_ADMIN)");
  }
  if (statement.tables.empty() && !std::exchange(warned_of_function_, true)) {
    log_warning(
        fmt::format("binlog {}:{}: a statement is logged whose rows are not, and it names no table: {}",
                    file_, event.start, shown(text)));
  }
  return {};
}

LogEvent& BinlogDecoder::table_event(LogEventKind kind, std::shared_ptr<const TableSchema> schema,
                                     LogBatch& batch) {
  LogEvent& event = batch.add_event(kind);
  event.schema = std::move(schema);
  event.transaction = transaction(batch);
  group_.changed = true;
  return event;
}

void BinlogDecoder::drop_table(const TableName& name, LogBatch& batch) {
  if (auto schema = tables_.find(name)) {
    table_event(LogEventKind::kDropTable, std::move(schema), batch);
    told_.erase(name.text());
    last_told_ = nullptr;
  }
  tables_.dropped(name);
}

Result<void> BinlogDecoder::change_tables(const Statement& statement, std::string_view text,
                                          const Tokenizer::Options& options, LogBatch& batch) {
  // MariaDB logs a long ALTER when it begins and when it is done; rows in between are of the old form.
  if (group_.mariadb &&
      (group_.mariadb->extra_flags & (MariadbGtid::kStartAlter | MariadbGtid::kRollbackAlter)) != 0) {
    return {};
  }
  maps_.clear();
  switch (statement.kind) {
    case StatementKind::kCreateTable:
      for (const TableName& name : statement.tables) DMSKAFKA_TRY(tables_.created(name));
      return {};
    case StatementKind::kAlterTable:
      for (const TableName& name : statement.tables) DMSKAFKA_TRY(tables_.altered(name, text, options));
      return statement.renames.empty() ? Result<void>() : rename_tables(statement, batch);
    case StatementKind::kDropTable:
      for (const TableName& name : statement.tables) drop_table(name, batch);
      return {};
    case StatementKind::kDropDatabase:
      for (const TableName& name : tables_.tables_of(statement.database)) drop_table(name, batch);
      return {};
    case StatementKind::kTruncateTable:
      for (const TableName& name : statement.tables) {
        if (auto schema = tables_.find(name)) table_event(LogEventKind::kTruncate, std::move(schema), batch);
      }
      return {};
    case StatementKind::kRenameTable: return rename_tables(statement, batch);
    default: return {};
  }
}

/// A statement that moves a table away and another one to its name replaces it, as gh-ost and pt-online-schema-change do: the
/// table goes on, with the columns of the new one. What it was is a new table then.
Result<void> BinlogDecoder::rename_tables(const Statement& statement, LogBatch& batch) {
  using Rename = std::pair<TableName, TableName>;
  for (const Rename& rename : statement.renames) {
    const TableName& from = rename.first;
    const TableName& to = rename.second;
    const auto other = std::ranges::find(statement.renames, from, &Rename::second);
    const bool moves_on = std::ranges::find(statement.renames, to, &Rename::first) != statement.renames.end();
    if (other != statement.renames.end() && tables_.find(from) != nullptr) {
      DMSKAFKA_TRY(tables_.replaced(from, other->first));
      if (!moves_on) DMSKAFKA_TRY(tables_.created(to));
      continue;
    }
    if (moves_on && tables_.find(to) != nullptr) continue;  // the other half
    auto before = tables_.find(from);
    DMSKAFKA_ASSIGN(auto after, tables_.renamed(from, to));
    if (before == nullptr || after == nullptr) continue;
    LogEvent& event = table_event(LogEventKind::kRenameTable, after, batch);
    event.old_schema = before;
    told_.erase(from.text());
    last_told_ = nullptr;
  }
  return {};
}

// --- rows ---

Result<void> BinlogDecoder::table_map(const Event& event) {
  if (group_.xa) return xa_.append(event.whole);
  if (group_.passed_over) return {};
  if (!group_.open) return unreadable(event, "it stands outside a transaction");
  const auto id = parse_table_map_id(event.body, format_.short_table_ids());
  if (!id) return unreadable(event, "it is cut short");
  if (!statement_open_) {
    statement_open_ = true;
    first_map_start_ = event.start;
  }
  if (maps_.size() > kMapsMax) maps_.clear();
  MappedTable& mapped = maps_[id->id];
  if (mapped.body == id->body) return {};
  auto map = parse_table_map(id->body, options_.from.flavour == Flavour::kMariadb);
  if (!map) return unreadable(event, map.error().message());
  auto plan = tables_.resolve(*map);
  if (!plan) {
    maps_.erase(id->id);
    return std::move(plan).error().while_doing(fmt::format("reading binlog {}:{}", file_, event.start));
  }
  mapped.body = id->body;
  mapped.plan = std::move(plan).value();
  if (mapped.plan != nullptr && mapped.plan->columns.size() != map->columns.size()) {
    return Error(ErrorCode::kInternal, "a table was resolved to another number of columns");
  }
  return {};
}

Result<void> BinlogDecoder::rows(const Event& event, LogBatch& batch) {
  if (group_.xa) return xa_.append(event.whole);
  if (group_.passed_over) return {};
  if (!group_.open) return unreadable(event, "it stands outside a transaction");
  RowsHeader header = RowsHeader::of(event.header.kind());
  EventReader head(event.body);
  header.table = head.little_endian(format_.short_table_ids() ? 4 : 6);
  header.flags = head.u16();
  if (header.second) {
    const std::uint16_t extra = head.u16();  // its own two bytes are counted
    if (extra < 2) head.fail();
    head.bytes(extra - 2U);
  }
  if (!head.ok()) return unreadable(event, "it is cut short");
  if ((header.flags & kStatementEnd) != 0) statement_open_ = false;
  if (header.table == kNoTable) return {};
  const auto mapped = maps_.find(header.table);
  if (mapped == maps_.end() || mapped->second.body.empty()) {
    return unreadable(event, fmt::format("table {} was not described", header.table));
  }
  const RowPlan* const plan = mapped->second.plan.get();
  if (plan == nullptr) return {};

  // The one copy: texts are views into the event as it stands in the batch's memory.
  EventReader reader(batch.rows().store(head.rest()));
  header.columns = reader.length_encoded();
  if (header.columns != plan->columns.size()) {
    return unreadable(event, fmt::format("{} has {} columns, its rows {}", plan->schema->name.text(),
                                         plan->columns.size(), header.columns));
  }
  const std::size_t bitmap = BitmapView::bytes_for(plan->columns.size());
  header.present = BitmapView(reader.bytes(bitmap));
  if (header.operation == Operation::kUpdate) header.present_after = BitmapView(reader.bytes(bitmap));
  if (!reader.ok()) return unreadable(event, "it is cut short");
  if (!header.compressed) return read_rows(event, header, *plan, reader, batch);
  const auto part = parse_compressed(reader.rest());
  if (!part) return unreadable(event, "its compressed rows cannot be read");
  char* const bytes = batch.rows().allocate_bytes(part->size);
  if (!inflate_to(part->data, false, bytes, part->size)) {
    return unreadable(event, "its compressed rows cannot be expanded");
  }
  EventReader expanded({bytes, part->size});
  return read_rows(event, header, *plan, expanded, batch);
}

Result<void> BinlogDecoder::read_rows(const Event& event, RowsHeader& header, const RowPlan& plan,
                                      EventReader& reader, LogBatch& batch) {
  const std::size_t columns = plan.columns.size();
  const bool old_whole = header.present.count(columns) == columns;
  header.whole =
      old_whole || (header.operation == Operation::kUpdate && header.present_after.count(columns) == columns);
  if (!header.whole && !options_.allow_partial_images) {
    return unreadable(
               event,
               fmt::format("a change of {} does not have all its columns (binlog_row_image is not FULL)",
                           plan.schema->name.text()))
        .hint(
            "SET GLOBAL binlog_row_image = FULL; and in the sessions that write, or set "
            "DmskafkaSettings.AllowPartialImages: what is not known is left out then");
  }
  for (std::uint64_t index = 0; reader.left() > 0; ++index) {
    if (auto added = add_row(event, header, plan, reader, index, batch); !added) {
      return unreadable(event, fmt::format("row {} of {}: {}", index, plan.schema->name.text(),
                                           added.error().message()))
          .hint("the table is not what its description says, or the log is damaged");
    }
    // Of a table without columns a row has no bytes, and of any other at least one.
    if (columns == 0) break;
  }
  return {};
}

Result<void> BinlogDecoder::add_row(const Event& event, const RowsHeader& header, const RowPlan& plan,
                                    EventReader& reader, std::uint64_t index, LogBatch& batch) {
  ChangeBatch& rows = batch.rows();
  const std::size_t columns = plan.schema->columns.size();
  std::span<Value> before;
  std::span<Value> after;
  Operation operation = header.operation;
  if (operation != Operation::kInsert) {
    before = rows.allocate_values(columns);
    DMSKAFKA_TRY(rows_.read_image(reader, plan, header.present, before, rows, before_image_));
  }
  if (operation != Operation::kDelete) {
    after = rows.allocate_values(columns);
    RowDecoder::Before old_row{before_image_, before, std::nullopt};
    if (header.partial) {
      constexpr std::uint64_t kPartialJson = 1;
      const std::uint64_t value_options = reader.length_encoded();
      if ((value_options & kPartialJson) != 0) {
        old_row.diffs = BitmapView(reader.bytes(BitmapView::bytes_for(plan.json_columns)));
      }
      if (!reader.ok()) return Error(ErrorCode::kSourceRejected, "it is cut short");
    }
    const bool update = operation == Operation::kUpdate;
    DMSKAFKA_TRY(rows_.read_image(reader, plan, update ? header.present_after : header.present, after, rows,
                                  after_image_, update ? &old_row : nullptr));
  }
  if (operation == Operation::kUpdate) {
    for (std::size_t i = 0; i < columns; ++i) {
      if (after[i].form() == ValueForm::kAbsent) after[i] = before[i];
    }
  }
  if (plan.row_end != ColumnPlan::kNoColumn && !options_.keep_history) {
    // The history of a system-versioned table: a row that is no longer valid. Its update is followed by the insert of what it was.
    const bool was_current = operation != Operation::kInsert && is_current_row(before_image_.row_end);
    const bool is_current = operation != Operation::kDelete && is_current_row(after_image_.row_end);
    if (!was_current && !is_current) return {};
    if (operation == Operation::kUpdate && was_current && !is_current) {
      operation = Operation::kDelete;
      after = {};
    }
  }
  tell_table(plan, batch);
  const SourceTransaction* const transaction = this->transaction(batch);
  ++group_.record;
  group_.changed = true;
  const std::string_view position = stream_position(event, event.inner ? group_.inner_row++ : index, batch);
  Change& change = batch.add_change();
  change.operation = operation;
  change.table = plan.schema.get();
  change.after = after;
  change.before = before;
  change.transaction = transaction;
  change.transaction_record = group_.record;
  change.stream_position = position;
  return {};
}

/// Before a table's first change, and before the first one after it became another.
void BinlogDecoder::tell_table(const RowPlan& plan, LogBatch& batch) {
  if (last_told_ == plan.schema.get()) return;
  last_told_ = plan.schema.get();
  std::shared_ptr<const TableSchema>& told = told_[plan.schema->name.text()];
  if (told == plan.schema) return;
  told = plan.schema;
  LogEvent& event = batch.add_event(LogEventKind::kTable);
  event.schema = plan.schema;
  event.transaction = transaction(batch);
}

// SPEC wire-format §3.2: "`file:rows-start:row-index:rows-end:transaction-id:file:first-table-map-start`". The first table map is that
// of the statement. Inside a compressed transaction events have no place: the container's stands for them, and rows are counted
// over all of it.
std::string_view BinlogDecoder::stream_position(const Event& event, std::uint64_t index, LogBatch& batch) {
  constexpr std::size_t kNumbers = 5 * 20 + 6;
  if (group_.position_tail.empty()) {
    group_.position_tail = fmt::format(":{}:{}", file_number_ << 32U | group_.start, file_);
  }
  const std::size_t size_max = 2 * file_.size() + kNumbers;
  char* const begin = position_space_.room(batch.rows(), size_max);
  char* out = begin;
  const auto put = [&](std::string_view text) {
    std::memcpy(out, text.data(), text.size());
    out += text.size();
  };
  const auto number = [&](std::uint64_t value) {
    *out++ = ':';
    out = std::to_chars(out, begin + size_max, value).ptr;
  };
  put(file_);
  number(event.start);
  number(index);
  number(event.end);
  put(group_.position_tail);
  number(event.inner ? event.start : first_map_start_);
  return position_space_.take(out);
}

// --- transactions that come as a whole, or later ---

Result<void> BinlogDecoder::payload(const Event& event, LogBatch& batch) {
  if (event.inner) return unreadable(event, "a compressed transaction inside another");
  if (!group_.open) return unreadable(event, "it stands outside a transaction");
  auto opened = TransactionPayload::open(event.body);
  if (!opened) return unreadable(event, opened.error().message());
  payload_ = std::move(opened).value();
  return resume(batch);
}

Result<void> BinlogDecoder::xa_start(const std::string& xid) {
  group_.began = true;
  group_.xa = true;
  group_.xid = xid;
  xa_.open(xid, {file_, group_.first_event, gtid_before_group()});
  return {};
}

/// One phase u8, format u32, sizes u32 and u32, the names.
Result<void> BinlogDecoder::xa_prepare(const Event& event, LogBatch& batch) {
  EventReader reader(event.body);
  const bool one_phase = reader.u8() != 0;
  if (!reader.ok()) return unreadable(event, "it is cut short");
  if (!group_.open) return unreadable(event, "it stands outside a transaction");
  group_.xa_prepared = !one_phase;
  return end_group(batch);
}

Result<void> BinlogDecoder::xa_commit(const Event& event, const std::string& xid, LogBatch& batch) {
  auto spool = xa_.take(xid);
  if (group_.passed_over) return end_group(batch);
  if (spool == nullptr) {
    return Error(ErrorCode::kPositionLost, fmt::format("binlog {}:{}: the transaction {} is committed, which "
                                                       "was prepared (XA PREPARE) before the "
                                                       "place where this task began: its rows are not known",
                                                       file_, event.start, xid))
        .hint("load the tables again with --restart");
  }
  DMSKAFKA_TRY(spool->rewind());
  replaying_ = std::move(spool);
  return resume(batch);
}

}  // namespace dmskafka::mysql

#include "sources/postgres/pgoutput_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <map>

namespace dmskafka::postgres {
namespace {

Error unreadable(std::string_view what) {
  return Error(ErrorCode::kSourceRejected, fmt::format("{} in the log cannot be read", what))
      .hint("the server and this program disagree about the messages of pgoutput");
}

enum class Image : bool { kNew, kOld };

/// Reads a row into the values of the schema's columns; false: the bytes are no row.
bool read_row(MessageReader& reader, const FollowedRelation& relation, Image image, std::span<Value> values) {
  const std::uint16_t columns = reader.u16();
  if (columns != relation.column_of.size()) return false;
  for (std::size_t i = 0; i < columns; ++i) {
    Value value;
    switch (static_cast<char>(reader.u8())) {
      case 'n': value = Value::null(); break;
      case 'u': value = Value(ValueForm::kUnchanged, nullptr, 0); break;
      case 't': value = Value::text(reader.bytes(reader.u32())); break;
      default: return false;
    }
    const std::uint32_t column = relation.column_of[i];
    if (column == FollowedRelation::kNoColumn) continue;
    // A column that is no part of the identity is sent as null in an old key: it says nothing.
    if (image == Image::kOld && !relation.known_in_old[i]) continue;
    values[column] = value;
  }
  return reader.ok();
}

/// Of bytea's text, "\\x0102".
bool bytes_of_hex(std::string_view text, std::string& bytes) {
  if (!text.starts_with("\\x") || text.size() % 2 != 0) return false;
  for (std::size_t i = 2; i < text.size(); i += 2) {
    unsigned byte = 0;
    const auto parsed = std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + i + 2) return false;
    bytes += static_cast<char>(byte);
  }
  return true;
}

/// Values that are stored out of line and did not change are not in the new row. The old row has them where it is whole.
void complete_from_old(std::span<Value> after, RowView before) {
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (after[i].form() == ValueForm::kUnchanged && before[i].is_known()) after[i] = before[i];
  }
}

}  // namespace

Result<void> PgoutputDecoder::decode(std::string_view message, LogBatch& batch) {
  MessageReader reader(message);
  const auto kind = static_cast<char>(reader.u8());
  switch (kind) {
    case 'B': return begin(reader);
    case 'C': return commit(reader, batch);
    case 'R': return relation(reader);
    case 'I':
    case 'U':
    case 'D': return change(message, batch);
    case 'T': return truncate(reader, batch);
    case 'M':
    case 'O':
    case 'Y': return {};
    default: return unreadable(fmt::format("a message of kind 0x{:02X}", static_cast<unsigned char>(kind)));
  }
}

Result<void> PgoutputDecoder::begin(MessageReader& reader) {
  final_lsn_ = reader.u64();
  commit_microseconds_ = unix_microseconds(reader.u64());
  xid_ = reader.u32();
  if (!reader.ok() || open_) return unreadable("the begin of a transaction");
  open_ = true;
  record_ = 0;
  transaction_ = nullptr;
  position_text_ = fmt::format("{:08X}/{:08X}", final_lsn_ >> 32U, final_lsn_ & 0xFFFFFFFFU);
  return {};
}

Result<void> PgoutputDecoder::commit(MessageReader& reader, LogBatch& batch) {
  (void)reader.u8();
  (void)reader.u64();
  const Lsn end = reader.u64();
  (void)reader.u64();
  if (!reader.ok() || !open_) return unreadable("the commit of a transaction");
  if (!passing_over()) {
    LogEvent& event = batch.add_event(LogEventKind::kCommit);
    event.position = log_position(end, system_id_);
    event.transaction = transaction(batch);
    last_end_ = end;
  }
  open_ = false;
  transaction_ = nullptr;
  return {};
}

const SourceTransaction* PgoutputDecoder::transaction(LogBatch& batch) {
  if (transaction_ == nullptr) {
    SourceTransaction& added = batch.rows().add_transaction();
    added.id = xid_;
    added.commit_time = WallTime{commit_microseconds_};
    transaction_ = &added;
  }
  return transaction_;
}

Result<void> PgoutputDecoder::relation(MessageReader& reader) {
  DMSKAFKA_ASSIGN(RelationMessage message, parse_relation(reader));
  Relation& relation = relations_[message.oid];
  // The server repeats itself whenever its cache was invalidated. Only the default identity says by itself what the key is.
  if (relation.message == message && message.identity == ReplicaIdentity::kDefault) return {};
  DMSKAFKA_ASSIGN(relation.followed, catalog_.resolve(message));
  relation.message = std::move(message);
  const FollowedRelation& followed = relation.followed;
  const std::size_t columns = relation.message.columns.size();
  if (followed.schema != nullptr &&
      (followed.column_of.size() != columns || followed.known_in_old.size() != columns)) {
    return Error(ErrorCode::kInternal, "a relation was resolved to another number of columns");
  }
  return {};
}

Result<PgoutputDecoder::Relation*> PgoutputDecoder::find(std::uint32_t oid) {
  if (last_relation_ != nullptr && last_relation_->message.oid == oid) return last_relation_;
  const auto found = relations_.find(oid);
  if (found == relations_.end()) return unreadable(fmt::format("a change of the unknown relation {}", oid));
  last_relation_ = &found->second;  // an unordered_map never moves its elements
  return last_relation_;
}

LogEvent& PgoutputDecoder::table_event(LogEventKind kind, std::shared_ptr<const TableSchema> schema,
                                       LogBatch& batch) {
  LogEvent& event = batch.add_event(kind);
  event.schema = std::move(schema);
  event.transaction = transaction(batch);
  return event;
}

/// Before a table's first change, and before the first one after it became another.
void PgoutputDecoder::tell_table(const FollowedRelation& followed, LogBatch& batch) {
  const std::shared_ptr<const TableSchema>& now = followed.schema;
  if (last_told_ == now.get()) return;
  last_told_ = now.get();
  std::shared_ptr<const TableSchema>& told = told_[followed.table];
  if (told == now) return;
  if (told != nullptr && told->name != now->name) {
    table_event(LogEventKind::kRenameTable, now, batch).old_schema = told;
  }
  table_event(LogEventKind::kTable, now, batch);
  told = now;
}

Result<void> PgoutputDecoder::change(std::string_view message, LogBatch& batch) {
  if (!open_) return unreadable("a change outside a transaction");
  if (passing_over()) return {};
  MessageReader header(message);
  const auto kind = static_cast<char>(header.u8());
  DMSKAFKA_ASSIGN(Relation* const relation, find(header.u32()));
  const FollowedRelation& followed = relation->followed;
  if (followed.ddl_audit && kind == 'I') return statement(*relation, header, batch);
  if (followed.schema == nullptr) return {};
  tell_table(followed, batch);

  // The one copy: the values are views into the message as it stands in the batch's memory.
  constexpr std::size_t kHeader = 5;
  MessageReader reader(batch.rows().store(message.substr(kHeader)));
  const std::size_t columns = followed.schema->columns.size();
  auto part = static_cast<char>(reader.u8());
  std::span<Value> before;
  std::span<Value> after;
  bool good = true;
  if (part == 'K' || part == 'O') {
    before = batch.rows().allocate_values(columns);
    good = kind != 'I' && read_row(reader, followed, Image::kOld, before);
    part = kind == 'U' ? static_cast<char>(reader.u8()) : part;
  } else {
    good = kind != 'D';
  }
  if (good && kind != 'D') {
    after = batch.rows().allocate_values(columns);
    good = part == 'N' && read_row(reader, followed, Image::kNew, after);
    complete_from_old(after, before);
  }
  if (!good || !reader.ok() || reader.left() != 0) {
    return unreadable("a change of " + followed.schema->name.text());
  }

  std::span<const std::uint32_t> fetched;
  if (std::ranges::any_of(after, [](const Value& value) { return value.form() == ValueForm::kUnchanged; })) {
    DMSKAFKA_ASSIGN(const auto found, catalog_.fetch_unchanged(followed, after, batch.rows()));
    fetched = batch.rows().store_columns(found);
  }

  const SourceTransaction* const transaction = this->transaction(batch);
  ++record_;
  const std::string_view position = stream_position(batch);
  Change& change = batch.add_change();
  change.operation = kind == 'I' ? Operation::kInsert : kind == 'U' ? Operation::kUpdate : Operation::kDelete;
  change.table = followed.schema.get();
  change.after = after;
  change.before = before;
  change.transaction = transaction;
  change.transaction_record = record_;
  change.stream_position = position;
  change.fetched = fetched;
  return {};
}

/// A row of awsdms_ddl_audit: the table as the statement left it, in the very form of a relation message.
Result<void> PgoutputDecoder::statement(const Relation& audit, MessageReader& reader, LogBatch& batch) {
  std::string_view oid_text;
  std::string relation_bytes;
  bool good = reader.u8() == 'N' && reader.u16() == audit.message.columns.size();
  for (std::size_t i = 0; good && i < audit.message.columns.size(); ++i) {
    const std::string& name = audit.message.columns[i].name;
    if (static_cast<char>(reader.u8()) != 't') continue;  // NULL
    const std::string_view text = reader.bytes(reader.u32());
    if (name == "c_oid") oid_text = text;
    if (name == "c_relation") good = bytes_of_hex(text, relation_bytes);
  }
  if (!good || !reader.ok() || reader.left() != 0) return unreadable("a row of " + audit.message.table);
  if (relation_bytes.empty()) {
    std::uint32_t oid = 0;
    std::from_chars(oid_text.data(), oid_text.data() + oid_text.size(), oid);
    if (const auto dropped = catalog_.drop(oid)) table_event(LogEventKind::kDropTable, dropped, batch);
    return {};
  }
  MessageReader relation_reader(relation_bytes);
  DMSKAFKA_ASSIGN(const RelationMessage relation, parse_relation(relation_reader));
  DMSKAFKA_ASSIGN(const FollowedRelation followed, catalog_.resolve(relation));
  if (followed.schema != nullptr) tell_table(followed, batch);
  return {};
}

// SPEC wire-format §3.2: "`LSN.n.LSN`, LSN = the Begin message's final LSN as 8+8 upper-case hex digits with `/`,
// n = 1 + record number (so that a record sent again is the same)".
std::string_view PgoutputDecoder::stream_position(LogBatch& batch) const {
  std::array<char, 20> digits{};
  const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), record_ + 1).ptr;
  const auto digit_count = static_cast<std::size_t>(end - digits.data());
  const std::size_t lsn = position_text_.size();
  const std::size_t size = 2 * lsn + 2 + digit_count;
  char* const text = batch.rows().allocate_bytes(size);
  char* to = text;
  std::memcpy(to, position_text_.data(), lsn);
  to += lsn;
  *to++ = '.';
  std::memcpy(to, digits.data(), digit_count);
  to += digit_count;
  *to++ = '.';
  std::memcpy(to, position_text_.data(), lsn);
  return {text, size};
}

Result<void> PgoutputDecoder::truncate(MessageReader& reader, LogBatch& batch) {
  const std::uint32_t count = reader.u32();
  (void)reader.u8();
  if (!reader.ok() || !open_ || reader.left() != std::size_t{count} * 4) return unreadable("a truncate");
  if (passing_over()) return {};
  std::map<const TableSchema*, std::size_t> parts;
  for (std::uint32_t i = 0; i < count; ++i) {
    DMSKAFKA_ASSIGN(Relation* const relation, find(reader.u32()));
    const FollowedRelation& followed = relation->followed;
    if (followed.schema == nullptr) continue;
    // A table that is published by its leaves is empty only when all of them are.
    if (++parts[followed.schema.get()] != followed.parts) continue;
    tell_table(followed, batch);
    table_event(LogEventKind::kTruncate, followed.schema, batch);
  }
  return {};
}

}  // namespace dmskafka::postgres

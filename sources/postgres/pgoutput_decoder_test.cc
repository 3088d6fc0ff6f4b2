// Messages are typed by hand from PostgreSQL's manual, "Logical Replication Message Formats".
#include "sources/postgres/pgoutput_decoder.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>

#include "test/support/typed_bytes.h"

namespace dmskafka::postgres {
namespace {

std::string bytes(std::string_view typed) { return typed_bytes(typed); }

// final_lsn 2/7C007178, commit 2024-07-29 00:58:17.974340 UTC = 775,529,897,974,340 µs after 2000, xid 1139.
const std::string kBegin = bytes("'B' 00000002 7C007178 0002C157 2014DA44 00000473");
const std::string kCommit = bytes("'C' 00 00000002 7C007178 00000002 7C0071A8 0002C157 2014DA44");
// public.foo, oid 0x4001, default identity: id int4 (key), name text, v numeric(12,2)
const std::string kRelation = bytes(
    "'R' 00004001 'public' 00 'foo' 00 'd' 0003 01 'id' 00 00000017 FFFFFFFF 00 'name' 00 00000019 FFFFFFFF "
    "00 'v' 00 "
    "000006A4 000C0006");
const std::string kInsert = bytes("'I' 00004001 'N' 0003 't' 00000002 '46' 't' 00000004 'Jane' 'n'");

/// Resolves relations from their own words: the flagged columns are the key, types are not looked at.
class FakeCatalog : public RelationCatalog {
 public:
  Result<FollowedRelation> resolve(const RelationMessage& relation) override {
    ++asked;
    FollowedRelation followed;
    if (relation.table == "unfollowed") return followed;
    if (relation.table == "awsdms_ddl_audit") {
      followed.ddl_audit = true;
      return followed;
    }
    TableSchema schema;
    schema.name = {relation.schema, relation.table};
    for (std::uint32_t i = 0; i < relation.columns.size(); ++i) {
      ColumnSchema column;
      column.name = relation.columns[i].name;
      schema.columns.push_back(column);
      if (relation.columns[i].identity) schema.primary_key.push_back(i);
      followed.column_of.push_back(i);
      followed.known_in_old.push_back(relation.columns[i].identity);
    }
    followed.table = relation.oid;
    std::shared_ptr<const TableSchema>& known = schemas[relation.oid];
    if (known == nullptr || known->columns != schema.columns || known->name != schema.name) {
      known = std::make_shared<const TableSchema>(std::move(schema));
    }
    followed.schema = known;
    last = relation;
    return followed;
  }
  std::shared_ptr<const TableSchema> drop(std::uint32_t oid) override {
    const auto found = schemas.find(oid);
    return found == schemas.end() ? nullptr : found->second;
  }
  Result<std::vector<std::uint32_t>> fetch_unchanged(const FollowedRelation&, std::span<Value> row,
                                                     ChangeBatch& batch) override {
    std::vector<std::uint32_t> columns;
    for (std::uint32_t i = 0; fetches && i < row.size(); ++i) {
      if (row[i].form() != ValueForm::kUnchanged) continue;
      row[i] = Value::text(batch.store("fetched"));
      columns.push_back(i);
    }
    return columns;
  }
  std::map<std::uint32_t, std::shared_ptr<const TableSchema>> schemas;
  bool fetches = false;
  RelationMessage last;
  int asked = 0;
};

std::string row_text(RowView row) {
  std::string text;
  for (const Value& value : row) {
    if (!text.empty()) text += ',';
    switch (value.form()) {
      case ValueForm::kAbsent: text += '-'; break;
      case ValueForm::kUnchanged: text += '~'; break;
      case ValueForm::kNull: text += "NULL"; break;
      default: text += value.view();
    }
  }
  return text;
}

struct Decoding {
  explicit Decoding(Lsn from = 0) : decoder(catalog, from, "7412") {}
  /// The error's text, "" when there is none.
  std::string feed(std::initializer_list<std::string> messages) {
    for (const std::string& message : messages) {
      // In memory of its own, so that a sanitizer sees a read past its end.
      const std::vector<char> copy(message.begin(), message.end());
      const auto decoded = decoder.decode({copy.data(), copy.size()}, batch);
      if (!decoded) return decoded.error().message();
    }
    return "";
  }
  std::string text() const {
    std::string all;
    for (const LogEvent& event : batch.events()) {
      switch (event.kind) {
        case LogEventKind::kChanges:
          for (const Change& change :
               batch.rows().changes().subspan(event.changes_begin, event.changes_count)) {
            all += fmt::format("{} {} [{}] [{}]; ", "LIUD"[static_cast<std::size_t>(change.operation)],
                               change.table->name.text(), row_text(change.before), row_text(change.after));
          }
          break;
        case LogEventKind::kCommit: all += "commit " + event.position.text + "; "; break;
        case LogEventKind::kTable: all += "table " + event.schema->name.text() + "; "; break;
        case LogEventKind::kTruncate: all += "truncate " + event.schema->name.text() + "; "; break;
        case LogEventKind::kRenameTable:
          all += "rename " + event.old_schema->name.text() + " " + event.schema->name.text() + "; ";
          break;
        case LogEventKind::kDropTable: all += "drop " + event.schema->name.text() + "; "; break;
        case LogEventKind::kIdle: all += "idle; "; break;
      }
    }
    return all;
  }
  FakeCatalog catalog;
  PgoutputDecoder decoder;
  LogBatch batch;
};

}  // namespace

TEST_CASE("pgoutput_decoder: a row of awsdms_ddl_audit is a statement: the table as it left it, or its end") {
  const auto hex = [](const std::string& raw) {
    std::string text = "\\x";
    for (const char c : raw) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
    return text;
  };
  const auto field = [](const std::string& text) {
    const auto size = static_cast<std::uint32_t>(text.size());
    return std::string("t") +
           std::string{static_cast<char>(size >> 24U), static_cast<char>(size >> 16U & 0xFFU),
                       static_cast<char>(size >> 8U & 0xFFU), static_cast<char>(size & 0xFFU)} +
           text;
  };
  const std::string audit = bytes(
      "'R' 00005000 'ops' 00 'awsdms_ddl_audit' 00 'd' 0002 00 'c_oid' 00 00000014 FFFFFFFF 00 'c_relation' "
      "00 00000011 FFFFFFFF");
  const std::string row = bytes("'I' 00005000 'N' 0002");
  // public.bar, oid 0x4001: id int4 (key)
  const std::string altered = bytes("00004001 'public' 00 'bar' 00 'd' 0001 01 'id' 00 00000017 FFFFFFFF");
  const std::string alter = row + field("16385") + field(hex(altered));
  Decoding decoding;
  SUBCASE("of a followed table") {
    REQUIRE(decoding.feed({kBegin, kRelation, kInsert, audit, alter, row + field("16385") + "n", kCommit}) ==
            "");
    CHECK(decoding.text() ==
          "table public.foo; I public.foo [] [46,Jane,NULL]; rename public.foo public.bar; table public.bar; "
          "drop public.bar; "
          "commit 2/7C0071A8; ");
  }
  SUBCASE("of one that is not followed") {
    REQUIRE(decoding.feed({kBegin, audit, row + field("99") + "n", kCommit}) == "");
    CHECK(decoding.text() == "commit 2/7C0071A8; ");
  }
  SUBCASE("bytes that are no relation") {
    for (const std::string& wrong :
         {std::string("\\x0"), std::string("\\xzz"), std::string("00"), hex(altered.substr(0, 9))}) {
      CAPTURE(wrong);
      Decoding broken;
      CHECK(broken.feed({kBegin, audit, row + field("16385") + field(wrong)}) != "");
    }
  }
}

TEST_CASE("pgoutput_decoder: values that were fetched stand in the row, and are named in the change") {
  const std::string update = bytes("'U' 00004001 'N' 0003 't' 00000002 '46' 'u' 'n'");
  Decoding decoding;
  decoding.catalog.fetches = true;
  REQUIRE(decoding.feed({kBegin, kRelation, update, kCommit}) == "");
  const auto changes = std::as_const(decoding.batch).rows().changes();
  REQUIRE(changes.size() == 1);
  CHECK(row_text(changes[0].after) == "46,fetched,NULL");
  REQUIRE(changes[0].fetched.size() == 1);
  CHECK(changes[0].fetched[0] == 1);
}

TEST_CASE("pgoutput_decoder: a transaction with its ids, time, numbers and positions") {
  Decoding decoding;
  REQUIRE(decoding.feed({kBegin, kRelation, kInsert, kInsert, kCommit}) == "");
  CHECK(decoding.text() ==
        "table public.foo; I public.foo [] [46,Jane,NULL]; I public.foo [] [46,Jane,NULL]; commit "
        "2/7C0071A8; ");
  const auto changes = std::as_const(decoding.batch).rows().changes();
  // SPEC wire-format §3.3, "First insert after start, PG": the time and the LSN of that sample.
  CHECK(changes[0].stream_position == "00000002/7C007178.2.00000002/7C007178");
  CHECK(changes[1].stream_position == "00000002/7C007178.3.00000002/7C007178");
  CHECK(changes[0].transaction_record == 1);
  CHECK(changes[1].transaction_record == 2);
  CHECK(changes[0].transaction->id == 1139);
  CHECK(changes[0].transaction == changes[1].transaction);
  char time[kIso8601Size];
  format_iso8601(changes[0].transaction->commit_time, time);
  CHECK(std::string_view(time, kIso8601Size) == "2024-07-29T00:58:17.974340Z");
  const LogEvent& commit = decoding.batch.events().back();
  CHECK(commit.position.bytes == "2/7C0071A8 7412");
  CHECK(commit.position.order_low == 0x27C0071A8);
  CHECK(commit.transaction == changes[0].transaction);
  CHECK(changes[0].table == decoding.batch.events().front().schema.get());
}

TEST_CASE("pgoutput_decoder: a relation message's every member") {
  Decoding decoding;
  REQUIRE(decoding.feed({kBegin, kRelation}) == "");
  const RelationMessage& relation = decoding.catalog.last;
  CHECK(relation.oid == 0x4001);
  CHECK(relation.schema == "public");
  CHECK(relation.identity == ReplicaIdentity::kDefault);
  REQUIRE(relation.columns.size() == 3);
  CHECK(relation.columns[0] == RelationMessage::Column{"id", 23, -1, true});
  CHECK(relation.columns[1] == RelationMessage::Column{"name", 25, -1, false});
  CHECK(relation.columns[2] == RelationMessage::Column{"v", 1700, ((12 << 16) | 2) + 4, false});
  // An empty namespace is pg_catalog.
  REQUIRE(decoding.feed({bytes("'R' 00000001 00 'pg_x' 00 'f' 0000")}) == "");
  CHECK(decoding.catalog.last.schema == "pg_catalog");
  CHECK(decoding.catalog.last.identity == ReplicaIdentity::kFull);
}

TEST_CASE("pgoutput_decoder: updates and deletes with an old key, an old row and without") {
  Decoding decoding;
  REQUIRE(
      decoding.feed(
          {kBegin, kRelation, bytes("'U' 00004001 'N' 0003 't' 00000001 '1' 't' 00000001 'b' 'u'"),
           bytes("'U' 00004001 'K' 0003 't' 00000001 '1' 'n' 'n' 'N' 0003 't' 00000001 '2' 'n' 't' 00000000"),
           bytes("'D' 00004001 'K' 0003 't' 00000001 '2' 'n' 'n'"), kCommit}) == "");
  CHECK(decoding.text() ==
        "table public.foo; U public.foo [] [1,b,~]; U public.foo [1,-,-] [2,NULL,]; D public.foo [2,-,-] []; "
        "commit 2/7C0071A8; ");
}

TEST_CASE("pgoutput_decoder: a whole old row completes what the new one leaves out") {
  Decoding decoding;
  REQUIRE(
      decoding.feed(
          {kBegin,
           bytes("'R' 00004002 'public' 00 'whole' 00 'f' 0002 01 'id' 00 00000017 FFFFFFFF 01 'v' 00 "
                 "00000019 FFFFFFFF"),
           bytes("'U' 00004002 'O' 0002 't' 00000001 '1' 't' 00000003 'old' 'N' 0002 't' 00000001 '1' 'u'"),
           bytes("'U' 00004002 'O' 0002 't' 00000001 '1' 'n' 'N' 0002 't' 00000001 '1' 'u'"),
           bytes("'D' 00004002 'O' 0002 't' 00000001 '1' 'n'")}) == "");
  CHECK(decoding.text() ==
        "table public.whole; U public.whole [1,old] [1,old]; U public.whole [1,NULL] [1,NULL]; D "
        "public.whole [1,NULL] []; ");
}

TEST_CASE("pgoutput_decoder: a transaction that goes on in another batch is the same one there") {
  Decoding decoding;
  REQUIRE(decoding.feed({kBegin, kRelation, kInsert}) == "");
  decoding.batch.clear();
  decoding.decoder.start_batch();
  REQUIRE(decoding.feed({kInsert, kCommit}) == "");
  CHECK(decoding.text() == "I public.foo [] [46,Jane,NULL]; commit 2/7C0071A8; ");
  const Change& change = std::as_const(decoding.batch).rows().changes()[0];
  CHECK(change.transaction->id == 1139);
  CHECK(change.transaction_record == 2);
  CHECK(change.stream_position == "00000002/7C007178.3.00000002/7C007178");
}

TEST_CASE("pgoutput_decoder: what ended before the start is passed over, what ended at it is not") {
  Decoding after(0x27C007179);
  REQUIRE(after.feed({kBegin, kRelation, kInsert, kCommit}) == "");
  CHECK(after.text() == "");
  // The relation is known all the same.
  REQUIRE(after.feed({bytes("'B' 00000002 7C007200 0002C157 2014DA44 00000474"), kInsert,
                      bytes("'C' 00 00000002 7C007200 00000002 7C007230 0002C157 2014DA44")}) == "");
  CHECK(after.text() == "table public.foo; I public.foo [] [46,Jane,NULL]; commit 2/7C007230; ");
  Decoding at(0x27C007178);
  REQUIRE(at.feed({kBegin, kRelation, kInsert, kCommit}) == "");
  CHECK(at.text() == "table public.foo; I public.foo [] [46,Jane,NULL]; commit 2/7C0071A8; ");
}

TEST_CASE(
    "pgoutput_decoder: a description that says nothing new is not told again; a new one and a new name are") {
  Decoding decoding;
  REQUIRE(decoding.feed({kBegin, kRelation, kInsert, kRelation, kInsert}) == "");
  CHECK(decoding.catalog.asked == 1);
  REQUIRE(decoding.feed({bytes("'R' 00004001 'public' 00 'bar' 00 'd' 0001 01 'id' 00 00000017 FFFFFFFF"),
                         bytes("'I' 00004001 'N' 0001 't' 00000001 '1'"), kCommit}) == "");
  CHECK(decoding.text() ==
        "table public.foo; I public.foo [] [46,Jane,NULL]; I public.foo [] [46,Jane,NULL]; rename public.foo "
        "public.bar; "
        "table public.bar; I public.bar [] [1]; commit 2/7C0071A8; ");
}

TEST_CASE("pgoutput_decoder: truncate of several tables, of which one is followed") {
  Decoding decoding;
  REQUIRE(decoding.feed({kBegin, kRelation, bytes("'R' 00004003 'public' 00 'unfollowed' 00 'd' 0000"),
                         bytes("'T' 00000002 03 00004003 00004001"), bytes("'I' 00004003 'N' 0000"),
                         kCommit}) == "");
  CHECK(decoding.text() == "table public.foo; truncate public.foo; commit 2/7C0071A8; ");
}

TEST_CASE(
    "pgoutput_decoder: origins, types and logical messages move nothing, inside a transaction or outside") {
  Decoding decoding;
  const std::string message = bytes("'M' 00 00000002 7C007000 'prefix' 00 00000004 'text'");
  REQUIRE(decoding.feed({message, kBegin, bytes("'O' 00000000 00000001 'origin' 00"),
                         bytes("'Y' 00004009 'public' 00 'mood' 00"), kRelation, message, kInsert, kCommit,
                         message}) == "");
  CHECK(decoding.text() == "table public.foo; I public.foo [] [46,Jane,NULL]; commit 2/7C0071A8; ");
}

TEST_CASE("pgoutput_decoder: every message cut short, or with a byte too many, is refused") {
  const std::vector<std::string> changes = {
      kInsert,
      bytes("'U' 00004001 'K' 0003 't' 00000001 '1' 'n' 'n' 'N' 0003 't' 00000001 '2' 'n' 't' 00000000"),
      bytes("'D' 00004001 'K' 0003 't' 00000001 '2' 'n' 'n'"), bytes("'T' 00000001 00 00004001")};
  for (const std::string& whole : changes) {
    for (std::size_t size = 1; size <= whole.size(); ++size) {
      CAPTURE(size);
      Decoding decoding;
      REQUIRE(decoding.feed({kBegin, kRelation}) == "");
      CHECK((decoding.feed({whole.substr(0, size)}) == "") == (size == whole.size()));
    }
    Decoding decoding;
    REQUIRE(decoding.feed({kBegin, kRelation}) == "");
    CHECK(decoding.feed({whole + "x"}) != "");
  }
  for (const std::string& whole : {kBegin, kRelation, kCommit}) {
    for (std::size_t size = 1; size < whole.size(); ++size) {
      CAPTURE(size);
      Decoding decoding;
      if (whole != kBegin) REQUIRE(decoding.feed({kBegin}) == "");
      CHECK(decoding.feed({whole.substr(0, size)}) != "");
    }
  }
}

TEST_CASE("pgoutput_decoder: what cannot be right is refused by name") {
  const auto refused = [](std::initializer_list<std::string> messages) { return Decoding().feed(messages); };
  CHECK(refused({""}) == "a message of kind 0x00 in the log cannot be read");
  CHECK(refused({"S"}) ==
        "a message of kind 0x53 in the log cannot be read");  // streaming, which is never asked for
  CHECK(refused({kInsert}) == "a change outside a transaction in the log cannot be read");
  CHECK(refused({kBegin, kBegin}) == "the begin of a transaction in the log cannot be read");
  CHECK(refused({kCommit}) == "the commit of a transaction in the log cannot be read");
  CHECK(refused({kBegin, kInsert}) == "a change of the unknown relation 16385 in the log cannot be read");
  CHECK(refused({kBegin, kRelation, bytes("'I' 00004001 'N' 0002 'n' 'n'")}) ==
        "a change of public.foo in the log cannot be read");
  CHECK(refused({kBegin, kRelation, bytes("'I' 00004001 'N' 0003 'n' 'n' 'b'")}) ==
        "a change of public.foo in the log cannot be read");
  CHECK(refused({kBegin, kRelation, bytes("'I' 00004001 'K' 0003 'n' 'n' 'n'")}) ==
        "a change of public.foo in the log cannot be read");
  CHECK(refused({kBegin, kRelation, bytes("'D' 00004001 'N' 0003 'n' 'n' 'n'")}) ==
        "a change of public.foo in the log cannot be read");
  CHECK(refused({kBegin, kRelation, bytes("'I' 00004001 'N' 0003 't' FFFFFFFF '1' 'n' 'n'")}) ==
        "a change of public.foo in the log cannot be read");
  CHECK(refused({kBegin, bytes("'R' 00004001 'public' 00 'foo' 00 'x' 0000")}) ==
        "a relation message of the log cannot be read");
}

TEST_CASE("pgoutput_message: times before 2000 and at the ends of the range") {
  CHECK(unix_microseconds(0) == 946'684'800'000'000);
  CHECK(unix_microseconds(~std::uint64_t{0}) == 946'684'799'999'999);
  CHECK(unix_microseconds(0x7FFFFFFFFFFFFFFF) == INT64_MAX);
  CHECK(unix_microseconds(0x8000000000000000) == INT64_MIN + 946'684'800'000'000);
}

}  // namespace dmskafka::postgres

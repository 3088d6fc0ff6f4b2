// Events are built by hand from MySQL's manual, "Binary Log Event" (and the classes of libbinlogevents), and MariaDB's knowledge base,
// "Replication Protocol".
#include "sources/mysql/binlog_decoder.h"

#include <doctest/doctest.h>

#include <functional>

#include "sources/mysql/binlog_for_test.h"

namespace dmskafka::mysql {
namespace {

constexpr std::string_view kJane = "00 2E000000 04 'Jane'";                    // 46, Jane
constexpr std::string_view kJaneToNull = "00 2E000000 04 'Jane' 02 2E000000";  // and NULL
constexpr std::string_view kUuid = "3e11fa47-71ca-11e1-9e33-c80aa9429562";

std::vector<std::string> insert_of_jane(LogBuilder& log) {
  return {
      log.format(), log.gtid(5), log.query("BEGIN"), log.table_map(), log.rows(EventType::kWriteRows, kJane),
      log.xid()};
}

BinlogDecoder::Options mariadb() {
  BinlogDecoder::Options options;
  options.from.flavour = Flavour::kMariadb;
  return options;
}

}  // namespace

TEST_CASE("binlog_decoder: a transaction with its ids, time, numbers and positions") {
  LogBuilder log;
  BinlogDecoder::Options options;
  options.from.gtid = std::string(kUuid) + ":1-4";
  Decoding decoding(options);
  const std::string format = log.format();
  const std::string gtid = log.gtid(5);
  const std::uint64_t begin_at = log.offset;
  const std::string begin = log.query("BEGIN");
  const std::uint64_t map_at = log.offset;
  const std::string map = log.table_map();
  const std::uint64_t rows_at = log.offset;
  const std::string rows = log.rows(EventType::kWriteRows, std::string(kJane) + " " + std::string(kJane));
  const std::uint64_t rows_end = log.offset;
  const std::string xid = log.xid();
  REQUIRE(decoding.feed({format, gtid, begin, map, rows, xid}) == "");
  CHECK(decoding.text() ==
        fmt::format("table db.t; I db.t [] [46,Jane]; I db.t [] [46,Jane]; commit bin.000001:{} {}:1-5; ",
                    log.offset, kUuid));
  const auto changes = std::as_const(decoding.batch).rows().changes();
  REQUIRE(changes.size() == 2);
  const std::uint64_t id = std::uint64_t{1} << 32U | begin_at;
  CHECK(changes[0].transaction->id == id);
  CHECK(changes[0].stream_position ==
        fmt::format("bin.000001:{}:0:{}:{}:bin.000001:{}", rows_at, rows_end, id, map_at));
  CHECK(changes[1].stream_position ==
        fmt::format("bin.000001:{}:1:{}:{}:bin.000001:{}", rows_at, rows_end, id, map_at));
  CHECK(changes[1].transaction_record == 2);
  CHECK(changes[0].transaction->commit_time.microseconds == 1'700'000'000'000'000);
}

TEST_CASE("binlog_decoder: MariaDB's transaction begins with its GTID") {
  LogBuilder log;
  Decoding decoding(mariadb());
  const std::string format = log.format("10.11.19-MariaDB-log");
  const std::uint64_t gtid_at = log.offset;
  REQUIRE(decoding.feed({format, log.mariadb_gtid(7, 4), log.table_map(),
                         log.rows(EventType::kWriteRowsV1, kJane), log.rows(EventType::kDeleteRowsV1, kJane),
                         log.query("COMMIT")}) == "");
  CHECK(decoding.text() ==
        fmt::format("table db.t; I db.t [] [46,Jane]; D db.t [46,Jane] []; commit bin.000001:{}; ",
                    log.offset));
  CHECK(std::as_const(decoding.batch).rows().changes()[0].transaction->id ==
        (std::uint64_t{1} << 32U | gtid_at));
}

TEST_CASE("binlog_decoder: an update has both rows, NULL and all") {
  LogBuilder log;
  Decoding decoding;
  REQUIRE(decoding.feed({log.format(), log.gtid(5), log.query("BEGIN"), log.table_map(),
                         log.rows(EventType::kUpdateRows, kJaneToNull), log.xid()}) == "");
  CHECK(decoding.text().starts_with("table db.t; U db.t [46,Jane] [46,NULL]; commit "));
}

TEST_CASE("binlog_decoder: a transaction that goes on in another batch is the same one there") {
  LogBuilder log;
  Decoding decoding;
  REQUIRE(decoding.feed({log.format(), log.gtid(5), log.query("BEGIN"), log.table_map(),
                         log.rows(EventType::kWriteRows, kJane)}) == "");
  const std::uint64_t id = std::as_const(decoding.batch).rows().changes()[0].transaction->id;
  decoding.batch.clear();
  decoding.decoder->start_batch();
  REQUIRE(decoding.feed({log.table_map(), log.rows(EventType::kWriteRows, kJane), log.xid()}) == "");
  CHECK(decoding.text().starts_with("I db.t [] [46,Jane]; commit "));
  CHECK(std::as_const(decoding.batch).rows().changes()[0].transaction->id == id);
  CHECK(std::as_const(decoding.batch).rows().changes()[0].transaction_record == 2);
}

TEST_CASE("binlog_decoder: what is not followed moves the position and says nothing") {
  LogBuilder log;
  Decoding decoding;
  REQUIRE(decoding.feed({log.format(), log.gtid(5), log.query("BEGIN"), log.table_map("other"),
                         log.rows(EventType::kWriteRows, kJane), log.xid()}) == "");
  CHECK(decoding.text() == "");
  REQUIRE(decoding.decoder->has_news());
  decoding.decoder->tell_idle(decoding.batch);
  CHECK(decoding.text() == fmt::format("idle bin.000001:{}; ", log.offset));
  CHECK(!decoding.decoder->has_news());
}

TEST_CASE("binlog_decoder: what lies before the start is passed over, by GTID and by place") {
  LogBuilder log;
  BinlogDecoder::Options options;
  options.from.gtid = std::string(kUuid) + ":1-5";
  options.from.offset = 1'000'000;
  Decoding by_gtid(options);
  REQUIRE(by_gtid.feed({log.rotate("bin.000001", 4, EventHeader::kArtificial)}) == "");
  REQUIRE(by_gtid.feed(insert_of_jane(log)) == "");
  CHECK(by_gtid.text() == "");
  CHECK(!by_gtid.decoder->has_news());
  LogBuilder again;
  options.from.gtid.clear();
  Decoding by_place(options);
  REQUIRE(by_place.feed({again.rotate("bin.000001", 4, EventHeader::kArtificial)}) == "");
  REQUIRE(by_place.feed(insert_of_jane(again)) == "");
  CHECK(by_place.text() == "");
}

TEST_CASE("binlog_decoder: positions are of 64 bits, also where the log does not say them") {
  LogBuilder log;
  BinlogDecoder::Options options;
  options.from.offset = 0xFFFF'FFF0;
  Decoding decoding(options);
  log.offset = options.from.offset;
  std::vector<std::string> events = {log.gtid(5), log.query("BEGIN"), log.table_map(),
                                     log.rows(EventType::kWriteRows, kJane), log.xid()};
  LogBuilder start;
  events.insert(events.begin(), start.event(EventType::kFormatDescription, start.format().substr(19, 57 + 42),
                                            EventHeader::kArtificial));
  REQUIRE(decoding.feed(events) == "");
  CHECK(decoding.text().ends_with(fmt::format("commit bin.000001:{}; ", log.offset)));
  CHECK(log.offset > 0xFFFF'FFFF);
  // MariaDB 11.4 leaves the places inside a transaction out.
  LogBuilder newer;
  Decoding quiet(mariadb());
  const std::string format = newer.format("11.4.2-MariaDB");
  const std::string gtid = newer.mariadb_gtid(1, 4);
  newer.tells_positions = false;
  REQUIRE(quiet.feed({format, gtid, newer.table_map(), newer.rows(EventType::kWriteRowsV1, kJane),
                      newer.xid()}) == "");
  CHECK(quiet.text().ends_with(fmt::format("commit bin.000001:{}; ", newer.offset)));
}

TEST_CASE("binlog_decoder: the next file, and its artificial announcement") {
  LogBuilder log;
  Decoding decoding;
  REQUIRE(decoding.feed({log.rotate("bin.000001", 4, EventHeader::kArtificial), log.format(),
                         log.rotate("bin.1000000", 4)}) == "");
  LogBuilder next;
  REQUIRE(decoding.feed({next.rotate("bin.1000000", 4, EventHeader::kArtificial)}) == "");
  REQUIRE(decoding.feed(insert_of_jane(next)) == "");
  CHECK(decoding.text().ends_with(fmt::format("commit bin.1000000:{}; ", next.offset)));
  const std::uint64_t id = std::as_const(decoding.batch).rows().changes()[0].transaction->id;
  CHECK((id >> 32U) == 1'000'000);
}

TEST_CASE("binlog_decoder: statements about tables") {
  LogBuilder log;
  Decoding decoding;
  const auto group = [&](std::uint64_t number, std::string_view text) {
    const std::string gtid = log.gtid(number);
    return std::vector<std::string>{gtid, log.query(text)};
  };
  REQUIRE(decoding.feed({log.format()}) == "");
  REQUIRE(decoding.feed(group(1, "TRUNCATE TABLE t")) == "");
  REQUIRE(decoding.feed(group(2, "RENAME TABLE t TO u")) == "");
  REQUIRE(decoding.feed(group(3, "TRUNCATE t")) == "");
  REQUIRE(decoding.feed(group(4, "DROP TABLE other, u")) == "");
  REQUIRE(decoding.feed(group(5, "CREATE TEMPORARY TABLE u (a INT)")) == "");
  const std::string text = decoding.text();
  CHECK(text.find("truncate db.t; commit") == 0);
  CHECK(text.find("rename db.t db.u; commit") != std::string::npos);
  CHECK(text.find("drop db.u; commit") != std::string::npos);
  CHECK(text.find("truncate db.u") == std::string::npos);
}

TEST_CASE("binlog_decoder: a table is described anew after it was altered, and after its swap with another") {
  LogBuilder log;
  Decoding decoding;
  REQUIRE(decoding.feed(insert_of_jane(log)) == "");
  const std::string wider = log.gtid(6);
  REQUIRE(decoding.feed({wider, log.query("CREATE TABLE _t_gho LIKE t")}) == "");
  const std::string swap = log.gtid(7);
  REQUIRE(decoding.feed({swap, log.query("RENAME TABLE t TO _t_del, _t_gho TO t")}) == "");
  decoding.batch.clear();
  decoding.decoder->start_batch();
  const std::string gtid = log.gtid(8);
  const std::string begin = log.query("BEGIN");
  const std::string map = log.event(
      EventType::kTableMap,
      little_endian(10, 6) + little_endian(1, 2) +
          typed_bytes("02 'db' 00 01 't' 00 02 03 03 00 02 01 01 00 04 09 02 'id' 05 'extra' 08 01 00"));
  REQUIRE(decoding.feed({gtid, begin, map, log.rows(EventType::kWriteRows, "00 01000000 02000000", 10),
                         log.xid()}) == "");
  CHECK(decoding.text().starts_with("table db.t; I db.t [] [1,2]; commit"));
  const auto table = std::as_const(decoding.batch).rows().changes()[0].table;
  CHECK(table->columns[1].name == "extra");
  CHECK(table->columns[1].source_type == "int");
}

TEST_CASE("binlog_decoder: rows as statements stop, unless their table is not followed") {
  LogBuilder log;
  Decoding decoding;
  REQUIRE(decoding.feed(
              {log.format(), log.gtid(1), log.query("BEGIN"), log.query("UPDATE other SET a = 1")}) == "");
  CHECK(decoding.feed({log.query("UPDATE t SET name = 'x'")})
            .ends_with("QUERY: db.t was changed by a statement whose rows are not in the log: UPDATE t SET "
                       "name = 'x'"));
}

TEST_CASE("binlog_decoder: XA transactions wait for their commit") {
  LogBuilder log;
  Decoding decoding;
  const std::string xa = "X'616263',X'',1";
  const std::string prepare = typed_bytes("00 01000000 03000000 00000000 'abc'");
  REQUIRE(decoding.feed({log.format(), log.gtid(1), log.query("XA START " + xa), log.table_map(),
                         log.rows(EventType::kWriteRows, kJane), log.query("XA END " + xa),
                         log.event(EventType::kXaPrepare, prepare)}) == "");
  CHECK(decoding.text() == "");
  CHECK(!decoding.decoder->in_group());
  CHECK(decoding.decoder->position().reread.has_value());
  REQUIRE(decoding.feed({log.gtid(2), log.query("XA COMMIT " + xa)}) == "");
  CHECK(decoding.text().starts_with("table db.t; I db.t [] [46,Jane]; commit "));
  CHECK(!decoding.decoder->position().reread.has_value());
  decoding.batch.clear();
  decoding.decoder->start_batch();
  REQUIRE(decoding.feed({log.gtid(3), log.query("XA START " + xa), log.table_map(),
                         log.rows(EventType::kWriteRows, kJane), log.event(EventType::kXaPrepare, prepare),
                         log.gtid(4), log.query("XA ROLLBACK " + xa)}) == "");
  CHECK(decoding.text() == "");
  CHECK(decoding.feed({log.gtid(5), log.query("XA COMMIT 'never seen'")}).find("its rows are not known") !=
        std::string::npos);
}

TEST_CASE("binlog_decoder: a prepared transaction that is read again still begins where it did") {
  LogBuilder log;
  BinlogDecoder::Options options;
  options.from.file = "bin.000001";
  const std::string prepare = typed_bytes("00 01000000 03000000 00000000 'abc'");
  std::vector<std::string> events;
  SUBCASE("MySQL") {
    options.from.gtid = std::string(kUuid) + ":1-4";
    events = {log.rotate("bin.000001", 4, EventHeader::kArtificial),
              log.format(),
              log.gtid(5),
              log.query("XA START X'616263',X'',1"),
              log.table_map(),
              log.rows(EventType::kWriteRows, kJane),
              log.event(EventType::kXaPrepare, prepare)};
  }
  SUBCASE("MariaDB") {
    options.from.flavour = Flavour::kMariadb;
    options.from.gtid = "0-1-4";
    events = {log.rotate("bin.000001", 4, EventHeader::kArtificial),
              log.format("10.11.19-MariaDB-log"),
              log.event(EventType::kMariadbGtid, little_endian(5, 8) + little_endian(0, 4) +
                                                     static_cast<char>(MariadbGtid::kPreparedXa) +
                                                     typed_bytes("01000000 03 00 'abc'")),
              log.table_map(),
              log.rows(EventType::kWriteRowsV1, kJane),
              log.event(EventType::kXaPrepare, prepare)};
  }
  const std::string before = options.from.gtid;
  const std::uint64_t begins_at = 4 + events[1].size();
  // Each time the log is read from there, up to what another transaction added to it.
  for (std::uint64_t sequence = 6; sequence <= 8; ++sequence) {
    CAPTURE(sequence);
    const bool mysql = options.from.flavour == Flavour::kMysql;
    events.push_back(mysql ? log.gtid(sequence) : log.mariadb_gtid(sequence, 0));
    events.push_back(log.query("COMMIT"));
    Decoding decoding(options);
    REQUIRE(decoding.feed(events) == "");
    options.from = decoding.decoder->position();
    CHECK(options.from.offset == log.offset);
    REQUIRE(options.from.reread.has_value());
    CHECK(options.from.reread->file == "bin.000001");
    CHECK(options.from.reread->offset == begins_at);
    CHECK(options.from.reread->gtid == before);
  }
}

TEST_CASE("binlog_decoder: what lies before a place that is read again without GTIDs is not known") {
  LogBuilder log;
  BinlogDecoder::Options options;
  options.from.file = "bin.000001";
  options.from.gtid = std::string(kUuid) + ":1-5";
  const std::vector<std::string> events = {
      log.rotate("bin.000001", 4, EventHeader::kArtificial), log.format(), log.gtid(5),
      log.query("XA START X'616263',X'',1"),
      log.event(EventType::kXaPrepare, typed_bytes("00 01000000 03000000 00000000 'abc'"))};
  options.from.offset = log.offset;
  options.from.reread = BinlogPosition::Reread{"bin.000001", 4 + events[1].size(), ""};
  Decoding decoding(options);
  REQUIRE(decoding.feed(events) == "");
  CHECK(decoding.decoder->position().reread == options.from.reread);
}

TEST_CASE("binlog_decoder: MariaDB's compressed rows and statements") {
  LogBuilder log;
  Decoding decoding(mariadb());
  const auto compressed = [](const std::string& plain) {
    std::string data(compressBound(plain.size()), '\0');
    uLongf size = data.size();
    REQUIRE(compress(reinterpret_cast<Bytef*>(data.data()), &size,
                     reinterpret_cast<const Bytef*>(plain.data()), plain.size()) == Z_OK);
    return typed_bytes("81") + static_cast<char>(plain.size()) + data.substr(0, size);
  };
  const std::string rows =
      little_endian(9, 6) + little_endian(1, 2) + typed_bytes("02 FF") + compressed(typed_bytes(kJane));
  const std::string format = log.format("10.11.19-MariaDB-log");
  REQUIRE(decoding.feed({format, log.mariadb_gtid(1, 4), log.table_map(),
                         log.event(EventType::kWriteRowsCompressedV1, rows), log.xid()}) == "");
  CHECK(decoding.text().starts_with("table db.t; I db.t [] [46,Jane]; commit "));
  decoding.batch.clear();
  decoding.decoder->start_batch();
  const std::string query = little_endian(7, 4) + little_endian(0, 4) + typed_bytes("02 0000 0000 'db' 00") +
                            compressed("TRUNCATE TABLE t");
  const std::string gtid = log.mariadb_gtid(2, 1);
  REQUIRE(decoding.feed({gtid, log.event(EventType::kQueryCompressed, query)}) == "");
  CHECK(decoding.text().starts_with("truncate db.t; commit "));
}

TEST_CASE("binlog_decoder: a long ALTER of MariaDB counts when it is done") {
  LogBuilder log;
  Decoding decoding(mariadb());
  const auto gtid = [&](std::uint64_t sequence, std::uint8_t extra) {
    return log.event(EventType::kMariadbGtid, little_endian(sequence, 8) + little_endian(0, 4) +
                                                  typed_bytes("29") + static_cast<char>(extra) +
                                                  std::string(8, '\0'));
  };
  const std::string format = log.format("10.11.19-MariaDB-log");
  const std::string start = gtid(1, MariadbGtid::kStartAlter);
  REQUIRE(decoding.feed({format, start, log.query("ALTER TABLE t RENAME u")}) == "");
  CHECK(decoding.text() == "");
  const std::string done = gtid(2, MariadbGtid::kCommitAlter);
  REQUIRE(decoding.feed({done, log.query("ALTER TABLE t RENAME u")}) == "");
  CHECK(decoding.text().starts_with("rename db.t db.u; commit "));
}

TEST_CASE("binlog_decoder: heartbeats move the position of a quiet log") {
  LogBuilder log;
  Decoding decoding;
  REQUIRE(decoding.feed(insert_of_jane(log)) == "");
  decoding.batch.clear();
  log.offset += 500;
  const std::string heartbeat = log.event(EventType::kHeartbeat, "bin.000001");
  // A heartbeat stands nowhere: what it says is how far the server has come.
  const std::uint64_t told = log.offset;
  REQUIRE(decoding.feed({heartbeat}) == "");
  REQUIRE(decoding.decoder->has_news());
  CHECK(decoding.decoder->position().offset == told);
}

TEST_CASE("binlog_decoder: every event cut short, and every flipped bit, is an error with its place") {
  LogBuilder shape;
  const std::vector<std::string> whole = insert_of_jane(shape);
  for (std::size_t damaged = 0; damaged < whole.size(); ++damaged) {
    for (std::size_t bit = 0; bit < whole[damaged].size() * 8; bit += 3) {
      std::vector<std::string> events = whole;
      events[damaged][bit / 8] = static_cast<char>(events[damaged][bit / 8] ^ (1 << (bit % 8)));
      BinlogDecoder::Options options;
      options.checksum = Checksum::kCrc32;
      Decoding decoding(options);
      const std::string error = decoding.feed(events);
      CAPTURE(damaged);
      CAPTURE(bit);
      // The flag of a file in use is no part of the first event's sum.
      if (damaged == 0 && bit == 17 * 8) continue;
      CHECK(error.starts_with("binlog bin.000001:"));
    }
    for (std::size_t size = 0; size < whole[damaged].size(); ++size) {
      std::vector<std::string> events = whole;
      events[damaged].resize(size);
      Decoding decoding;
      CHECK(decoding.feed(events) != "");
    }
  }
}

TEST_CASE("binlog_decoder: without checksums, damaged rows never give another number of values") {
  LogBuilder shape(false);
  const std::vector<std::string> whole = insert_of_jane(shape);
  for (std::size_t event = 3; event < 5; ++event) {
    for (std::size_t bit = 19 * 8; bit < whole[event].size() * 8; ++bit) {
      std::vector<std::string> events = whole;
      events[event][bit / 8] = static_cast<char>(events[event][bit / 8] ^ (1 << (bit % 8)));
      Decoding decoding;
      (void)decoding.feed(events);
      for (const Change& change : std::as_const(decoding.batch).rows().changes()) {
        CHECK(change.after.size() == change.table->columns.size());
      }
    }
  }
}

TEST_CASE("binlog_decoder: what cannot be right is refused by name") {
  const auto refused = [](const std::function<std::vector<std::string>(LogBuilder&)>& make) {
    LogBuilder log;
    Decoding decoding;
    return decoding.feed(make(log));
  };
  CHECK(refused([](LogBuilder& log) {
          return std::vector<std::string>{log.format(), log.gtid(1), log.query("BEGIN"),
                                          log.rows(EventType::kWriteRows, kJane)};
        }).ends_with("WRITE_ROWS: table 9 was not described"));
  CHECK(refused([](LogBuilder& log) {
          return std::vector<std::string>{log.format(), log.table_map()};
        }).ends_with("TABLE_MAP: it stands outside a transaction"));
  CHECK(refused([](LogBuilder& log) {
          return std::vector<std::string>{log.format(), log.gtid(1), log.query("BEGIN"), log.table_map(),
                                          log.rows(EventType::kWriteRows, "00 2E000000 05 'Jane'")};
        }).ends_with("WRITE_ROWS: row 0 of db.t: the value of name cannot be read"));
  CHECK(refused([](LogBuilder& log) {
          return std::vector<std::string>{log.format(), log.event(static_cast<EventType>(99), "")};
        }).ends_with("event 99: this program does not know what it means"));
  CHECK(refused([](LogBuilder& log) {
          return std::vector<std::string>{log.format(),
                                          log.event(static_cast<EventType>(99), "", EventHeader::kIgnorable)};
        }) == "");
  CHECK(refused([](LogBuilder& log) {
          return std::vector<std::string>{log.format(), log.event(EventType::kIncident, little_endian(1, 2))};
        }).ends_with("the server says that events are missing here (INCIDENT)"));
}

TEST_CASE("binlog_decoder: partial rows stop unless they are allowed; then what is known is told") {
  const auto events = [&](LogBuilder& log) {
    return std::vector<std::string>{
        log.format(),
        log.gtid(1),
        log.query("BEGIN"),
        log.table_map(),
        log.event(EventType::kUpdateRows, little_endian(9, 6) + little_endian(1, 2) + little_endian(2, 2) +
                                              typed_bytes("02 01 02 00 2E000000 00 03 'Joe'")),
        log.xid()};
  };
  LogBuilder log;
  Decoding strict;
  CHECK(strict.feed(events(log)).find("binlog_row_image is not FULL") != std::string::npos);
  BinlogDecoder::Options options;
  options.allow_partial_images = true;
  Decoding tolerant(options);
  LogBuilder again;
  REQUIRE(tolerant.feed(events(again)) == "");
  CHECK(tolerant.text().starts_with("table db.t; U db.t [46,-] [46,Joe]; commit "));
}

}  // namespace dmskafka::mysql

#include "sources/mysql/gtid.h"

#include <doctest/doctest.h>

#include "test/support/typed_bytes.h"

namespace dmskafka::mysql {
namespace {

constexpr std::string_view kUuid = "3e11fa47-71ca-11e1-9e33-c80aa9429562";

std::string canonical(std::string_view text) {
  const auto set = GtidSet::parse(text);
  return set ? set->text() : "error: " + set.error().message();
}

}  // namespace

TEST_CASE("gtid: a set is taken as servers print it, and printed in one way") {
  CHECK(canonical("") == "");
  CHECK(canonical("3E11FA47-71CA-11E1-9E33-C80AA9429562:1-5") == "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5");
  CHECK(canonical(
            "3e11fa47-71ca-11e1-9e33-c80aa9429562:7:1-3:4-5,\n 2e11fa47-71ca-11e1-9e33-c80aa9429562:1 ,") ==
        "2e11fa47-71ca-11e1-9e33-c80aa9429562:1,3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:7");
  CHECK(canonical("3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:tag_1:3:1-2") ==
        "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5,3e11fa47-71ca-11e1-9e33-c80aa9429562:tag_1:1-3");
  CHECK(canonical("3e11fa47:1") == "error: \"3e11fa47:1\" is no GTID set");
  CHECK(canonical("3e11fa47-71ca-11e1-9e33-c80aa9429562") ==
        "error: \"3e11fa47-71ca-11e1-9e33-c80aa9429562\" is no GTID set");
  CHECK(canonical("3e11fa47-71ca-11e1-9e33-c80aa9429562:0").starts_with("error"));
  CHECK(canonical("3e11fa47-71ca-11e1-9e33-c80aa9429562:1-x").starts_with("error"));
}

TEST_CASE("gtid: what is added merges with its neighbours and nothing else") {
  auto set = GtidSet::parse(std::string(kUuid) + ":1-3:7");
  const auto uuid = *parse_uuid(kUuid);
  set->add(uuid, "", 5);
  CHECK(set->text() == std::string(kUuid) + ":1-3:5:7");
  set->add(uuid, "", 4);
  CHECK(set->text() == std::string(kUuid) + ":1-5:7");
  set->add(uuid, "", 6);
  CHECK(set->text() == std::string(kUuid) + ":1-7");
  set->add(uuid, "", 7);
  CHECK(set->text() == std::string(kUuid) + ":1-7");
  CHECK(set->contains(uuid, "", 7));
  CHECK(!set->contains(uuid, "", 8));
  CHECK(!set->contains(uuid, "t", 7));
}

TEST_CASE("gtid: the binary set, with and without tags") {
  const auto plain = GtidSet::parse(std::string(kUuid) + ":1-5");
  // MySQL's manual, COM_BINLOG_DUMP_GTID: n_sids u64, SID, n_intervals u64, start u64, end u64 (exclusive).
  CHECK(plain->binary() == typed_bytes("0100000000000000 3e11fa4771ca11e19e33c80aa9429562 0100000000000000 "
                                       "0100000000000000 0600000000000000"));
  const auto tagged = GtidSet::parse(std::string(kUuid) + ":ab:2");
  CHECK(tagged->binary() ==
        typed_bytes("01 010000000000 01 3e11fa4771ca11e19e33c80aa9429562 04 'ab' 0100000000000000 "
                    "0200000000000000 0300000000000000"));
  for (const auto* set : {&plain, &tagged}) {
    const auto again = GtidSet::parse_binary((*set)->binary());
    REQUIRE(again);
    CHECK(again->text() == (*set)->text());
    const std::string binary = (*set)->binary();
    for (std::size_t size = 0; size < binary.size(); ++size)
      CHECK(!GtidSet::parse_binary(binary.substr(0, size)));
  }
}

TEST_CASE("gtid: MariaDB's map") {
  auto map = GtidMap::parse("1-7-9,\n0-1-42");
  REQUIRE(map);
  CHECK(map->text() == "0-1-42,1-7-9");
  CHECK(map->covers(0, 42));
  CHECK(!map->covers(0, 43));
  CHECK(!map->covers(2, 1));
  map->set(0, 2, 43);
  CHECK(map->text() == "0-2-43,1-7-9");
  CHECK(!GtidMap::parse("0-1"));
  CHECK(!GtidMap::parse("0-1-x"));
  CHECK(!GtidMap::parse("4294967296-1-1"));
}

TEST_CASE("gtid: MySQL's event, of 5.6 and of 8.0 with its commit time") {
  const std::string head = typed_bytes("00 3e11fa4771ca11e19e33c80aa9429562 1700000000000000");
  const auto old = parse_mysql_gtid(head, false);
  REQUIRE(old);
  CHECK(old->number == 23);
  CHECK(print_uuid(old->uuid) == kUuid);
  CHECK(old->commit_us == 0);
  // 1,714,534,357,425,326 µs; the 56th bit says that the original's time follows.
  const auto now = parse_mysql_gtid(
      head + typed_bytes("02 0000000000000000 0100000000000000 AEB4F3E65C1786 AEB4F3E65C1706 D9"), false);
  REQUIRE(now);
  CHECK(now->commit_us == 0x06175CE6F3B4AE);
  for (std::size_t size = 0; size < head.size(); ++size)
    CHECK(!parse_mysql_gtid(head.substr(0, size), false));
  CHECK(!parse_mysql_gtid(typed_bytes("00 3e11fa4771ca11e19e33c80aa9429562 0000000000000000"), false));
}

// MySQL's source, libs/mysql/serialization/readme.md: the number of one bits at the end of the first byte is that of the bytes that
// follow; signed numbers carry their sign in the lowest bit. Gtid_event::define_fields gives the order of the fields.
TEST_CASE("gtid: the tagged event of 8.4") {
  // Version 1, sizes of no interest, flags 1, then the UUID, whose bytes are numbers, too: two bytes from 0x80 on.
  std::string built = typed_bytes("02 00 00 00 02 02");
  const auto uuid = *parse_uuid(kUuid);
  for (const std::uint8_t byte : uuid) {
    const unsigned value = byte;
    if (value < 128) {
      built += static_cast<char>(value << 1U);
    } else {
      built += static_cast<char>((value << 2U & 0xFCU) | 1U);
      built += static_cast<char>(value >> 6U);
    }
  }
  built += typed_bytes("04 5C");               // number 23: signed 46, shifted
  built += typed_bytes("06 06 'abc'");         // tag, its length 3
  built += typed_bytes("08 00 0A 04");         // last committed 0, sequence 1
  built += typed_bytes("0C BF 5AB9F3CD2E0C");  // 7 bytes: 6 one bits, a zero, 49 bits
  const auto gtid = parse_tagged_gtid(built);
  REQUIRE(gtid);
  CHECK(print_uuid(gtid->uuid) == kUuid);
  CHECK(gtid->number == 23);
  CHECK(gtid->tag == "abc");
  CHECK(gtid->commit_us == (0x0C2ECDF3B95A << 1 | 1));
  CHECK(!parse_tagged_gtid(built.substr(0, 20)));
}

TEST_CASE("gtid: MariaDB's event, with a commit id and with a prepared transaction") {
  // MariaDB's knowledge base, "GTID_EVENT".
  const auto plain = parse_mariadb_gtid(typed_bytes("2A00000000000000 01000000 29 000000000000"), 7);
  REQUIRE(plain);
  CHECK(plain->sequence == 42);
  CHECK(plain->domain == 1);
  CHECK(plain->server_id == 7);
  CHECK((plain->flags & MariadbGtid::kStandalone) != 0);
  CHECK(plain->extra_flags == 0);
  const auto grouped = parse_mariadb_gtid(typed_bytes("2A00000000000000 01000000 06 0500000000000000 02"), 7);
  REQUIRE(grouped);
  CHECK(grouped->extra_flags == MariadbGtid::kStartAlter);
  const auto prepared =
      parse_mariadb_gtid(typed_bytes("1A00000000000000 00000000 4C 01000000 03 00 'abc'"), 1);
  REQUIRE(prepared);
  CHECK(prepared->xid == "X'616263',X'',1");
  CHECK(!parse_mariadb_gtid(typed_bytes("1A00000000000000 00000000 4C 01000000 03 00 'ab'"), 1));
}

}  // namespace dmskafka::mysql

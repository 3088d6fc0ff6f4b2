#include "sources/mysql/binlog_position.h"

#include <doctest/doctest.h>

using namespace dmskafka;         // NOLINT(google-build-using-namespace)
using namespace dmskafka::mysql;  // NOLINT(google-build-using-namespace)

TEST_CASE("binlog_position: text and bytes go there and back") {
  const BinlogPosition plain{"mysql-bin.000024", 373, "", Flavour::kMysql};
  CHECK(print_position(plain) == "mysql-bin.000024:373");
  CHECK(*parse_position("mysql-bin.000024:373", Flavour::kMysql) == plain);
  CHECK(*from_log_position(to_log_position(plain)) == plain);

  const BinlogPosition numbered{"a:b.1000000", 5'000'000'000, "0-1-42,7-2-9", Flavour::kMariadb};
  CHECK(to_log_position(numbered).text == "a:b.1000000:5000000000 0-1-42,7-2-9");
  CHECK(to_log_position(numbered).bytes == "mariadb a:b.1000000:5000000000 0-1-42,7-2-9");
  CHECK(*from_log_position(to_log_position(numbered)) == numbered);
}

TEST_CASE("binlog_position: a server's GTID set loses its line breaks") {
  const auto position = parse_position(
      "b.000001:4 3E11FA47-71CA-11E1-9E33-C80AA9429562:1-5,\n4e11fa47-71ca-11e1-9e33-c80aa9429562:7",
      Flavour::kMysql);
  REQUIRE(position);
  CHECK(position->gtid == "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5,4e11fa47-71ca-11e1-9e33-c80aa9429562:7");
}

TEST_CASE("binlog_position: the order is that of file numbers, however many digits they have") {
  const auto at = [](const char* file, std::uint64_t offset) {
    return to_log_position({file, offset, "", Flavour::kMysql});
  };
  CHECK(at("b.999999", 9) < at("b.1000000", 4));
  CHECK(at("b.000002", 4) < at("b.000002", 5'000'000'000));
  CHECK(at("b.000002", 4) == at("b.000002", 4));
}

TEST_CASE("binlog_position: what is none is refused") {
  for (const char* text : {"", "373", "binlog:373", ".000001:4", "b.000001:", "b.000001:-1", "b.000001:4 ",
                           "b.000001:4x", "b.x:4", "b.000001"}) {
    CAPTURE(text);
    const auto position = parse_position(text, Flavour::kMysql);
    REQUIRE(!position);
    CHECK(position.error().code() == ErrorCode::kInvalidSettings);
  }
  LogPosition foreign;
  foreign.bytes = "0/16B3748";
  CHECK(from_log_position(foreign).error().code() == ErrorCode::kStateFile);
}

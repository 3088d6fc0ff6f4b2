#include "sources/sqlite/private_copy.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "sources/sqlite/database_for_test.h"

namespace dmskafka {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRows =
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);"
    "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
    " SELECT i, printf('%0500d', i) FROM n";

std::unique_ptr<Source> open_with_copy(const TestDatabase& database, const std::string& copy) {
  auto source = open_sqlite_source(sqlite_settings(database.path()), copy);
  if (!source) FAIL(source.error().to_string());
  return std::move(source).value();
}

std::size_t files_in(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST_CASE(
    "private_copy: writers of a rollback-journal file go on, and the load shows the moment of the copy") {
  TestDatabase database(kRows);
  REQUIRE(database.try_execute("PRAGMA busy_timeout = 0") == SQLITE_OK);
  const std::string copy = (database.directory() / "task.source").string();
  auto source = open_with_copy(database, copy);
  CHECK(source->warnings().empty());
  auto open = open_table(*source, "t");
  CHECK(open->snapshot->description() == "a read transaction on a copy of " + database.path());
  CHECK(database.try_execute("DELETE FROM t WHERE id > 10; UPDATE t SET v = 'new'") == SQLITE_OK);
  const auto rows = read_all(*open->rows);
  REQUIRE(rows.size() == 1000);
  CHECK(rows[999][1].bytes == std::string(496, '0') + "1000");
  CHECK(files_in(database.directory()) == 1);  // its name is gone while it is still read
}

TEST_CASE("private_copy: without it a writer is refused while the load reads") {
  TestDatabase database(kRows);
  REQUIRE(database.try_execute("PRAGMA busy_timeout = 0") == SQLITE_OK);
  auto source = open_source(database.path());
  auto open = open_table(*source, "t");
  CHECK(database.try_execute("DELETE FROM t") == SQLITE_BUSY);
}

TEST_CASE("private_copy: a file in WAL mode is not copied") {
  TestDatabase database(std::string("PRAGMA journal_mode = WAL;") + kRows);
  auto source = open_with_copy(database, (database.directory() / "task.source").string());
  CHECK(source->warnings().empty());
  CHECK(open_table(*source, "t")->snapshot->description() == "a read transaction on " + database.path());
}

TEST_CASE("private_copy: what a killed process left is replaced") {
  TestDatabase database(kRows);
  const fs::path copy = database.directory() / "task.source";
  std::ofstream(copy) << std::string(100'000, 'x');
  auto open = open_table(*open_with_copy(database, copy.string()), "t");
  CHECK(read_all(*open->rows).size() == 1000);
  CHECK_FALSE(fs::exists(copy));
}

TEST_CASE("private_copy: where there is no room the file is read itself, with a warning that says why") {
  TestDatabase database(kRows);
  auto source = open_with_copy(database, "/nowhere/task.source");
  REQUIRE(source->warnings().size() == 1);
  CHECK(source->warnings()[0].find("programs that write to it wait while it is read") != std::string::npos);
  CHECK(source->warnings()[0].find("It is not copied: /nowhere: No such file or directory") !=
        std::string::npos);
  auto open = open_table(*source, "t");
  CHECK(read_all(*open->rows).size() == 1000);
}

TEST_CASE("private_copy: a copy that the disk refuses half way is removed, and the file is read itself") {
  TestDatabase database(kRows);
  const fs::path copy = database.directory() / "task.source";
  auto source = open_with_copy(database, copy.string());
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 64 << 10;
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  auto open = open_table(*source, "t");
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(open->snapshot->description() == "a read transaction on " + database.path());
  CHECK(read_all(*open->rows).size() == 1000);
  CHECK_FALSE(fs::exists(copy));
}

TEST_CASE("private_copy: a stop request ends it and leaves nothing") {
  TestDatabase database(kRows);
  const fs::path copy = database.directory() / "task.source";
  auto connection = sqlite::Connection::open(database.path());
  REQUIRE(connection);
  std::stop_source stop;
  stop.request_stop();
  const auto opened = sqlite::open_private_copy(*connection.value(), copy.string(), stop.get_token());
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().code() == ErrorCode::kCancelled);
  CHECK_FALSE(fs::exists(copy));
  CHECK(database.try_execute("DELETE FROM t") == SQLITE_OK);
}

TEST_CASE("private_copy: errors of the copy name the database") {
  TestDatabase database(kRows);
  auto connection = sqlite::Connection::open(database.path());
  REQUIRE(connection);
  auto copy = sqlite::open_private_copy(*connection.value(), (database.directory() / "c").string(),
                                        std::stop_token());
  REQUIRE(copy);
  auto failed = copy.value()->execute("SELECT nowhere");
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().message() == "sqlite:" + database.path() + ": no such column: nowhere");
}

}  // namespace
}  // namespace dmskafka

// Following a real server's log. Needs DMSKAFKA_TEST_POSTGRES.
#include <doctest/doctest.h>

#include "sources/postgres/log_test_support.h"

namespace dmskafka::postgres {
namespace {

using Lines = std::vector<std::string>;

std::string joined(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}
#define CHECK_LINES(lines, ...) CHECK(joined(lines) == joined(Lines __VA_ARGS__))

}  // namespace

TEST_CASE("postgres_log: inserts, updates and deletes come as committed, in the order of commits") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int PRIMARY KEY, v text)");
  FollowedLog log(database, {{"public", "t"}});
  log.start();
  session.exec("INSERT INTO t VALUES (1, 'a'), (2, NULL)");
  session.exec("UPDATE t SET v = 'b' WHERE id = 1");
  session.exec("UPDATE t SET id = 3 WHERE id = 1");
  session.exec("BEGIN; INSERT INTO t VALUES (9, 'gone'); ROLLBACK");
  session.exec(
      "BEGIN; SAVEPOINT s; INSERT INTO t VALUES (8, 'gone'); ROLLBACK TO s; DELETE FROM t WHERE id = 2; "
      "COMMIT");
  CHECK_LINES(log.follow(),
              {"table public.t (id* integer, v text)", "insert public.t {} {1, a}",
               "insert public.t {} {2, NULL}", "commit", "update public.t {} {1, b}", "commit",
               "update public.t {1, -} {3, b}", "commit", "delete public.t {2, -} {}", "commit"});
}

}  // namespace dmskafka::postgres

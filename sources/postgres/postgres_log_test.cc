// What a real server's log says of rows and tables. Needs DMSKAFKA_TEST_POSTGRES.
#include <doctest/doctest.h>

#include "sources/postgres/log_for_test.h"

namespace dmskafka::postgres {
namespace {

using Lines = std::vector<std::string>;

std::string joined(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}
#define CHECK_LINES(lines, ...) CHECK(joined(lines) == joined(Lines __VA_ARGS__))

/// Text that is stored out of line: it cannot be compressed.
constexpr const char* kLargeText = "(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 600) AS i)";

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

TEST_CASE("postgres_log: a transaction that began first and committed last comes last") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession first = database.session();
  TestSession second = database.session();
  first.exec("CREATE TABLE t (id int PRIMARY KEY)");
  FollowedLog log(database, {{"public", "t"}});
  log.start();
  first.exec("BEGIN; INSERT INTO t VALUES (1)");
  second.exec("BEGIN; INSERT INTO t VALUES (2); INSERT INTO t VALUES (3); COMMIT");
  first.exec("COMMIT");
  CHECK_LINES(log.follow(), {"table public.t (id* integer)", "insert public.t {} {2}",
                             "insert public.t {} {3}", "commit", "insert public.t {} {1}", "commit"});
  CHECK(log.transactions.at(0) == log.transactions.at(1));
  CHECK(log.transactions.at(2) < log.transactions.at(0));  // its id is older
}

TEST_CASE("postgres_log: stream positions and numbers are the same when the log is read again") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)");
  FollowedLog log(database, {{"public", "t"}, {"public", "u"}});
  const ChangeLog::Prepared prepared = log.prepare(ChangeLog::WithSnapshot::kNo);
  log.open(prepared.start);
  const std::string xid = *session.exec(
      "BEGIN; INSERT INTO t VALUES (1); INSERT INTO u VALUES (1); ALTER TABLE t ADD c int; INSERT INTO t "
      "VALUES (2); SELECT txid_current()")[0][0];
  session.exec("COMMIT");
  (void)log.follow();
  REQUIRE(log.positions.size() == 3);
  CHECK(std::to_string(log.transactions[0]) == xid);
  // SPEC wire-format §3.2: LSN.n.LSN, 8+8 upper-case hexadecimal digits, n = 1 + record number.
  const std::string lsn = log.positions[0].substr(0, 17);
  CHECK(lsn.find_first_not_of("0123456789ABCDEF/") == std::string::npos);
  CHECK(lsn[8] == '/');
  CHECK(log.positions == Lines{lsn + ".2." + lsn, lsn + ".3." + lsn, lsn + ".4." + lsn});
  const Lines first = log.positions;
  log.positions.clear();
  log.open(prepared.start);
  (void)log.follow();
  CHECK(log.positions == first);
}

TEST_CASE("postgres_log: following goes on exactly behind the position of a commit") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int PRIMARY KEY)");
  FollowedLog log(database, {{"public", "t"}});
  const LogPosition start = log.prepare(ChangeLog::WithSnapshot::kNo).start;
  for (int id = 1; id <= 20; ++id) session.exec("INSERT INTO t VALUES (" + std::to_string(id) + ")");
  log.open(start);
  std::vector<LogPosition> ends;
  LogBatch batch;
  while (ends.size() < 20) {
    batch.clear();
    REQUIRE(log.stream->read(batch, std::chrono::seconds(5), {}).ok());
    for (const LogEvent& event : batch.events()) {
      if (event.kind == LogEventKind::kCommit) ends.push_back(event.position);
    }
  }
  for (const std::size_t done : {std::size_t{1}, std::size_t{7}, std::size_t{19}}) {
    // The position comes back from where it was stored.
    const auto restored = log.log->restore_position(ends[done - 1].bytes);
    REQUIRE(restored.ok());
    CHECK(*restored == ends[done - 1]);
    log.open(*restored);
    const Lines changes = log.changes();
    REQUIRE(changes.size() == 1 + 20 - done);
    CHECK(changes[1] == "insert public.t {} {" + std::to_string(done + 1) + "}");
  }
}

TEST_CASE(
    "postgres_log: old rows carry what the replica identity says, and nothing else looks like a value") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec(
      "CREATE TABLE by_key (id int, a text, b text, PRIMARY KEY (b, id));"
      "CREATE TABLE by_index (id int PRIMARY KEY, code text NOT NULL UNIQUE, v text);"
      "ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_code_key;"
      "CREATE TABLE whole (id int PRIMARY KEY, v text, n text); ALTER TABLE whole REPLICA IDENTITY FULL;"
      "CREATE TABLE keyless_whole (v text, n text); ALTER TABLE keyless_whole REPLICA IDENTITY FULL");
  FollowedLog log(
      database,
      {{"public", "by_key"}, {"public", "by_index"}, {"public", "whole"}, {"public", "keyless_whole"}});
  CHECK(log.schemas[0]->old_row == OldRow::kKeyWhenChanged);
  CHECK(log.schemas[1]->old_row == OldRow::kOtherColumns);
  CHECK(log.schemas[2]->old_row == OldRow::kFull);
  log.start();
  for (const char* table : {"by_key (id, a, b)", "by_index (id, code, v)", "whole (id, v, n)"}) {
    session.exec(std::string("INSERT INTO ") + table + " VALUES (1, 'x', 'y')");
  }
  session.exec("INSERT INTO keyless_whole VALUES ('x', NULL)");
  (void)log.follow();
  session.exec("UPDATE by_key SET a = 'z'; UPDATE by_key SET b = 'w'; DELETE FROM by_key");
  session.exec("UPDATE by_index SET v = 'z'; UPDATE by_index SET code = 'w', id = 2; DELETE FROM by_index");
  session.exec("UPDATE whole SET v = NULL; DELETE FROM whole");
  session.exec("UPDATE keyless_whole SET v = 'z'; DELETE FROM keyless_whole");
  CHECK_LINES(
      log.changes(),
      {"update public.by_key {} {1, z, y}", "update public.by_key {1, -, y} {1, z, w}",
       "delete public.by_key {1, -, w} {}", "update public.by_index {} {1, x, z}",
       "update public.by_index {-, x, -} {2, w, z}", "delete public.by_index {-, w, -} {}",
       "update public.whole {1, x, y} {1, NULL, y}", "delete public.whole {1, NULL, y} {}",
       "update public.keyless_whole {x, NULL} {z, NULL}", "delete public.keyless_whole {z, NULL} {}"});
}

TEST_CASE(
    "postgres_log: a value out of line that did not change is unchanged, never null; an old whole row has "
    "it") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  const std::string columns =
      " (id int PRIMARY KEY, small int, x text, j jsonb, b bytea, a text[], n numeric, d words)";
  session.exec("CREATE DOMAIN words AS text CHECK (VALUE <> '')");
  session.exec("CREATE TABLE part" + columns + "; CREATE TABLE whole" + columns +
               "; ALTER TABLE whole REPLICA IDENTITY FULL; CREATE TABLE keyed (k text PRIMARY KEY, v int);"
               "ALTER TABLE keyed ALTER k SET STORAGE EXTERNAL");
  for (const char* table : {"part", "whole"}) {
    session.exec(std::string("ALTER TABLE ") + table + " ALTER n SET STORAGE EXTERNAL");
  }
  FollowedLog log(database, {{"public", "part"}, {"public", "whole"}, {"public", "keyed"}});
  log.start();
  for (const char* table : {"part", "whole"}) {
    session.exec(std::string("INSERT INTO ") + table +
                 " SELECT 1, 1, t, to_jsonb(t), t::bytea, ARRAY[t, t], " +
                 "repeat('1234567890', 3000)::numeric, t FROM (SELECT " + kLargeText + ") AS l(t)");
  }
  session.exec("INSERT INTO keyed VALUES (repeat('k', 2500), 1)");
  const Lines inserts = log.changes();
  REQUIRE(inserts.size() == 6);
  const std::string full =
      "<19200 bytes>, <19202 bytes>, <38402 bytes>, <38403 bytes>, <30000 bytes>, <19200 bytes>";
  CHECK(inserts[1] == "insert public.part {} {1, 1, " + full + "}");
  session.exec("UPDATE part SET small = 2; UPDATE part SET x = 'short'");
  session.exec("UPDATE whole SET small = 2; UPDATE whole SET x = 'short'");
  session.exec("UPDATE keyed SET v = 2");
  const Lines updates = log.changes();
  REQUIRE(updates.size() == 5);
  CHECK(updates[0] == "update public.part {} {1, 2, ~, ~, ~, ~, ~, ~}");
  CHECK(updates[1] == "update public.part {} {1, 2, short, ~, ~, ~, ~, ~}");
  CHECK(updates[2] == "update public.whole {1, 1, " + full + "} {1, 2, " + full + "}");
  CHECK(updates[3] == "update public.whole {1, 2, " + full + "} {1, 2, short" + full.substr(13) + "}");
  // A key that is stored out of line: servers since 10.20 log it with each update, others leave it open.
  CHECK(updates[4].ends_with("{<2500 bytes>, 2}"));
}

TEST_CASE("postgres_log: truncates come for each table, and only of tables that are followed") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  if (session.version() < 110000) return;
  session.exec(
      "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY, t int REFERENCES t);"
      "CREATE TABLE other (id int PRIMARY KEY)");
  FollowedLog log(database, {{"public", "t"}, {"public", "u"}});
  log.start();
  session.exec("INSERT INTO t VALUES (1)");
  session.exec("TRUNCATE t CASCADE");
  session.exec("TRUNCATE other, u RESTART IDENTITY");
  CHECK_LINES(log.follow(), {"table public.t (id* integer)", "insert public.t {} {1}", "commit",
                             "truncate public.t", "table public.u (id* integer, t integer)",
                             "truncate public.u", "commit", "truncate public.u", "commit"});
}

TEST_CASE("postgres_log: an altered table is told before its next change, its name too") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int PRIMARY KEY, a int, b text)");
  FollowedLog log(database, {{"public", "t"}});
  log.start();
  session.exec("INSERT INTO t VALUES (1, 1, 'b')");
  session.exec("ANALYZE t");  // the server repeats its description, nothing has changed
  session.exec("INSERT INTO t VALUES (2, 2, 'b')");
  session.exec("ALTER TABLE t ADD c numeric(12,2) NOT NULL DEFAULT 1.5");
  session.exec("INSERT INTO t VALUES (3, 3, 'b')");
  session.exec("ALTER TABLE t DROP a; ALTER TABLE t ALTER b TYPE varchar(10)");
  session.exec("INSERT INTO t VALUES (4, 'b')");
  session.exec("ALTER TABLE t RENAME b TO \"B\"; ALTER TABLE t RENAME TO t2");
  session.exec(
      "BEGIN; INSERT INTO t2 VALUES (5, 'b'); ALTER TABLE t2 ADD d int; INSERT INTO t2 VALUES (6, 'b'); "
      "COMMIT");
  Lines lines = log.changes();
  // What is said of a table's nullability and of numeric(12,2) comes from the catalogue of now; names and types do not.
  CHECK_LINES(lines, {"table public.t (id* integer, a integer, b text)", "insert public.t {} {1, 1, b}",
                      "insert public.t {} {2, 2, b}",
                      "table public.t (id* integer, a integer, b text, c numeric(12,2))",
                      "insert public.t {} {3, 3, b, 1.50}",
                      "table public.t (id* integer, b character varying(10), c numeric(12,2))",
                      "insert public.t {} {4, b, 1.50}", "rename public.t -> public.t2",
                      "table public.t2 (id* integer, B character varying(10), c numeric(12,2))",
                      "insert public.t2 {} {5, b, 1.50}",
                      "table public.t2 (id* integer, B character varying(10), c numeric(12,2), d integer)",
                      "insert public.t2 {} {6, b, 1.50, NULL}"});
}

TEST_CASE("postgres_log: columns that swap their names, read late, are told with the names of their time") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int PRIMARY KEY, a int, b int)");
  FollowedLog log(database, {{"public", "t"}});
  const LogPosition start = log.prepare(ChangeLog::WithSnapshot::kNo).start;
  session.exec("INSERT INTO t VALUES (1, 10, 20)");
  session.exec("ALTER TABLE t RENAME a TO x; ALTER TABLE t RENAME b TO a; ALTER TABLE t RENAME x TO b");
  session.exec("INSERT INTO t VALUES (2, 10, 20)");
  session.exec("ALTER TABLE t RENAME id TO key");  // also of the key
  session.exec("UPDATE t SET key = 3 WHERE key = 2");
  log.describe_again();  // as after a restart: the catalogue is ahead of the log
  log.open(start);
  CHECK_LINES(
      log.changes(),
      {"table public.t (id* integer, a integer, b integer)", "insert public.t {} {1, 10, 20}",
       "table public.t (id* integer, b integer, a integer)", "insert public.t {} {2, 10, 20}",
       "table public.t (key* integer, b integer, a integer)", "update public.t {2, -, -} {3, 10, 20}"});
}

TEST_CASE("postgres_log: partitions come as their table, whichever way the server publishes them") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  const bool keys = session.version() >= 110000;
  session.exec(std::string("CREATE TABLE p (id int NOT NULL, region text NOT NULL, v int") +
               (keys ? ", PRIMARY KEY (id, region)" : "") + ") PARTITION BY LIST (region)");
  session.exec("CREATE TABLE p_eu PARTITION OF p FOR VALUES IN ('eu')");
  // Another order of columns, and a column that was dropped.
  session.exec(
      "CREATE TABLE p_us (gone int, v int, region text NOT NULL, id int NOT NULL); ALTER TABLE p_us DROP "
      "gone");
  session.exec("ALTER TABLE p ATTACH PARTITION p_us FOR VALUES IN ('us')");
  if (!keys) {
    for (const char* leaf : {"p_eu", "p_us"}) {
      session.exec(std::string("ALTER TABLE ") + leaf + " ADD PRIMARY KEY (id, region)");
    }
  }
  FollowedLog log(database, {{"public", "p"}});
  log.start();
  session.exec("INSERT INTO p VALUES (1, 'eu', 10), (2, 'us', 20)");
  if (!keys) {  // the key is each partition's own affair, and rows do not move
    session.exec("UPDATE p SET v = v + 1 WHERE id = 2; DELETE FROM p WHERE id = 1");
    CHECK_LINES(log.changes(), {"table public.p (id integer, region text, v integer)",
                                "insert public.p {} {1, eu, 10}", "insert public.p {} {2, us, 20}",
                                "update public.p {} {2, us, 21}", "delete public.p {1, eu, -} {}"});
    return;
  }
  session.exec("UPDATE p SET v = v + 1 WHERE id = 2");
  session.exec("UPDATE p SET region = 'eu' WHERE id = 2");  // the row moves
  session.exec("DELETE FROM p WHERE id = 1");
  session.exec("TRUNCATE p");
  CHECK_LINES(
      log.changes(),
      {"table public.p (id* integer, region* text, v integer)", "insert public.p {} {1, eu, 10}",
       "insert public.p {} {2, us, 20}", "update public.p {} {2, us, 21}", "delete public.p {2, us, -} {}",
       "insert public.p {} {2, eu, 21}", "delete public.p {1, eu, -} {}", "truncate public.p"});
}

TEST_CASE(
    "postgres_log: a partitioned table that says FULL where its partitions do not shows only keys in old "
    "rows") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  if (session.version() < 130000) return;
  session.exec(
      "CREATE TABLE p (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);"
      "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100); ALTER TABLE p REPLICA IDENTITY FULL");
  FollowedLog log(database, {{"public", "p"}});
  log.start();
  session.exec("INSERT INTO p VALUES (1, 10)");
  session.exec("DELETE FROM p");
  const Lines changes = log.changes();
  CHECK(log.schemas[0]->old_row == OldRow::kKeyWhenChanged);
  CHECK(changes.at(1) == "insert public.p {} {1, 10}");
  // A table whose root says FULL has no identity that later partitions inherit: only its inserts are published.
  CHECK(changes.size() == 2);
}

TEST_CASE("postgres_log: generated columns are neither loaded nor followed") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  if (session.version() < 120000) return;
  session.exec("CREATE TABLE t (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED, v int)");
  if (session.version() >= 180000) {
    session.exec("ALTER TABLE t ADD thrice int GENERATED ALWAYS AS (id * 3) VIRTUAL, ADD w int");
  }
  FollowedLog log(database, {{"public", "t"}});
  log.start();
  session.exec("INSERT INTO t VALUES (1, DEFAULT, 7)");
  const Lines changes = log.changes();
  REQUIRE(changes.size() == 2);
  CHECK(changes[0].starts_with("table public.t (id* integer, v integer"));
  CHECK(changes[1].starts_with("insert public.t {} {1, 7"));
}

TEST_CASE("postgres_log: names of any letters, a table of no columns, a key of a reserved word") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec(
      "CREATE SCHEMA \"Größe \"\"x\"\"\"; CREATE TABLE \"Größe \"\"x\"\"\".\"表, 'q' $1\" (\"select\" int "
      "PRIMARY KEY, "
      "\"A\" int, a int, \"\xF0\x9F\x98\x80 \\\" text); CREATE TABLE public.none (); CREATE TABLE "
      "public.\"Größe\" (id int)");
  FollowedLog log(database, {{"Größe \"x\"", "表, 'q' $1"}, {"public", "none"}});
  log.start();
  session.exec(
      "INSERT INTO \"Größe \"\"x\"\"\".\"表, 'q' $1\" VALUES (1, 2, 3, 'x'); INSERT INTO public.none DEFAULT "
      "VALUES");
  CHECK_LINES(
      log.changes(),
      {"table Größe \"x\".表, 'q' $1 (select* integer, A integer, a integer, \xF0\x9F\x98\x80 \\ text)",
       "insert Größe \"x\".表, 'q' $1 {} {1, 2, 3, x}", "table public.none ()", "insert public.none {} {}"});
}

TEST_CASE("postgres_log: a prepared transaction comes when it is committed, a rolled back one never") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  if (session.exec("SHOW max_prepared_transactions")[0][0] == "0") return;
  session.exec("CREATE TABLE t (id int PRIMARY KEY)");
  FollowedLog log(database, {{"public", "t"}});
  log.start();
  session.exec("BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'log_test_a'");
  session.exec("BEGIN; INSERT INTO t VALUES (2); PREPARE TRANSACTION 'log_test_b'");
  session.exec("INSERT INTO t VALUES (3)");
  CHECK(log.changes().back() == "insert public.t {} {3}");
  session.exec("COMMIT PREPARED 'log_test_a'");
  session.exec("ROLLBACK PREPARED 'log_test_b'");
  CHECK_LINES(log.changes(), {"insert public.t {} {1}"});
}

TEST_CASE("postgres_log: a transaction goes on over many batches, with one id and numbers that go on") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int PRIMARY KEY, v text)");
  FollowedLog log(database, {{"public", "t"}});
  log.start();
  session.exec("INSERT INTO t SELECT i, repeat('v', 200) FROM generate_series(1, 30000) AS i");
  const Lines changes = log.changes();
  REQUIRE(changes.size() == 30001);
  CHECK(changes[30000].starts_with("insert public.t {} {30000,"));
  CHECK(log.transactions.front() == log.transactions.back());
  CHECK(log.positions.back().substr(17, 8) == ".30001.0");
}

}  // namespace dmskafka::postgres

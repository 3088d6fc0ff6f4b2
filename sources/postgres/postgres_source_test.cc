// Reading a real server under a snapshot. Needs DMSKAFKA_TEST_POSTGRES.
#include "sources/postgres/postgres_source.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "core/base/pause.h"
#include "sources/postgres/table_locks.h"
#include "sources/postgres/test_database.h"

namespace dmskafka::postgres {
namespace {

using Clock = std::chrono::steady_clock;

/// A source, its descriptions and a snapshot of some tables.
struct Opened {
  Opened(const TestDatabase& database, const std::vector<TableName>& names, bool lock_tables = true)
      : source(database.open_source(4, lock_tables)), schemas(describe(*source, names)) {
    auto result = source->open_snapshot(pointers(schemas), {});
    REQUIRE_MESSAGE(result.ok(), (result.ok() ? "" : result.error().to_string()));
    snapshot = std::move(result).value();
  }
  std::unique_ptr<SnapshotReader> reader() const {
    auto result = snapshot->open_reader({});
    REQUIRE(result.ok());
    return std::move(result).value();
  }
  Rows read(std::size_t table) const { return read_all(*reader(), schemas[table]); }

  std::unique_ptr<Source> source;
  std::vector<TableSchema> schemas;
  std::unique_ptr<Snapshot> snapshot;
};

Segment whole(const TableSchema& table) {
  Segment segment;
  segment.table = &table;
  return segment;
}

Error read_failure(SnapshotReader& reader, const TableSchema& table, const std::stop_token& stop = {}) {
  const auto rows = reader.open(whole(table));
  if (!rows) return rows.error();
  ChangeBatch batch;
  while (true) {
    batch.clear();
    const auto status = (*rows)->read(batch, stop);
    if (!status) return status.error();
    REQUIRE(*status == SegmentReader::Status::kMore);
  }
}

/// Until the server shows it, at most ten seconds.
void wait_until(TestSession& session, const std::string& condition) {
  const auto until = Clock::now() + std::chrono::seconds(10);
  while (session.exec("SELECT " + condition)[0][0] != "t") {
    REQUIRE_MESSAGE(Clock::now() < until, condition);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

constexpr const char* kTypes = R"(
  CREATE TYPE mood AS ENUM ('sad', 'ok, "fine"');
  CREATE TYPE pair AS (a int, b text);
  CREATE DOMAIN short AS varchar(8);
  CREATE TABLE types (
    id int PRIMARY KEY, i2 int2, i8 int8, o oid, f4 float4, f8 float8, n numeric, n12 numeric(12,2), m money, b bool,
    d date, ts timestamp, ts3 timestamp(3), tz timestamptz, t time, ttz timetz, iv interval, c char(5), v varchar, x text,
    by bytea, u uuid, j json, jb jsonb, ai int[], at text[], e mood, p pair, r int4range, pt point, ip inet, ma macaddr,
    bi bit(3), vb varbit, xm xml, ts_v tsvector, dom short, lsn pg_lsn, rc regclass);
  INSERT INTO types VALUES
  (1, -32768, -9223372036854775808, 4294967295, '-3.4028235e38', '-1.7976931348623157e308', '-0.00000000000000000000000001',
   -9999999999.99, '-$92,233,720,368,547,758.08', false, '4713-01-01 BC', '4713-01-01 00:00:00 BC', '1999-12-31 23:59:59.9996',
   '1900-01-01 00:00:00+14', '00:00:00', '24:00:00-15:59', '-1 year -2 mons +3 days -04:05:06.789', '', '', '', '', 
   '00000000-0000-0000-0000-000000000000', ' {"a" : 1e400, "a":2} ', '{"b":12345678901234567890.5,"a":null}', '{}',
   '{"a,b",NULL,"q\"\\",""}', 'ok, "fine"', '(,"x ""y""")', 'empty', '(-0,1e-300)', '::ffff:1.2.3.0/120', '08:00:2b:01:02:03',
   '101', '', '<a>&lt;☃</a>', 'a:1A fat:2', 'größe', 'FFFFFFFF/FFFFFFFF', 'pg_class'),
  (2, 32767, 9223372036854775807, 0, 'NaN', '-Infinity', 'NaN', 0, '$0.10', true, 'infinity', '-infinity', 'infinity',
   '294276-12-31 23:59:59.999999+00', '24:00:00', '00:00:00.000001+15:59', '178000000 years', 'ab ', repeat('v', 9000),
   E'tab\t nl\n quote" back\\slash ctrl\x01 ☃𝄞', '\xdeadbeef00', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '[1, 2]', '[]',
   '[0:1][1:1]={{1},{2}}', NULL, 'sad', NULL, '[1,10)', '(1,2)', '0.0.0.0/0', NULL, '000', '1', NULL, NULL, '', '0/0', NULL),
  (3, NULL, NULL, NULL, 2.2, 0.1, '1.50', 1.5, NULL, NULL, '12345-06-07', '2021-01-08 09:00:00.1', '2021-01-08 09:00:00.1',
   '2021-01-08 09:00:00.123456+02', '04:05:06.789', '04:05:06+02', '0', 'abcde', 'v', repeat('☃', 100000),
   decode(repeat('ab', 1000000), 'hex'), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL, NULL, NULL, 'types'),
  (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL))";

}  // namespace

TEST_CASE("postgres_source: values of every everyday type, at their extremes, are the server's own text") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec(kTypes);
  const Opened opened(database, {{"public", "types"}});
  const Rows rows = opened.read(0);
  session.exec("SET search_path = pg_catalog");  // regclass prints accordingly
  CHECK(rows == session.exec("SELECT * FROM ONLY public.types"));

  // What a person would write down, for those whose text depends on settings.
  const auto cell = [&](std::size_t row, const char* column) {
    return rows.at(row).at(*opened.schemas[0].find_column(column));
  };
  CHECK(cell(0, "d") == "4713-01-01 BC");
  CHECK(cell(0, "tz") == "1899-12-31 10:00:00+00");
  CHECK(cell(0, "iv") == "-1 years -2 mons +3 days -04:05:06.789");
  CHECK(cell(0, "m") == "-$92,233,720,368,547,758.08");
  CHECK(cell(0, "ts3") == "2000-01-01 00:00:00");
  CHECK(cell(0, "j") == " {\"a\" : 1e400, \"a\":2} ");
  CHECK(cell(1, "by") == "\\xdeadbeef00");
  CHECK(cell(1, "ts") == "-infinity");
  CHECK(cell(1, "c") == "ab   ");
  CHECK(std::stof(*cell(2, "f4")) == 2.2F);  // before 12 the server prints more digits than it needs
  CHECK(std::stod(*cell(2, "f8")) == 0.1);
  CHECK(cell(2, "n12") == "1.50");
  CHECK(cell(2, "ttz") == "04:05:06+02");
  CHECK(cell(2, "by")->size() == 2'000'002);
  CHECK(cell(2, "rc") == "public.types");
  CHECK(std::count(rows[3].begin(), rows[3].end(), Cell()) == 38);
}

TEST_CASE("postgres_source: settings of role, database and script do not change the text of values") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec(
      "CREATE TABLE t AS SELECT timestamptz '2024-01-02 03:04:05+00' AS tz, interval '1 day 2 hours' AS iv,"
      " '\\xff'::bytea AS by, float8 '0.1' + float8 '0.2' AS f");
  const std::string name = database.settings().database_name;
  for (const char* hostile :
       {"timezone = 'Asia/Tokyo'", "datestyle = 'SQL, DMY'", "intervalstyle = 'iso_8601'",
        "bytea_output = 'escape'", "extra_float_digits = -5", "statement_timeout = '1ms'",
        "client_encoding = 'LATIN1'", "default_transaction_isolation = 'serializable'"}) {
    session.exec("ALTER DATABASE " + name + " SET " + hostile);
  }
  const auto check = [](const Rows& rows) {
    REQUIRE(rows.size() == 1);
    CHECK(rows[0][0] == "2024-01-02 03:04:05+00");
    CHECK(rows[0][1] == "1 day 02:00:00");
    CHECK(rows[0][2] == "\\xff");
    CHECK(std::stod(*rows[0][3]) == 0.1 + 0.2);
  };
  check(Opened(database, {{"public", "t"}}).read(0));

  SourceSettings settings = database.settings();
  settings.after_connect_script =
      "SET timezone = 'Asia/Tokyo'; SET bytea_output = 'escape'; SET search_path = public;";
  auto source = open_postgres_source(settings, {.connections_max = 4}, {});
  REQUIRE(source.ok());
  const auto schemas = describe(**source, {{"public", "t"}});
  auto snapshot = (*source)->open_snapshot(pointers(schemas), {});
  REQUIRE(snapshot.ok());
  check(read_all(**(*snapshot)->open_reader({}), schemas[0]));
}

TEST_CASE("postgres_source: all readers see one moment, whatever is written meanwhile") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec(
      "CREATE TABLE a AS SELECT i AS id, 'old' AS v FROM generate_series(1, 20000) i;"
      "CREATE TABLE b AS SELECT * FROM a");
  const Rows before = session.exec("SELECT * FROM a");
  const Opened opened(database, {{"public", "a"}, {"public", "b"}});
  const auto early = opened.reader();
  std::jthread writer([&](const std::stop_token& stop) {
    TestSession other = database.session();
    for (int i = 0; !stop.stop_requested(); ++i) {
      other.exec("BEGIN; UPDATE a SET v = 'new' WHERE id % 100 = " + std::to_string(i % 100) +
                 "; DELETE FROM b WHERE id = " + std::to_string(i + 1) +
                 "; INSERT INTO a VALUES (-1, 'late'); COMMIT");
    }
  });
  wait_until(session, "count(*) > 3 FROM a WHERE id = -1");
  const auto late = opened.reader();
  CHECK(read_all(*early, opened.schemas[0]) == before);
  CHECK(read_all(*late, opened.schemas[1]) == before);
  CHECK(read_all(*late, opened.schemas[0]) == before);
  writer.request_stop();
  writer.join();
  CHECK(session.exec("SELECT count(*) FROM b")[0][0] != "20000");
}

TEST_CASE("postgres_source: the position is the log's end before the snapshot") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int)");
  const std::string before = *session.exec("SELECT pg_current_wal_lsn()")[0][0];
  const Opened opened(database, {{"public", "t"}});
  CHECK(session.exec("SELECT '" + opened.snapshot->position().text + "'::pg_lsn BETWEEN '" + before +
                     "' AND pg_current_wal_lsn()")[0][0] == "t");
}

TEST_CASE("postgres_source: a partitioned table is the rows of its leaves, a parent only its own") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec(R"(CREATE TABLE parted (id int, k int) PARTITION BY LIST (k);
    CREATE TABLE p1 PARTITION OF parted FOR VALUES IN (1);
    CREATE TABLE p2 PARTITION OF parted FOR VALUES IN (2) PARTITION BY RANGE (id);
    CREATE TABLE p2a PARTITION OF p2 FOR VALUES FROM (0) TO (100);
    INSERT INTO parted VALUES (1, 1), (2, 2);
    CREATE TABLE parent (id int); CREATE TABLE child () INHERITS (parent);
    INSERT INTO parent VALUES (10); INSERT INTO child VALUES (11);)");
  const Opened opened(database, {{"public", "parted"}, {"public", "parent"}, {"public", "child"}});
  CHECK(opened.read(0) == Rows{{"1", "1"}, {"2", "2"}});
  CHECK(opened.read(1) == Rows{{"10"}});
  CHECK(opened.read(2) == Rows{{"11"}});
}

TEST_CASE(
    "postgres_source: names with quotes, blanks, capitals and other scripts; tables without columns; views") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec(
      R"(CREATE SCHEMA "we""ird S\chema"; CREATE TABLE "we""ird S\chema"."Größe; DROP TABLE x; --" ("Id ""☃""" int, "select" text);
    INSERT INTO "we""ird S\chema"."Größe; DROP TABLE x; --" VALUES (1, 'x');
    CREATE TABLE nothing (); INSERT INTO nothing DEFAULT VALUES; INSERT INTO nothing DEFAULT VALUES;
    CREATE VIEW seen AS SELECT generate_series(1, 3) AS i; CREATE MATERIALIZED VIEW kept AS SELECT 7 AS seven;)");
  const Opened opened(database, {{"we\"ird S\\chema", "Größe; DROP TABLE x; --"},
                                 {"public", "nothing"},
                                 {"public", "seen"},
                                 {"public", "kept"}});
  CHECK(opened.schemas[0].columns[0].name == "Id \"☃\"");
  CHECK(opened.read(0) == Rows{{"1", "x"}});
  CHECK(opened.read(1) == Rows{{}, {}});
  CHECK(opened.read(2) == Rows{{"1"}, {"2"}, {"3"}});
  CHECK(opened.read(3) == Rows{{"7"}});
}

TEST_CASE("postgres_source: bytes of an SQL_ASCII database pass as they are") {
  if (!TestDatabase::available()) return;
  const TestDatabase database("ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'");
  database.session().exec("CREATE TABLE t (v text); INSERT INTO t VALUES (E'\\xff\\xe4')");
  const Opened opened(database, {{"public", "t"}});
  CHECK(opened.read(0) == Rows{{"\xff\xe4"}});
  const auto warnings = database.open_source()->warnings();
  CHECK(std::any_of(warnings.begin(), warnings.end(),
                    [](const std::string& text) { return text.find("SQL_ASCII") != std::string::npos; }));
}

TEST_CASE("postgres_source: a table whose permission is gone fails alone") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  const std::string role = "reader_of_" + database.settings().database_name;
  session.exec(
      "CREATE TABLE a (id int); CREATE TABLE b (id int); INSERT INTO b VALUES (5); CREATE TABLE c (id int);"
      "ALTER TABLE c ENABLE ROW LEVEL SECURITY; CREATE ROLE " +
      role + " LOGIN; GRANT SELECT ON a, b, c TO " + role);
  SourceSettings settings = database.settings();
  settings.username = role;
  {
    auto source = open_postgres_source(settings, {.connections_max = 4}, {});
    REQUIRE(source.ok());
    const auto schemas = describe(**source, {{"public", "a"}, {"public", "b"}, {"public", "c"}});
    auto snapshot = (*source)->open_snapshot(pointers(schemas), {});
    REQUIRE(snapshot.ok());
    session.exec("REVOKE SELECT ON a FROM " + role);
    auto reader = (*snapshot)->open_reader({});
    REQUIRE(reader.ok());
    const Error refused = read_failure(**reader, schemas[0]);
    CHECK(refused.code() == ErrorCode::kTableUnreadable);
    CHECK(refused.hint_text() == "GRANT SELECT ON \"public\".\"a\" TO \"" + role + "\";");
    const Error hidden = read_failure(**reader, schemas[2]);
    CHECK(hidden.code() == ErrorCode::kTableUnreadable);
    CHECK(hidden.hint_text().find("BYPASSRLS") != std::string::npos);
    CHECK(read_all(**reader, schemas[1]) == Rows{{"5"}});
  }
  session.exec("DROP OWNED BY " + role + "; DROP ROLE " + role);
}

TEST_CASE("postgres_source: locked tables cannot be truncated or altered while the snapshot lives") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec(
      "CREATE TABLE t (id int); CREATE TABLE parted (id int) PARTITION BY LIST (id);"
      "CREATE TABLE leaf PARTITION OF parted FOR VALUES IN (1); SET lock_timeout = '100ms'");
  {
    const Opened opened(database, {{"public", "t"}, {"public", "parted"}});
    CHECK(session.exec_failing("TRUNCATE t") == "55P03");
    CHECK(session.exec_failing("ALTER TABLE leaf ALTER id TYPE bigint") == "55P03");
    session.exec("INSERT INTO t VALUES (1)");  // writing goes on
  }
  wait_until(session, "count(*) = 0 FROM pg_locks WHERE relation = 't'::regclass");
  session.exec("TRUNCATE t");
}

TEST_CASE("postgres_source: without locks a truncated or rewritten table is an error, never a short table") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec(
      "CREATE TABLE t AS SELECT 1 AS id; CREATE TABLE u AS SELECT 2 AS id; CREATE TABLE w AS SELECT 3 AS id");
  const Opened opened(database, {{"public", "t"}, {"public", "u"}, {"public", "w"}}, false);
  session.exec("TRUNCATE t; ALTER TABLE u ALTER id TYPE text");
  const auto reader = opened.reader();
  CHECK(read_failure(*reader, opened.schemas[0]).code() == ErrorCode::kTableUnreadable);
  CHECK(read_failure(*reader, opened.schemas[1]).code() == ErrorCode::kTableUnreadable);
  CHECK(read_all(*reader, opened.schemas[2]) == Rows{{"3"}});
}

TEST_CASE("postgres_source: a table altered after its description is not read as it was described") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int); CREATE TABLE gone (id int); CREATE TABLE kept (id int)");
  const auto source = database.open_source();
  const auto schemas = describe(*source, {{"public", "t"}, {"public", "gone"}, {"public", "kept"}});
  session.exec("ALTER TABLE t ALTER id TYPE text; DROP TABLE gone");
  auto snapshot = source->open_snapshot(pointers(schemas), {});
  REQUIRE(snapshot.ok());
  const auto reader = (*snapshot)->open_reader({});
  REQUIRE(reader.ok());
  CHECK(read_failure(**reader, schemas[0]).message().find("altered") != std::string::npos);
  CHECK(read_failure(**reader, schemas[1]).code() == ErrorCode::kTableUnreadable);
  CHECK(read_all(**reader, schemas[2]).empty());
}

TEST_CASE("table_locks: somebody else's lock is waited for, and named when it lasts") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec("CREATE TABLE a (id int); CREATE TABLE b (id int)");
  const auto source = database.open_source();
  const auto schemas = describe(*source, {{"public", "a"}, {"public", "b"}});
  const auto connect = [&] {
    auto connection = Connection::open(std::make_shared<const SourceSettings>(database.settings()), {});
    REQUIRE(connection.ok());
    return std::move(connection).value();
  };
  TestSession holder = database.session();
  const std::string pid = *holder.exec("SELECT pg_backend_pid()")[0][0];
  holder.exec("BEGIN; LOCK TABLE b IN ACCESS EXCLUSIVE MODE");

  Connection patient = connect();
  auto locks = begin_with_locks(patient, pointers(schemas),
                                {std::chrono::milliseconds(50), std::chrono::seconds(1)}, {});
  REQUIRE(locks.ok());
  CHECK(locks->locked == std::set<const TableSchema*>{&schemas[0]});
  REQUIRE(locks->unreadable.contains(&schemas[1]));
  CHECK(locks->unreadable.at(&schemas[1]).hint_text().find("pid " + pid) != std::string::npos);

  // The holder can still get what we want: nothing of ours is kept between two attempts.
  std::jthread release([&] {
    wait_until(session, "count(*) > 0 FROM pg_locks WHERE relation = 'b'::regclass AND NOT granted");
    holder.exec("SET lock_timeout = '5s'; LOCK TABLE a IN SHARE MODE; COMMIT");
  });
  Connection second = connect();
  locks = begin_with_locks(second, pointers(schemas),
                           {std::chrono::milliseconds(200), std::chrono::seconds(30)}, {});
  REQUIRE(locks.ok());
  CHECK(locks->locked.size() == 2);
}

TEST_CASE(
    "postgres_source: a stop request ends reading within a second, and the reader can go on with another "
    "table") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec(
      "CREATE TABLE t AS SELECT 1 AS id; CREATE TABLE big AS SELECT i FROM generate_series(1, 300000) i;"
      "CREATE VIEW slow AS SELECT pg_sleep(60)::text AS v");
  const Opened opened(database, {{"public", "slow"}, {"public", "t"}, {"public", "big"}});
  const auto reader = opened.reader();
  std::stop_source stop;
  std::jthread stopper([&] {
    wait_until(session,
               "count(*) > 0 FROM pg_stat_activity WHERE query LIKE '%\"slow\"%' AND state = 'active'"
               " AND pid <> pg_backend_pid()");
    stop.request_stop();
  });
  const Error stopped = read_failure(*reader, opened.schemas[0], stop.get_token());
  stopper.join();
  CHECK(stopped.code() == ErrorCode::kCancelled);
  // The server, too, has given the statement up; and what is left half-read does not stand in the way.
  CHECK(
      session.exec("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%\"slow\"%' AND state = 'active'"
                   " AND pid <> pg_backend_pid()")[0][0] == "0");
  {
    const auto rows = reader->open(whole(opened.schemas[2]));
    REQUIRE(rows.ok());
    ChangeBatch batch(ChangeBatch::Limits{5, 1 << 20});
    REQUIRE((*rows)->read(batch, {}).ok());
    CHECK(batch.changes().size() == 5);
  }
  CHECK(read_all(*reader, opened.schemas[1]) == Rows{{"1"}});
}

TEST_CASE("postgres_source: a slow query's rows are handed over before it ends") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  // The server sends when its 8 kB buffer is full.
  database.session().exec(
      "CREATE VIEW slow AS SELECT i, repeat('x', 9000) AS x, pg_sleep(CASE WHEN i > 2 THEN 30 ELSE 0 "
      "END)::text"
      " FROM generate_series(1, 9) i");
  const Opened opened(database, {{"public", "slow"}});
  const auto reader = opened.reader();
  const auto rows = reader->open(whole(opened.schemas[0]));
  REQUIRE(rows.ok());
  ChangeBatch batch;
  const auto status = (*rows)->read(batch, {});
  REQUIRE(status.ok());
  CHECK(*status == SegmentReader::Status::kMore);
  CHECK(batch.changes().size() >= 1);
}

TEST_CASE(
    "postgres_source: a reader that waits for the server leaves its turn to others, and takes one to go on") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec("CREATE VIEW slow AS SELECT 1 AS id, pg_advisory_xact_lock_shared(7)::text AS locked");
  const Opened opened(database, {{"public", "slow"}});
  session.exec("SELECT pg_advisory_lock(7)");
  ProcessorTurns turns(1);
  Rows rows;
  std::jthread reading([&] {
    ProcessorTurn turn(turns);
    const auto reader = opened.reader();
    reader->work_in(turn);
    rows = read_all(*reader, opened.schemas[0]);
  });
  wait_until(session, "count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted");
  std::stop_source limit;
  ProcessorTurn mine(turns);
  {
    const std::jthread watch([&](const std::stop_token& done) {
      pause(std::chrono::seconds(10), done);
      limit.request_stop();
    });
    mine.take(limit.get_token());
  }
  CHECK(mine.held());
  const auto it_waits = [&](std::chrono::milliseconds at_most) {
    const auto until = Clock::now() + at_most;
    while (turns.waiting() == 0 && Clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return turns.waiting() == 1;
  };
  CHECK_FALSE(it_waits(std::chrono::milliseconds(600)));  // it looks up from its socket every 250 ms
  session.exec("SELECT pg_advisory_unlock(7)");
  CHECK(it_waits(std::chrono::seconds(10)));  // its row is there, and it may not work
  mine.end();
  reading.join();
  CHECK(rows == Rows{{"1", ""}});
}

TEST_CASE("postgres_source: a broken connection is the source's failure, and the reader connects again") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec(
      "CREATE TABLE t AS SELECT i AS id, repeat('x', 1000) AS pad FROM generate_series(1, 200000) i;"
      "CREATE TABLE small AS SELECT 7 AS id");
  const Opened opened(database, {{"public", "t"}, {"public", "small"}});
  const auto reader = opened.reader();
  {
    const auto rows = reader->open(whole(opened.schemas[0]));
    REQUIRE(rows.ok());
    ChangeBatch batch;
    REQUIRE((*rows)->read(batch, {}).ok());
    session.exec(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%\"pad\"%' AND pid <> "
        "pg_backend_pid()");
    Result<SegmentReader::Status> status = SegmentReader::Status::kMore;
    while (status.ok() && *status == SegmentReader::Status::kMore) {
      batch.clear();
      status = (*rows)->read(batch, {});
    }
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().code() == ErrorCode::kSourceUnavailable);
  }
  CHECK(read_all(*reader, opened.schemas[1]) == Rows{{"7"}});
}

TEST_CASE("postgres_source: without its leader a snapshot has ended") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int)");
  const Opened opened(database, {{"public", "t"}});
  session.exec(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dmskafka' AND "
      "datname ="
      " current_database()");
  wait_until(session,
             "count(*) = 0 FROM pg_stat_activity WHERE application_name = 'dmskafka' AND datname = "
             "current_database()");
  const auto reader = opened.snapshot->open_reader({});
  REQUIRE_FALSE(reader.ok());
  CHECK(reader.error().code() == ErrorCode::kSourceUnavailable);
}

TEST_CASE("postgres_source: never more connections than allowed, at least two") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int)");
  CHECK(open_postgres_source(database.settings(), {.connections_max = 1}, {}).error().code() ==
        ErrorCode::kInvalidSettings);
  const Opened opened(database, {{"public", "t"}});
  CHECK(opened.snapshot->readers_max() == 3);
  std::vector<std::unique_ptr<SnapshotReader>> readers;
  for (int i = 0; i < 3; ++i) readers.push_back(opened.reader());
  CHECK(session.exec("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dmskafka' AND datname ="
                     " current_database()")[0][0] == "4");
}

}  // namespace dmskafka::postgres

// Reading real servers. Needs one of DMSKAFKA_TEST_MARIADB, DMSKAFKA_TEST_MYSQL, _MYSQL57.
#include "sources/mysql/mysql_source.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "sources/mysql/binlog_position.h"
#include "sources/mysql/log_status.h"
#include "sources/mysql/test_database.h"

namespace dmskafka::mysql {
namespace {

using Clock = std::chrono::steady_clock;

bool has(const Error& error, std::string_view part) {
  return error.to_string().find(part) != std::string::npos;
}

/// What another user sees.
SourceSettings as_user(const TestDatabase& database, const std::string& user) {
  SourceSettings settings = database.settings();
  settings.username = user;
  settings.password = "secret";
  settings.database_name.clear();
  return settings;
}

}  // namespace

TEST_CASE("mysql_source: tables and views of all databases but the server's own are listed") {
  for (const TestServer& server : test_servers()) {
    CAPTURE(server.name);
    const TestDatabase database(server);
    TestSession session = database.session();
    session.exec("CREATE TABLE `we``ird \"näme` (id INT); CREATE VIEW v AS SELECT 1 AS one");
    if (server.name == "MariaDB") session.exec("CREATE SEQUENCE seq");
    const auto tables = database.open_source()->list_tables();
    REQUIRE(tables.ok());
    std::set<std::pair<std::string, bool>> ours;
    for (const CatalogTable& table : *tables) {
      CHECK(table.name.schema != "mysql");
      CHECK(table.name.schema != "performance_schema");
      if (table.name.schema == database.name())
        ours.emplace(table.name.table, table.kind == TableKind::kView);
    }
    CHECK(ours == std::set<std::pair<std::string, bool>>{{"we`ird \"näme", false}, {"v", true}});
  }
}

TEST_CASE("mysql_source: columns and keys, invisible and generated ones too") {
  for (const TestServer& server : test_servers()) {
    CAPTURE(server.name);
    const TestDatabase database(server);
    const bool invisible = server.name != "MySQL 5.7";
    database.session().exec(
        "CREATE TABLE t (b INT NOT NULL, a VARCHAR(5) NOT NULL COLLATE utf8mb4_bin, c INT AS (b + 1) VIRTUAL,"
        " d INT AS (b + 2) STORED, e INT " +
        std::string(invisible ? "INVISIBLE" : "") +
        ", PRIMARY KEY (a, b));"
        "INSERT INTO t (b, a, e) VALUES (1, 'x', 5)");
    const Opened opened(database, {"t"});
    const TableSchema& schema = opened.schemas[0];
    REQUIRE(schema.columns.size() == 5);
    CHECK(schema.primary_key == std::vector<std::uint32_t>{1, 0});
    CHECK(schema.columns[1].collation == "utf8mb4_bin");
    CHECK_FALSE(schema.columns[0].nullable);
    CHECK(schema.columns[4].nullable);
    CHECK(read_all(*opened.reader(), schema) == Rows{{"1", "x", "2", "3", "5"}});
  }
}

TEST_CASE("mysql_source: all readers see one moment, whatever is written meanwhile") {
  for (const TestServer& server : test_servers()) {
    CAPTURE(server.name);
    const TestDatabase database(server);
    TestSession session = database.session();
    session.exec(
        "CREATE TABLE a (id INT PRIMARY KEY, n INT); CREATE TABLE b (id INT PRIMARY KEY, n INT);"
        "INSERT INTO a VALUES (1, 0); INSERT INTO b VALUES (1, 0)");
    std::atomic<bool> done = false;
    // Both tables change in one transaction: a reader that sees another moment sees another sum.
    std::jthread writer([&] {
      TestSession writing = database.session();
      for (int i = 0; !done; ++i) {
        writing.exec("BEGIN; UPDATE a SET n = n + 1; UPDATE b SET n = n - 1; COMMIT");
      }
    });
    wait_until(session, "n > 20 FROM a");
    for (int round = 0; round < 3; ++round) {
      const Opened opened(database, {"a", "b"}, 6);
      CHECK(opened.snapshot->readers_max() >= 1);
      std::set<std::string> seen;
      std::vector<std::unique_ptr<SnapshotReader>> readers;
      for (std::uint32_t i = 0; i < opened.snapshot->readers_max(); ++i) readers.push_back(opened.reader());
      for (const auto& reader : readers) {
        seen.insert(*read_all(*reader, opened.schemas[0])[0][1]);
        seen.insert(std::to_string(-std::stoi(*read_all(*reader, opened.schemas[1])[0][1])));
      }
      CHECK(seen.size() == 1);
      CHECK_FALSE(opened.snapshot->open_reader({}).ok());
    }
    done = true;
  }
}

TEST_CASE("mysql_source: the position is the binary log's place of that moment") {
  for (const TestServer& server : test_servers()) {
    CAPTURE(server.name);
    const TestDatabase database(server);
    TestSession session = database.session();
    session.exec("CREATE TABLE t (id INT PRIMARY KEY)");
    session.exec("FLUSH TABLES WITH READ LOCK");  // other tests write on this server
    const auto status = session.exec("SHOW MASTER STATUS")[0];
    const Opened opened(database, {"t"});
    session.exec("UNLOCK TABLES");
    session.exec("INSERT INTO t VALUES (1)");
    const auto position = from_log_position(opened.snapshot->position());
    REQUIRE(position.ok());
    CHECK(position->file == *status[0]);
    CHECK(std::to_string(position->offset) == *status[1]);
    const std::string gtid = server.name == "MariaDB"
                                 ? *session.exec(fmt::format("SELECT BINLOG_GTID_POS('{}', {})",
                                                             position->file, position->offset))[0][0]
                                 : *status[4];
    CHECK_FALSE(gtid.empty());
    CHECK(position->gtid == normalised_gtid(gtid));
    CHECK(position->flavour == (server.name == "MariaDB" ? Flavour::kMariadb : Flavour::kMysql));
    CHECK(read_all(*opened.reader(), opened.schemas[0]).empty());
  }
}

TEST_CASE("mysql_source: the GTIDs of the log's end belong to that place, however fast it moves") {
  for (const TestServer& server : test_servers()) {
    if (server.name != "MariaDB") continue;  // MySQL gives both in one answer
    const TestDatabase database(server);
    database.session().exec("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY)");
    std::vector<std::jthread> writers;
    for (int i = 0; i < 2; ++i) {
      writers.emplace_back([&database](const std::stop_token& stop) {
        TestSession session = database.session();
        while (!stop.stop_requested()) session.exec("INSERT INTO t VALUES ()");
      });
    }
    auto connection = Connection::open(std::make_shared<SourceSettings>(database.settings()), {});
    REQUIRE(connection.ok());
    TestSession session = database.session();
    std::set<std::uint64_t> places;
    for (int i = 0; i < 50; ++i) {
      const auto end = read_log_end(*connection, {});
      REQUIRE(end.ok());
      // Of a place that is behind the log's end the server reads the file.
      session.exec("INSERT INTO t VALUES ()");
      const auto gtid =
          session.exec(fmt::format("SELECT BINLOG_GTID_POS('{}', {})", end->file, end->offset))[0][0];
      CHECK(end->gtid == normalised_gtid(*gtid));
      places.insert(end->offset);
    }
    CHECK(places.size() > 25);
  }
}

TEST_CASE("mysql_source: without the right to lock a snapshot is taken all the same") {
  for (const TestServer& server : test_servers()) {
    CAPTURE(server.name);
    const TestDatabase database(server);
    TestSession session = database.session();
    session.exec(
        fmt::format("CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1), (2);"
                    "DROP USER IF EXISTS modest@'%'; CREATE USER modest@'%' IDENTIFIED BY 'secret';"
                    "GRANT SELECT ON {}.* TO modest@'%'",
                    database.name()));
    const auto source = open_mysql_source(as_user(database, "modest"), 4, true, {});
    REQUIRE_MESSAGE(source.ok(), (source ? "" : source.error().to_string()));
    const auto schemas = describe(**source, {database.table("t")});
    const auto snapshot = (*source)->open_snapshot(pointers(schemas), {});
    REQUIRE_MESSAGE(snapshot.ok(), (snapshot ? "" : snapshot.error().to_string()));
    CHECK((*snapshot)->readers_max() >= 1);
    session.exec("DELETE FROM t");
    const auto reader = (*snapshot)->open_reader({});
    REQUIRE(reader.ok());
    CHECK(read_all(**reader, schemas[0]).size() == 2);
    // MariaDB tells every session what it sees; MySQL tells nobody without REPLICATION CLIENT.
    CHECK((*snapshot)->position().empty() == (server.name != "MariaDB"));
    session.exec("DROP USER modest@'%'");
  }
}

TEST_CASE("mysql_source: a table whose permission is gone fails alone, with the statement that helps") {
  for (const TestServer& server : test_servers()) {
    CAPTURE(server.name);
    const TestDatabase database(server);
    TestSession session = database.session();
    session.exec(
        fmt::format("CREATE TABLE good (id INT); INSERT INTO good VALUES (7); CREATE TABLE bad (id INT);"
                    "CREATE TABLE gone (id INT);"
                    "DROP USER IF EXISTS partial@'%'; CREATE USER partial@'%' IDENTIFIED BY 'secret';"
                    "GRANT SELECT ON {0}.good TO partial@'%'; GRANT SELECT ON {0}.gone TO partial@'%';"
                    "GRANT INSERT ON {0}.bad TO partial@'%'",
                    database.name()));
    const auto source = open_mysql_source(as_user(database, "partial"), 3, true, {});
    REQUIRE(source.ok());
    const std::vector<TableName> names = {database.table("good"), database.table("bad"),
                                          database.table("absent")};
    const auto described = (*source)->describe_tables(names);
    REQUIRE(described.ok());
    REQUIRE_FALSE((*described)[1].ok());
    CHECK((*described)[1].error().code() == ErrorCode::kTableUnreadable);
    CHECK((*described)[1].error().hint_text() ==
          fmt::format("GRANT SELECT ON `{}`.`bad` TO 'partial'@'%';", database.name()));
    CHECK((*described)[2].error().code() == ErrorCode::kTableUnreadable);

    const auto schemas = describe(**source, {database.table("good"), database.table("gone")});
    session.exec(fmt::format("REVOKE SELECT ON {}.gone FROM partial@'%'", database.name()));
    const auto snapshot = (*source)->open_snapshot(pointers(schemas), {});
    REQUIRE(snapshot.ok());
    const auto reader = (*snapshot)->open_reader({});
    REQUIRE(reader.ok());
    const Error failure = read_failure(**reader, schemas[1]);
    CHECK(failure.code() == ErrorCode::kTableUnreadable);
    CHECK(has(failure, "GRANT SELECT ON"));
    CHECK(read_all(**reader, schemas[0]) == Rows{{"7"}});
    session.exec("DROP USER partial@'%'");
  }
}

TEST_CASE("mysql_source: tables cannot be truncated or altered while the snapshot lives") {
  for (const TestServer& server : test_servers()) {
    CAPTURE(server.name);
    const TestDatabase database(server);
    TestSession session = database.session();
    session.exec("CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1); SET lock_wait_timeout = 1");
    {
      const Opened opened(database, {"t"});
      CHECK(session.exec_failing("TRUNCATE t") == 1205);
      CHECK(session.exec_failing("ALTER TABLE t ADD c INT") == 1205);
      session.exec("INSERT INTO t VALUES (2)");
      CHECK(read_all(*opened.reader(), opened.schemas[0]) == Rows{{"1"}});
    }
    wait_until(session, fmt::format("COUNT(*) = 1 FROM information_schema.PROCESSLIST WHERE DB = '{}'",
                                    database.name()));
    session.exec("TRUNCATE t");
  }
}

TEST_CASE("mysql_source: a table altered after its description is not read as it was described") {
  for (const TestServer& server : test_servers()) {
    CAPTURE(server.name);
    const TestDatabase database(server);
    TestSession session = database.session();
    session.exec(
        "CREATE TABLE a (id INT); CREATE TABLE b (id INT); CREATE TABLE c (id INT); INSERT INTO c VALUES "
        "(1)");
    const auto source = database.open_source();
    const auto schemas = describe(*source, {database.table("a"), database.table("b"), database.table("c")});
    session.exec("ALTER TABLE a ADD n INT; DROP TABLE b");
    const auto snapshot = source->open_snapshot(pointers(schemas), {});
    REQUIRE(snapshot.ok());
    const auto reader = (*snapshot)->open_reader({});
    REQUIRE(reader.ok());
    CHECK(has(read_failure(**reader, schemas[0]), "altered"));
    CHECK(read_failure(**reader, schemas[1]).code() == ErrorCode::kTableUnreadable);
    CHECK(read_all(**reader, schemas[2]) == Rows{{"1"}});
  }
}

TEST_CASE("mysql_source: somebody else's lock is waited for, and the table named when it lasts") {
  for (const TestServer& server : test_servers()) {
    CAPTURE(server.name);
    if (server.name != "MariaDB") continue;  // the waiting is long, and the same
    const TestDatabase database(server);
    TestSession session = database.session();
    session.exec("CREATE TABLE a (id INT); CREATE TABLE b (id INT); INSERT INTO a VALUES (1)");
    const auto source = database.open_source(2);
    const auto schemas = describe(*source, {database.table("a"), database.table("b")});
    TestSession holder = database.session();
    holder.exec("LOCK TABLES b WRITE");
    const auto snapshot = source->open_snapshot(pointers(schemas), {});
    REQUIRE_MESSAGE(snapshot.ok(), (snapshot ? "" : snapshot.error().to_string()));
    const auto reader = (*snapshot)->open_reader({});
    REQUIRE(reader.ok());
    CHECK(read_failure(**reader, schemas[1]).code() == ErrorCode::kTableUnreadable);
    CHECK(read_failure(**reader, schemas[1]).hint_text().find("another session alters the table") == 0);
    CHECK(read_all(**reader, schemas[0]) == Rows{{"1"}});
  }
}

TEST_CASE("mysql_source: a global lock that is not to be had soon is gone without") {
  for (const TestServer& server : test_servers()) {
    CAPTURE(server.name);
    if (server.name != "MySQL 8") continue;
    const TestDatabase database(server);
    TestSession session = database.session();
    session.exec("CREATE TABLE a (id INT); CREATE TABLE other (id INT); INSERT INTO a VALUES (1)");
    TestSession holder = database.session();
    holder.exec("LOCK TABLES other WRITE");
    const Opened opened(database, {"a"}, 3);
    CHECK(opened.snapshot->readers_max() == 2);  // by GTIDs
    CHECK_FALSE(opened.snapshot->position().empty());
    CHECK(read_all(*opened.reader(), opened.schemas[0]) == Rows{{"1"}});
  }
}

TEST_CASE("mysql_source: a stop request ends reading within a second") {
  for (const TestServer& server : test_servers()) {
    CAPTURE(server.name);
    const TestDatabase database(server);
    TestSession session = database.session();
    session.exec(
        "CREATE TABLE t (id INT); INSERT INTO t VALUES (1);"
        "CREATE VIEW slow AS SELECT id, SLEEP(60) AS s FROM t");
    const Opened opened(database, {"slow"});
    const auto reader = opened.reader();
    std::stop_source stop;
    std::jthread stopper([&] {
      wait_until(session,
                 "COUNT(*) > 0 FROM information_schema.PROCESSLIST WHERE INFO LIKE '%`slow`%' AND COMMAND = "
                 "'Query' AND ID <> CONNECTION_ID()");
      stop.request_stop();
    });
    const auto begin = Clock::now();
    CHECK(read_failure(*reader, opened.schemas[0], stop.get_token()).code() == ErrorCode::kCancelled);
    stopper.join();
    CHECK(Clock::now() - begin < std::chrono::seconds(3));
  }
}

TEST_CASE(
    "mysql_source: rows that are not wanted any more are left, and the session goes on in its snapshot") {
  for (const TestServer& server : test_servers()) {
    CAPTURE(server.name);
    const TestDatabase database(server);
    TestSession session = database.session();
    session.exec(
        "CREATE TABLE big (id INT AUTO_INCREMENT PRIMARY KEY, c VARCHAR(200));"
        "INSERT INTO big (c) VALUES (REPEAT('x', 200))");
    for (int i = 0; i < 16; ++i) session.exec("INSERT INTO big (c) SELECT c FROM big");
    const Opened opened(database, {"big"}, 2);
    session.exec("DELETE FROM big WHERE id > 1");
    const auto reader = opened.reader();
    {
      const auto rows = reader->open(Segment{&opened.schemas[0], 0, ""});
      REQUIRE(rows.ok());
      ChangeBatch batch(ChangeBatch::Limits{10, 1 << 20});
      REQUIRE((*rows)->read(batch, {}).ok());
      CHECK(batch.changes().size() == 10);
    }
    CHECK(read_all(*reader, opened.schemas[0]).size() == 65'536);
  }
}

TEST_CASE("mysql_source: a session that is lost takes its view of the snapshot along") {
  for (const TestServer& server : test_servers()) {
    CAPTURE(server.name);
    const TestDatabase database(server);
    TestSession session = database.session();
    session.exec("CREATE TABLE t (id INT); INSERT INTO t VALUES (1)");
    const Opened opened(database, {"t"}, 2);
    auto reader = opened.reader();
    const Rows ids = session.exec(
        fmt::format("SELECT ID FROM information_schema.PROCESSLIST WHERE DB = '{}' AND ID <> CONNECTION_ID()",
                    database.name()));
    for (const auto& id : ids) session.exec("KILL " + *id[0]);
    wait_until(session, fmt::format("COUNT(*) = 1 FROM information_schema.PROCESSLIST WHERE DB = '{}'",
                                    database.name()));
    CHECK(read_failure(*reader, opened.schemas[0]).code() == ErrorCode::kSourceUnavailable);
    reader.reset();
    const auto again = opened.snapshot->open_reader({});
    REQUIRE_FALSE(again.ok());
    CHECK(again.error().code() == ErrorCode::kSourceUnavailable);
  }
}

TEST_CASE("mysql_source: never more connections than allowed, at least two") {
  for (const TestServer& server : test_servers()) {
    CAPTURE(server.name);
    const TestDatabase database(server);
    TestSession session = database.session();
    session.exec("CREATE TABLE t (id INT)");
    const Opened opened(database, {"t"}, 3);
    CHECK(opened.snapshot->readers_max() == 2);
    CHECK(session.exec(
              fmt::format("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = '{}' AND ID <> "
                          "CONNECTION_ID()",
                          database.name()))[0][0] == "3");
    CHECK(open_mysql_source(database.settings(), 1, true, {}).error().code() == ErrorCode::kInvalidSettings);
  }
}

TEST_CASE("mysql_source: identity is the server's own, and stays") {
  for (const TestServer& server : test_servers()) {
    CAPTURE(server.name);
    const TestDatabase database(server);
    const auto first = database.open_source()->identity();
    REQUIRE(first.ok());
    CHECK(first->kind == (server.name == "MariaDB" ? "mariadb" : "mysql"));
    CHECK_FALSE(first->server.empty());
    CHECK(*first == *database.open_source()->identity());
  }
}

}  // namespace dmskafka::mysql

// Slots, publications and positions on a real server. Needs DMSKAFKA_TEST_POSTGRES.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <thread>

#include "sources/postgres/log_for_test.h"
#include "sources/postgres/lsn.h"
#include "sources/postgres/replication_slot.h"
#include "sources/postgres/snapshot.h"

namespace dmskafka::postgres {
namespace {

using Clock = std::chrono::steady_clock;
using Lines = std::vector<std::string>;

constexpr const char* kSlot = "dmskafka_testtask";

/// Slots belong to the cluster and keep its database: a test that fails must not leave one.
struct DropSlots {
  explicit DropSlots(const TestDatabase& of) : database(of) {}
  ~DropSlots() {
    try {
      TestSession session = database.session();
      session.exec(
          "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = "
          "current_database() AND active");
      const auto until = Clock::now() + std::chrono::seconds(5);
      while (session.exec(
                 "SELECT count(*) FROM pg_replication_slots WHERE database = current_database() AND active")
                     [0][0] != "0" &&
             Clock::now() < until) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
      session.exec(
          "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = "
          "current_database()");
    } catch (const std::exception&) {
    }
  }
  const TestDatabase& database;
};

std::string slot_count(TestSession& session) {
  return *session.exec("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()")[0][0];
}

void wait_free(TestSession& session) {
  const auto until = Clock::now() + std::chrono::seconds(10);
  while (
      session.exec(
          "SELECT count(*) FROM pg_replication_slots WHERE database = current_database() AND active")[0][0] !=
      "0") {
    REQUIRE(Clock::now() < until);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

std::string publication_tables(TestSession& session, const std::string& name) {
  const Rows rows = session.exec(
      "SELECT coalesce(string_agg(schemaname || '.' || tablename, ' ' ORDER BY tablename), '') FROM "
      "pg_publication_tables "
      "WHERE pubname = '" +
      name + "'");
  return *rows[0][0];
}

Error open_failure(FollowedLog& log, const LogPosition& from) {
  auto opened = log.try_open(from);
  REQUIRE(!opened.ok());
  return opened.error();
}

std::string problems(const std::vector<PreflightFinding>& findings) {
  std::string text;
  for (const PreflightFinding& finding : findings) {
    text += fmt::format("{}: {} | {}\n",
                        finding.severity == PreflightFinding::Severity::kError ? "error" : "warning",
                        finding.problem, finding.repair);
  }
  return text;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
#define CHECK_CONTAINS(text, part) CHECK_MESSAGE(contains(text, part), (text))

}  // namespace

TEST_CASE("postgres_log: the publications hold exactly the followed tables") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  const DropSlots cleanup(database);
  TestSession session = database.session();
  session.exec(
      "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE keyless (v int); CREATE TABLE other (id int PRIMARY "
      "KEY);"
      "CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY); CREATE VIEW view AS SELECT * FROM t;"
      "CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent);"
      "CREATE TABLE late (id int PRIMARY KEY DEFERRABLE)");
  FollowedLog log(database, {{"public", "t"},
                             {"public", "keyless"},
                             {"public", "unlogged"},
                             {"public", "view"},
                             {"public", "parent"},
                             {"public", "late"}});
  log.start();
  CHECK(publication_tables(session, kSlot) == "public.parent public.t");
  CHECK(publication_tables(session, std::string(kSlot) + "_inserts") == "public.keyless public.late");
  if (session.version() >= 130000) {
    CHECK(session.exec(
              "SELECT bool_and(pubviaroot) FROM pg_publication WHERE pubname LIKE 'dmskafka%'")[0][0] == "t");
  }
  // The application's statements go on working, whatever the table's identity; the log has what it can have.
  session.exec(
      "INSERT INTO keyless VALUES (1); UPDATE keyless SET v = 2; DELETE FROM keyless; UPDATE late SET id = "
      "1");
  session.exec("INSERT INTO child VALUES (1); INSERT INTO other VALUES (1); INSERT INTO unlogged VALUES (1)");
  CHECK(log.changes() == Lines{"table public.keyless (v integer)", "insert public.keyless {} {1}"});
  CHECK(log.schemas[1]->old_row == OldRow::kNothing);
  log.close();
}

TEST_CASE("postgres_log: rows of the snapshot and changes after it meet exactly, under write load") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  const DropSlots cleanup(database);
  TestSession session = database.session();
  session.exec(
      "CREATE TABLE t (id serial PRIMARY KEY, n int NOT NULL); INSERT INTO t (n) SELECT 0 FROM "
      "generate_series(1, 1000)");
  std::atomic<bool> stop = false;
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 3; ++writer) {
    writers.emplace_back([&, writer] {
      TestSession own = database.session();
      for (int i = 0; !stop; ++i) {
        own.exec(
            fmt::format("INSERT INTO t (n) VALUES ({}); UPDATE t SET n = n + 1 WHERE id = {}; DELETE FROM t "
                        "WHERE id = {}",
                        writer, 1 + (i * 7 + writer) % 900, 901 + (i * 3 + writer) % 2000));
      }
    });
  }
  std::string difference;
  try {
    for (int round = 0; round < 5; ++round) {
      FollowedLog log(database, {{"public", "t"}});
      ChangeLog::Prepared prepared = log.prepare(ChangeLog::WithSnapshot::kYes);
      REQUIRE(prepared.snapshot->position() == prepared.start);
      auto reader = prepared.snapshot->open_reader({});
      REQUIRE(reader.ok());
      std::map<std::string, std::string> table;
      for (const auto& row : read_all(**reader, *log.schemas[0])) {
        REQUIRE(table.emplace(*row[0], *row[1]).second);
      }
      log.open(prepared.start);
      prepared.snapshot.reset();
      const auto end = log.log->current_end();
      REQUIRE(end.ok());
      LogBatch batch;
      while (log.position < *end && difference.empty()) {
        batch.clear();
        REQUIRE(log.stream->read(batch, std::chrono::milliseconds(100), {}).ok());
        for (const Change& change : std::as_const(batch).rows().changes()) {
          const bool removes = change.operation != Operation::kInsert;
          const std::string key(removes && change.after.empty() ? change.before[0].view()
                                                                : change.after[0].view());
          const bool known = table.contains(key);
          if (known != removes) difference = describe_change(change);  // missing before, or there already
          if (change.operation == Operation::kDelete)
            table.erase(key);
          else
            table[key] = change.after[1].view();
        }
        for (const LogEvent& event : batch.events()) {
          if (!event.position.empty()) log.position = event.position;
        }
      }
      log.close();
      wait_free(session);
    }
  } catch (const std::exception& failure) {
    difference = failure.what();
  }
  stop = true;
  for (std::thread& writer : writers) writer.join();
  CHECK(difference == "");
}

TEST_CASE("postgres_log: a table that is truncated between snapshot and lock is noticed") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  const DropSlots cleanup(database);
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 1000)");
  const FollowedLog log(database, {{"public", "t"}});
  const auto settings = std::make_shared<const SourceSettings>(database.settings());
  const std::vector<const TableSchema*> tables = {log.schemas[0].get()};
  for (const bool truncate : {false, true}) {
    auto control = Connection::open(settings, {});
    REQUIRE(control.ok());
    auto slot =
        create_slot(settings, *control,
                    {.name = truncate ? "log_test_b" : "log_test_a", .snapshot = ExportSnapshot::kYes}, {});
    REQUIRE(slot.ok());
    if (truncate) session.exec("TRUNCATE t");
    PostgresSnapshot::Options options;
    options.import = slot->snapshot;
    options.import_position = lsn_position(slot->consistent_point);
    const auto snapshot = PostgresSnapshot::open(std::move(*control), settings, tables, options, {});
    REQUIRE(snapshot.ok());
    CHECK((*snapshot)->rewritten_meanwhile() == truncate);
    CHECK((*snapshot)->position().order_low == slot->consistent_point);
  }
}

TEST_CASE("postgres_log: under a storm of truncates the load still begins with a whole table") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  const DropSlots cleanup(database);
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (7)");
  FollowedLog log(database, {{"public", "t"}});
  std::atomic<bool> stop = false;
  std::thread storm([&] {
    TestSession own = database.session();
    // A TRUNCATE that waits for the load's locks gives up, so that the load does not wait behind it in turn.
    own.exec("SET lock_timeout = '50ms'");
    const auto until = Clock::now() + std::chrono::milliseconds(400);
    while (!stop && Clock::now() < until) {
      try {
        own.exec("BEGIN; TRUNCATE t; INSERT INTO t VALUES (7); COMMIT");
      } catch (const std::exception&) {
        own.exec("ROLLBACK");
      }
    }
  });
  std::string rows;
  try {
    const ChangeLog::Prepared prepared = log.prepare(ChangeLog::WithSnapshot::kYes);
    auto reader = prepared.snapshot->open_reader({});
    for (const auto& row : read_all(*reader.value(), *log.schemas[0])) rows += *row[0];
  } catch (const std::exception& failure) {
    rows = failure.what();
  }
  stop = true;
  storm.join();
  CHECK(rows == "7");
  CHECK(slot_count(session) == "1");
}

TEST_CASE("postgres_log: what an earlier attempt left behind is replaced") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  const DropSlots cleanup(database);
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)");
  FollowedLog first(database, {{"public", "t"}});
  const LogPosition before = first.prepare(ChangeLog::WithSnapshot::kNo).start;
  session.exec("INSERT INTO t VALUES (1)");
  FollowedLog second(database, {{"public", "u"}});
  const LogPosition after = second.prepare(ChangeLog::WithSnapshot::kNo).start;
  CHECK(before < after);
  CHECK(slot_count(session) == "1");
  CHECK(publication_tables(session, kSlot) == "public.u");
}

TEST_CASE("postgres_log: a stop ends the waiting for other transactions, and leaves no slot") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  const DropSlots cleanup(database);
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int PRIMARY KEY)");
  FollowedLog log(database, {{"public", "t"}});
  TestSession writer = database.session();
  writer.exec("BEGIN; INSERT INTO t VALUES (1)");
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  CHECK_CONTAINS(problems(log.preflight()),
                 "a new replication slot waits until these transactions have ended: pid ");
  std::stop_source stop;
  std::thread stopper([&] {
    const auto until = Clock::now() + std::chrono::seconds(10);
    TestSession watch = database.session();
    while (Clock::now() < until && slot_count(watch) == "0")
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    stop.request_stop();
  });
  const std::vector<const TableSchema*> tables = {log.schemas[0].get()};
  const auto began = Clock::now();
  const auto prepared = log.log->prepare(tables, ChangeLog::WithSnapshot::kYes, stop.get_token());
  stopper.join();
  REQUIRE(!prepared.ok());
  CHECK(prepared.error().code() == ErrorCode::kCancelled);
  CHECK(Clock::now() - began < std::chrono::seconds(15));
  writer.exec("ROLLBACK");
  const auto until = Clock::now() + std::chrono::seconds(10);
  while (slot_count(session) != "0" && Clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK(slot_count(session) == "0");
}

TEST_CASE("postgres_log: a slot that is gone, read on, made anew or another's is a lost position") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  const DropSlots cleanup(database);
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int PRIMARY KEY)");
  FollowedLog log(database, {{"public", "t"}});
  const LogPosition start = log.prepare(ChangeLog::WithSnapshot::kNo).start;
  session.exec("INSERT INTO t VALUES (1)");
  const auto drop = [&] { session.exec(fmt::format("SELECT pg_drop_replication_slot('{}')", kSlot)); };
  SUBCASE("dropped") {
    drop();
    const Error error = open_failure(log, start);
    CHECK(error.code() == ErrorCode::kPositionLost);
    CHECK(error.to_string() ==
          "the replication slot dmskafka_testtask is gone, and with it the log after " + start.text +
              "\n  the changes in between are lost to this task: load the tables again with --restart");
  }
  SUBCASE("made anew under the same name") {
    drop();
    session.exec(fmt::format("SELECT pg_create_logical_replication_slot('{}', 'pgoutput')", kSlot));
    const Error error = open_failure(log, start);
    CHECK(error.code() == ErrorCode::kPositionLost);
    CHECK_CONTAINS(error.message(), "somebody has read it on or made it anew");
  }
  SUBCASE("read on by somebody else") {
    if (session.version() < 110000) return;
    session.exec(fmt::format("SELECT pg_replication_slot_advance('{}', pg_current_wal_lsn())", kSlot));
    const Error error = open_failure(log, start);
    CHECK(error.code() == ErrorCode::kPositionLost);
    CHECK_CONTAINS(error.message(), "somebody has read it on or made it anew");
  }
  SUBCASE("of another plugin") {
    drop();
    session.exec(fmt::format("SELECT pg_create_logical_replication_slot('{}', 'test_decoding')", kSlot));
    const Error error = open_failure(log, start);
    CHECK(error.code() == ErrorCode::kPositionLost);
    CHECK_CONTAINS(error.message(), "it belongs to the plugin test_decoding");
  }
  SUBCASE("of another database") {
    drop();
    const TestDatabase elsewhere;
    const DropSlots cleanup_elsewhere(elsewhere);
    elsewhere.session().exec(
        fmt::format("SELECT pg_create_logical_replication_slot('{}', 'pgoutput')", kSlot));
    const Error error = open_failure(log, start);
    CHECK(error.code() == ErrorCode::kPositionLost);
    CHECK_CONTAINS(error.message(),
                   "belongs to the database \"" + elsewhere.settings().database_name + "\", not to");
  }
  SUBCASE("of another cluster") {
    LogPosition foreign = start;
    foreign.bytes = start.text + " 1234567890123456789";
    const Error error = open_failure(log, foreign);
    CHECK(error.code() == ErrorCode::kPositionLost);
    CHECK_CONTAINS(error.message(), "is another cluster");
  }
  SUBCASE("a position the server has not reached") {
    const auto ahead = log.log->restore_position("FFFFFF/0");
    REQUIRE(ahead.ok());
    const Error error = open_failure(log, *ahead);
    CHECK(error.code() == ErrorCode::kPositionLost);
    CHECK_CONTAINS(error.message(), "before our position FFFFFF/0");
  }
}

TEST_CASE("postgres_log: a slot that the server gave up is a lost position, before and while it is read") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  const DropSlots cleanup(database);
  TestSession session = database.session();
  if (session.version() < 130000) return;
  if (std::getenv("DMSKAFKA_TEST_POSTGRES_ALONE") == nullptr) {
    std::puts(
        "NOT TESTED: max_slot_wal_keep_size is for all slots of a server (DMSKAFKA_TEST_POSTGRES_ALONE=1 "
        "allows it)");
    return;
  }
  session.exec("CREATE TABLE t (id int PRIMARY KEY, v text)");
  FollowedLog log(database, {{"public", "t"}});
  const LogPosition start = log.prepare(ChangeLog::WithSnapshot::kNo).start;
  session.exec("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'");
  session.exec("SELECT pg_reload_conf()");
  const auto reset = [&] {
    session.exec("ALTER SYSTEM RESET max_slot_wal_keep_size");
    session.exec("SELECT pg_reload_conf()");
  };
  try {
    const auto until =
        Clock::now() + std::chrono::seconds(20);  // a server reads its settings again when it gets to it
    std::string found;
    while (!contains(found, "gives a replication slot up when it keeps more than 1 MB of log")) {
      REQUIRE(Clock::now() < until);
      found = problems(log.preflight());
    }
    const auto retention = log.log->retention({});
    REQUIRE(retention.ok());
    CHECK(retention->bytes_to_limit.has_value());
    for (int i = 0; i < 60; ++i) {
      session.exec("INSERT INTO t SELECT i + " + std::to_string(i * 10000) +
                   ", repeat('x', 100) FROM generate_series(1, 10000) AS i");
      session.exec("SELECT pg_switch_wal()");
      session.exec("CHECKPOINT");
      if (session.exec(fmt::format("SELECT wal_status FROM pg_replication_slots WHERE slot_name = '{}'",
                                   kSlot))[0][0] == "lost")
        break;
    }
    const Error error = open_failure(log, start);
    CHECK(error.code() == ErrorCode::kPositionLost);
    CHECK_CONTAINS(error.message(), "the server has given up the replication slot dmskafka_testtask (");
  } catch (...) {
    reset();
    throw;
  }
  reset();
}

TEST_CASE("postgres_log: a publication that somebody changed under a slot is a lost position, not a hole") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  const DropSlots cleanup(database);
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int PRIMARY KEY)");
  FollowedLog log(database, {{"public", "t"}});
  const LogPosition start = log.prepare(ChangeLog::WithSnapshot::kNo).start;
  SUBCASE("dropped") {
    session.exec(fmt::format("DROP PUBLICATION {}", kSlot));
    const Error error = open_failure(log, start);
    CHECK(error.code() == ErrorCode::kPositionLost);
    CHECK_CONTAINS(error.message(), "the publication dmskafka_testtask was dropped");
  }
  SUBCASE("made anew") {
    session.exec(fmt::format("DROP PUBLICATION {0}; CREATE PUBLICATION {0} FOR TABLE t {1}", kSlot,
                             session.version() >= 130000 ? "WITH (publish_via_partition_root = true)" : ""));
    const Error error = open_failure(log, start);
    CHECK(error.code() == ErrorCode::kPositionLost);
    CHECK_CONTAINS(error.message(), "was dropped and made anew by somebody");
  }
  SUBCASE("altered") {
    session.exec(fmt::format("ALTER PUBLICATION {} SET (publish = 'insert')", kSlot));
    const Error error = open_failure(log, start);
    CHECK(error.code() == ErrorCode::kPositionLost);
    CHECK_CONTAINS(error.message(), "was altered");
  }
  SUBCASE("through partition roots no more") {
    if (session.version() < 130000) return;
    session.exec(fmt::format("ALTER PUBLICATION {} SET (publish_via_partition_root = false)", kSlot));
    CHECK_CONTAINS(open_failure(log, start).message(), "was altered");
  }
}

TEST_CASE("postgres_log: a table is added to a live slot and another one leaves it") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  const DropSlots cleanup(database);
  TestSession session = database.session();
  session.exec(
      "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY); CREATE TABLE k (v int)");
  LogPosition position;
  {
    FollowedLog log(database, {{"public", "t"}, {"public", "k"}});
    log.start();
    session.exec("INSERT INTO t VALUES (1); INSERT INTO u VALUES (1); INSERT INTO k VALUES (1)");
    CHECK(log.changes().size() == 4);
    position = log.position;
  }
  session.exec("INSERT INTO t VALUES (2); ALTER TABLE k REPLICA IDENTITY FULL");
  TestSession writer = database.session();
  writer.exec("BEGIN; INSERT INTO u VALUES (2)");  // the new table's changes under way are waited for
  std::thread committer([&] {
    TestSession watch = database.session();
    const auto until = Clock::now() + std::chrono::seconds(8);
    while (Clock::now() < until &&
           watch.exec("SELECT count(*) FROM pg_locks WHERE NOT granted AND mode IN ('ShareRowExclusiveLock', "
                      "'ShareUpdateExclusiveLock')")[0][0] == "0") {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    writer.exec("COMMIT");
  });
  FollowedLog log(database, {{"public", "u"}, {"public", "k"}});
  log.open(position);
  committer.join();
  CHECK(publication_tables(session, kSlot) == "public.k public.u");
  CHECK(publication_tables(session, std::string(kSlot) + "_inserts") == "");
  session.exec("INSERT INTO t VALUES (3); INSERT INTO u VALUES (3); UPDATE k SET v = 2");
  const Lines changes = log.changes();
  CHECK(std::find(changes.begin(), changes.end(), "insert public.u {} {3}") != changes.end());
  CHECK(std::find(changes.begin(), changes.end(), "update public.k {1} {2}") != changes.end());
  CHECK(std::none_of(changes.begin(), changes.end(),
                     [](const std::string& line) { return contains(line, "public.t"); }));
  log.close();
}

TEST_CASE("postgres_log: a slot still in use is waited for, not taken away") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  const DropSlots cleanup(database);
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int PRIMARY KEY)");
  FollowedLog first(database, {{"public", "t"}});
  first.start();
  const std::string pid = *session.exec(
      fmt::format("SELECT active_pid FROM pg_replication_slots WHERE slot_name = '{}'", kSlot))[0][0];
  std::thread closer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(700));
    first.close();
  });
  FollowedLog second(database, {{"public", "t"}});
  second.open(first.position);
  closer.join();
  session.exec("INSERT INTO t VALUES (1)");
  CHECK(second.changes().size() == 2);
  CHECK(session.exec(fmt::format("SELECT active_pid <> {} FROM pg_replication_slots WHERE slot_name = '{}'",
                                 pid, kSlot))[0][0] == "t");
  second.close();
}

TEST_CASE("postgres_log: positions are read as people write them") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  const DropSlots cleanup(database);
  FollowedLog log(database, {});
  const auto parsed = [&](const char* text) {
    const auto position = log.log->parse_position(text);
    return position ? position->text : position.error().to_string();
  };
  CHECK(parsed("4AF/B00000D0") == "4AF/B00000D0");
  CHECK(parsed("0/0") == "0/0");
  // SPEC dms-settings §4.2
  CHECK(parsed("checkpoint:V1#1#000004AF/B00000D0#0#0#*#0#0") == "4AF/B00000D0");
  CHECK(parsed("checkpoint:V1#27#000004AF/B00000D0.3.000004AF/B00000D0#0#0#*#0#93") == "4AF/B00000D0");
  for (const char* wrong :
       {"", "now", "4AF", "4AF/B00000D00", "checkpoint:", "checkpoint:V1#1", "checkpoint:V1#1#",
        "checkpoint:V1#27#mysql-bin-changelog.157832:1975:-1:2002:677883278264080:"
        "mysql-bin-changelog.157832:1876#0#0#*#0#93"}) {
    CAPTURE(wrong);
    const auto position = log.log->parse_position(wrong);
    REQUIRE(!position.ok());
    CHECK(position.error().code() == ErrorCode::kCommandLine);
  }
  CHECK(log.log->restore_position("0/16B3748 7412345678901234567")->text == "0/16B3748");
  CHECK(log.log->restore_position("0/16B3748")->order_low == 0x16B3748);
  for (const char* wrong : {"", "x", "0/16B3748 ", "0/16B3748 abc", "0/16B3748 1 2"}) {
    CHECK(log.log->restore_position(wrong).error().code() == ErrorCode::kStateFile);
  }
}

TEST_CASE("postgres_log: retention, and what a task and others leave behind") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  const DropSlots cleanup(database);
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int PRIMARY KEY, v text)");
  FollowedLog other(database, {{"public", "t"}}, "other");
  (void)other.prepare(ChangeLog::WithSnapshot::kNo);
  FollowedLog log(database, {{"public", "t"}});
  CHECK(contains(log.log->retention({})->state, "no replication slot"));
  const LogPosition start = log.prepare(ChangeLog::WithSnapshot::kNo).start;
  session.exec("INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(1, 2000) AS i");
  const auto retention = log.log->retention({});
  REQUIRE(retention.ok());
  CHECK(retention->acknowledged == start);
  CHECK(retention->server_end > start);
  CHECK(*retention->retained_bytes > 2'000'000);
  CHECK(retention->state == (session.version() >= 130000 ? "reserved" : ""));
  const auto names = [](const std::vector<LogResource>& resources, bool ours) {
    Lines found;
    for (const LogResource& resource : resources) {
      if (resource.ours == ours) found.push_back(resource.kind + " " + resource.name);
    }
    return found;
  };
  const auto listed = log.log->list_resources();
  REQUIRE(listed.ok());
  const Lines mine = {"replication slot dmskafka_testtask", "publication dmskafka_testtask",
                      "publication dmskafka_testtask_inserts"};
  CHECK(names(*listed, true) == mine);
  const Lines others = names(*listed, false);
  CHECK(std::find(others.begin(), others.end(), "replication slot dmskafka_other") != others.end());
  const auto removed = log.log->remove_resources();
  REQUIRE(removed.ok());
  CHECK(names(*removed, true) == mine);
  CHECK(slot_count(session) == "1");
  CHECK(log.log->remove_resources()->empty());
}

TEST_CASE("postgres_log: preflight names each thing that is missing and the statement that mends it") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  const DropSlots cleanup(database);
  TestSession session = database.session();
  const std::string role = database.settings().database_name + "_role";
  session.exec(
      "CREATE TABLE mine (id int PRIMARY KEY); CREATE TABLE keyless (v int); CREATE UNLOGGED TABLE fast (id "
      "int PRIMARY KEY);"
      "CREATE TABLE by_index (id int PRIMARY KEY, c int NOT NULL UNIQUE); ALTER TABLE by_index REPLICA "
      "IDENTITY USING INDEX "
      "by_index_c_key; CREATE VIEW v AS SELECT 1 AS one");
  session.exec(fmt::format(
      "CREATE ROLE {0} LOGIN PASSWORD 'x'; GRANT USAGE ON SCHEMA public TO {0}; "
      "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {0}; REVOKE CREATE ON DATABASE {1} FROM PUBLIC",
      role, database.settings().database_name));
  struct DropRole {
    ~DropRole() { session.exec(fmt::format("DROP OWNED BY {0}; DROP ROLE {0}", role)); }
    TestSession& session;
    const std::string& role;
  } const drop_role{session, role};
  const std::vector<TableName> names = {
      {"public", "mine"}, {"public", "keyless"}, {"public", "fast"}, {"public", "by_index"}, {"public", "v"}};
  SourceSettings settings = database.settings();
  {
    FollowedLog log(settings, names);
    const std::string found = problems(log.preflight());
    CHECK(!contains(found, "error:"));
    CHECK_CONTAINS(
        found,
        "warning: public.keyless has no primary key or other replica identity: its inserts and truncates are "
        "followed, its updates and deletes are not (publishing them would make the application's own "
        "statements fail) | ALTER TABLE \"public\".\"keyless\" ADD PRIMARY KEY (…); or ALTER TABLE "
        "\"public\".\"keyless\" REPLICA IDENTITY FULL;\n");
    CHECK_CONTAINS(
        found,
        "warning: public.fast is unlogged: its changes are not in the log; it is loaded, and not followed | "
        "ALTER TABLE \"public\".\"fast\" SET LOGGED;\n");
    CHECK_CONTAINS(found, "warning: the replica identity of public.by_index is an index");
    CHECK_CONTAINS(found, "warning: public.v is a view: ");
  }
  settings.username = role;
  settings.password = "x";
  FollowedLog log(settings, names);
  std::string found = problems(log.preflight());
  CHECK_CONTAINS(found, fmt::format("error: user \"{}\" cannot open a replication connection: ", role));
  CHECK_CONTAINS(found, fmt::format("| ALTER ROLE \"{}\" REPLICATION;", role));
  CHECK_CONTAINS(
      found,
      fmt::format(
          "error: publishing takes the owner of each table, which user \"{}\" is not for public.mine, "
          "public.by_index, public.keyless | as the tables' owner, or a superuser: CREATE PUBLICATION "
          "\"dmskafka_testtask\" FOR TABLE ONLY \"public\".\"mine\", ONLY \"public\".\"by_index\" WITH "
          "(publish = 'insert, update, delete",
          role));
  CHECK_CONTAINS(
      found, fmt::format(
                 "error: user \"{0}\" may not create a publication in the database \"{1}\" | GRANT CREATE ON "
                 "DATABASE \"{1}\" TO \"{0}\";\n",
                 role, settings.database_name));
  // Each statement, run as it stands, mends its problem.
  session.exec(fmt::format("ALTER ROLE \"{}\" REPLICATION", role));
  const std::size_t at = found.find("superuser: ") + 11;
  session.exec(found.substr(at, found.find('\n', at) - at));
  found = problems(log.preflight());
  CHECK_MESSAGE(!contains(found, "error:"), found);
  // The role owns nothing, and follows by what the administrator made.
  log.start();
  session.exec("INSERT INTO mine VALUES (1); INSERT INTO keyless VALUES (1)");
  CHECK(log.changes().size() == 4);
  log.close();
}

TEST_CASE("postgres_log: SlotName names our slot, or one that somebody made for us") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  const DropSlots cleanup(database);
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int PRIMARY KEY)");
  SourceSettings settings = database.settings();
  settings.slot_name = settings.database_name + "_slot";
  SUBCASE("ours") {
    FollowedLog log(settings, {{"public", "t"}});
    (void)log.prepare(ChangeLog::WithSnapshot::kYes);
    (void)log.prepare(ChangeLog::WithSnapshot::kYes);  // replaced, as any other slot of ours
    CHECK(log.log->remove_resources()->size() == 3);
    CHECK(slot_count(session) == "0");
  }
  SUBCASE("another's") {
    session.exec(fmt::format("CREATE PUBLICATION {} FOR TABLE t {}", kSlot,
                             session.version() >= 130000 ? "WITH (publish_via_partition_root = true)" : ""));
    const std::string point = *session.exec(fmt::format(
        "SELECT lsn FROM pg_create_logical_replication_slot('{}', 'pgoutput')", settings.slot_name))[0][0];
    session.exec("INSERT INTO t VALUES (1)");
    FollowedLog log(settings, {{"public", "t"}});
    CHECK_THROWS_WITH_AS((void)log.prepare(ChangeLog::WithSnapshot::kYes),
                         doctest::Contains("exists already, and only a new slot comes with a snapshot"),
                         std::runtime_error);
    const LogPosition start = log.prepare(ChangeLog::WithSnapshot::kNo).start;
    CHECK(start.text == point);
    log.open(start);
    CHECK(log.changes() == Lines{"table public.t (id* integer)", "insert public.t {} {1}"});
    log.close();
    wait_free(session);
    const auto removed = log.log->remove_resources();
    REQUIRE(removed.ok());
    for (const LogResource& resource : *removed) CHECK(resource.kind == "publication");
    CHECK(slot_count(session) == "1");
  }
}

}  // namespace dmskafka::postgres

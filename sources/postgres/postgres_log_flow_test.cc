// How a stream behaves over time: quiet databases, slow targets, stops. Needs DMSKAFKA_TEST_POSTGRES.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "sources/postgres/log_for_test.h"
#include "sources/postgres/lsn.h"

namespace dmskafka::postgres {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

Lsn confirmed_flush(TestSession& session) {
  const Rows rows = session.exec(
      "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = 'dmskafka_testtask'");
  return *parse_lsn(*rows.at(0).at(0));
}

/// Drops the slot of the test at its end.
struct Cleanup {
  explicit Cleanup(FollowedLog& of) : log(of) {}
  ~Cleanup() {
    log.close();
    (void)log.log->remove_resources();
  }
  FollowedLog& log;
};

}  // namespace

TEST_CASE("postgres_log: log of other databases is acknowledged while ours is quiet") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  const TestDatabase elsewhere;
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int PRIMARY KEY)");
  FollowedLog log(database, {{"public", "t"}});
  const Cleanup cleanup(log);
  log.start();
  std::vector<std::string> lines;
  TestSession foreign = elsewhere.session();
  foreign.exec("CREATE TABLE f (v text)");
  // A writer that never pauses, and then one end to reach.
  const auto until = Clock::now() + seconds(6);
  Lsn seen = 0;
  while (Clock::now() < until) {
    seen = *parse_lsn(
        *foreign.exec("INSERT INTO f SELECT repeat('x', 1000) FROM generate_series(1, 500); SELECT "
                      "pg_current_wal_lsn()")[0][0]);
    (void)log.read_once(lines, milliseconds(1));
    log.stream->acknowledge(log.position);
  }
  const Lsn last = seen;
  const auto limit = Clock::now() + seconds(10);
  while (confirmed_flush(session) < last && Clock::now() < limit) {
    (void)log.read_once(lines, milliseconds(50));
    log.stream->acknowledge(log.position);
  }
  CHECK(confirmed_flush(session) >= last);
  CHECK(log.idle_events > 0);
  // Nothing was missed for it.
  session.exec("INSERT INTO t VALUES (1)");
  CHECK(log.changes().back() == "insert public.t {} {1}");
}

TEST_CASE("postgres_log: what is not acknowledged is not given away, however quiet it is") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int PRIMARY KEY)");
  FollowedLog log(database, {{"public", "t"}});
  const Cleanup cleanup(log);
  log.start();
  const LogPosition start = log.position;
  session.exec("INSERT INTO t VALUES (1)");
  (void)log.follow();
  std::vector<std::string> lines;
  const auto until = Clock::now() + seconds(4);  // longer than it takes to ask for and to answer a keepalive
  while (Clock::now() < until) (void)log.read_once(lines, milliseconds(200));
  CHECK(confirmed_flush(session) <= start.order_low);
  CHECK(*log.stream->status().lag_bytes > 0);
  log.stream->acknowledge(log.position);
  const auto limit = Clock::now() + seconds(5);
  while (confirmed_flush(session) < log.position.order_low && Clock::now() < limit) {
    std::this_thread::sleep_for(milliseconds(20));  // nobody reads, and it is told
  }
  CHECK(confirmed_flush(session) >= log.position.order_low);
}

TEST_CASE(
    "postgres_log: the server keeps the connection while nobody reads for longer than wal_sender_timeout") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int PRIMARY KEY, v text)");
  // Before 12 the time is the server's alone.
  const bool own_timeout = session.version() >= 120000;
  SourceSettings settings = database.settings();
  if (own_timeout) settings.url_parameters = "options='-c wal_sender_timeout=2s'";
  FollowedLog log(settings, {{"public", "t"}});
  const Cleanup cleanup(log);
  log.start();
  // More than all buffers on the way hold, so that the server is blocked in the midst of it.
  session.exec("INSERT INTO t SELECT i, repeat(md5(i::text), 40) FROM generate_series(1, 50000) AS i");
  std::vector<std::string> lines;
  REQUIRE(log.read_once(lines, seconds(10)));
  const std::string pid = *session.exec(
      "SELECT active_pid FROM pg_replication_slots WHERE slot_name = 'dmskafka_testtask'")[0][0];
  std::this_thread::sleep_for(own_timeout ? seconds(7) : seconds(2));
  CHECK(session.exec(
            "SELECT active_pid FROM pg_replication_slots WHERE slot_name = 'dmskafka_testtask'")[0][0] ==
        pid);
  const std::size_t before = lines.size();
  const std::vector<std::string> rest = log.changes();
  CHECK(before + rest.size() == 50001);
  CHECK(rest.back().starts_with("insert public.t {} {50000,"));
}

TEST_CASE("postgres_log: a stop and an empty wait come back in time, a change at once") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int PRIMARY KEY)");
  FollowedLog log(database, {{"public", "t"}});
  const Cleanup cleanup(log);
  log.start();
  (void)log.follow();
  LogBatch batch;
  std::vector<std::string> lines;
  while (log.read_once(lines, milliseconds(300))) lines.clear();  // what the start itself wrote
  auto began = Clock::now();
  // Other databases of the server may write, which is told as an idle position before the wait is over.
  do {
    batch.clear();
    began = Clock::now();
    REQUIRE(log.stream->read(batch, milliseconds(300), {}).ok());
  } while (!batch.empty());
  CHECK(Clock::now() - began >= milliseconds(250));

  std::thread writer([&] {
    std::this_thread::sleep_for(milliseconds(300));
    session.exec("INSERT INTO t VALUES (1)");
  });
  batch.clear();
  began = Clock::now();
  while (std::as_const(batch).rows().changes().empty() && Clock::now() - began < seconds(20)) {
    REQUIRE(log.stream->read(batch, seconds(20), {}).ok());
  }
  CHECK(Clock::now() - began < seconds(10));
  writer.join();

  std::stop_source stop;
  std::thread stopper([&] {
    std::this_thread::sleep_for(milliseconds(200));
    stop.request_stop();
  });
  Result<void> read;
  began = Clock::now();
  while (read && Clock::now() - began < seconds(20)) {
    batch.clear();
    read = log.stream->read(batch, seconds(20), stop.get_token());
  }
  stopper.join();
  REQUIRE(!read.ok());
  CHECK(read.error().code() == ErrorCode::kCancelled);
  CHECK(Clock::now() - began < seconds(5));
}

TEST_CASE("postgres_log: a session that the server ends is worth another attempt, and nothing is missed") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int PRIMARY KEY)");
  FollowedLog log(database, {{"public", "t"}});
  const Cleanup cleanup(log);
  log.start();
  session.exec("INSERT INTO t VALUES (1)");
  CHECK(log.changes().size() == 2);
  session.exec(
      "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = "
      "'dmskafka_testtask'");
  session.exec("INSERT INTO t VALUES (2)");
  LogBatch batch;
  Result<void> read;
  const auto until = Clock::now() + seconds(20);
  while (read && Clock::now() < until) {
    batch.clear();
    read = log.stream->read(batch, milliseconds(100), {});
  }
  REQUIRE(!read.ok());
  CHECK(read.error().code() == ErrorCode::kSourceUnavailable);
  log.open(log.position);
  CHECK(log.changes() == std::vector<std::string>{"table public.t (id* integer)", "insert public.t {} {2}"});
}

TEST_CASE(
    "postgres_log: a slot that is dropped while the stream waits for it to come back is a lost position") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int PRIMARY KEY)");
  FollowedLog log(database, {{"public", "t"}});
  const Cleanup cleanup(log);
  log.start();
  const LogPosition position = log.position;
  log.close();
  const auto until = Clock::now() + seconds(10);
  while (Clock::now() < until) {
    try {
      session.exec("SELECT pg_drop_replication_slot('dmskafka_testtask')");
      break;
    } catch (const std::runtime_error&) {  // still active
      std::this_thread::sleep_for(milliseconds(20));
    }
  }
  CHECK(log.try_open(position).error().code() == ErrorCode::kPositionLost);
}

TEST_CASE("postgres_log: a dropped table is told behind its last change, once") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)");
  FollowedLog log(database, {{"public", "t"}, {"public", "u"}});
  const Cleanup cleanup(log);
  log.start();
  session.exec("INSERT INTO t VALUES (1)");
  session.exec("BEGIN; INSERT INTO t VALUES (2); DROP TABLE t; COMMIT");
  session.exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (3)");
  session.exec("INSERT INTO u VALUES (1)");
  std::vector<std::string> lines;
  const auto until = Clock::now() + seconds(14);  // two looks
  while (Clock::now() < until) (void)log.read_once(lines, milliseconds(200));
  std::erase(lines, "commit");
  CHECK(lines == std::vector<std::string>{"table public.t (id* integer)", "insert public.t {} {1}",
                                          "insert public.t {} {2}", "table public.u (id* integer)",
                                          "insert public.u {} {1}", "drop public.t"});
}

TEST_CASE("postgres_log: the heartbeat writes into the log of a quiet database when it is asked for") {
  if (!TestDatabase::available()) return;
  const TestDatabase database;
  TestSession session = database.session();
  session.exec("CREATE TABLE t (id int PRIMARY KEY)");
  for (const bool enabled : {false, true}) {
    SourceSettings settings = database.settings();
    settings.heartbeat_enable = enabled;
    settings.heartbeat_frequency_min = 1;
    FollowedLog log(settings, {{"public", "t"}});
    const Cleanup cleanup(log);
    log.start();
    const std::string xid = *session.exec("SELECT txid_snapshot_xmax(txid_current_snapshot())")[0][0];
    std::vector<std::string> lines;
    const auto until = Clock::now() + seconds(2);
    while (Clock::now() < until) (void)log.read_once(lines, milliseconds(100));
    if (session.version() >= 140000)
      CHECK(std::count(lines.begin(), lines.end(), "commit") == (enabled ? 1 : 0));
    CHECK((session.exec("SELECT txid_snapshot_xmax(txid_current_snapshot())")[0][0] != xid) >= enabled);
  }
}

}  // namespace dmskafka::postgres

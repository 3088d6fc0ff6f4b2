"""The log under pressure: a Kafka that stands still does not cost memory, the connection or a row; log that is not ours is let go.

Sizes: DMSKAFKA_TEST_FREEZE_S (seconds that Kafka stands still), DMSKAFKA_TEST_FOREIGN_MB (log that another database writes).
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, kafka, mysql, postgres, servers
from lib.following import Task
from lib.harness import case, check, contains, equal, main, say, wait_until

FREEZE_S = int(os.environ.get("DMSKAFKA_TEST_FREEZE_S", "20"))
FOREIGN_MB = int(os.environ.get("DMSKAFKA_TEST_FOREIGN_MB", "80"))
SENDER_TIMEOUT_S = 10
MEMORY_MB = 80
GROWTH_MB = 4  # once its buffers are full, and the server is held up
TRAILS_S = 10
SETTLED_S, RETAINED_MB = 30, 32
LOCK_TIMEOUT_S = 10  # of our sessions


class PostgresSide:
    """A server of the test's own with the table rows, and the one connection that takes its log."""

    def __init__(self, t):
        self._server = servers.own_postgres(t, "--set", f"wal_sender_timeout={SENDER_TIMEOUT_S}s")
        self.source = self._server.address
        self.database = postgres.Database(self.source)
        self.table = "public.rows"
        self.database.run("CREATE TABLE rows (id serial PRIMARY KEY, filler text);")
        insert = "INSERT INTO rows (filler) SELECT repeat(md5(random()::text), 47) FROM generate_series(1, 400);"
        self.inserts = "\n".join(f"{insert} SELECT pg_sleep(0.05);" for _ in range(10))

    def ids(self):
        return sorted(self.database.run("SELECT id FROM rows").encode().split())

    def connection(self):
        # Not that on which the slot is made.
        return self.database.query("SELECT pid FROM pg_stat_replication WHERE state IN ('catchup', 'streaming')")

    def held_up(self, connection):
        """What the server waits for when nobody takes what it has."""
        return self.database.query(f"SELECT wait_event FROM pg_stat_activity WHERE pid = {connection}") == "WalSenderWriteData"

    def check_log(self):
        log = (self._server.dir / "server.log").read_text(errors="replace")
        check("due to replication timeout" not in log, "the server has cut the connection")


class MysqlSide:
    """The same of a kind of lib/mysql.py."""

    def __init__(self, t, kind):
        _, url = servers.own_mysql(t, kind)
        self.database = mysql.Database(url)
        # The server's silence is none while we do not read.
        endpoint = {"EngineName": kind, "MySQLSettings": self.database.endpoint(ExecuteTimeout=SENDER_TIMEOUT_S)}
        self.source = json.dumps(endpoint)
        self.table = f"{self.database.name}.rows"
        self.database.run("CREATE TABLE `rows` (id INT AUTO_INCREMENT PRIMARY KEY, filler TEXT)")
        insert = f"INSERT INTO `rows` (filler) SELECT REPEAT(MD5(RAND()), 47) FROM {mysql.series(400)};"
        self.inserts = "\n".join(f"{insert} DO SLEEP(0.05);" for _ in range(10))
        self._dump = "FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'"

    def ids(self):
        return sorted(self.database.run("SELECT id FROM `rows`").encode().split())

    def connection(self):
        return self.database.query(f"SELECT ID {self._dump}")

    def held_up(self, connection):
        state = self.database.query(f"SELECT STATE {self._dump} AND ID = {connection}")
        return bool(state) and "has sent all" not in state

    def check_log(self):
        """It says nothing of connections that end."""


class Inserts:
    """Transactions of 400 rows of 1.5 KB, about ten a second, until stopped."""

    def __init__(self, t, side):
        self._side, self._stop = side, threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()
        t.defer(self.stop)

    def _write(self):
        while not self._stop.is_set():
            self._side.database.run(self._side.inserts)

    def stop(self):
        self._stop.set()
        self._thread.join()


def resident_mb(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(next(line for line in status if line.startswith("VmRSS")).split()[1]) / 1024


CLAIM = f"Kafka stands still for {FREEZE_S} s under write load: memory flat, one connection all the time, nothing lost, nothing twice"


@case(CLAIM)
def frozen_kafka(t):
    freeze(t, PostgresSide(t))


@mysql.each_kind(CLAIM)
def frozen_kafka_of(t, kind):
    freeze(t, MysqlSide(t, kind))


def freeze(t, side):
    broker = servers.own_kafka(t)
    arguments = ["cdc", "--source", side.source, "--target", dmskafka.kafka_target("rows", Broker=broker.address), "--task-id", "FROZEN",
                 "--table-mappings", dmskafka.mapping(side.table), "--state", t.dir / "state.dmskafka",
                 "--task-settings", dmskafka.task_settings(4, {"TargetMetadata": {"ParallelApplyThreads": 4}})]
    process = dmskafka.start(t, *arguments)
    wait_until(side.connection, "the log is asked for", 30)
    # Row keys spread the records over partitions; the connection is one all the time.
    connection = side.connection()
    inserts = Inserts(t, side)
    wait_until(lambda: kafka.message_count("rows", broker.address) > 1000, "rows come", 30, 0.1)
    broker.signal(signal.SIGSTOP)
    began, samples, held_up = time.monotonic(), [], []
    while time.monotonic() - began < FREEZE_S:
        check(process.running(), f"the program has ended:\n{process.said()[-3000:]}")
        held_up.append(side.held_up(connection))
        samples.append(resident_mb(process.pid))
        time.sleep(0.25)
    broker.signal(signal.SIGCONT)
    inserts.stop()
    written = len(side.ids())
    wait_until(lambda: kafka.message_count("rows", broker.address) >= written + 1, "everything has come", 60 + FREEZE_S, 0.2)
    equal(side.connection(), connection, "the connection that takes the log")
    process.signal(signal.SIGTERM)
    process.wait(30).expect(143)
    check(all(held_up[-4:]), "the server was not held up, so that nothing is shown")
    full = samples[len(held_up) - held_up[::-1].index(False) if False in held_up else 0:]
    say(f"{written} rows, {max(samples):.0f} MB at most; for the last {len(full) / len(samples) * FREEZE_S:.0f} s the server was held "
        f"up, and memory grew by {max(full) - full[0]:.1f} MB")
    check(max(samples) <= MEMORY_MB, f"{max(samples)} MB")
    check(max(full) - full[0] <= GROWTH_MB, f"memory grew from {full[0]:.1f} to {max(full):.1f} MB while the server was held up")
    side.check_log()
    keys = kafka.keys("rows", broker.address)
    check(sorted(key for key in keys if key.isdigit()) == side.ids(), "other rows came than the table has")
    equal(len(keys) - 1, written, "records beside the table's create-table")


@case(f"{FOREIGN_MB} MB of another database's log: acknowledged within {TRAILS_S} s, and let go {SETTLED_S} s after the end")
def foreign_log(t):
    database = t.database("CREATE TABLE k (id int PRIMARY KEY);")
    other = postgres.Database(t.database("CREATE TABLE f (t text);").uri)
    task = Task(t, database)
    task.load()
    process = task.start()
    slot = f"FROM pg_replication_slots WHERE database = '{database.uri.rsplit('/', 1)[1]}'"
    wait_until(lambda: database.query(f"SELECT count(*) {slot} AND active") == "1", "the slot is in use", 60)
    waiting, let_go = slot_waits(t)
    marks = []  # when, and where the log then was
    for _ in range(max(FOREIGN_MB // 5, int(LOCK_TIMEOUT_S * 1.2 / 0.7))):
        other.run("INSERT INTO f SELECT repeat('x', 1000) FROM generate_series(1, 4500);")
        marks.append((time.monotonic(), other.query("SELECT pg_current_wal_lsn()")))
        due = [position for at, position in marks if at <= marks[-1][0] - TRAILS_S]
        if due:
            confirmed = database.query(f"SELECT confirmed_flush_lsn >= '{due[-1]}'::pg_lsn {slot}")
            equal(confirmed, "t", f"the position of {TRAILS_S} s ago is acknowledged")
        time.sleep(0.7 if FOREIGN_MB <= 200 else 0.1)
    ended = time.monotonic()
    let_go()
    waiting()
    wait_until(lambda: database.query(f"SELECT pg_current_wal_lsn() - restart_lsn < {RETAINED_MB << 20} {slot}") == "t",
               f"less than {RETAINED_MB} MB of log are kept", SETTLED_S - (time.monotonic() - ended), 0.5)
    say(f"{time.monotonic() - ended:.1f} s after the end less than {RETAINED_MB} MB were kept")
    database.run("INSERT INTO k VALUES (1);")
    wait_until(lambda: kafka.message_count(task.topic) >= 3, "the change has arrived", 30, 0.1)
    process.signal(signal.SIGTERM)
    process.wait(60).expect(143)


def slot_waits(t):
    """A second task, whose slot cannot be made while a transaction is open for longer than our lock_timeout. Returns what waits
    for its end, and what ends the transaction."""
    database = t.database("CREATE TABLE k (id int PRIMARY KEY);")
    task = Task(t, database, label="waits")  # before what holds it up, which must go first in the end
    holder = subprocess.Popen([postgres.program("psql"), "-XAtq", database.uri], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    t.defer(lambda: holder.poll() is None and holder.kill())
    holder.stdin.write("BEGIN; INSERT INTO k VALUES (1); SELECT 'open';\n")
    holder.stdin.flush()
    equal(holder.stdout.readline(), "open\n", "a transaction is open")
    began = time.monotonic()
    process = dmskafka.start(t, "full-load", *task.args, "--prepare-cdc")

    def let_go():
        check(time.monotonic() - began > LOCK_TIMEOUT_S + 1, "the transaction was not open long enough")
        check(process.running(), f"the program has not waited:\n{process.said()}")
        holder.communicate("COMMIT;\n")

    def waiting():
        outcome = process.wait(60).expect(0)
        contains(outcome.err, "waits until the transactions that are under way have ended", "what it says meanwhile")
        equal([data for operation, data in task.changes() if operation == "load"], [{"id": 1}], "the row that was waited for")

    return waiting, let_go


if __name__ == "__main__":
    main()

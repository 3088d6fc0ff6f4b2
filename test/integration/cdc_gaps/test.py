"""A gap in the log is never passed over: the program ends with status 6, says what is missing and how to load again, and does so again.

On PostgreSQL the slot is dropped, read on by somebody else, given up by the server (max_slot_wal_keep_size), and another cluster answers
at the same address; on MySQL and MariaDB the log is purged, begun anew, and another server answers.
"""

import json
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, kafka, mysql, postgres, servers, wire
from lib.harness import case, check, contains, equal, main, say, wait_until

SCHEMA = "CREATE TABLE entries (id int PRIMARY KEY); INSERT INTO entries VALUES (1), (2), (3);"
LOST = 6
# Two segments of 16 MB are kept at least.
KEEP_SIZE = "max_slot_wal_keep_size=32MB"


class Task:
    """Of a table `entries`. `uri`: the source's; `database` runs SQL on it."""

    def __init__(self, t, uri, database, schema="public"):
        self.t, self.database, self.topic = t, database, t.topic()
        self._arguments = ["--source", uri, "--target", dmskafka.kafka_target(self.topic), "--task-id", "GAP",
                           "--table-mappings", dmskafka.mapping(f"{schema}.entries"), "--state", t.dir / "state.dmskafka"]
        self.slot = "dmskafka_gap"

    def run(self, *words):
        return dmskafka.run(self.t, words[0], *self._arguments, *words[1:])

    def start(self, *words):
        return dmskafka.start(self.t, words[0], *self._arguments, *words[1:])

    def begin(self):
        """Loaded, and one change followed."""
        self.run("full-load", "--prepare-cdc").expect(0)
        self.database.run("INSERT INTO entries VALUES (11);")
        self.run("cdc", "--until-current").expect(0)

    def ids(self):
        return [record["data"]["id"] for record in wire.data_records(kafka.consume(self.topic))]

    def kept(self):
        """What the server keeps for the task: nothing may become of it."""
        return ""


class PostgresTask(Task):
    def __init__(self, t, server):
        super().__init__(t, server.address, postgres.Database(server.address))

    def kept(self):
        return self.database.query("SELECT string_agg(slot_name || confirmed_flush_lsn, ' ' ORDER BY slot_name) FROM pg_replication_slots")


def refused_for_good(task, *words):
    """What it says, twice the same; nothing is sent, and what the server keeps stays as it is."""
    kept, sent = task.kept(), task.ids()
    for command in (("cdc", "--until-current"), ("cdc", "--until-current"), ("full-load", "--then-cdc", "--until-current")):
        outcome = task.run(*command).expect(LOST)
        for word in (*words, "--restart"):
            contains(outcome.err, word, f"what {' '.join(command)} says")
    equal(task.kept(), kept, "what the server keeps")
    equal(task.ids(), sent, "what was sent")


def loads_again(task):
    """The command that it named does what it says."""
    before = len(task.ids())
    task.run("full-load", "--then-cdc", "--until-current", "--restart").expect(0)
    rows = [int(line) for line in task.database.run("SELECT id FROM entries ORDER BY id").splitlines()]
    equal(sorted(task.ids()[before:]), rows, "the rows of the new load")


@case("a slot that was dropped, and one that somebody read on: status 6 again and again, until the tables are loaded again")
def dropped_and_advanced(t):
    server = servers.own_postgres(t)
    task = PostgresTask(t, server)
    task.database.run(SCHEMA)
    task.begin()
    task.database.run(f"""INSERT INTO entries VALUES (12); SELECT count(*) FROM
        pg_logical_slot_get_binary_changes('{task.slot}', NULL, NULL, 'proto_version', '1', 'publication_names', '{task.slot}');""")
    refused_for_good(task, task.slot, "begins at", "after our position")
    task.database.run(f"SELECT pg_drop_replication_slot('{task.slot}'); INSERT INTO entries VALUES (13);")
    refused_for_good(task, task.slot, "is gone")
    # One of the same name, made anew, is not the same.
    task.database.run(f"SELECT pg_create_logical_replication_slot('{task.slot}', 'pgoutput');")
    refused_for_good(task, task.slot, "made it anew")
    loads_again(task)


@case("a slot that the server gave up, before the start and while it is read")
def given_up(t):
    if servers.version_of("POSTGRES") in ("10", "11", "12"):
        return say("max_slot_wal_keep_size is of PostgreSQL 13 and later")
    server = servers.own_postgres(t, "--set", KEEP_SIZE, "--set", "max_wal_size=48MB")
    task = PostgresTask(t, server)
    task.database.run(SCHEMA + "CREATE TABLE others (t text);")
    task.begin()
    task.database.run("INSERT INTO entries VALUES (12);")
    give_up(task)
    refused_for_good(task, task.slot, "has given up the replication slot")
    loads_again(task)
    # And while it is read, by a program that is held up.
    process = task.start("cdc")
    wait_until(lambda: task.database.query("SELECT count(*) FROM pg_replication_slots WHERE active") == "1", "the slot is in use", 30)
    process.signal(signal.SIGSTOP)
    give_up(task)
    process.signal(signal.SIGCONT)
    contains(process.wait(60).expect(LOST).err, "has given up the replication slot", "what the running program says")
    refused_for_good(task, task.slot, "has given up the replication slot")


def give_up(task):
    """Writes until the server has no patience any more."""
    def lost():
        task.database.run("INSERT INTO others SELECT repeat('x', 1000) FROM generate_series(1, 20000); SELECT pg_switch_wal(); CHECKPOINT;")
        return task.database.query(f"SELECT wal_status FROM pg_replication_slots WHERE slot_name = '{task.slot}'") == "lost"

    wait_until(lost, "the server gives the slot up", 60)


@case("status: no lag right after the log was caught up with; behind it bytes and seconds, and the time until the slot is given up")
def status(t):
    if servers.version_of("POSTGRES") in ("10", "11", "12"):
        return say("max_slot_wal_keep_size is of PostgreSQL 13 and later")
    server = servers.own_postgres(t, "--set", "max_slot_wal_keep_size=4GB")
    task = PostgresTask(t, server)
    task.database.run(SCHEMA + "CREATE TABLE others (t text);")
    task.begin()

    def shown():
        outcome = task.run("status", "--json").expect(0)
        return json.loads(outcome.out)["cdc"]

    before = time.monotonic()
    task.run("cdc", "--until-current").expect(0)
    cdc = shown()
    check(cdc["lag_seconds"] <= time.monotonic() - before, f"a lag of {cdc['lag_seconds']} s right after catching up")
    check(cdc["lag_bytes"] < 100_000, f"{cdc['lag_bytes']} bytes right after catching up")
    equal(cdc["log"]["seconds_to_limit"], None, "the time to the limit of a log that does not grow")
    # One that runs is told of log that is not its own, and stays where the log is.
    process = task.start("cdc")
    task.database.run("INSERT INTO others SELECT repeat('x', 1000) FROM generate_series(1, 3000);")
    wait_until(lambda: shown()["lag_bytes"] < 100_000 and shown()["lag_seconds"] < 10, "the running task has no lag", 60, 0.2)
    process.signal(signal.SIGTERM)
    process.wait(60).expect(143)
    task.database.run("INSERT INTO others SELECT repeat('x', 1000) FROM generate_series(1, 3000); INSERT INTO entries VALUES (100);")
    cdc = shown()
    check(cdc["lag_bytes"] > 3_000_000, f"{cdc['lag_bytes']} bytes behind 3 MB")
    check(0 < cdc["lag_seconds"] < 120, f"{cdc['lag_seconds']} s behind a change of this moment")
    stop = task.database.session(t, "DO $$ BEGIN FOR i IN 1..2000 LOOP INSERT INTO others SELECT repeat('x', 1000) FROM generate_series(1, 100);"
                                    "COMMIT; PERFORM pg_sleep(0.01); END LOOP; END $$;")
    wait_until(lambda: (shown()["log"]["seconds_to_limit"] or 0) > 0, "the time until the slot is given up is shown", 60)
    contains(task.run("status").expect(0).out.decode(), "at the pace of now", "what people are shown")
    stop()


@case("another cluster behind the same address: status 6, and both system identifiers")
def another_cluster(t):
    first = servers.own_postgres(t, label="first")
    task = PostgresTask(t, first)
    task.database.run(SCHEMA)
    task.begin()
    identifier = "SELECT system_identifier FROM pg_control_system()"
    old = task.database.query(identifier)
    first.stop()
    servers.own_postgres(t, port=first.port, label="second")
    task.database.run(SCHEMA)
    # Even with everything there that the task had made in the first one.
    task.database.run(f"CREATE PUBLICATION {task.slot} FOR TABLE entries; SELECT pg_create_logical_replication_slot('{task.slot}', 'pgoutput');")
    new = task.database.query(identifier)
    check(old != new, "both clusters have one identifier")
    refused_for_good(task, "another source", old, new)


def purge(task):
    """MariaDB keeps a file until InnoDB does not need it any more."""
    def done():
        files = [line.split("\t")[0] for line in task.database.run("SHOW BINARY LOGS").splitlines()]
        task.database.run(f"PURGE BINARY LOGS TO '{files[-1]}'")
        return len(files) == 1

    wait_until(done, "the server has only its newest file", 60, 0.2)


@mysql.each_kind("a log that was purged, one begun anew, and another server at the address: status 6, until the tables are loaded again")
def mysql_log(t, kind):
    server, url = servers.own_mysql(t, kind, label="first")
    task = Task(t, url, mysql.Database(url), schema="bench")
    task.database.run(SCHEMA)
    task.begin()
    task.database.run("INSERT INTO entries VALUES (12); FLUSH BINARY LOGS; INSERT INTO entries VALUES (13); FLUSH BINARY LOGS;")
    purge(task)
    refused_for_good(task, "purged")
    loads_again(task)
    task.database.run("INSERT INTO entries VALUES (14);")
    task.run("cdc", "--until-current").expect(0)
    task.database.run("RESET MASTER; INSERT INTO entries VALUES (15);")
    refused_for_good(task, "does not have", "sent already", "Its log was reset")
    loads_again(task)
    # More transactions than the other server has: its GTIDs look the same.
    task.database.run("".join(f"INSERT INTO entries VALUES ({n});" for n in range(20, 40)))
    task.run("cdc", "--until-current").expect(0)
    server.stop()
    servers.own_mysql(t, kind, port=server.port, label="second")
    task.database.run(SCHEMA)
    refused_for_good(task)
    contains(task.run("cdc", "--until-current").err, "sent already", "what is said of the other server")


if __name__ == "__main__":
    main()

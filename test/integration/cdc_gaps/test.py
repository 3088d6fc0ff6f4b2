"""A gap in the log is never passed over: the program ends with status 6, says what is missing and how to load again, and does so again.

The slot is dropped, read on by somebody else, given up by the server (max_slot_wal_keep_size), and another cluster answers at the
same address.
"""

import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, kafka, postgres, servers, wire
from lib.harness import case, check, contains, equal, main, say, wait_until

SCHEMA = "CREATE TABLE rows (id int PRIMARY KEY); INSERT INTO rows SELECT generate_series(1, 10);"
LOST = 6
# Two segments of 16 MB are kept at least.
KEEP_SIZE = "max_slot_wal_keep_size=32MB"


class Task:
    def __init__(self, t, server):
        self.t, self.database, self.topic = t, postgres.Database(server.address), t.topic()
        self._arguments = ["--source", server.address, "--target", dmskafka.kafka_target(self.topic), "--task-id", "GAP",
                           "--table-mappings", dmskafka.mapping("public.rows"), "--state", t.dir / "state.dmskafka"]
        self.slot = "dmskafka_gap"

    def run(self, *words):
        return dmskafka.run(self.t, words[0], *self._arguments, *words[1:])

    def start(self, *words):
        return dmskafka.start(self.t, words[0], *self._arguments, *words[1:])

    def begin(self):
        """Loaded, and one change followed."""
        self.run("full-load", "--prepare-cdc").expect(0)
        self.database.run("INSERT INTO rows VALUES (11);")
        self.run("cdc", "--until-current").expect(0)

    def ids(self):
        return [record["data"]["id"] for record in wire.data_records(kafka.consume(self.topic))]

    def slots(self):
        return self.database.query("SELECT string_agg(slot_name || confirmed_flush_lsn, ' ' ORDER BY slot_name) FROM pg_replication_slots")


def refused_for_good(task, *words):
    """What it says, twice the same; nothing is sent, and the slot stays as it is."""
    slots, sent = task.slots(), task.ids()
    for command in (("cdc", "--until-current"), ("cdc", "--until-current"), ("full-load", "--then-cdc", "--until-current")):
        outcome = task.run(*command).expect(LOST)
        for word in (*words, "--restart"):
            contains(outcome.err, word, f"what {' '.join(command)} says")
    equal(task.slots(), slots, "the slots")
    equal(task.ids(), sent, "what was sent")


def loads_again(task):
    """The command that it named does what it says."""
    before = len(task.ids())
    task.run("full-load", "--then-cdc", "--until-current", "--restart").expect(0)
    rows = [int(line) for line in task.database.run("SELECT id FROM rows ORDER BY id").splitlines()]
    equal(sorted(task.ids()[before:]), rows, "the rows of the new load")


@case("a slot that was dropped, and one that somebody read on: status 6 again and again, until the tables are loaded again")
def dropped_and_advanced(t):
    server = servers.own_postgres(t)
    task = Task(t, server)
    task.database.run(SCHEMA)
    task.begin()
    task.database.run(f"""INSERT INTO rows VALUES (12); SELECT count(*) FROM
        pg_logical_slot_get_binary_changes('{task.slot}', NULL, NULL, 'proto_version', '1', 'publication_names', '{task.slot}');""")
    refused_for_good(task, task.slot, "begins at", "after our position")
    task.database.run(f"SELECT pg_drop_replication_slot('{task.slot}'); INSERT INTO rows VALUES (13);")
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
    task = Task(t, server)
    task.database.run(SCHEMA + "CREATE TABLE others (t text);")
    task.begin()
    task.database.run("INSERT INTO rows VALUES (12);")
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


@case("another cluster behind the same address: status 6, and both system identifiers")
def another_cluster(t):
    first = servers.own_postgres(t, label="first")
    task = Task(t, first)
    task.database.run(SCHEMA)
    task.begin()
    identifier = "SELECT system_identifier FROM pg_control_system()"
    old = task.database.query(identifier)
    first.stop()
    servers.own_postgres(t, port=first.port, label="second")
    task.database.run(SCHEMA)
    # Even with everything there that the task had made in the first one.
    task.database.run(f"CREATE PUBLICATION {task.slot} FOR TABLE rows; SELECT pg_create_logical_replication_slot('{task.slot}', 'pgoutput');")
    new = task.database.query(identifier)
    check(old != new, "both clusters have one identifier")
    refused_for_good(task, "another source", old, new)


if __name__ == "__main__":
    main()

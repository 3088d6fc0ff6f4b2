"""PostgreSQL breaks connections, drops tables and changes them in the middle of a load."""

import collections
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, kafka, postgres, wire
from lib.harness import case, check, contains, equal, main, say

ROWS, SMALL_ROWS = 150000, 500

BIG = f"""
CREATE TABLE big (id int PRIMARY KEY, name text);
INSERT INTO big SELECT i, repeat(md5(i::text), 15) FROM generate_series(1, {ROWS}) i;
ANALYZE big;
"""
SMALL = f"""
CREATE TABLE small_0 (id int PRIMARY KEY, name text, note text);
INSERT INTO small_0 SELECT i, 'row ' || i, 'note' FROM generate_series(1, {SMALL_ROWS}) i;
CREATE TABLE small_1 (LIKE small_0 INCLUDING ALL); INSERT INTO small_1 TABLE small_0;
CREATE TABLE small_2 (LIKE small_0 INCLUDING ALL); INSERT INTO small_2 TABLE small_0;
"""

# Waits inside the server, so that not a moment passes between seeing the reader and acting.
WHEN_READING = """
DO $$
DECLARE deadline timestamptz := clock_timestamp() + interval '60 s';
BEGIN
  LOOP
    PERFORM pg_stat_clear_snapshot();
    EXIT WHEN EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'
                      AND query LIKE 'SELECT "id"%"big"%' AND pid <> pg_backend_pid());
    IF clock_timestamp() > deadline THEN RAISE 'no reader came'; END IF;
    PERFORM pg_sleep(0.002);
  END LOOP;
END $$;
"""
READERS = "state = 'active' AND query LIKE 'SELECT \"id\"%\"big\"%'"
LEADER = "pid IN (SELECT pid FROM pg_locks WHERE relation = 'small_1'::regclass AND mode = 'AccessShareLock')"


def cut(condition):
    """Ends our sessions that fit, and waits until they are gone; prints how many there were."""
    return f"""
    SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'dmskafka' AND ({condition});
    """


class Load:
    def __init__(self, t, database, first_when_reading, settings=None):
        self.topic = t.topic()
        act = subprocess.Popen(
            [postgres.program("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", database.uri],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        t.defer(act.kill)
        process = dmskafka.start(
            t,
            "full-load",
            "--source",
            database.uri,
            "--target",
            dmskafka.kafka_target(self.topic),
            "--table-mappings",
            dmskafka.mapping(("include", "public.big", {"load-order": "2"}), "public.small%"),
            "--task-settings",
            dmskafka.task_settings(2, {"FullLoadSettings": {"MaxFullLoadSubTasks": 1}}, **(settings or {})),
        )
        out, err = act.communicate((WHEN_READING + first_when_reading).encode(), timeout=90)
        check(act.returncode == 0, f"psql: {err.decode()}")
        self.acted = out.decode().split()
        check(process.running(), f"the load ended before anything was done to it:\n{process.said()}")
        self.outcome = process.wait(120)
        self.rows, self.controls = collections.defaultdict(collections.Counter), collections.Counter()
        for message in kafka.consume(self.topic):
            value = wire.parsed(message)
            table = value["metadata"]["table-name"]
            if value["metadata"]["record-type"] == "control":
                self.controls[table] += 1
            else:
                self.rows[table][value["data"]["id"]] += 1

    def check_rows(self, table, count):
        missing = [n for n in range(1, count + 1) if n not in self.rows[table]]
        equal(missing[:10], [], f"missing rows of {table}, {len(missing)} in all")

    def check_all(self):
        self.outcome.expect(0)
        self.check_rows("big", ROWS)
        for n in range(3):
            self.check_rows(f"small_{n}", SMALL_ROWS)
        equal(
            self.controls,
            collections.Counter({name: 2 for name in ("big", "small_0", "small_1", "small_2")}),
            "control records",
        )
        say(f"{sum(self.rows['big'].values()) - ROWS} rows came twice")


@case("a reader's connection is cut: its range is read again under the same snapshot")
def reader(t):
    load = Load(t, t.database(BIG + SMALL), cut(READERS))
    check(int(load.acted[0]) >= 1, "no reader was cut")
    load.check_all()
    contains(load.outcome.err, "public.big: reading a range again after", "the log")
    check("began again" not in load.outcome.err, "a new snapshot was taken for one connection")


@case("every connection is cut: the load begins again by itself with a new snapshot and what is left")
def everything(t):
    load = Load(t, t.database(BIG + SMALL), cut("true"))
    check(int(load.acted[0]) >= 2, f"{load.acted[0]} connections were cut, not the leader and a reader")
    load.check_all()
    contains(load.outcome.err, "beginning again in", "the log")
    contains(load.outcome.err, "the load began again once within this run", "the summary")


@case("the connection that holds snapshot and locks is cut and a table is rewritten: its rows are not lost")
def leader(t):
    rewrite = (
        "BEGIN; CREATE TEMP TABLE kept AS TABLE small_1; TRUNCATE small_1; INSERT INTO small_1 TABLE kept; COMMIT;"
    )
    load = Load(t, t.database(BIG + SMALL), cut(LEADER) + rewrite)
    equal(load.acted, ["1"], "leaders cut")
    load.check_all()


@case("without locks a table that is dropped and one that is altered end in error; the others are loaded")
def changed(t):
    change = "DROP TABLE small_0; ALTER TABLE small_1 DROP COLUMN note;"
    load = Load(t, t.database(BIG + SMALL), change, {"LockTables": False})
    load.outcome.expect(7)
    load.check_rows("big", ROWS)
    load.check_rows("small_2", SMALL_ROWS)
    contains(load.outcome.err, "2 of 4 tables in error", "the summary")
    contains(load.outcome.err, 'relation "public.small_0" does not exist', "the summary")
    contains(load.outcome.err, 'column "note" does not exist', "the summary")


if __name__ == "__main__":
    main()

"""The hand-off from full load to changes under writes: no row is missing and none is stale.

Clients insert, update, move and delete before, during and after the load, on PostgreSQL by pgbench. Sizes: DMSKAFKA_TEST_ROWS, DMSKAFKA_TEST_RUNS.
"""

import collections
import json
import os
import pathlib
import random
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, kafka, mysql, postgres
from lib.harness import Failure, case, check, equal, main, say, wait_until

ROWS = int(os.environ.get("DMSKAFKA_TEST_ROWS", "50000"))
RUNS = int(os.environ.get("DMSKAFKA_TEST_RUNS", "1"))
CLIENTS = 4
KEYS = ROWS * 11 // 10
PARTITIONS = 8
# Versions are taken under the lock of their key, so that they are in the order of the commits.
SCHEMA = f"""
CREATE SEQUENCE versions;
CREATE TABLE entries (id int PRIMARY KEY, version bigint NOT NULL, filler text);
ALTER TABLE entries REPLICA IDENTITY FULL;
INSERT INTO entries SELECT i, nextval('versions'), 'loaded' FROM generate_series(1, {ROWS}) i;
"""
MYSQL_SCHEMA = f"""
CREATE TABLE versions (value bigint NOT NULL); INSERT INTO versions VALUES ({ROWS});
CREATE TABLE entries (id int PRIMARY KEY, version bigint NOT NULL, filler text);
INSERT INTO entries SELECT i, i, 'loaded' FROM {mysql.series(ROWS)} ORDER BY i;
"""
# Keys are taken from both ends, where a load begins and ends, as often as from the middle.
SCRIPT = f"""
\\set anywhere random(1, {KEYS})
\\set early random(1, {max(KEYS // 100, 1)})
\\set late random({KEYS - KEYS // 100}, {KEYS})
\\set gone random(1, {KEYS})
\\set free random({KEYS + 1}, {2 * KEYS})
BEGIN;
SELECT pg_advisory_xact_lock(key) FROM (SELECT unnest(ARRAY[:anywhere, :early, :late, :gone, :free]) AS key ORDER BY 1) keys;
INSERT INTO entries VALUES (:anywhere, nextval('versions'), 'written') ON CONFLICT (id) DO UPDATE SET version = nextval('versions');
UPDATE entries SET version = nextval('versions'), filler = 'early' WHERE id = :early;
UPDATE entries SET version = nextval('versions'), filler = 'late' WHERE id = :late;
DELETE FROM entries WHERE id = :gone;
UPDATE entries SET id = :free, version = nextval('versions') WHERE id = :anywhere AND :anywhere % 4 = 0
  AND NOT EXISTS (SELECT FROM entries WHERE id = :free);
END;
"""


class PostgresWrites:
    """pgbench goes on until stopped. A client that errs ends it, so nothing may err."""

    schema_name = "public"

    def __init__(self, t):
        self._database = database = t.database(SCHEMA)
        self.uri, self.query = database.uri, database.query
        script = t.file("pgbench.sql", SCRIPT)
        self._log = open(t.dir / "pgbench.log", "w+b")
        self._process = subprocess.Popen([postgres.program("pgbench"), "-n", "-c", str(CLIENTS), "-T", "36000", "-f", script, database.uri],
                                         stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        t.defer(lambda: self._process.poll() is None and self._process.kill())

    def last_version(self):
        return int(self.query("SELECT last_value FROM versions"))

    def rows(self):
        return [line.split("|") for line in self.query("SELECT id, version FROM entries").splitlines()]

    def check_writing(self):
        check(self._process.poll() is None, f"pgbench has ended: {pathlib.Path(self._log.name).read_text()[-2000:]}")

    def stop(self):
        self.check_writing()
        self._process.kill()
        self._process.wait()
        self._log.close()
        wait_until(lambda: self.query("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
                                      "application_name = 'pgbench' AND datname = current_database()") == "0",
                   "the writers have gone")


class MysqlWrites:
    """The same by threads, each with one client after the other. A transaction takes its version first, and with it its turn."""

    def __init__(self, t, server):
        self._database = database = server.database(t, MYSQL_SCHEMA)
        self.schema_name, self.uri, self.query = database.name, database.uri, database.query
        self._stop, self._failed = threading.Event(), []
        self._threads = [threading.Thread(target=self._write, args=(random.Random(n),), daemon=True) for n in range(CLIENTS)]
        t.defer(self._end)
        for thread in self._threads:
            thread.start()

    def _write(self, dice):
        while not self._stop.is_set():
            script = "SET optimizer_switch = 'derived_merge=off';" + "".join(self._transaction(dice) for _ in range(30))
            try:
                self._database.run(script)
            except Failure as failure:
                self._failed.append(str(failure))
                return

    @staticmethod
    def _transaction(dice):
        edge = max(KEYS // 100, 1)
        anywhere, early, late, gone = dice.randint(1, KEYS), dice.randint(1, edge), dice.randint(KEYS - edge, KEYS), dice.randint(1, KEYS)
        free = dice.randint(KEYS + 1, 2 * KEYS)
        move = (f"UPDATE entries SET id = {free}, version = @v WHERE id = {anywhere} "
                f"AND NOT EXISTS (SELECT 1 FROM (SELECT id FROM entries WHERE id = {free}) AS taken);") if anywhere % 4 == 0 else ""
        return f"""BEGIN; UPDATE versions SET value = LAST_INSERT_ID(value + 1); SET @v = LAST_INSERT_ID();
            INSERT INTO entries VALUES ({anywhere}, @v, 'written') ON DUPLICATE KEY UPDATE version = @v;
            UPDATE entries SET version = @v, filler = 'early' WHERE id = {early};
            UPDATE entries SET version = @v, filler = 'late' WHERE id = {late};
            DELETE FROM entries WHERE id = {gone}; {move} COMMIT;"""

    def last_version(self):
        return int(self.query("SELECT value FROM versions"))

    def rows(self):
        return self._database.rows("SELECT id, version FROM entries")

    def check_writing(self):
        check(not self._failed, f"a writer has ended: {self._failed[:1]}")

    def stop(self):
        self.check_writing()
        self._end()

    def _end(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()


class Fold:
    """What a consumer has in the end: the last record of each key in its partition's order, unless the row moved away since."""

    def __init__(self):
        self._last = {}  # id -> (version, gone)
        self._moved = collections.defaultdict(int)
        self.operations = collections.Counter()

    def take(self, line):
        value = json.loads(line.split(b"\t", 2)[2])
        metadata = value["metadata"]
        if metadata["record-type"] == "control":
            return
        data, operation = value["data"], metadata["operation"]
        self.operations[operation] += 1
        self._last[data["id"]] = (data["version"], operation == "delete")
        old = value.get("before", {}).get("id", data["id"])
        if old != data["id"]:
            self._moved[old] = max(self._moved[old], data["version"])

    def rows(self):
        return {key: version for key, (version, gone) in self._last.items() if not gone and version > self._moved[key]}


CLAIM = f"writes before, during and after the load of {ROWS} rows, {RUNS} times: the topic folds to the table"


@case(f"PostgreSQL: {CLAIM}")
def postgresql(t):
    for run in range(RUNS):
        hand_off(t, run, PostgresWrites(t))


@mysql.on_each_server(CLAIM, "mariadb", "mysql")
def of(t, server):
    for run in range(RUNS):
        hand_off(t, run, MysqlWrites(t, server))


def hand_off(t, run, writes):
    topic = t.topic(f"run{run}")
    inputs = ["--source", writes.uri, "--target", dmskafka.kafka_target(topic)]
    inputs += ["--table-mappings", dmskafka.mapping(f"{writes.schema_name}.entries"), "--task-id", topic]
    groups = {
        "TargetMetadata": {"ParallelApplyThreads": 4, "ParallelLoadThreads": 4},
        "BeforeImageSettings": {"EnableBeforeImage": True, "FieldName": "before", "ColumnFilter": "pk-only"},
    }
    task = [*inputs, "--state", t.dir / f"{run}.dmskafka", "--task-settings", dmskafka.task_settings(PARTITIONS, groups)]
    t.defer(dmskafka.run, t, "cleanup", *inputs)
    wait_until(lambda: int(writes.query("SELECT count(*) FROM entries WHERE filler = 'early'")) > 20, "rows are written")
    dmskafka.run(t, "full-load", "--then-cdc", "--until-current", *task, limit_s=600).expect(0)
    writes.check_writing()
    written = writes.last_version()
    # What is written from now on comes by the next run.
    wait_until(lambda: writes.last_version() > written + 100, "more is written")
    writes.stop()
    dmskafka.run(t, "cdc", "--until-current", *task, limit_s=600).expect(0)
    path, fold = t.dir / "messages", Fold()
    kafka.consume_lines(topic, path)
    with open(path, "rb") as lines:
        for line in lines:
            fold.take(line)
    expected, folded = {int(key): int(version) for key, version in writes.rows()}, fold.rows()
    differing = [key for key in expected.keys() | folded.keys() if expected.get(key) != folded.get(key)]
    equal([(key, expected.get(key), folded.get(key)) for key in differing[:5]], [],
          f"{len(differing)} rows with other versions in the table and in the topic, e.g.")
    check(all(fold.operations[operation] for operation in ("load", "insert", "update", "delete")), f"{fold.operations}")
    say(f"run {run}: {dict(fold.operations)}")


if __name__ == "__main__":
    main()

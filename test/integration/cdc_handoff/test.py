"""The hand-off from full load to changes under writes: no row is missing and none is stale.

pgbench inserts, updates, moves and deletes before, during and after the load. Sizes: DMSKAFKA_TEST_ROWS, DMSKAFKA_TEST_RUNS.
"""

import collections
import glob
import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, kafka
from lib.harness import Skip, case, check, equal, main, say, wait_until

ROWS = int(os.environ.get("DMSKAFKA_TEST_ROWS", "50000"))
RUNS = int(os.environ.get("DMSKAFKA_TEST_RUNS", "1"))
CLIENTS = 4
KEYS = ROWS * 11 // 10
PARTITIONS = 8
# Versions are taken under the lock of their key, so that they are in the order of the commits.
SCHEMA = f"""
CREATE SEQUENCE versions;
CREATE TABLE rows (id int PRIMARY KEY, version bigint NOT NULL, filler text);
ALTER TABLE rows REPLICA IDENTITY FULL;
INSERT INTO rows SELECT i, nextval('versions'), 'loaded' FROM generate_series(1, {ROWS}) i;
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
INSERT INTO rows VALUES (:anywhere, nextval('versions'), 'written') ON CONFLICT (id) DO UPDATE SET version = nextval('versions');
UPDATE rows SET version = nextval('versions'), filler = 'early' WHERE id = :early;
UPDATE rows SET version = nextval('versions'), filler = 'late' WHERE id = :late;
DELETE FROM rows WHERE id = :gone;
UPDATE rows SET id = :free, version = nextval('versions') WHERE id = :anywhere AND :anywhere % 4 = 0
  AND NOT EXISTS (SELECT FROM rows WHERE id = :free);
END;
"""


def pgbench():
    """Debian keeps it beside the server's programs, outside PATH."""
    found = shutil.which("pgbench") or next(iter(sorted(glob.glob("/usr/lib/postgresql/*/bin/pgbench"))), None)
    if not found:
        raise Skip("pgbench is not installed (apt-get install postgresql)")
    return found


class Writes:
    """Goes on until stopped. A client that errs ends pgbench, so nothing may err."""

    def __init__(self, t, database):
        script = t.file("pgbench.sql", SCRIPT)
        self._database, self._log = database, open(t.dir / "pgbench.log", "w+b")
        self._process = subprocess.Popen([pgbench(), "-n", "-c", str(CLIENTS), "-T", "36000", "-f", script, database.uri],
                                         stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        t.defer(lambda: self._process.poll() is None and self._process.kill())

    def check_writing(self):
        check(self._process.poll() is None, f"pgbench has ended: {pathlib.Path(self._log.name).read_text()[-2000:]}")

    def stop(self):
        self.check_writing()
        self._process.kill()
        self._process.wait()
        self._log.close()
        wait_until(lambda: self._database.query("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
                                                "application_name = 'pgbench' AND datname = current_database()") == "0",
                   "the writers have gone")


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


@case(f"writes before, during and after the load of {ROWS} rows, {RUNS} times: the topic folds to the table")
def handoff(t):
    for run in range(RUNS):
        hand_off(t, run)


def hand_off(t, run):
    database = t.database(SCHEMA)
    writes = Writes(t, database)
    topic = t.topic(f"run{run}")
    inputs = ["--source", database.uri, "--target", dmskafka.kafka_target(topic)]
    inputs += ["--table-mappings", dmskafka.mapping("public.rows"), "--task-id", topic]
    groups = {
        "TargetMetadata": {"ParallelApplyThreads": 4, "ParallelLoadThreads": 4},
        "BeforeImageSettings": {"EnableBeforeImage": True, "FieldName": "before", "ColumnFilter": "pk-only"},
    }
    task = [*inputs, "--state", t.dir / f"{run}.dmskafka", "--task-settings", dmskafka.task_settings(PARTITIONS, groups)]
    t.defer(dmskafka.run, t, "cleanup", *inputs)
    wait_until(lambda: database.query("SELECT count(*) > 20 FROM rows WHERE filler = 'early'") == "t", "rows are written")
    dmskafka.run(t, "full-load", "--then-cdc", "--until-current", *task, limit_s=600).expect(0)
    writes.check_writing()
    written = database.query("SELECT last_value FROM versions")
    # What is written from now on comes by the next run.
    wait_until(lambda: int(database.query("SELECT last_value FROM versions")) > int(written) + 100, "more is written")
    writes.stop()
    dmskafka.run(t, "cdc", "--until-current", *task, limit_s=600).expect(0)
    path, fold = t.dir / "messages", Fold()
    kafka.consume_lines(topic, path)
    with open(path, "rb") as lines:
        for line in lines:
            fold.take(line)
    rows = (line.split("|") for line in database.query("SELECT id, version FROM rows").splitlines())
    expected, folded = {int(key): int(version) for key, version in rows}, fold.rows()
    differing = [key for key in expected.keys() | folded.keys() if expected.get(key) != folded.get(key)]
    equal([(key, expected.get(key), folded.get(key)) for key in differing[:5]], [],
          f"{len(differing)} rows with other versions in the table and in the topic, e.g.")
    check(all(fold.operations[operation] for operation in ("load", "insert", "update", "delete")), f"{fold.operations}")
    say(f"run {run}: {dict(fold.operations)}")


if __name__ == "__main__":
    main()

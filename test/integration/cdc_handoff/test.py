"""The hand-off from full load to changes under writes: no row is missing and none is stale.

pgbench writes before, during and after the load. Sizes: DMSKAFKA_TEST_ROWS, DMSKAFKA_TEST_RUNS.
"""

import glob
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, kafka
from lib.harness import Skip, case, check, equal, main

ROWS = int(os.environ.get("DMSKAFKA_TEST_ROWS", "50000"))
RUNS = int(os.environ.get("DMSKAFKA_TEST_RUNS", "1"))
SCHEMA = f"""
CREATE SEQUENCE versions;
CREATE TABLE rows (id int PRIMARY KEY, version bigint NOT NULL);
ALTER TABLE rows REPLICA IDENTITY FULL;
INSERT INTO rows SELECT i, nextval('versions') FROM generate_series(1, {ROWS}) i;
"""
SCRIPT = f"""
\\set one random(1, {ROWS * 11 // 10})
\\set other random(1, {ROWS * 11 // 10})
INSERT INTO rows VALUES (:one, nextval('versions')) ON CONFLICT (id) DO UPDATE SET version = nextval('versions');
DELETE FROM rows WHERE id = :other;
"""


def pgbench():
    """Debian keeps it beside the server's programs, outside PATH."""
    found = shutil.which("pgbench") or next(iter(sorted(glob.glob("/usr/lib/postgresql/*/bin/pgbench"))), None)
    if not found:
        raise Skip("pgbench is not installed (apt-get install postgresql)")
    return found


def fold(messages):
    newest = {}
    for message in messages:
        value = json.loads(message.value)
        if value["metadata"]["record-type"] == "control":
            continue
        data, gone = value["data"], value["metadata"]["operation"] == "delete"
        order = data["version"] + (0.5 if gone else 0)
        if order >= newest.get(data["id"], (0, None))[0]:
            newest[data["id"]] = (order, None if gone else data["version"])
    return {key: version for key, (_, version) in newest.items() if version is not None}


@case("writes before, during and after the load: the topic folds to the table")
def handoff(t):
    for run in range(RUNS):
        database = t.database(SCHEMA)
        script = t.dir / "pgbench.sql"
        script.write_text(SCRIPT)
        writer = subprocess.Popen(
            [pgbench(), "-n", "-c", "2", "-T", "120", "-f", script, database.uri],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        t.defer(lambda process=writer: process.poll() is None and process.kill())
        topic = t.topic(f"run{run}")
        inputs = ["--source", database.uri, "--target", dmskafka.kafka_target(topic)]
        inputs += ["--table-mappings", dmskafka.mapping("public.rows"), "--task-id", topic]
        groups = {"TargetMetadata": {"ParallelApplyThreads": 4}}
        task = [*inputs, "--state", t.dir / f"{run}.dmskafka", "--task-settings", dmskafka.task_settings(8, groups)]
        t.defer(dmskafka.run, t, "cleanup", *inputs)
        dmskafka.run(t, "full-load", "--then-cdc", "--until-current", *task).expect(0)
        time.sleep(1)  # what is written now comes by the next run
        writer.kill()
        writer.wait()
        database.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgbench'")
        dmskafka.run(t, "cdc", "--until-current", *task).expect(0)
        rows = (line.split("|") for line in database.query("SELECT id, version FROM rows").splitlines())
        expected = {int(key): int(version) for key, version in rows}
        folded = fold(kafka.consume(topic))
        equal(len(folded), len(expected), "rows")
        check(folded == expected, "the topic folds to other rows than the table has")


if __name__ == "__main__":
    main()

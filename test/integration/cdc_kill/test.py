"""kill -9 while changes are followed loses nothing, and keeps the order of each row's records.

Random transactions (inserts, updates, moves to another key, deletes, savepoints, rollbacks, large values) go on between kills; a third
of the kills and more fall between delivery and checkpoint, or between checkpoint and acknowledgement. Folding the topic by key must
give the table. Sizes: DMSKAFKA_TEST_KILLS, DMSKAFKA_TEST_SEED.
"""

import collections
import json
import os
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, kafka
from lib.harness import case, check, equal, main, say

KILLS = int(os.environ.get("DMSKAFKA_TEST_KILLS", "10"))
SEED = int(os.environ.get("DMSKAFKA_TEST_SEED", "0")) or random.randrange(1, 1 << 32)
FAILPOINTS = ["changes-delivered", "checkpoint-saved"]
SCHEMA = """
CREATE SEQUENCE versions;
CREATE TABLE rows (id int PRIMARY KEY, version bigint NOT NULL, filler text);
ALTER TABLE rows REPLICA IDENTITY FULL;
INSERT INTO rows SELECT i, nextval('versions'), 'loaded' FROM generate_series(1, 200) i;
"""


def transactions(dice, count):
    """A script. Moves and inserts take a key that may have been another row's before."""
    script = []
    for _ in range(count):
        script.append("BEGIN;")
        for number in range(dice.randint(1, 8)):
            one, other = dice.randint(1, 400), dice.randint(1, 400)
            big = dice.random() < 0.02
            filler = f"repeat('x', {dice.randint(100_000, 300_000)})" if big else f"'{dice.random()}'"
            script.append(
                dice.choice(
                    [
                        f"INSERT INTO rows VALUES ({one}, nextval('versions'), {filler}) ON CONFLICT DO NOTHING;",
                        f"UPDATE rows SET version = nextval('versions'), filler = {filler} WHERE id = {one};",
                        f"UPDATE rows SET id = {other}, version = nextval('versions') WHERE id = {one} AND NOT EXISTS "
                        f"(SELECT FROM rows WHERE id = {other});",
                        f"DELETE FROM rows WHERE id = {one};",
                        f"SAVEPOINT s; UPDATE rows SET version = nextval('versions') WHERE id % 7 = {one % 7}; ROLLBACK TO s;",
                    ]
                )
            )
        script.append("ROLLBACK;" if dice.random() < 0.1 else "COMMIT;")
    return "\n".join(script)


def fold(messages):
    """What a consumer has in the end, and how often a record of one key came before an older one for the first time."""
    newest, seen, last, disorder = {}, set(), collections.defaultdict(float), 0
    for message in messages:
        value = json.loads(message.value)
        if value["metadata"]["record-type"] == "control":
            continue
        data, operation = value["data"], value["metadata"]["operation"]
        # A deleted row shows its last version; the deletion comes behind it.
        order = data["version"] + (0.5 if operation == "delete" else 0)
        state = None if operation == "delete" else (data["version"], data["filler"])
        touched = [(data["id"], state)]
        before = value.get("before", {}).get("id", data["id"])
        if before != data["id"]:
            touched.append((before, None))
        for key, what in touched:
            if order >= newest.get(key, (0, None))[0]:
                newest[key] = (order, what)
        if (data["id"], order) not in seen:
            seen.add((data["id"], order))
            disorder += order < last[data["id"]]
            last[data["id"]] = order
    return {key: what for key, (_, what) in newest.items() if what is not None}, disorder


@case("kills at any moment, also around the checkpoint: the topic folds to the table, in order")
def kills(t):
    say(f"seed {SEED}, {KILLS} kills")
    dice = random.Random(SEED)
    program = dmskafka.binary_with_failpoints()
    database = t.database(SCHEMA)
    topic = t.topic()
    inputs = ["--source", database.uri, "--target", dmskafka.kafka_target(topic)]
    inputs += ["--table-mappings", dmskafka.mapping("public.rows"), "--task-id", "CDCKILL" + str(SEED)]
    groups = {
        "TargetMetadata": {"ParallelApplyThreads": 4, "ParallelApplyQueuesPerThread": 2},
        "BeforeImageSettings": {"EnableBeforeImage": True, "FieldName": "before", "ColumnFilter": "pk-only"},
    }
    task = [*inputs, "--state", t.dir / "state.dmskafka", "--task-settings", dmskafka.task_settings(8, groups)]
    t.defer(dmskafka.run, t, "cleanup", *inputs, program=program)
    dmskafka.run(t, "full-load", "--prepare-cdc", *task, program=program).expect(0)
    at_failpoint = 0
    for number in range(KILLS):
        env = {}
        if number % 2 == 0:
            env["DMSKAFKA_FAILPOINT"] = f"{FAILPOINTS[number // 2 % 2]}:{dice.randint(1, 2)}"
        process = dmskafka.start(t, "cdc", *task, env=env, program=program)
        deadline = time.monotonic() + 20 if env else time.monotonic() + dice.uniform(0.2, 2.5)
        while process.running() and time.monotonic() < deadline:
            database.run(transactions(dice, 20))
        at_failpoint += not process.running()
        outcome = process.kill() if process.running() else process.wait()
        equal(outcome.status, -9, "the end of a killed run")
    check(at_failpoint * 3 >= KILLS, f"only {at_failpoint} of {KILLS} kills fell around a checkpoint")
    dmskafka.run(t, "cdc", "--until-current", *task, program=program).expect(0)
    lines = database.query("SELECT id, version, filler FROM rows").splitlines()
    expected = {int(i): (int(v), f) for i, v, f in (line.split("|") for line in lines)}
    folded, disorder = fold(kafka.consume(topic))
    equal(len(folded), len(expected), "rows")
    check(folded == expected, "the topic folds to other rows than the table has")
    equal(disorder, 0, "records of a key that came before an older one")
    say(f"{at_failpoint} of {KILLS} kills at a failpoint")


if __name__ == "__main__":
    main()

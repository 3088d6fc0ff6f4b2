"""Hundreds of small tables: each arrives whole with its control records, in reasonable time and with few connections."""

import collections
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, kafka, wire
from lib.harness import case, check, equal, main, say

TABLES = 300


@case(f"{TABLES} small tables, some of them empty")
def many_small_tables(t):
    database = t.database(f"""
        DO $$ BEGIN
          FOR n IN 1..{TABLES} LOOP
            EXECUTE format('CREATE TABLE t_%s (id int PRIMARY KEY, note text)', n);
            EXECUTE format('INSERT INTO t_%s SELECT i, ''note '' || i FROM generate_series(1, %s) i', n, n % 10);
          END LOOP;
        END $$;""")
    topic = t.topic()
    state = t.dir / "task.dmskafka"
    outcome = dmskafka.run(
        t,
        "full-load",
        "--source",
        database.uri,
        "--target",
        dmskafka.kafka_target(topic),
        "--task-id",
        "MANY",
        "--state",
        state,
        "--task-settings",
        dmskafka.task_settings(3),
        limit_s=60,
    ).expect(0)
    say(f"loaded in {outcome.seconds:.1f} s")
    messages = kafka.consume(topic)
    rows, controls = collections.defaultdict(list), collections.defaultdict(list)
    for message in messages:
        value = wire.parsed(message)
        if value["metadata"]["record-type"] == "control":
            equal(
                message.key.decode(),
                f"MANY.public.{value['metadata']['table-name']}",
                "key of a control record",
            )
            controls[value["metadata"]["table-name"]].append(value["metadata"]["operation"])
        else:
            rows[value["metadata"]["table-name"]].append((value["data"]["id"], value["data"]["note"]))
    for n in range(1, TABLES + 1):
        equal(controls[f"t_{n}"], ["drop-table", "create-table"], f"control records of t_{n}")
        equal(sorted(rows[f"t_{n}"]), [(i, f"note {i}") for i in range(1, n % 10 + 1)], f"rows of t_{n}")
    equal(len(messages), sum(n % 10 + 2 for n in range(1, TABLES + 1)), "messages in all")

    status = json.loads(dmskafka.run(t, "status", "--state", state, "--json").expect(0).out)
    equal(len(status["tables"]), TABLES, "tables in status --json")
    check(
        all(table["state"] == "Table completed" for table in status["tables"]),
        "a table is not completed in status --json",
    )


if __name__ == "__main__":
    main()

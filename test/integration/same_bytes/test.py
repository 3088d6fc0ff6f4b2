"""One task, four ways to look at it (Kafka, kafka:embedded, standard output, dry-run): always the same bytes."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, kafka, sqlite, wire
from lib.harness import case, check, equal, main

ROWS = 500
PARTITIONS = 3
EPOCH = {"SOURCE_DATE_EPOCH": "1700000000"}
SETTINGS = dmskafka.task_settings(PARTITIONS)


def shop(t):
    file = t.dir / "shop.db"
    sqlite.run(
        file,
        f"""
        CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, balance REAL, photo BLOB);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
        INSERT INTO customers SELECT i, 'Kunde "Ä" ' || i || char(10, 9, 1), i / 7.0, CASE i % 3 WHEN 0 THEN x'00ff' END FROM n;
        CREATE TABLE notes (note TEXT); INSERT INTO notes VALUES ('eins'), (NULL), ('');""",
    )
    return f"sqlite:{file}"


def load(t, source, target, name, env=EPOCH):
    return dmskafka.run(
        t,
        "full-load",
        "--source",
        source,
        "--target",
        target,
        "--task-id",
        "BYTES",
        "--state",
        t.dir / name,
        "--task-settings",
        SETTINGS,
        env=env,
    ).expect(0)


def value_text(line):
    """The value's own bytes: in NDJSON it is the last member and embedded as it is."""
    return line[line.index(b'"value":') + len(b'"value":') : -1]


def printed(outcome, *members):
    """The printed messages as sorted (partition, key, value bytes), after checking the members of each line."""
    out = []
    for line in outcome.out.splitlines():
        message = json.loads(line)
        equal(list(message), list(members), "members of a line")
        out.append((message["partition"], message["key"].encode(), value_text(line)))
    return sorted(out)


def consumed(topic):
    return sorted((m.partition, m.key, m.value) for m in kafka.consume(topic))


@case("kafka:embedded prints every message as consumed back, with the bytes that a real Kafka receives")
def embedded(t):
    source = shop(t)
    outcome = load(t, source, "kafka:embedded", "embedded.dmskafka")
    lines = outcome.lines()
    equal(len(lines), ROWS + 3 + 4, "messages printed")
    offsets = {}
    for line in lines:
        equal(list(line), ["topic", "partition", "offset", "key", "value"], "members of a line")
        offsets.setdefault(line["partition"], []).append(line["offset"])
    for partition, seen in offsets.items():
        equal(sorted(seen), list(range(len(seen))), f"offsets of partition {partition}")
        equal(partition in range(PARTITIONS), True, f"partition {partition} is one of the topic's")
    # The URL has AWS's default format, which is not one line: the value comes as a string that holds it.
    topic = t.topic()
    load(t, source, f"kafka://{kafka.bootstrap()}/{topic}", "kafka.dmskafka")
    printed_messages = sorted((m["partition"], m["key"].encode(), m["value"].encode()) for m in lines)
    equal(printed_messages, consumed(topic), "messages of kafka:embedded, against Kafka")
    check(all(b"\n\t" in value for _, _, value in printed_messages), "the default format is not AWS's json")


@case("target '-' prints the messages a real Kafka receives")
def standard_output(t):
    source = shop(t)
    outcome = load(t, source, "-", "stdout.dmskafka")
    topic = t.topic()
    load(t, source, f"kafka://{kafka.bootstrap()}/{topic}", "kafka.dmskafka")
    lines = outcome.lines()
    for line in lines:
        equal(list(line), ["topic", "partition", "key", "value"], "members of a line")
    equal(
        sorted((m["key"].encode(), m["value"].encode()) for m in lines),
        sorted((k, v) for _, k, v in consumed(topic)),
        "messages of '-', against Kafka",
    )


@case("dry-run prints exactly the bytes, keys, partitions and topic of the full load")
def dry_run(t):
    source, topic = shop(t), t.topic()
    target = dmskafka.kafka_target(topic)
    outcome = dmskafka.run(
        t,
        "dry-run",
        "--source",
        source,
        "--target",
        target,
        "--task-id",
        "BYTES",
        "--task-settings",
        SETTINGS,
        "--limit",
        "100000",
        "--format",
        "ndjson",
        "--partitions",
        PARTITIONS,
        env=EPOCH,
    ).expect(0)
    check(topic not in kafka.topic_names(), "dry-run made the topic")
    equal({line["topic"] for line in outcome.lines()}, {topic}, "topics printed")
    load(t, source, target, "kafka.dmskafka")
    equal(
        printed(outcome, "topic", "partition", "key", "size", "rules", "value"),
        consumed(topic),
        "messages of dry-run, against Kafka",
    )


@case("dry-run leaves nothing behind: no state file, no topic, and the source as it was")
def dry_run_leaves_nothing(t):
    source, topic = shop(t), t.topic()
    before = (t.dir / "shop.db").read_bytes()
    work = t.dir / "work"
    work.mkdir()
    outcome = dmskafka.run(
        t, "dry-run", "--source", source, "--target", f"kafka://{kafka.bootstrap()}/{topic}", cwd=work
    ).expect(0)
    check(len(outcome.out) > 0, "nothing was printed")
    equal(list(work.iterdir()), [], "files in the working directory")
    equal((t.dir / "shop.db").read_bytes() == before, True, "the database is unchanged")
    equal(
        [p.name for p in t.dir.iterdir() if p.name.startswith("shop.db")],
        ["shop.db"],
        "files beside the database",
    )
    check(topic not in kafka.topic_names(), "dry-run made the topic")


@case("dry-run shows the first five rows of each table, or --limit of one --table, and needs no target")
def dry_run_limits(t):
    source = shop(t)
    outcome = dmskafka.run(t, "dry-run", "--source", source, "--format", "ndjson").expect(0)
    tables = [json.loads(m["value"]) if isinstance(m["value"], str) else m["value"] for m in outcome.lines()]
    names = [m["metadata"]["table-name"] for m in tables if m["metadata"]["record-type"] == "data"]
    equal((names.count("customers"), names.count("notes")), (5, 3), "rows shown of each table")
    outcome = dmskafka.run(
        t, "dry-run", "--source", source, "--format", "ndjson", "--table", "main.customers", "--limit", "2"
    ).expect(0)
    tables = [json.loads(m["value"]) if isinstance(m["value"], str) else m["value"] for m in outcome.lines()]
    names = [m["metadata"]["table-name"] for m in tables if m["metadata"]["record-type"] == "data"]
    equal(names, ["customers"] * 2, "tables of the rows shown")


if __name__ == "__main__":
    main()

"""A message that is too large: its neighbours arrive, it is kept whole with the reason, and nobody can overlook it."""

import hashlib
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, kafka, sqlite, wire
from lib.harness import case, check, contains, equal, main

LARGE = 26  # in the middle of the rows, so that it shares a batch with both sides
ROWS = 51


def incompressible(size):
    """Text that compression cannot bring under the limit."""
    return "".join(hashlib.sha256(b"%d" % i).hexdigest() for i in range(size // 64 + 1))[:size]


def load(t, topic, size, **settings):
    large = incompressible(size)
    file = t.dir / "shop.db"
    sqlite.run(
        file,
        f"""
        CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
        INSERT INTO orders SELECT i, CASE i WHEN {LARGE} THEN '{large}' ELSE 'small ' || i END FROM n;""",
    )
    state = t.dir / "task.dmskafka"
    outcome = dmskafka.run(
        t,
        "full-load",
        "--source",
        f"sqlite:{file}",
        "--target",
        dmskafka.kafka_target(topic, **settings),
        "--task-id",
        "LARGE",
        "--state",
        state,
    )
    return outcome, state, large


def check_kept(t, topic, outcome, state, large, reason):
    outcome.expect(7)
    messages = kafka.consume(topic)
    arrived = sorted(record["data"]["id"] for record in wire.data_records(messages))
    equal(
        arrived,
        [n for n in range(1, ROWS + 1) if n != LARGE],
        "rows in Kafka: all but the large one, each once",
    )

    kept = json.loads(
        sqlite.run(
            state,
            "SELECT schema_name, table_name, topic, reason, CAST(key AS TEXT) AS key, "
            "CAST(value AS TEXT) AS value FROM data_error;",
            "-json",
        )
    )
    equal(len(kept), 1, "messages kept in data_error")
    value = json.loads(kept[0]["value"])
    equal(value["data"], {"id": LARGE, "note": large}, "the kept message's data, whole")
    equal(value["metadata"]["operation"], "load", "the kept message's operation")
    equal(
        (kept[0]["schema_name"], kept[0]["table_name"], kept[0]["topic"], kept[0]["key"]),
        ("main", "orders", topic, str(LARGE)),
        "where it belongs",
    )
    contains(kept[0]["reason"], reason, "why it was not delivered")
    contains(outcome.err, "1 message not delivered", "the summary")
    status = dmskafka.run(t, "status", "--state", state, "--json")
    contains(status.out.decode(), '"rows_failed"', "status --json")


@case("over MessageMaxBytes")
def over_message_max_bytes(t):
    topic = t.topic()
    kafka.create_topic(topic)
    outcome, state, large = load(t, topic, 200_000, MessageMaxBytes=100_000)
    check_kept(t, topic, outcome, state, large, "MessageMaxBytes allows 100000")


@case("over the topic's own max.message.bytes, refused by the broker")
def over_topic_limit(t):
    topic = t.topic()
    kafka.create_topic(topic, config={"max.message.bytes": "100000"})
    outcome, state, large = load(t, topic, 400_000)
    check_kept(t, topic, outcome, state, large, "too large")


@case("just under MessageMaxBytes: key and value together may have exactly that size")
def exactly_the_limit(t):
    topic = t.topic()
    kafka.create_topic(topic)
    outcome, state, large = load(t, topic, 200_000)
    outcome.expect(0)
    size = max(len(m.key) + len(m.value) for m in kafka.consume(topic))
    check(size > 200_000, "the large message did not arrive")
    exact, one_less = t.topic("exact"), t.topic("less")
    for name, limit, status in ((exact, size, 0), (one_less, size - 1, 7)):
        kafka.create_topic(name)
        outcome = dmskafka.run(
            t,
            "full-load",
            "--source",
            f"sqlite:{t.dir / 'shop.db'}",
            "--target",
            dmskafka.kafka_target(name, MessageMaxBytes=limit),
            "--state",
            t.dir / f"{name}.dmskafka",
        )
        outcome.expect(status)


# AWS's page: "AWS DMS supports a maximum message size of 1 MiB for a Kafka target", and "a maximum length of 255 letters" for a
# topic, of which Kafka itself takes 249.


@case("the page's 1 MiB: a message of exactly that size arrives, one byte more is kept and told")
def one_mebibyte(t):
    limit = 1_048_576
    probe, roomy = t.topic("probe"), {"max.message.bytes": "3000000"}
    kafka.create_topic(probe, config=roomy)
    outcome, _, large = load(t, probe, 200_000)
    outcome.expect(0)
    around = max(len(m.key) + len(m.value) for m in kafka.consume(probe)) - len(large)
    for more, status in ((0, 0), (1, 7)):
        topic = t.topic()
        kafka.create_topic(topic, config=roomy)
        (t.dir / "shop.db").unlink()
        (t.dir / "task.dmskafka").unlink()
        outcome, _, _ = load(t, topic, limit - around + more, MessageMaxBytes=limit)
        outcome.expect(status)
        largest = max(len(m.key) + len(m.value) for m in kafka.consume(topic))
        check((largest == limit) == (status == 0), f"the largest message has {largest} bytes")


@case("a topic's name: 249 characters are a topic, 250 to 255 pass the settings with a warning and Kafka refuses them, 256 are refused")
def topic_length(t):
    file = t.dir / "shop.db"
    sqlite.run(file, "CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1);")
    for size, status in ((249, 0), (250, 5), (255, 5), (256, 3)):
        name = t.topic()
        name += "x" * (size - len(name))
        t.defer(kafka.delete_topic, name)
        outcome = dmskafka.run(
            t, "full-load", "--source", f"sqlite:{file}", "--target", dmskafka.kafka_target(name),
            "--state", t.dir / f"{size}.dmskafka",
        )  # fmt: skip
        outcome.expect(status)
        if size == 249:
            equal(len(kafka.consume(name)), 3, "messages")
        elif size < 256:
            contains(outcome.err, f"Topic has {size} characters; Kafka itself allows 249", "the warning")


if __name__ == "__main__":
    main()

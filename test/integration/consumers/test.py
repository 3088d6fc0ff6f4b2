"""What we write is read alike by kcat, by Kafka's own Java console consumer and by a consumer in Python."""

import collections
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, kafka, servers, wire
from lib.harness import Failure, Skip, case, check, equal, main, unique

PARTITIONS = 3
# Keys and values with everything that must be escaped, and with scripts of one to four bytes a character. A line feed within
# a key would break the console consumer's lines; it prints nothing that could tell two such messages apart.
SCHEMA = r"""
CREATE TABLE texts (key text PRIMARY KEY, value text);
INSERT INTO texts SELECT 'control ' || i, 'before ' || chr(i) || ' after' FROM generate_series(1, 31) i;
INSERT INTO texts SELECT 'single ' || chr(i), chr(i) FROM unnest(ARRAY[32, 34, 39, 47, 92, 127, 128, 160, 173, 223, 1046, 1488,
  8232, 8233, 8364, 26085, 55295, 57344, 65279, 65533, 65535, 65536, 128512, 1114111]) i;
INSERT INTO texts VALUES ('ключ 日本 😀', 'значение 値 🎉'), ('"quoted" \back', '{"json": "in \"json\""}'), ('tab' || chr(9), 'tab' || chr(9)),
  ('é', 'combining: é, composed: é'), (' blanks ', ' blanks ');
INSERT INTO texts SELECT 'row ' || i, repeat('ä', i) FROM generate_series(1, 500) i;
"""

Seen = collections.namedtuple("Seen", "partition offset key value")


@case(
    "kcat, the Java console consumer and confluent-kafka for Python agree on every partition, offset, key and value"
)
def three_consumers(t):
    topic = t.topic()
    database = t.database(SCHEMA)
    dmskafka.run(
        t,
        "full-load",
        "--source",
        database.uri,
        "--target",
        dmskafka.kafka_target(topic),
        "--task-settings",
        dmskafka.task_settings(PARTITIONS),
        "--task-id",
        "TEXTS",
    ).expect(0)
    kcat = [Seen(m.partition, m.offset, m.key, m.value) for m in kafka.consume(topic)]
    rows = int(database.query("SELECT count(*) FROM texts"))
    equal(len(kcat), rows + 2, "messages that kcat reads")
    equal(java(topic, len(kcat)), kcat, "what the Java consumer reads, against kcat")
    equal(python(topic, len(kcat)), kcat, "what the Python consumer reads, against kcat")
    check_against_psql(database, kcat)


def check_against_psql(database, seen):
    expected = {}
    with database.copy("SELECT key, value FROM texts").stdout as lines:
        for line in lines:
            key, value = map(wire.copy_text, line[:-1].split(b"\t"))
            expected[key] = b'{"data":{"key":%s,"value":%s},%s' % (
                wire.string(key),
                wire.string(value),
                wire.metadata("public", "texts", "primary-key"),
            )
    actual = {m.key: wire.without_time(m.value) for m in seen if m.key != b"TEXTS.public.texts"}
    equal(sorted(actual.items()), sorted(expected.items()), "keys and values, against psql")
    wrong = [m for m in seen if m.partition != kafka.partition_of(m.key, PARTITIONS)]
    equal(wrong, [], "messages that are not in their key's partition")


def java(topic, count):
    """org.apache.kafka.tools.consumer.ConsoleConsumer: "Partition:0<TAB>Offset:5<TAB>key<TAB>value", one line each."""
    if not shutil.which("java"):
        raise Skip("java is not installed (apt-get install default-jre-headless)")
    told = subprocess.run([servers.script("kafka-up"), "classpath"], stdout=subprocess.PIPE)
    if told.returncode != 0:
        raise Skip("Kafka's own consumer cannot be had (scripts/kafka-up says why)")
    path = told.stdout.decode().strip()
    separator = "<field>"
    properties = [
        "print.partition=true",
        "print.offset=true",
        "print.key=true",
        f"key.separator={separator}",
        "null.literal=<null>",
    ]
    command = [
        "java",
        "-Xmx128m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-Dfile.encoding=UTF-8",
        "-cp",
        path,
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        "--bootstrap-server",
        kafka.bootstrap(),
        "--topic",
        topic,
        "--from-beginning",
        "--max-messages",
        str(count),
        "--timeout-ms",
        "20000",
        *(a for p in properties for a in ("--property", p)),
    ]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    if done.returncode:
        raise Failure(f"the console consumer failed:\n{done.stderr.decode(errors='replace')[-3000:]}")
    seen = []
    for line in done.stdout.split(b"\n")[:-1]:
        fields = line.split(separator.encode())
        equal(len(fields), 4, f"fields of a line of the console consumer, {line!r}")
        seen.append(
            Seen(
                int(fields[0].removeprefix(b"Partition:")),
                int(fields[1].removeprefix(b"Offset:")),
                fields[2],
                fields[3],
            )
        )
    return sorted(seen)


def python(topic, count):
    try:
        import confluent_kafka
    except ImportError:
        raise Skip(
            "confluent-kafka for Python is not installed (apt-get install python3-confluent-kafka)"
        ) from None
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": kafka.bootstrap(),
            "group.id": unique("group"),
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.assign([confluent_kafka.TopicPartition(topic, p, 0) for p in range(PARTITIONS)])
    seen = []
    try:
        while len(seen) < count:
            message = consumer.poll(20)
            check(message is not None, f"the Python consumer got {len(seen)} of {count} messages")
            check(not message.error(), f"the Python consumer: {message.error()}")
            equal(message.headers(), None, "headers")
            equal(
                message.timestamp()[0],
                confluent_kafka.TIMESTAMP_CREATE_TIME,
                "kind of the record's timestamp",
            )
            seen.append(Seen(message.partition(), message.offset(), message.key(), message.value()))
        check(consumer.poll(0.2) is None, "the Python consumer got more messages than kcat")
    finally:
        consumer.close()
    return sorted(seen)


if __name__ == "__main__":
    main()

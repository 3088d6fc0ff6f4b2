"""The disk with the state file is full: exit 6 and a clear text; with room again the same command completes the load."""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, kafka, sqlite, wire
from lib.harness import Skip, case, check, contains, equal, main

ROWS = 40


def small_disk(t, size):
    """A file system of our own; needs root."""
    if os.geteuid() != 0:
        raise Skip("mounting a small tmpfs needs root")
    directory = t.dir / "disk"
    directory.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(directory)], capture_output=True
    )
    if done.returncode:
        raise Skip(f"root cannot mount here: {done.stderr.decode().strip()}")
    t.defer(subprocess.run, ["umount", "-l", str(directory)])
    return directory


def enlarge(directory, size):
    subprocess.run(["mount", "-o", f"remount,size={size}", str(directory)], check=True)


def source(t):
    """Rows that all are too large, so that the state file must keep them whole."""
    file = t.dir / "shop.db"
    sqlite.run(
        file,
        f"""
        CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
        INSERT INTO orders SELECT i, hex(randomblob(20000)) FROM n;""",
    )
    return f"sqlite:{file}"


@case(
    "it fills up while undelivered messages are kept: nothing is passed over, and the rerun keeps every one of them"
)
def full_in_the_middle(t):
    disk, topic = small_disk(t, "600k"), t.topic()
    args = [
        "full-load",
        "--source",
        source(t),
        "--target",
        dmskafka.kafka_target(topic, MessageMaxBytes=1000),
        "--state",
        disk / "task.dmskafka",
        "--task-id",
        "FULL",
    ]
    outcome = dmskafka.run(t, *args, limit_s=60).expect(6)
    contains(outcome.err, "the disk is full", "the text")
    enlarge(disk, "20m")
    dmskafka.run(t, *args).expect(7)
    kept = sqlite.run(
        disk / "task.dmskafka", "SELECT DISTINCT CAST(key AS INTEGER) FROM data_error ORDER BY 1;"
    ).split()
    equal([int(key) for key in kept], list(range(1, ROWS + 1)), "rows kept in data_error")
    equal(wire.data_records(kafka.consume(topic)), [], "rows in Kafka")


@case("it is full from the start: exit 6, and nothing is sent")
def full_from_the_start(t):
    disk, topic = small_disk(t, "16k"), t.topic()
    args = [
        "full-load",
        "--source",
        source(t),
        "--target",
        dmskafka.kafka_target(topic),
        "--state",
        disk / "task.dmskafka",
        "--task-id",
        "FULL",
    ]
    outcome = dmskafka.run(t, *args, limit_s=60).expect(6)
    contains(outcome.err, "No space left on device", "the text")  # SQLite calls it an I/O error here
    check(topic not in kafka.topic_names(), "the topic was made")
    enlarge(disk, "20m")
    dmskafka.run(t, *args).expect(0)
    equal(len(wire.data_records(kafka.consume(topic))), ROWS, "rows in Kafka")


if __name__ == "__main__":
    main()

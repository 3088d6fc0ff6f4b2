"""Memory is bounded: by neither the number of rows nor the number of threads, and by a huge value only a few times over."""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, kafka, sqlite
from lib.harness import case, check, equal, main, say

ROWS = 150_000
FLAT_MB = 80
VALUE_MB = 200
TABLE = """
CREATE TABLE things (id bigint PRIMARY KEY, a text, b text, c numeric, d timestamp, e text, f int, g int, h text, i text, j text, k text);
INSERT INTO things SELECT i, md5(i::text), 'name ' || i, i / 7.0, timestamp '2024-01-01' + i * interval '1 s', repeat('x', i % 80),
  i, i * 2, 'h', 'i', md5((i * 3)::text), NULL FROM generate_series(1, {rows}) i;
"""


def load(t, database, topic, settings, status=0):
    """Runs a load to its end and returns its peak resident memory in MB."""
    args = [
        "full-load",
        "--source",
        database.uri,
        "--target",
        dmskafka.kafka_target(topic),
        "--table-mappings",
        dmskafka.mapping("public.things"),
        "--task-settings",
        settings,
        "--state",
        t.dir / f"{topic}.dmskafka",
    ]
    with open(t.dir / "words", "wb") as words:
        process = subprocess.Popen(
            [str(dmskafka.binary()), *map(str, args)],
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            env=dmskafka.environment(),
        )
        _, raw, usage = os.wait4(process.pid, 0)  # ctest bounds the time
        process.returncode = os.waitstatus_to_exitcode(raw)
    equal(process.returncode, status, "exit status; it said:\n" + (t.dir / "words").read_text()[-3000:])
    return usage.ru_maxrss / 1024


@case(f"{ROWS} rows by one thread and by 32 with full queues: at most {FLAT_MB} MB")
def many_rows(t):
    database = t.database(TABLE.format(rows=ROWS))
    for threads in (0, 32):
        settings = dmskafka.task_settings(
            3,
            {
                "TargetMetadata": {
                    "ParallelLoadThreads": threads,
                    "ParallelLoadBufferSize": 1000 if threads else 0,
                    "ParallelLoadQueuesPerThread": 16 if threads else 0,
                }
            },
        )
        topic = t.topic()
        peak = load(t, database, topic, settings)
        say(f"{threads} threads: {peak:.0f} MB")
        equal(kafka.message_count(topic), ROWS + 2, "messages")
        check(peak <= FLAT_MB, f"{peak:.0f} MB with {threads} threads")


@case(f"a value of {VALUE_MB} MB, which no topic takes: kept whole, in at most 150 MB and four times its size")
def huge_value(t):
    database = t.database(
        f"""
        CREATE TABLE things (id int PRIMARY KEY, body text);
        ALTER TABLE things ALTER COLUMN body SET STORAGE EXTERNAL;
        INSERT INTO things SELECT 1, repeat(md5('1'), {VALUE_MB << 20} / 32);
        INSERT INTO things SELECT i, 'small' FROM generate_series(2, 1000) i;
        """
    )
    topic = t.topic()
    peak = load(t, database, topic, dmskafka.task_settings(3), status=7)
    say(f"{peak:.0f} MB")
    equal(kafka.message_count(topic), 999 + 2, "messages")
    kept = sqlite.query_state(t.dir / f"{topic}.dmskafka", "SELECT length(value) FROM data_error;")
    check(int(kept) > VALUE_MB << 20, f"{kept} bytes were kept")
    check(peak <= 150 + 4 * VALUE_MB, f"{peak:.0f} MB")


if __name__ == "__main__":
    main()

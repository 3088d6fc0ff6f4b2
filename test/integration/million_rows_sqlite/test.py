"""A large SQLite table arrives in Kafka complete and unchanged: every row is compared with what the sqlite3 shell prints."""

import os
import pathlib
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, kafka, row_by_row, sqlite, wire
from lib.harness import case, check, equal, main, say

ROWS = int(os.environ.get("DMSKAFKA_TEST_ROWS", "1000000"))
PARTITIONS = 4

# SQLite types its values, not its columns: "anything" holds a different type in each row.
SCHEMA = f"""
PRAGMA journal_mode=WAL;
CREATE TABLE everyday (
  id INTEGER PRIMARY KEY, big BIGINT, ratio REAL, amount DECIMAL(10,2), name TEXT, note VARCHAR(200), raw BLOB, anything,
  born TEXT, count INT NOT NULL, again TEXT, last REAL);
WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {ROWS})
INSERT INTO everyday SELECT
  i,
  CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN 9223372036854775807 - i WHEN 2 THEN -9223372036854775807 - 1 + i ELSE i * 1000003 END,
  CASE i % 7 WHEN 0 THEN NULL WHEN 1 THEN 9e999 WHEN 2 THEN -i / 3.0 WHEN 3 THEN i * 1e-300 WHEN 4 THEN 55.0
             ELSE sqrt(i) * 1e15 END,
  CASE WHEN i % 11 > 0 THEN (i % 1000000007) * CASE WHEN i % 2 = 0 THEN 1.5 ELSE -0.25 END END,
  CASE i % 10 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN 'tab' || char(9) || '"quoted" back\\slash ' || i
    WHEN 3 THEN 'zwei' || char(10) || 'Zeilen' || char(13, 10) || 'ÄÖÜß €' WHEN 4 THEN '日本語のテキスト ' || i
    WHEN 5 THEN '😀🎉 emoji ' || i WHEN 6 THEN char(1, 2, 27, 29, 127, 8, 12, 11) WHEN 7 THEN 'نص عربي'
    WHEN 8 THEN printf('%.*c', i % 120, 'x') ELSE 'Customer ' || i END,
  CASE WHEN i % 4 > 0 THEN 'a note / with "quotes" about row ' || i END,
  CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN zeroblob(0) ELSE CAST('blob' || char(1) || i AS BLOB) END,
  CASE i % 5 WHEN 0 THEN i WHEN 1 THEN i + 0.5 WHEN 2 THEN 'text ' || i WHEN 3 THEN x'00ff' END,
  date('1900-01-01', (i % 60000) || ' days'),
  i % 1000,
  CASE WHEN i % 2 THEN 'again ' || i END,
  i / 8.0
FROM numbers;
UPDATE everyday SET note = note || ' and more' WHERE id % 20 = 0;
"""

COLUMNS = (
    "id",
    "big",
    "ratio",
    "amount",
    "name",
    "note",
    "raw",
    "anything",
    "born",
    "count",
    "again",
    "last",
)
FIELD, ROW, NULL = b"\x1f", b"\x1e", b"\x1c"  # in none of the values

# The shell shortens a REAL to 15 digits, so each is printed as the 8 bytes it has; what it is comes before it.
PRINTED = ", ".join(
    f"substr(typeof({c}), 1, 1), CASE typeof({c}) WHEN 'real' THEN hex(ieee754_to_blob({c})) WHEN 'blob' THEN hex({c}) ELSE {c} END"
    for c in COLUMNS
)

WRITERS = {
    b"i": bytes,
    b"r": lambda field: wire.double(struct.unpack(">d", bytes.fromhex(field.decode()))[0]),
    b"t": wire.string,
    b"b": wire.hex_bytes,
    b"n": lambda field: b"null",
}
NAMES = tuple(b'"%s":' % name.encode() for name in COLUMNS)


def expected_data(fields):
    # IncludeNullAndEmpty is true: every column is there.
    values = zip(NAMES, fields[0::2], fields[1::2], strict=True)
    return b"{" + b",".join(name + WRITERS[kind](field) for name, kind, field in values) + b"}"


@case(f"{ROWS} rows of 12 columns arrive unchanged, each once, in the partition of their key")
def all_rows(t):
    file = t.dir / "shop.db"
    sqlite.run(file, SCHEMA, limit_s=300)
    topic = t.topic()
    outcome = dmskafka.run(
        t,
        "full-load",
        "--source",
        f"sqlite:{file}",
        "--target",
        dmskafka.kafka_target(topic, IncludeNullAndEmpty=True),
        "--task-settings",
        dmskafka.task_settings(PARTITIONS),
        "--task-id",
        "MILLION",
    ).expect(0)
    say(f"loaded in {outcome.seconds:.1f} s")
    consumed = t.dir / "consumed"
    kafka.consume_lines(topic, consumed)
    compare_with_shell(file, consumed)


def compare_with_shell(file, consumed):
    places, others = row_by_row.index_by_id(consumed, ROWS)
    equal(
        [line.split(b"\t")[1] for line in others],
        [b"MILLION.main.everyday"] * 2,
        "keys of the control records",
    )

    def open_rows(first, last):
        shell = subprocess.Popen(
            [
                "sqlite3",
                "-batch",
                "-bail",
                "-readonly",
                "-ascii",
                "-nullvalue",
                NULL.decode(),
                str(file),
                f"SELECT {PRINTED} FROM everyday WHERE id BETWEEN {first} AND {last} ORDER BY id",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        with shell.stdout as out:
            for row in split_rows(out):
                fields = row.split(FIELD)
                yield fields[1], fields
        check(shell.wait() == 0, "the sqlite3 shell failed")

    row_by_row.compare(
        consumed,
        places,
        ROWS,
        PARTITIONS,
        open_rows,
        expected_data,
        wire.metadata("main", "everyday", "primary-key"),
    )


def split_rows(out):
    rest = b""
    while block := out.read(1 << 20):
        *rows, rest = (rest + block).split(ROW)
        yield from rows
    check(rest == b"", "the sqlite3 shell stopped within a row")


if __name__ == "__main__":
    main()

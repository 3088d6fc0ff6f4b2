"""A large PostgreSQL table arrives in Kafka complete and unchanged: every row is compared with what psql prints."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, kafka, row_by_row, wire
from lib.harness import case, check, equal, main, say

ROWS = int(os.environ.get("DMSKAFKA_TEST_ROWS", "1000000"))
PARTITIONS = 4

# Everyday types with everyday trouble: NULLs, empty strings, quotes, backslashes, tabs, newlines, many scripts, a fraction
# of a second or none, 64 bits in full. A part of the rows is updated, so that neither the order on disk nor the pages are
# those of the ids, and a part was deleted.
SCHEMA = rf"""
CREATE TABLE everyday (
  id bigint PRIMARY KEY, big bigint, small smallint, amount numeric(14,4), free numeric, ratio double precision, share real,
  name text, note varchar(200), code char(8), happened timestamp, seen timestamptz(3), born date, at time, flag boolean,
  document jsonb, raw bytea, ref uuid);
INSERT INTO everyday SELECT
  i,
  CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN 9223372036854775807 - i WHEN 2 THEN -9223372036854775808 + i ELSE i * 1000003 END,
  CASE WHEN i % 7 > 0 THEN (i % 65536 - 32768)::smallint END,
  CASE WHEN i % 11 > 0 THEN (i % 1000000007)::numeric * CASE WHEN i % 2 = 0 THEN 1.5 ELSE -0.0625 END END,
  CASE i % 13 WHEN 0 THEN NULL WHEN 1 THEN 'NaN' WHEN 2 THEN 12345678901234567890123456789.000000000123 + i ELSE i / 8.0 END,
  CASE i % 9 WHEN 0 THEN NULL WHEN 1 THEN 'Infinity' WHEN 2 THEN -i / 3.0 WHEN 3 THEN i * 1e-300 WHEN 4 THEN 55
             ELSE sqrt(i) * 1e15 END,
  CASE WHEN i % 6 > 0 THEN (i / 7.0)::real END,
  CASE i % 10 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN E'tab\there "quoted" back\\slash ' || i
    WHEN 3 THEN E'zwei\nZeilen\r\nÄÖÜß €' WHEN 4 THEN '日本語のテキスト ' || i WHEN 5 THEN '😀🎉 emoji ' || i
    WHEN 6 THEN E'\x01\x1f\x7f\b\f\x0b' WHEN 7 THEN 'نص عربي' WHEN 8 THEN repeat('x', (i % 120)::int) ELSE 'Customer ' || i END,
  CASE WHEN i % 4 > 0 THEN 'a note / with "quotes" about row ' || i END,
  CASE WHEN i % 3 > 0 THEN 'c' || i % 1000 END,
  CASE WHEN i % 8 > 0 THEN timestamp '2001-01-01' + (i % 600000000) * interval '1 second'
    + CASE WHEN i % 8 > 3 THEN (i * 977 % 1000000) * interval '1 microsecond' ELSE interval '0' END END,
  CASE WHEN i % 12 > 0 THEN timestamptz '1999-12-31 23:59:59.5+05:30' + i * interval '1237 milliseconds' END,
  CASE WHEN i % 14 > 0 THEN date '1900-01-01' + (i % 60000)::int END,
  CASE WHEN i % 15 > 0 THEN time '00:00' + (i * 7919 % 86400000) * interval '1 millisecond' END,
  CASE i % 3 WHEN 0 THEN NULL ELSE i % 3 = 1 END,
  CASE WHEN i % 16 = 0 THEN jsonb_build_object('n', i, 't', 'ü"') END,
  CASE WHEN i % 5 > 1 THEN decode(md5(i::text), 'hex') WHEN i % 5 = 1 THEN '' END,
  CASE WHEN i % 2 = 0 THEN md5(i::text)::uuid END
FROM generate_series(1::bigint, {ROWS} + 1000) i;
DELETE FROM everyday WHERE id > {ROWS};
UPDATE everyday SET share = share WHERE id % 20 = 0;
ANALYZE everyday;
"""

COLUMNS = (
    "id",
    "big",
    "small",
    "amount",
    "free",
    "ratio",
    "share",
    "name",
    "note",
    "code",
    "happened",
    "seen",
    "born",
    "at",
    "flag",
    "document",
    "raw",
    "ref",
)


def free_decimal(text):
    return b'"NaN"' if text == b"NaN" else wire.decimal(text)


def text(field):
    return wire.string(wire.copy_text(field))


def blank_trimmed(field):
    return wire.string(wire.copy_text(field).rstrip(b" "))


WRITERS = (
    bytes,
    bytes,
    bytes,
    wire.decimal,
    free_decimal,
    wire.float8,
    wire.float4,
    text,
    text,
    blank_trimmed,
    wire.timestamp,
    lambda field: wire.timestamp(field, scale=3),
    text,
    wire.time,
    wire.boolean,
    text,
    lambda field: wire.hex_bytes(wire.copy_text(field)),
    text,
)
MEMBERS = tuple((b'"%s":' % name.encode(), write) for name, write in zip(COLUMNS, WRITERS, strict=True))


def expected_data(fields):
    # IncludeNullAndEmpty is false: NULLs and empty strings are left out. An empty bytea is no string: it stays as "0x".
    members = (
        name + write(field)
        for (name, write), field in zip(MEMBERS, fields, strict=True)
        if field != rb"\N" and field != b""
    )
    return b"{" + b",".join(members) + b"}"


@case(f"{ROWS} rows of 18 everyday columns arrive unchanged, each once, in the partition of their key")
def all_rows(t):
    database = t.database(SCHEMA)
    topic = t.topic()
    outcome = dmskafka.run(
        t,
        "full-load",
        "--source",
        database.uri,
        "--target",
        dmskafka.kafka_target(topic),
        "--table-mappings",
        dmskafka.mapping("public.everyday"),
        "--task-settings",
        dmskafka.task_settings(PARTITIONS),
        "--task-id",
        "MILLION",
    ).expect(0)
    say(f"loaded in {outcome.seconds:.1f} s")
    consumed = t.dir / "consumed"
    kafka.consume_lines(topic, consumed)
    compare_with_psql(database, consumed)


def compare_with_psql(database, consumed):
    places, others = row_by_row.index_by_id(consumed, ROWS)
    controls = [line.split(b"\t", 2) for line in others]
    equal([key for _, key, _ in controls], [b"MILLION.public.everyday"] * 2, "keys of the control records")
    check(
        all(int(partition) == kafka.partition_of(key, PARTITIONS) for partition, key, _ in controls),
        "a control record is not in the partition of its key",
    )

    def open_rows(first, last):
        with database.copy(
            f"SELECT * FROM everyday WHERE id BETWEEN {first} AND {last} ORDER BY id"
        ).stdout as rows:
            for line in rows:
                fields = line[:-1].split(b"\t")
                yield fields[0], fields

    row_by_row.compare(
        consumed,
        places,
        ROWS,
        PARTITIONS,
        open_rows,
        expected_data,
        wire.metadata("public", "everyday", "primary-key"),
    )


if __name__ == "__main__":
    main()

"""dry-run: of rows that are given in the stead of a database, of chosen keys, with the rule that decided each part."""

import json
import os
import pathlib
import pty
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, kafka, sqlite
from lib.harness import case, check, contains, equal, main

EPOCH = {"SOURCE_DATE_EPOCH": "1700000000"}
STAMP = "2023-11-14T22:13:20.000000Z"
PLAIN = json.dumps({"Broker": "localhost:1", "Topic": "orders", "MessageFormat": "json-unformatted"})
MAPPING = json.dumps(
    {
        "rules": [
            {
                "rule-type": "selection",
                "rule-id": "1",
                "rule-action": "include",
                "object-locator": {"schema-name": "%", "table-name": "%"},
            },
            {
                "rule-type": "transformation",
                "rule-id": "2",
                "rule-target": "column",
                "rule-action": "add-column",
                "value": "sum",
                "object-locator": {"schema-name": "%", "table-name": "orders"},
                "expression": "$total * 2",
                "data-type": {"type": "numeric"},
            },
            {
                "rule-type": "object-mapping",
                "rule-id": "3",
                "rule-action": "map-record-to-record",
                "object-locator": {"schema-name": "%", "table-name": "orders"},
                "mapping-parameters": {
                    "partition-key-type": "attribute-name",
                    "partition-key-name": "who",
                    "attribute-mappings": [
                        {"attribute-name": "who", "value": "${name}/${id}"},
                        {"attribute-name": "deep", "value": {"n": ["${note}", 1]}},
                    ],
                },
            },
        ]
    }
)


def value_text(line):
    return line[line.index(b'"value":') + len(b'"value":') : -1]


def given(t, rows, *args, target=PLAIN, mapping=None, partitions=("--partitions", "2")):
    file = t.dir / "rows.ndjson"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    more = ("--table-mappings", mapping) if mapping else ()
    inputs = ("--target", target, "--task-id", "PREVIEW", *more, *partitions, *args)
    return dmskafka.run(t, "dry-run", "--input", file, *inputs, env=EPOCH)


@case("given rows become the very bytes that a load of the same rows sends")
def same_bytes(t):
    rows = [
        {
            "id": i,
            "name": [None, "", 'Kunde "Ä"\n', "b"][i % 4],
            "total": [None, "1500.50", "-0.25", "7"][i % 4],
            "rate": i / 7.0,
            "note": "x" * i,
        }
        for i in range(1, 41)
    ]
    quoted = lambda v: "NULL" if v is None else str(v) if not isinstance(v, str) else "'" + v.replace("'", "''") + "'"
    values = ",".join(
        f"({r['id']},{quoted(r['name'])},{r['total'] or 'NULL'},{r['rate']!r},{quoted(r['note'])})" for r in rows
    )
    database = t.database(
        "CREATE TABLE orders (id bigint PRIMARY KEY, name varchar(20), total numeric(12,2), rate float8, note text);"
        f"INSERT INTO orders VALUES {values};"
    )
    load = dmskafka.run(
        t,
        *("full-load", "--source", database.uri, "--target", "-", "--task-id", "PREVIEW", "--table-mappings", MAPPING),
        *("--task-settings", dmskafka.task_settings(groups={"FullLoadSettings": {"TargetTablePrepMode": "DO_NOTHING"}})),
        env=EPOCH,
    ).expect(0)
    types = {"id": "int8", "name": "string", "total": "numeric", "rate": "real8", "note": "clob"}
    head = {"schema": "public", "table": "orders", "primary-key": ["id"], "types": types}
    target = json.dumps({"Broker": "localhost:1"})  # AWS's default format, as of "-"
    for first in (True, False):  # types and key once are enough
        lines = [{**(head if first or i == 0 else {"schema": "public", "table": "orders"}), "row": r} for i, r in enumerate(rows)]
        preview = given(t, lines, "--format", "ndjson", target=target, mapping=MAPPING).expect(0)
        pick = lambda outcome: sorted((json.loads(line)["key"], value_text(line)) for line in outcome.out.splitlines())
        equal(len(pick(load)), len(rows), "messages of the load")
        equal(pick(preview), pick(load), "keys and bytes of the values")


@case("changes show as following the log would send them")
def changes(t):
    rows = [
        {"schema": "s", "table": "t", "row": {"id": 1, "note": "a", "ok": True}, "primary-key": ["id"]},
        {"schema": "s", "table": "t", "op": "insert", "row": {"id": 2, "note": None, "ok": False}},
        {
            "schema": "s",
            "table": "t",
            "op": "update",
            "row": {"id": 2, "note": "b"},
            "before": {"id": 2, "note": None},
            "transaction-id": 4711,
            "transaction-record-id": 3,
            "commit-timestamp": "2024-02-29T12:00:00.5Z",
            "stream-position": "0/1",
        },
        {"schema": "s", "table": "t", "op": "delete", "before": {"id": 2, "note": "b", "ok": {"deep": [1]}}},
    ]
    target = json.dumps({**json.loads(PLAIN), "IncludeTransactionDetails": True})
    outcome = given(t, rows, "--format", "ndjson", target=target).expect(0)
    meta = f'"metadata":{{"timestamp":"{STAMP}","record-type":"data","operation":'
    name = '"schema-name":"s","table-name":"t"'

    def change(operation, id, record, commit, position, previous=""):
        return (
            f'{meta}"{operation}","partition-key-type":"schema-table",{name},"transaction-id":{id},"transaction-record-id":{record},'
            f'{previous}"commit-timestamp":"{commit}","stream-position":"{position}"}}}}'
        )

    file = t.dir / "rows.ndjson"
    equal(
        [value_text(line).decode() for line in outcome.out.splitlines()],
        [
            '{"data":{"id":1,"note":"a","ok":true},' + meta + '"load","partition-key-type":"primary-key",' + name + "}}",
            '{"data":{"id":2,"ok":false},' + change("insert", 1, 1, STAMP, f"{file}:2"),
            '{"data":{"id":2,"note":"b"},' + change(
                "update", 4711, 3, "2024-02-29T12:00:00.500000Z", "0/1",
                '"prev-transaction-id":1,"prev-transaction-record-id":1,'),
            '{"data":{"id":2,"note":"b","ok":"{\\"deep\\":[1]}"},' + change(
                "delete", 3, 1, STAMP, f"{file}:4", '"prev-transaction-id":4711,"prev-transaction-record-id":3,'),
        ],
        "values",
    )
    equal([line["key"] for line in outcome.lines()], ["1", "s.t", "s.t", "s.t"], "keys")
    equal(
        [line["rules"]["key"] for line in outcome.lines()],
        ["the primary key, the default of a full load"] + ["the default of CDC without ParallelApplyThreads"] * 3,
        "what decided the keys",
    )


@case("a line that is no row is refused at its place, after the rows before it")
def wrong_lines(t):
    good = '{"schema":"s","table":"t","row":{"id":1}}'
    place = lambda line, column, pointer, message, expected="": (
        f"error: rows.ndjson:2:{column}: {pointer}{message}\n    {line}\n    {' ' * (column - 1)}^{expected}\n"
    )
    row, op, rows = (f'{{"schema":"s","table":"t",{rest}}}' for rest in ('"row":[1]', '"op":"upsert","row":{}', '"rows":{}'))
    bare, nameless = '{"schema":"s","table":"t"}', '{"schema":"s","row":{}}'
    for line, message in (
        (row, place(row, 33, "/row: ", "row is an array", " expected an object of columns")),
        (nameless, place(nameless, 1, "", 'the line has no "table"')),
        (op, place(op, 32, "/op: ", 'op is "upsert"', " expected load, insert, update or delete")),
        (rows, place(rows, 27, "/rows: ", 'unknown member "rows"', ' expected "row"')),
        (bare, place(bare, 1, "", 'the line has no "row"', ' expected "row": {...}')),
        ('{"schema":"s","table":"t","row":{},"primary-key":["nobody"]}', "primary-key names a column that the row does not have"),
        ('{"schema":"s","table":"t","row":{},"types":{"id":"integer"}}', "expected one of AWS's types, e.g. string, int4, numeric, datetime"),
        ("no JSON", "rows.ndjson:2:1"),
    ):
        (t.dir / "rows.ndjson").write_text(f"{good}\n{line}\n")
        outcome = dmskafka.run(t, "dry-run", "--input", "rows.ndjson", "--format", "ndjson").expect(3)
        equal(len(outcome.out.splitlines()), 1, f"messages before {line}")
        contains(outcome.err, message, f"standard error about {line}")
    dmskafka.run(t, "dry-run", "--input", "nowhere.ndjson").expect(3)


@case("rows come from standard input, too, and nothing is left behind")
def standard_input(t):
    row = b'{"schema":"s","table":"t","row":{"id":1}}\n\n{"schema":"s","table":"u","row":{"id":2}}'
    done = subprocess.run(
        [dmskafka.binary(), "dry-run", "--input", "-", "--format", "ndjson"], input=row, cwd=t.dir, capture_output=True, timeout=30
    )
    equal((done.returncode, len(done.stdout.splitlines())), (0, 2), done.stderr.decode())
    equal(list(t.dir.iterdir()), [], "files in the working directory")


@case("--key finds the rows of a key wherever they stand, --limit counts the rows that are shown")
def keys_and_limits(t):
    database = t.dir / "shop.db"
    sqlite.run(
        database,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, r REAL); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
        "WHERE i < 5000) INSERT INTO t SELECT i, i + 0.25 FROM n;",
    )
    shown = lambda outcome: [line["key"] for line in outcome.lines()]
    base = ("dry-run", "--source", "sqlite:shop.db", "--format", "ndjson")
    equal(shown(dmskafka.run(t, *base, "--key", "4711", "--key", "3").expect(0)), ["3", "4711"], "keys shown")
    # A filter that SQLite is not asked to judge: the rows before the first that passes do not count.
    filters = [{"filter-type": "source", "column-name": "r", "filter-conditions": [{"filter-operator": "gte", "value": "4000.5"}]}]
    mapping = dmskafka.mapping(("include", "main.t", {"filters": filters}))
    nothing = dmskafka.task_settings(groups={"FullLoadSettings": {"TargetTablePrepMode": "DO_NOTHING"}})
    outcome = dmskafka.run(t, *base, "--table-mappings", mapping, "--limit", "2", "--task-settings", nothing).expect(0)
    equal(shown(outcome), ["4001", "4002"], "rows shown")
    rows = [{"schema": "s", "table": "t", "row": {"id": i}, "primary-key": ["id"]} for i in range(9)]
    equal(shown(given(t, rows, "--format", "ndjson", "--limit", "2").expect(0)), ["0", "1"], "given rows shown")
    equal(shown(given(t, rows, "--format", "ndjson", "--key", "7").expect(0)), ["7"], "given rows of a key")
    equal(shown(given(t, rows, "--format", "ndjson", "--table", "u").expect(0)), [], "given rows of another table")


@case("each part names the rule that decided it; the partition count is --partitions, Topic.Partitions, the broker's, or unknown")
def reasons(t):
    rows = [{"schema": "s", "table": "orders", "row": {"id": 1, "name": "Ann", "total": 2, "note": ""}}]
    unknown = "unknown: no --partitions, no Topic.Partitions, and no broker that has the topic"

    def rules(partition, by, *args, target=None):
        more = ("--target", target) if target else ()
        file = t.dir / "rows.ndjson"
        file.write_text(json.dumps(rows[0]))
        (line,) = dmskafka.run(
            t, "dry-run", "--input", file, "--format", "ndjson", "--table-mappings", MAPPING, *more, *args
        ).expect(0).lines()
        equal(list(line), ["topic", "partition", "key", "size", "rules", "value"], "members of a line")
        value = line["value"] if isinstance(line["value"], str) else json.dumps(line["value"], separators=(",", ":"), ensure_ascii=False)
        equal(line["size"], len(line["key"].encode()) + len(value.encode()), "size")
        equal(line["partition"], partition, "partition")
        equal(
            line["rules"],
            {
                "topic": "Topic of the endpoint",
                "partition": f"murmur2_random of the key over {by}" if partition is not None else unknown,
                "key": "object-mapping rule 3 (partition-key-name)",
                "data": "transformation rule 2; object-mapping rule 3",
            },
            "rules",
        )

    settings = ("--task-settings", dmskafka.task_settings(7))
    rules(None, "")
    rules(kafka.partition_of(b"Ann/1", 5), "5 partitions (--partitions)", "--partitions", "5", *settings)
    rules(kafka.partition_of(b"Ann/1", 7), "7 partitions (Topic.Partitions)", *settings)
    topic = t.topic()
    target = dmskafka.kafka_target(topic)
    rules(None, "", target=target)
    check(topic not in kafka.topic_names(), "dry-run made the topic")
    kafka.create_topic(topic, partitions=3)
    rules(kafka.partition_of(b"Ann/1", 3), "3 partitions (the broker)", target=target)


@case("a broker that does not answer is named, and the preview goes on")
def no_broker(t):
    outcome = given(t, [{"schema": "s", "table": "t", "row": {"id": 1}}], "--format", "ndjson", partitions=()).expect(0)
    equal([line["partition"] for line in outcome.lines()], [None], "partition")
    contains(outcome.err, "partitions are not shown: no Kafka broker answers at localhost:1 within 5 s", "standard error")


@case("on a terminal: heads, reasons and coloured values")
def terminal(t):
    (t.dir / "rows.ndjson").write_text('{"schema":"s","table":"t","row":{"id":1,"note":"a\\"b"},"primary-key":["id"]}\n')
    head, tail = pty.openpty()
    env = dmskafka.environment({**EPOCH, "TERM": "xterm", "NO_COLOR": None})
    process = subprocess.Popen(
        [dmskafka.binary(), "dry-run", "--input", "rows.ndjson", "--quiet"], cwd=t.dir, stdout=tail, stdin=subprocess.DEVNULL, env=env
    )
    os.close(tail)
    text = b""
    while True:
        try:
            chunk = os.read(head, 65536)
        except OSError:
            break
        if not chunk:
            break
        text += chunk
    equal(process.wait(30), 0, "exit status")
    text = text.decode().replace("\r\n", "\n")
    contains(text, '\x1b[1;36mkafka-default-topic partition unknown  key "1"  ', "head")
    contains(text, "\n\x1b[2m  topic: Topic of the endpoint\n  partition: unknown: no --partitions", "reasons")
    contains(text, "\n  key: the primary key, the default of a full load\n  value: no rule: the columns as they are\n\x1b[0m{", "reasons")
    contains(text, '\t\t\x1b[34m"note"\x1b[0m:\t\x1b[32m"a\\"b"\x1b[0m\n', "value")


@case("--input stands in for the source: not beside --source, nor is standard input two things")
def exclusive(t):
    for args, words in (
        (("--input", "a", "--source", "sqlite:shop.db"), "--input and --source exclude each other"),
        (("--input", "-", "--table-mappings", "-"), "standard input cannot be both --input and another file"),
    ):
        contains(dmskafka.run(t, "dry-run", *args).expect(2).err, words, "standard error")


if __name__ == "__main__":
    main()

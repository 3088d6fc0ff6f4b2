"""One task, four ways to look at it (Kafka, kafka:embedded, standard output, dry-run): always the same bytes, of rows and changes."""

import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, kafka, sqlite
from lib.following import Task, before_image
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


# ---- changes: what dry-run shows of given ones is what cdc sends of the same ones

# The database's own account of each change: the server's text of every column, before and after.
JOURNAL = """
CREATE EXTENSION hstore;
CREATE TABLE journal (n bigserial, name text, op text, xid bigint, before hstore, after hstore);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO journal (name, op, xid, before, after) VALUES (TG_TABLE_NAME, lower(TG_OP), txid_current(),
    CASE WHEN TG_OP <> 'INSERT' THEN hstore(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN hstore(NEW) END);
  RETURN NULL; END $$;
"""
TABLES = ("orders", "whole", "bare")
COLUMNS = "id int, region varchar(8), name text, price numeric(12,2), at timestamp, day date, raw bytea, rate float8"
TYPES = {"id": "int4", "region": "wstring", "name": "nclob", "price": "numeric", "at": "datetime", "day": "date", "raw": "blob",
         "rate": "real8"}
ROW = "'Kunde 47 \"Ä\"' || chr(10), 1500.50, '2024-02-29 12:00:00.25', '2024-02-29', '\\x00ff', 0.1"
CHANGES = f"""
BEGIN; INSERT INTO {{0}} VALUES (1, 'eu', {ROW}), (2, 'us', NULL, NULL, NULL, NULL, NULL, NULL); INSERT INTO {{0}} VALUES (3, 'eu', {ROW}); COMMIT;
UPDATE {{0}} SET price = -price, name = '' WHERE id = 1;
BEGIN; UPDATE {{0}} SET id = id + 10 WHERE region = 'eu'; UPDATE {{0}} SET name = 'Ann' WHERE id = 2; COMMIT;
UPDATE {{0}} SET region = 'us' WHERE id = 11;
DELETE FROM {{0}};
"""
# Known only to the log of the run: when the transaction was committed, and where that stands in the log.
OF_THE_LOG = re.compile(rb'"(commit-timestamp|stream-position)":"[^"]*"')


def journal_of(database):
    text = database.query("SELECT json_agg(json_build_array(name, op, xid, hstore_to_json(before), hstore_to_json(after)) ORDER BY n) FROM journal")
    return json.loads(text)


def old_row_in_log(name, op, before, after):
    """What PostgreSQL logs of the row before: all of it with REPLICA IDENTITY FULL, else the key where it goes away."""
    if op == "insert" or name == "whole":
        return before
    key = lambda row: {"id": row["id"], "region": row["region"]}
    return key(before) if op == "delete" or key(before) != key(after) else None


def given_changes(database):
    """The journal as lines for dry-run --input."""
    records, lines = {}, []
    in_order = lambda row: row and {column: row[column] for column in TYPES}  # hstore has an order of its own
    for name, op, xid, before, after in journal_of(database):
        before, after = in_order(before), in_order(after)
        records[xid] = records.get(xid, 0) + 1
        line = {"schema": "public", "table": name, "op": op, "transaction-id": xid, "transaction-record-id": records[xid],
                "primary-key": [] if name == "bare" else ["region", "id"], "types": TYPES,
                "replica-identity": "full" if name == "whole" else "nothing" if name == "bare" else "default"}
        old = old_row_in_log(name, op, before, after)
        line |= {member: row for member, row in (("before", old), ("row", after)) if row is not None}
        lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    return "".join(lines)


def compare_changes(t, label, mapping, groups=None, target=None, **settings):
    """Follows changes of a fresh database, then has dry-run show the same ones."""
    tables = "".join(
        f"CREATE TABLE {name} ({COLUMNS}{'' if name == 'bare' else ', PRIMARY KEY (region, id)'});"
        f"CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON {name} FOR EACH ROW EXECUTE PROCEDURE note();"
        for name in TABLES)
    database = t.database(JOURNAL + tables + "ALTER TABLE whole REPLICA IDENTITY FULL;")
    task = Task(t, database, mapping=json.dumps({"rules": mapping}), groups=groups, partitions=PARTITIONS, label=label,
                target={"IncludeTransactionDetails": True, "IncludePartitionValue": True, **(target or {})}, **settings)
    task.load()
    for name in ("orders", "whole"):
        database.run(CHANGES.format(name))
    database.run(f"INSERT INTO bare VALUES (1, 'eu', {ROW})")  # without an identity there are inserts alone
    dmskafka.run(t, "cdc", "--until-current", *task.args, env=EPOCH).expect(0)
    sent = [m for m in kafka.consume(task.topic) if b'"operation":"load"' not in m.value and b'"operation":"read"' not in m.value and b'"record-type":"control"' not in m.value]
    check(sent, "no change was sent")

    args = list(map(str, task.args))
    for flag in ("--source", "--state"):
        del args[args.index(flag) : args.index(flag) + 2]
    file = t.file(f"{label}.ndjson", given_changes(database))
    preview = dmskafka.run(t, "dry-run", "--input", file, "--format", "ndjson", "--partitions", PARTITIONS, *args, env=EPOCH).expect(0)
    shown = printed(preview, "topic", "partition", "key", "size", "rules", "value")
    without_log = lambda value: OF_THE_LOG.sub(rb'"\1":"*"', value)
    equal([(p, k, without_log(v)) for p, k, v in shown], sorted((m.partition, m.key, without_log(m.value)) for m in sent),
          f"{label}: messages of dry-run, against those of cdc")
    return shown


def rule(number, kind, action, table, **members):
    locator = {"schema-name": "public", "table-name": table, **members.pop("locator", {})}
    return {"rule-type": kind, "rule-id": number, "rule-name": str(number), "rule-action": action, "object-locator": locator, **members}


def selected(**members):
    return [rule(n, "selection", "include", name, **members) for n, name in enumerate(TABLES, 1)]


@case("dry-run prints exactly what cdc sends of the same changes: keys, replica identities and before images")
def dry_run_of_changes(t):
    shown = compare_changes(t, "plain", selected())
    equal(len(shown), 2 * 11 + 1, "messages")
    for columns in ("pk-only", "all"):
        shown = compare_changes(t, columns, selected(), target={"IncludeNullAndEmpty": True, "PartitionIncludeSchemaTable": True},
                                groups={**before_image(columns=columns), "TargetMetadata": {"ParallelApplyThreads": 2}})
        check(any(b'"before-image":{}' in value for _, _, value in shown), "no update kept its key")
        check(any(b'"before-image":{"id":1,"region":"eu"' in value for _, _, value in shown), "no update shows its old key")


@case("dry-run prints exactly what cdc sends of the same changes: filters, transformations, object mapping, dialects")
def dry_run_of_mapped_changes(t):
    filters = [{"filter-type": "source", "column-name": "region", "filter-conditions": [{"filter-operator": "eq", "value": "eu"}]}]
    mapping = selected(filters=filters) + [
        rule(11, "transformation", "rename", "orders", **{"rule-target": "table", "value": "sales"}),
        rule(12, "transformation", "data-masking-digits-mask", "%", **{"rule-target": "column", "value": "#", "locator": {"column-name": "name"}}),
        rule(13, "transformation", "add-column", "whole", **{"rule-target": "column", "value": "op", "data-type": {"type": "string", "length": 10},
             "expression": "operation_indicator('D', 'U', 'I') || $id"}),
        rule(14, "transformation", "add-before-image-columns", "%", **{"rule-target": "column", "locator": {"column-name": "%"},
             "before-image-def": {"column-prefix": "BI_", "column-suffix": "", "column-filter": "non-lob"}}),
        rule(15, "object-mapping", "map-record-to-record", "whole", **{"target-table-name": "mapped", "mapping-parameters": {
             "partition-key-type": "attribute-name", "partition-key-name": "who", "exclude-columns": ["rate"],
             "attribute-mappings": [{"target-attribute-name": "who", "attribute-type": "scalar", "attribute-sub-type": "string", "value": "${region}/${id}"},
                                    {"target-attribute-name": "deep", "attribute-type": "document", "attribute-sub-type": "json",
                                     "value": {"name": "${name}", "at": {"day": "${day}"}}}]}}),
        rule(16, "object-mapping", "map-record-to-document", "orders", **{"mapping-parameters": {"partition-key": {"value": "${id}"}}}),
    ]
    shown = compare_changes(t, "mapped", mapping)
    deleted = [value for _, _, value in shown if b'"operation":"delete"' in value and b'"table-name":"mapped"' in value]
    equal(len(deleted), 2, "deletions of the mapped table, one of them a row that left the filters")
    for dialect in ("dms-strict", "documented"):
        compare_changes(t, dialect, selected(), Dialect=dialect)


if __name__ == "__main__":
    main()

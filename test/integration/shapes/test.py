"""Tables of unusual shape or name: no key, several key columns, no rows, views, partitions, strange names."""

import collections
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, kafka, sqlite, wire
from lib.harness import case, check, equal, main

CONTROLS = ["drop-table", "create-table"]


def load(t, source, mapping=None, settings=None, status=0, **target):
    topic = t.topic()
    args = [
        "full-load",
        "--source",
        source,
        "--target",
        dmskafka.kafka_target(topic, **target),
        "--task-id",
        "SHAPES",
        "--state",
        t.dir / "task.dmskafka",
        "--task-settings",
        settings or dmskafka.task_settings(3),
    ]
    dmskafka.run(t, *args, *(["--table-mappings", mapping] if mapping else [])).expect(status)
    return kafka.consume(topic)


def by_table(messages):
    """The data records as (key, data, partition-key-type) of each "schema.table"."""
    out = collections.defaultdict(list)
    for message in messages:
        value = wire.parsed(message)
        head = value["metadata"]
        if head["record-type"] == "data":
            out[f"{head['schema-name']}.{head['table-name']}"].append(
                (message.key.decode(), value["data"], head["partition-key-type"])
            )
    return {name: sorted(rows, key=repr) for name, rows in out.items()}


def operations(messages, table):
    return [operation for operation, name in wire.control_records(messages) if name == table]


@case("a table without a key has schema.table as the key of every record, all in one partition")
def no_key(t):
    database = t.database(
        """
        CREATE TABLE log_lines (line text); INSERT INTO log_lines SELECT 'same' FROM generate_series(1, 50);
        CREATE TABLE only_unique (id int UNIQUE, note text); INSERT INTO only_unique VALUES (1, 'a'), (NULL, 'b');"""
    )
    messages = load(t, database.uri)
    rows = by_table(messages)
    equal(
        rows["public.log_lines"],
        [("public.log_lines", {"line": "same"}, "schema-table")] * 50,
        "rows of log_lines",
    )
    equal(
        rows["public.only_unique"],
        [
            ("public.only_unique", {"id": 1, "note": "a"}, "schema-table"),
            ("public.only_unique", {"note": "b"}, "schema-table"),
        ],
        "rows of only_unique",
    )
    equal(
        {m.partition for m in messages if m.key == b"public.log_lines"},
        {kafka.partition_of(b"public.log_lines", 3)},
        "partitions of log_lines",
    )


@case("several key columns are joined with points in the order of the key, not of the table")
def composite_key(t):
    database = t.database("""
        CREATE TABLE stock (amount numeric(8,3), place text, item int, day date, PRIMARY KEY (item, place, day));
        INSERT INTO stock VALUES (1.500, 'Köln', 7, '2024-02-29'), (0, 'a.b', 8, '2024-03-01');""")
    expected = [
        (
            "7.Köln.2024-02-29",
            {"amount": 1.5, "place": "Köln", "item": 7, "day": "2024-02-29"},
            "primary-key",
        ),
        ("8.a.b.2024-03-01", {"amount": 0, "place": "a.b", "item": 8, "day": "2024-03-01"}, "primary-key"),
    ]
    equal(by_table(load(t, database.uri))["public.stock"], expected, "rows")


@case("PartitionIncludeSchemaTable and IncludePartitionValue show the same key in the record as on it")
def key_with_names(t):
    database = t.database("CREATE TABLE demo (id int PRIMARY KEY); INSERT INTO demo VALUES (393);")
    messages = load(t, database.uri, PartitionIncludeSchemaTable=True, IncludePartitionValue=True)
    (row,) = (m for m in messages if not wire.is_control(m))
    equal(row.key, b"public.demo.393", "key")
    equal(wire.parsed(row)["metadata"]["partition-key-value"], "public.demo.393", "partition-key-value")
    control = next(m for m in messages if wire.is_control(m))
    equal(control.key, b"SHAPES.public.demo", "key of a control record")
    equal(
        wire.parsed(control)["metadata"]["partition-key-value"],
        "SHAPES",
        "a control record's partition-key-value",
    )


@case(
    "an empty table sends its control records and nothing else; TargetTablePrepMode DO_NOTHING not even these"
)
def empty(t):
    database = t.database("CREATE TABLE nothing (id int PRIMARY KEY); CREATE TABLE no_columns ();")
    messages = load(t, database.uri)
    equal((operations(messages, "public.nothing"), by_table(messages)), (CONTROLS, {}), "messages")
    settings = dmskafka.task_settings(1, {"FullLoadSettings": {"TargetTablePrepMode": "DO_NOTHING"}})
    (t.dir / "task.dmskafka").unlink()
    equal(load(t, database.uri, settings=settings), [], "messages with DO_NOTHING")


@case("views come only when a rule asks for them by table-type")
def views(t):
    database = t.database("""
        CREATE TABLE orders (id int PRIMARY KEY, total int); INSERT INTO orders VALUES (1, 10), (2, 20);
        CREATE VIEW large_orders AS SELECT * FROM orders WHERE total > 15;
        CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM orders;""")
    for kind, expected in (
        ("table", {"public.orders"}),
        ("view", {"public.large_orders", "public.counted"}),
        ("all", {"public.orders", "public.large_orders", "public.counted"}),
    ):
        state = t.dir / "task.dmskafka"
        state.unlink(missing_ok=True)
        rows = by_table(
            load(
                t,
                database.uri,
                dmskafka.mapping(("include", "public.%", {"object-locator": {"table-type": kind}})),
            )
        )
        equal(set(rows), expected, f"tables of table-type {kind}")
    equal(
        rows["public.large_orders"],
        [("public.large_orders", {"id": 2, "total": 20}, "schema-table")],
        "rows of the view",
    )


@case("a partitioned table comes once, as itself, with the rows of all its partitions")
def partitioned(t):
    database = t.database("""
        CREATE TABLE events (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
        CREATE TABLE events_2023 PARTITION OF events FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
        CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
        INSERT INTO events VALUES (1, '2023-05-05'), (2, '2024-05-05');""")
    rows = by_table(load(t, database.uri))
    equal(
        rows,
        {
            "public.events": [
                ("1.2023-05-05", {"id": 1, "day": "2023-05-05"}, "primary-key"),
                ("2.2024-05-05", {"id": 2, "day": "2024-05-05"}, "primary-key"),
            ]
        },
        "rows",
    )


@case("a table that others inherit from has its own rows alone: no row comes twice")
def inheritance(t):
    database = t.database(
        """
        CREATE TABLE people (id int PRIMARY KEY); INSERT INTO people VALUES (1);
        CREATE TABLE staff (id int PRIMARY KEY, room text) INHERITS (people); INSERT INTO staff VALUES (2, 'a');"""
    )
    rows = by_table(load(t, database.uri))
    equal(rows["public.people"], [("1", {"id": 1}, "primary-key")], "rows of the parent")
    equal(rows["public.staff"], [("2", {"id": 2, "room": "a"}, "primary-key")], "rows of the child")


@case("names with quotes, points, blanks, upper case and other scripts arrive as they are (PostgreSQL)")
def strange_names_postgres(t):
    database = t.database("""
        CREATE SCHEMA "Vertrieb.Süd";
        CREATE TABLE "Vertrieb.Süd"."Straße ""Haupt"" 表" ("Nr." int PRIMARY KEY, "a ""b"" \\ c" text, "ключ" text, "select" text);
        INSERT INTO "Vertrieb.Süd"."Straße ""Haupt"" 表" VALUES (1, 'x', 'да', 's');
        CREATE TABLE "%_[a]" (id int PRIMARY KEY); INSERT INTO "%_[a]" VALUES (5);""")
    messages = load(t, database.uri)
    rows = by_table(messages)
    name = 'Vertrieb.Süd.Straße "Haupt" 表'
    equal(
        rows[name], [("1", {"Nr.": 1, 'a "b" \\ c': "x", "ключ": "да", "select": "s"}, "primary-key")], "rows"
    )
    equal(rows["public.%_[a]"], [("5", {"id": 5}, "primary-key")], "rows of the table named like a pattern")
    equal(operations(messages, name), CONTROLS, "control records")
    equal(
        {m.key.decode() for m in messages if wire.is_control(m)},
        {f"SHAPES.{name}", "SHAPES.public.%_[a]"},
        "control keys",
    )


@case("names with quotes, points, blanks, upper case and other scripts arrive as they are (SQLite)")
def strange_names_sqlite(t):
    file = t.dir / "Größe & Maß.db"
    sqlite.run(
        file,
        """
        CREATE TABLE "Straße ""Haupt"" 表" ("Nr." INTEGER PRIMARY KEY, "a ""b"" \\ c" TEXT, 'ключ' TEXT, [select] TEXT);
        INSERT INTO "Straße ""Haupt"" 表" VALUES (1, 'x', 'да', 's');
        CREATE TABLE composite (b TEXT, a INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID; INSERT INTO composite VALUES ('z', 9);
        CREATE TABLE no_key (note TEXT); INSERT INTO no_key VALUES ('n');""",
    )
    rows = by_table(load(t, f"sqlite:{file}"))
    equal(
        rows,
        {
            'main.Straße "Haupt" 表': [
                ("1", {"Nr.": 1, 'a "b" \\ c': "x", "ключ": "да", "select": "s"}, "primary-key")
            ],
            "main.composite": [("9.z", {"b": "z", "a": 9}, "primary-key")],
            "main.no_key": [("main.no_key", {"note": "n"}, "schema-table")],
        },
        "rows",
    )


@case("with one subtask tables come in falling load-order, each whole before the next")
def load_order(t):
    database = t.database(
        "".join(
            f"CREATE TABLE {name} (id int PRIMARY KEY); INSERT INTO {name} SELECT generate_series(1, {rows});"
            for name, rows in (("a", 10), ("b", 3000), ("c", 20), ("d", 1))
        )
    )
    mapping = dmskafka.mapping(
        ("include", "public.a", {"load-order": "20"}),
        "public.b",
        ("include", "public.c", {"load-order": 3}),
        ("include", "public.d", {"load-order": "100"}),
    )
    settings = dmskafka.task_settings(1, {"FullLoadSettings": {"MaxFullLoadSubTasks": 1}})
    messages = load(t, database.uri, mapping, settings)
    order = list(dict.fromkeys(wire.parsed(m)["metadata"]["table-name"] for m in messages))
    equal(order, ["d", "a", "c", "b"], "tables in the order of their first message")
    last = {wire.parsed(m)["metadata"]["table-name"]: n for n, m in enumerate(messages)}
    equal(sorted(last, key=last.get), order, "tables in the order of their last message")


@case("the control records of a table come before all its rows, in whatever partition")
def control_first(t):
    database = t.database("""
        CREATE TABLE films (code char(5) PRIMARY KEY, title varchar(40) NOT NULL, did integer NOT NULL, date_prod date,
                            kind varchar(10), len interval hour to minute, free numeric, amount numeric(12,2));
        INSERT INTO films (code, title, did) SELECT i, 'film ' || i, i FROM generate_series(1, 200) i;""")
    messages = load(t, database.uri, IncludeControlDetails=True)
    controls = [m for m in messages if wire.is_control(m)]
    details = wire.parsed(controls[1])["control"]
    equal(details["table-def"]["primary-key"], ["code"], "primary key of the table definition")
    equal(
        list(details["table-def"]["columns"].items())[:4],
        [
            ("code", {"type": "STRING", "length": 5, "nullable": False}),
            ("title", {"type": "STRING", "length": 40, "nullable": False}),
            ("did", {"type": "INT32", "nullable": False}),
            ("date_prod", {"type": "DATE32", "nullable": True}),
        ],
        "column definitions",
    )
    equal(wire.parsed(controls[0])["control"], {}, "drop-table's control")
    built = lambda m: wire.parsed(m)["metadata"]["timestamp"]
    check(
        max(map(built, controls)) <= min(built(m) for m in messages if not wire.is_control(m)),
        "a row was built before the control records",
    )


if __name__ == "__main__":
    main()

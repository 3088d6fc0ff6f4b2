"""Every type of PostgreSQL arrives in Kafka as what psql prints, by the rules of types.py."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import types_table
from lib import dmskafka, kafka, postgres, wire
from lib.harness import case, check, contains, equal, main, say, unique


def load(t, uri, settings=None, status=0, **target):
    topic = t.topic()
    outcome = dmskafka.run(
        t,
        "full-load",
        "--source",
        uri,
        "--target",
        dmskafka.kafka_target(topic, **target),
        "--task-id",
        "TYPES",
        "--state",
        t.dir / f"{topic}.dmskafka",
        "--task-settings",
        settings or dmskafka.task_settings(1),
    ).expect(status)
    return kafka.consume(topic), outcome


def family(name):
    """The types of a family that this server has."""
    server = postgres.Database(postgres.superuser_uri())
    here = set(server.run("SELECT name FROM pg_available_extensions").split())
    types = types_table.FAMILIES[name]
    missing = [type.name for type in types if type.needs and type.needs not in here]
    if missing:
        say(f"without {', '.join(missing)}: the server has no such extension")
    return [type for type in types if type.name not in missing]


def table_sql(name, types):
    extensions = {type.needs for type in types if type.needs}
    sql = "".join(f"CREATE EXTENSION {extension};" for extension in extensions) + types_table.PREPARE
    columns = ", ".join(f"c{n} {type.name}" for n, type in enumerate(types))
    sql += f"CREATE TABLE {name} (id int PRIMARY KEY, {columns});\n"
    rows = max(len(type.values) for type in types) + 1  # the last row is all NULL
    for row in range(rows):
        values = (type.values[row] if row < len(type.values) else "NULL" for type in types)
        sql += f"INSERT INTO {name} VALUES ({row}, {', '.join(values)});\n"
    return sql


def printed_rows(database, name):
    """What psql prints, undone from COPY's escapes; None for NULL."""
    process = database.copy(f"SELECT * FROM {name} ORDER BY id")
    out = process.communicate(timeout=60)[0]
    check(process.returncode == 0, "psql COPY failed")
    for line in out.rstrip(b"\n").split(b"\n"):
        yield [None if field == rb"\N" else wire.copy_text(field) for field in line.split(b"\t")]


def expected_data(types, row):
    members = [b'"id":' + row[0]]
    for n, (type, value) in enumerate(zip(types, row[1:])):
        shown = None if value is None else type.rule(value)
        if shown is not None:
            members.append(b'"c%d":%s' % (n, shown))
    return b'{"data":{' + b",".join(members) + b"},"


def check_family(t, name):
    types = family(name)
    database = t.database(table_sql(name, types))
    messages, _ = load(t, database.uri, IncludeControlDetails=True)
    records = [m for m in messages if not wire.is_control(m)]
    metadata = wire.metadata("public", name, "primary-key")
    expected = [expected_data(types, row) + metadata for row in printed_rows(database, name)]
    equal(len(records), len(expected), "rows")
    for record, wanted in zip(sorted(records, key=lambda m: int(m.key)), expected):
        actual = wire.without_time(record.value)
        if actual != wanted:
            at = next((i for i, (a, b) in enumerate(zip(actual, wanted)) if a != b), 0)
            equal(actual[max(0, at - 80) : at + 80], wanted[max(0, at - 80) : at + 80], f"row {record.key}")
    first = records[0].value
    for n, type in enumerate(types):
        contains(first, b'"c%d":%s' % (n, type.example.encode()), f"the example of {type.name}")
    definitions = wire.parsed(messages[1])["control"]["table-def"]["columns"]
    for n, type in enumerate(types):
        equal(definitions[f"c{n}"], {**type.definition, "nullable": True}, f"definition of {type.name}")


for family_name in types_table.FAMILIES:

    def run(t, name=family_name):
        check_family(t, name)

    run.__name__ = family_name
    case(f"{family_name}: definitions, extremes and NULL")(run)


@case("no built-in type is missing here")
def complete(t):
    server = postgres.Database(postgres.superuser_uri())
    names = sorted(type.name for types in types_table.FAMILIES.values() for type in types if not type.needs)
    known = server.run(
        "".join(f"SELECT coalesce(to_regtype($t${name}$t$)::oid, 0);" for name in names)
    ).split()
    missing = server.run(
        f"""SELECT format_type(oid, NULL) FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace
        AND typtype IN ('b', 'r', 'm', 'e', 'd') AND typrelid = 0 AND (typcategory <> 'A' OR typname IN ('oidvector', 'int2vector'))
        AND oid NOT IN ({', '.join(known)})"""
    ).splitlines()
    equal(set(missing) - types_table.INTERNAL, set(), "types of the server without a line in types_table.py")
    internal = [name for name in missing if name in types_table.INTERNAL]
    columns = ", ".join(f"c{n} {name}" for n, name in enumerate(internal))
    database = t.database(f"CREATE TABLE internal (id int PRIMARY KEY, {columns}); INSERT INTO internal VALUES (1);")
    messages, _ = load(t, database.uri, IncludeNullAndEmpty=True)
    nulls = {f"c{n}": None for n in range(len(internal))}
    equal(wire.data_records(messages)[0]["data"], {"id": 1, **nulls}, "a row of types that only NULL can be")


@case("bytes that are no UTF-8, in an SQL_ASCII database, become U+FFFD and are counted")
def sql_ascii(t):
    server = postgres.Database(postgres.superuser_uri())
    name = unique("ascii")
    server.run(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'")
    t.defer(server.run, f"DROP DATABASE {name} WITH (FORCE)")
    database = postgres.Database(postgres.with_database(server.uri, name))
    database.run(
        r"""CREATE TABLE old (id int PRIMARY KEY, a text);
        INSERT INTO old VALUES (1, E'latin \xfc'), (2, E'cut \xe4\xbd'), (3, 'plain');"""
    )
    messages, outcome = load(t, database.uri)
    equal(
        [record["data"]["a"] for record in wire.data_records(messages)],
        ["latin \ufffd", "cut \ufffd", "plain"],
        "texts",
    )
    contains(outcome.err, "2 sequences of bytes were not UTF-8", "the summary")


@case("settings of the endpoint change values: MapBooleanAsBoolean, TrimSpaceInChar, MapUnboundedNumericAsString, NoHexPrefix")
def endpoint_settings(t):
    database = t.database(
        r"""CREATE TABLE s (id int PRIMARY KEY, flag boolean, padded char(4), free_n numeric, raw bytea, free varchar);
        INSERT INTO s VALUES (1, true, 'a', 1.50, '\xab', 'v');"""
    )
    source = {"ServerName": "127.0.0.1", "DatabaseName": database.uri.rsplit("/", 1)[1]}
    parts = postgres.urllib.parse.urlsplit(database.uri)
    source.update(ServerName=parts.hostname, Port=parts.port, Username=parts.username)

    def row(target=None, **endpoint):
        messages, _ = load(t, json.dumps({**source, **endpoint}), IncludeControlDetails=True, **(target or {}))
        (record,) = (m for m in messages if not wire.is_control(m))
        return json.loads(record.value)["data"], wire.parsed(messages[1])["control"]["table-def"]["columns"]

    plain = {"id": 1, "flag": "true", "padded": "a", "free_n": 1.5, "raw": "0xAB", "free": "v"}
    equal(row()[0], plain, "with the defaults")
    equal(row(MapBooleanAsBoolean=True)[0], {**plain, "flag": True}, "MapBooleanAsBoolean")
    equal(row(TrimSpaceInChar=False)[0], {**plain, "padded": "a   "}, "TrimSpaceInChar")
    equal(row(MapUnboundedNumericAsString=True)[0], {**plain, "free_n": "1.50"}, "MapUnboundedNumericAsString")
    equal(row({"NoHexPrefix": True})[0], {**plain, "raw": "AB"}, "NoHexPrefix")
    equal(row()[1]["free"], {"type": "STRING", "length": 8000, "nullable": True}, "varchar")
    equal(row(MapLongVarcharAs="clob")[1]["free"], {"type": "STRING", "nullable": True}, "MapLongVarcharAs")


# Python itself reads no longer numbers unasked.
if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(0)

STRICT = dmskafka.task_settings(1, Dialect="dms-strict")


@case("dms-strict: DMS's losses on real types; without a key LOBs are left out, with a warning")
def strict(t):
    database = t.database(
        """CREATE TABLE keyed (id bigint PRIMARY KEY, exact numeric(30,5), free_n numeric, f float8, d date, z timetz, doc text);
        INSERT INTO keyed VALUES (9223372036854775807, 1234567890123456789012.5, 2.12345678, 'NaN', 'infinity', '04:05:06+02',
                                  repeat('x', 40000));
        CREATE TABLE bare (a int, doc text); INSERT INTO bare VALUES (1, 'x');"""
    )
    messages, outcome = load(t, database.uri, STRICT)
    rows = {r["metadata"]["table-name"]: m for m in messages if (r := wire.parsed(m))["metadata"]["record-type"] == "data"}
    head = (
        b'{"data":{"id":9.2233720368547758e+18,"exact":1.2345678901234568e+21,"free_n":2.123457,"f":null,"d":null,'
        b'"z":"04:05:06","doc":"' + b"x" * 32768 + b'"},'
    )
    check(rows["keyed"].value.startswith(head), f"the row is {rows['keyed'].value[:200]}")
    equal(wire.parsed(rows["bare"])["data"], {"a": 1}, "a table without a key")
    contains(outcome.err, "public.bare: LOB columns are left out: doc", "the warning")
    contains(outcome.err, "public.keyed: 1 value was cut at LobMaxSize", "the summary")


@case("documented: the page's words and keys")
def documented(t):
    database = t.database("CREATE TABLE demo (id int PRIMARY KEY); INSERT INTO demo VALUES (1);")
    settings = dmskafka.task_settings(
        1, {"TargetMetadata": {"TargetSchema": "other"}}, Dialect="documented"
    )
    messages, _ = load(t, database.uri, settings)
    equal(
        [(m.key.decode(), wire.parsed(m)["metadata"]["operation"], wire.parsed(m)["metadata"]["schema-name"]) for m in messages],
        [("TYPES.public.demo", operation, "public") for operation in ("DropTable", "create-table", "read")],
        "messages",
    )


@case("DataTruncationErrorPolicy says what becomes of a row whose LOB was cut")
def truncation(t):
    database = t.database(
        """CREATE TABLE docs (id int PRIMARY KEY, doc text);
        INSERT INTO docs SELECT i, CASE i WHEN 5 THEN repeat('ü', 513) ELSE repeat('ü', 512) END FROM generate_series(1, 9) i;"""
    )
    for policy, status, ids in (
        ("LOG_ERROR", 0, list(range(1, 10))),
        ("IGNORE_RECORD", 7, [1, 2, 3, 4, 6, 7, 8, 9]),
        ("SUSPEND_TABLE", 7, None),
        ("STOP_TASK", 5, None),
    ):
        groups = {"TargetMetadata": {"LobMaxSize": 1}, "ErrorBehavior": {"DataTruncationErrorPolicy": policy}}
        messages, outcome = load(t, database.uri, dmskafka.task_settings(1, groups), status)
        records = wire.data_records(messages)
        if ids is not None:
            equal([r["data"]["id"] for r in records], ids, f"rows with {policy}")
        check(all(len(r["data"]["doc"]) == 512 for r in records), f"a text of another length with {policy}")
        contains(outcome.err, "LobMaxSize", f"what is said with {policy}")
    without = dmskafka.task_settings(1, {"TargetMetadata": {"SupportLobs": False}})
    messages, _ = load(t, database.uri, without)
    equal(wire.data_records(messages)[0]["data"], {"id": 1}, "a row with SupportLobs false")


if __name__ == "__main__":
    main()

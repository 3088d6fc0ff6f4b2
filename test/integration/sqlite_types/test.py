"""Every affinity of SQLite against every storage class, in rowid, WITHOUT ROWID and STRICT tables: each value arrives as the sqlite3
shell says it is stored."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, kafka, sqlite, wire
from lib.harness import case, check, equal, main

# One declared type for each affinity, and those that people take for types of their own.
DECLARED = ["INTEGER", "TEXT", "BLOB", "REAL", "NUMERIC", "", "BOOLEAN", "DATE", "DATETIME", "DECIMAL(10,2)", "VARCHAR(3)", "JSON"]
# Of every storage class, with its limits; what looks like another class is converted by some affinities.
VALUES = [
    "0", "1", "-9223372036854775808", "9223372036854775807", "1.5", "-0.0", "1e308", "9e999", "-9e999", "5e-324", "0.1 + 0.2", "1e15", "3.0",
    "'text'", "''", "'12'", "'1.50'", "' 7 '", "'1e3'", "'9223372036854775808'", "'0x1F'", "'2024-02-29'", "'😀'",
    "'quote \" and \\ and ' || char(10, 9, 31)", "'before' || char(0) || 'after'", "x''", "x'00ff'", "zeroblob(3)", "NULL",
]  # fmt: skip


def rows_of(t, file, *tables):
    topic = t.topic()
    dmskafka.run(
        t, "full-load", "--source", f"sqlite:{file}", "--target", dmskafka.kafka_target(topic, IncludeNullAndEmpty=True),
        "--task-settings", dmskafka.task_settings(1), "--state", t.dir / f"{topic}.dmskafka",
    ).expect(0)  # fmt: skip
    out = {table: {} for table in tables}
    for message in kafka.consume(topic):
        if not wire.is_control(message):
            # Numbers as they are written, so that no digit is lost on the way.
            record = json.loads(message.value, parse_int=lambda digits: ("integer", digits), parse_float=lambda text: ("real", float(text)))
            out[record["metadata"]["table-name"]][record["data"].pop("id")[1]] = record["data"]
    return out


def stored(file, table, columns):
    """The rows as the shell sees them: class and value of each."""
    parts = ", ".join(f"typeof({c}), CASE typeof({c}) WHEN 'real' THEN printf('%!.17g', {c}) ELSE hex({c}) END" for c in columns)
    out = {}
    for line in sqlite.run(file, f"SELECT id, {parts} FROM {table};", "-separator", "|").splitlines():
        id, *fields = line.split("|")
        out[id] = dict(zip(columns, zip(fields[::2], fields[1::2])))
    return out


def expected(kind, shown):
    if kind == "null":
        return None
    if kind == "real":
        number = float(shown.replace("Inf", "inf"))
        return {"inf": "Infinity", "-inf": "-Infinity"}.get(str(number)) or ("real", number)
    if kind == "integer":
        return ("integer", bytes.fromhex(shown).decode())
    return bytes.fromhex(shown).decode() if kind == "text" else "0x" + shown


def same(actual, wanted):
    # A real without a fraction is written without a point; it is the same number.
    if isinstance(wanted, tuple) and wanted[0] == "real" and isinstance(actual, tuple):
        return float(actual[1]) == wanted[1]
    return actual == wanted


def check_table(file, table, columns, arrived):
    rows = stored(file, table, columns)
    equal(sorted(arrived), sorted(rows), f"ids of {table}")
    for id, fields in rows.items():
        for column, (kind, shown) in fields.items():
            wanted = expected(kind, shown)
            check(same(arrived[id][column], wanted), f"{table} {id}.{column}: {arrived[id][column]!r}, stored as {kind} {wanted!r}")


@case("every affinity against every storage class, with and without a rowid")
def affinities(t):
    file = t.dir / "shop.db"
    columns = [f"c{n}" for n in range(len(DECLARED))]
    declared = ", ".join(f"{column} {kind}" for column, kind in zip(columns, DECLARED))
    sql = ""
    for table, rest in (("with_rowid", ""), ("without_rowid", "WITHOUT ROWID")):
        sql += f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, {declared}) {rest};"
        for id, value in enumerate(VALUES):
            sql += f"INSERT INTO {table} VALUES ({id}, {', '.join([value] * len(columns))});"
    sqlite.run(file, sql)
    arrived = rows_of(t, file, "with_rowid", "without_rowid")
    classes = set()
    for table in arrived:
        check_table(file, table, columns, arrived[table])
        classes |= {field[0] for row in stored(file, table, columns).values() for field in row.values()}
    equal(classes, {"null", "integer", "real", "text", "blob"}, "storage classes that were tried")


@case("STRICT tables: each of their types, and ANY with each storage class")
def strict(t):
    file = t.dir / "shop.db"
    sql = "CREATE TABLE strict_types (id INTEGER PRIMARY KEY, i INT, r REAL, x TEXT, b BLOB, a ANY) STRICT;"
    for id, value in enumerate(VALUES):
        # In the typed columns the value's own class alone is allowed.
        parts = [f"CASE typeof({value}) {'WHEN ' + repr(kind)} THEN {value} END" for kind in ("integer", "real", "text", "blob")]
        sql += f"INSERT INTO strict_types VALUES ({id}, {', '.join(parts)}, {value});"
    sqlite.run(file, sql)
    arrived = rows_of(t, file, "strict_types")
    check_table(file, "strict_types", ["i", "r", "x", "b", "a"], arrived["strict_types"])


if __name__ == "__main__":
    main()

"""Every type of MySQL and MariaDB arrives in Kafka as what the server's client prints, by the rules of types_table.py."""

import collections
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import types_table
from lib import dmskafka, following, kafka, mysql, wire
from lib.harness import case, contains, equal, main


def load(t, url, settings=None, status=0, **target):
    topic = t.topic()
    outcome = dmskafka.run(t, "full-load", "--source", url, "--target", dmskafka.kafka_target(topic, **target), "--task-id", "TYPES",
                           "--state", t.dir / f"{topic}.dmskafka", "--task-settings", settings or dmskafka.task_settings(1),
                           "--table-mappings", dmskafka.mapping(f"{url.rsplit('/', 1)[1]}.%")).expect(status)  # fmt: skip
    return kafka.consume(topic), outcome


def table_sql(name, types):
    columns = ", ".join(f"c{n} {type.name}" for n, type in enumerate(types))
    return f"CREATE TABLE {name} (id int PRIMARY KEY, {columns}, touched int NOT NULL DEFAULT 0);\n"


def rows_sql(name, types):
    sql = ""
    for row in range(max(len(type.values) for type in types) + 1):  # the last row is all NULL
        values = (type.values[row] if row < len(type.values) else "NULL" for type in types)
        sql += f"INSERT INTO {name} VALUES ({row}, {', '.join(values)}, 0);\n"
    return sql


def printed_rows(database, name, types):
    """What the client prints."""
    columns = ", ".join(type.printed.format(f"c{n}") for n, type in enumerate(types))
    return database.rows(f"SELECT id, {columns}, touched FROM {name} ORDER BY id")


def expected_data(types, row):
    members = [b'"id":' + row[0]]
    for n, (type, value) in enumerate(zip(types, row[1:-1])):
        shown = None if value is None else type.rule(value)
        if shown is not None:
            members.append(b'"c%d":%s' % (n, shown))
    return b"{%s}" % b",".join([*members, b'"touched":' + row[-1]])


def compare(records, database, name, types, what):
    """The data of every record is what the client prints of its row; `records` are in the order of the ids."""
    rows = printed_rows(database, name, types)
    equal(len(records), len(rows), f"{what}: rows of {name}")
    for record, row in zip(records, rows):
        json.loads(record.value)
        actual, wanted = following.data_text(record), expected_data(types, row)
        if actual != wanted:
            at = next((i for i, (a, b) in enumerate(zip(actual, wanted)) if a != b), 0)
            equal(actual[max(0, at - 80) : at + 80], wanted[max(0, at - 80) : at + 80], f"{what}: row {row[0]} of {name}")


def check_family(t, server, name):
    types = types_table.family(name, server.kind)
    database = server.database(t, table_sql(name, types) + rows_sql(name, types))
    messages, _ = load(t, database.url, IncludeControlDetails=True)
    records = sorted((m for m in messages if not wire.is_control(m)), key=lambda m: int(m.key))
    compare(records, database, name, types, "load")
    metadata = wire.metadata(database.name, name, "primary-key")
    for record in records:
        contains(wire.without_time(record.value), metadata, f"metadata of row {record.key}")
    for n, type in enumerate(types):
        if type.example:
            contains(records[0].value, b'"c%d":%s' % (n, type.example.encode()), f"the example of {type.name}")
    definitions = wire.parsed(messages[1])["control"]["table-def"]["columns"]
    for n, type in enumerate(types):
        equal(definitions[f"c{n}"], {**type.definition, "nullable": True}, f"definition of {type.name}")


def register(family_name, kind):
    def run(t):
        check_family(t, mysql.Server(kind), family_name)

    run.__name__ = f"{family_name}_{kind}"
    case(f"{mysql.NAMES[kind]}: {family_name}: definitions, extremes and NULL")(run)


@mysql.on_each_server("inserts, updates and deletes through the binary log show the same of every type, extremes and NULL")
def changes(t, server):
    tables = {name: types for name in types_table.FAMILIES if (types := types_table.family(name, server.kind))}
    database = server.database(t, "".join(table_sql(name, types) for name, types in tables.items()))
    task = following.Task(t, database, mapping=dmskafka.mapping(f"{database.name}.%"))
    task.load()
    task.new_messages()

    def follow(operation, sql):
        database.run(sql)
        task.follow()
        came = collections.defaultdict(list)
        for message in task.new_messages():
            metadata = wire.parsed(message)["metadata"]
            equal(metadata["operation"], operation, "the operation")
            came[metadata["table-name"]].append(message)
        return came

    inserted = follow("insert", "".join(rows_sql(name, types) for name, types in tables.items()))
    for name, types in tables.items():
        compare(inserted[name], database, name, types, "insert")
    updated = follow("update", "".join(f"UPDATE {name} SET touched = 1 ORDER BY id;" for name in tables))
    for name, types in tables.items():
        compare(updated[name], database, name, types, "update")
    deleted = follow("delete", "".join(f"DELETE FROM {name} ORDER BY id;" for name in tables))
    for name in tables:
        equal([following.data_text(m) for m in deleted[name]], [following.data_text(m) for m in updated[name]], f"deletes of {name}")


for kind in mysql.KINDS:
    for family_name in types_table.FAMILIES:
        if types_table.family(family_name, kind):
            register(family_name, kind)


@mysql.on_each_server("zero dates are null, counted table by table, with and without IncludeNullAndEmpty")
def zero_dates(t, server):
    database = server.database(t, """
        CREATE TABLE zeros (day DATE NOT NULL, at DATETIME(3) NOT NULL, note TEXT, PRIMARY KEY (day));
        INSERT INTO zeros VALUES ('0000-00-00', '0000-00-00 00:00:00', '0000-00-00'), ('2024-01-01', 0, 'x');""")
    messages, outcome = load(t, database.url)
    rows = [(m.key.decode(), wire.parsed(m)["data"]) for m in messages if not wire.is_control(m)]
    equal(rows, [("", {"note": "0000-00-00"}), ("2024-01-01", {"day": "2024-01-01", "note": "x"})], "rows")
    contains(outcome.err, f"{database.name}.zeros: 3 dates were 0000-00-00 and became null", "the summary")
    messages, _ = load(t, database.url, IncludeNullAndEmpty=True)
    equal(wire.data_records(messages)[0]["data"], {"day": None, "at": None, "note": "0000-00-00"}, "with IncludeNullAndEmpty")


if __name__ == "__main__":
    main()

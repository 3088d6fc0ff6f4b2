"""validate-mapping with a source: the whole text, and what each finding says."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, sqlite
from lib.harness import case, check, contains, equal, main, unique

SHOP = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(20), photo BLOB);
CREATE TABLE orders (id INTEGER PRIMARY KEY, total NUMERIC, note VARCHAR(9));
CREATE TABLE log (line TEXT);
PRAGMA journal_mode = WAL;
"""


def rule(id, type, action, table="%", schema="main", **members):
    locator = {"schema-name": schema, "table-name": table, **members.pop("locator", {})}
    return {"rule-type": type, "rule-id": str(id), "rule-action": action, "object-locator": locator, **members}


RULES = [
    rule(1, "selection", "include"),
    rule(2, "transformation", "rename", "orders", locator={"column-name": "total"}, value="sum", **{"rule-target": "column"}),
    rule(3, "object-mapping", "map-record-to-record", "orders", **{"kafka-target-topic": "shop-${table}", "target-table-name": "sales", "mapping-parameters": {"exclude-columns": ["note"], "attribute-mappings": [{"attribute-name": "text", "value": "${note}"}]}}),
    rule(4, "object-mapping", "map-record-to-document", "customers", **{"mapping-parameters": {"partition-key": {"value": "all"}}}),
    rule(5, "selection", "exclude", "invoices"),
]


def validate(t, rules, *args, migration="full-load"):
    if not (t.dir / "shop.db").exists():
        sqlite.run(t.dir / "shop.db", SHOP)
    t.file("mapping.json", json.dumps({"rules": rules}, indent=1))
    t.file("task.json", json.dumps({"MigrationType": migration, "TableMappings": "file://mapping.json"}))
    return dmskafka.run(t, "validate-mapping", "--task", "task.json", "--source", "sqlite:shop.db", *args)


def words(outcome):
    """Standard error without the time of each line."""
    return "".join(line.split(" ", 1)[1] if line[:4].isdigit() else line for line in outcome.err.splitlines(True))


@case("the rules with their tables, and each table with its topic, keys and columns as they will be: the whole text")
def whole_text(t):
    outcome = validate(t, RULES).expect(0)
    equal(
        outcome.out.decode(),
        """\
rule  type            action                  tables
1     selection       include                 main.customers, main.log, main.orders
5     selection       exclude                 (none)
2     transformation  rename                  main.orders
3     object-mapping  map-record-to-record    main.orders
4     object-mapping  map-record-to-document  main.customers

table           kind   topic                shown as        load key               CDC key
main.customers  table  kafka-default-topic  main.customers  attribute-name all     attribute-name all
    data: _doc.id INT64, _doc.name STRING(20), _doc.photo BINARY LOB
main.log        table  kafka-default-topic  main.log        schema-table main.log  schema-table main.log
    data: line STRING LOB
main.orders     table  shop-sales           main.sales      primary-key ${id}      schema-table main.sales
    data: id INT64, sum DECIMAL, text scalar
""",
        "standard output",
    )
    text = words(outcome)
    for part in (
        "notice: without a primary key all messages of a table have one key and go to one partition: main.log\n",
        "notice: all messages of a table have one key and go to one partition, by object-mapping rule 4 (partition-key): main.customers\n",
        "notice: LOB columns of tables without a primary key, which DMS leaves out, are sent: main.log (line)\n",
        ": /rules/4: selection rule 5 matches no table of the source\n",
        "3 tables selected: 1 warning\n",
    ):
        contains(text, part, "standard error")
    check("different keys" not in text, "a load alone has no CDC keys")


@case("with CDC: keys that differ between load and changes, and changes that all go to one partition")
def with_changes(t):
    text = words(validate(t, RULES, migration="full-load-and-cdc"))
    contains(
        text,
        "notice: load and CDC have different keys, so that a row and its changes may be in different partitions and a "
        "consumer may see a change first: main.orders\n",
        "standard error",
    )
    contains(text, "notice: all changes of a table have one key and go to one partition: main.orders\n", "standard error")
    contains(text, "  With ParallelApplyThreads above 0 they have the primary key.\n", "standard error")


@case("--json has everything for a pipeline; exit 0 with warnings, 3 when --strict makes them errors")
def as_json(t):
    outcome = validate(t, RULES, "--json").expect(0)
    seen = json.loads(outcome.out)
    equal(sorted(seen), ["problems", "rules", "tables"], "members")
    equal(
        seen["rules"][3],
        {"id": 3, "type": "object-mapping", "action": "map-record-to-record", "tables": [{"schema": "main", "table": "orders"}]},
        "a rule",
    )
    equal(
        seen["tables"][2],
        {
            "schema": "main",
            "table": "orders",
            "kind": "table",
            "topic": "shop-sales",
            "topic_decided_by": "object-mapping rule 3 (kafka-target-topic)",
            "shown_as": {"schema": "main", "table": "sales"},
            "load_key": {"type": "primary-key", "text": "${id}", "constant": False, "decided_by": "the primary key, the default of a full load"},
            "cdc_key": {"type": "schema-table", "text": "main.sales", "constant": True, "decided_by": "the default of CDC without ParallelApplyThreads"},
            "data": [{"name": "id", "type": "INT64"}, {"name": "sum", "type": "DECIMAL"}, {"name": "text", "type": "scalar"}],
            "data_decided_by": "transformation rule 2; object-mapping rule 3",
        },
        "a table",
    )
    (warning,) = [problem for problem in seen["problems"] if problem["severity"] == "warning"]
    equal(warning["message"], "selection rule 5 matches no table of the source", "the warning")
    equal((warning["file"].endswith("mapping.json"), warning["pointer"]), (True, "/rules/4"), "its place")
    validate(t, RULES, "--strict").expect(3)


@case("two tables that a topic's substitution brings together are an error, here and before a load sends a row")
def clash(t):
    sqlite.run(t.dir / "shop.db", 'CREATE TABLE "a b" (x INTEGER PRIMARY KEY); CREATE TABLE a_b (x INTEGER PRIMARY KEY);')
    rules = [rule(1, "selection", "include"), rule(2, "object-mapping", "map-record-to-record", **{"kafka-target-topic": "${table}"})]
    outcome = validate(t, rules).expect(3)
    contains(words(outcome), '/kafka-target-topic: main.a b and main.a_b would both have the topic "a_b"\n', "standard error")
    load = dmskafka.run(t, "full-load", "--task", "task.json", "--source", "sqlite:shop.db", "--target", "-").expect(3)
    contains(load.err, 'main.a b and main.a_b would both have the topic "a_b"', "standard error of the load")
    equal(load.out, b"", "messages")


@case("columns that no table has are named with the nearest one, all at once: exit 3")
def columns(t):
    rules = [
        rule(1, "selection", "include"),
        rule(2, "object-mapping", "map-record-to-record", "orders", **{"mapping-parameters": {"exclude-columns": ["totl"]}}),
        rule(3, "object-mapping", "map-record-to-record", "customers", **{"mapping-parameters": {"attribute-mappings": [{"attribute-name": "a", "value": "${nam}"}]}}),
    ]
    text = words(validate(t, rules).expect(3))
    contains(text, 'no column "totl" in main.orders\n', "standard error")
    contains(text, '^ expected "total"\n', "standard error")
    contains(text, 'no column "nam" in main.customers\n', "standard error")


@case("two tables that appear under one name are a warning")
def one_name(t):
    rules = [rule(1, "selection", "include"), rule(2, "object-mapping", "map-record-to-record", **{"target-table-name": "x"})]
    text = words(validate(t, rules).expect(0))
    contains(text, "warning: main.customers and main.log both appear as main.x in topic kafka-default-topic\n", "standard error")


@case("a right that is missing is an error with the statement that gives it: exit 3, and the other tables are shown")
def missing_grant(t):
    role = unique("reader")
    database = t.database("CREATE TABLE open (id int PRIMARY KEY); CREATE TABLE secret (id int PRIMARY KEY);")
    database.run(f"CREATE ROLE {role} LOGIN; GRANT SELECT ON open TO {role};")
    t.defer(database.run, f"DROP OWNED BY {role}; DROP ROLE {role};")
    from lib import postgres

    outcome = dmskafka.run(t, "validate-mapping", "--source", postgres.with_user(database.uri, role)).expect(3)
    contains(outcome.err, f'GRANT SELECT ON "public"."secret" TO "{role}";', "standard error")
    contains(outcome.out.decode(), "public.open", "standard output")


@case("tables whose updates carry no before image are named, with the statement that mends it")
def before_images(t):
    database = t.database("CREATE TABLE keyless (a int); CREATE TABLE keyed (id int PRIMARY KEY, a int);")
    settings = dmskafka.task_settings(groups={"BeforeImageSettings": {"EnableBeforeImage": True, "FieldName": "old", "ColumnFilter": "all"}})
    t.file("task.json", json.dumps({"MigrationType": "full-load-and-cdc", "ReplicationTaskSettings": json.loads(settings)}))
    outcome = dmskafka.run(t, "validate-mapping", "--task", "task.json", "--source", database.uri).expect(0)
    text = words(outcome)
    contains(
        text,
        "warning: UPDATEs carry no before image, and a deleted row is not told, since the table has no replica identity: public.keyless\n",
        "standard error",
    )
    contains(text, "warning: UPDATEs carry a before image of the key alone, and only when it changes: public.keyed\n", "standard error")
    contains(text, 'ALTER TABLE "public"."', "the statement that mends it")
    contains(text, " REPLICA IDENTITY FULL;", "the statement that mends it")


@case("a source that cannot be reached is another exit status than a wrong mapping")
def unreachable(t):
    dmskafka.run(t, "validate-mapping", "--source", "postgresql://nobody@127.0.0.1:1/x").expect(4)


if __name__ == "__main__":
    main()

"""What PostgreSQL's changes look like in Kafka, against what psql says: types, keys, replica identities, partitions, DDL, names."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "postgres_types"))
import types_table
from lib import dmskafka, kafka, postgres, wire
from lib.following import Task, before_image, data_text
from lib.harness import Failure, case, check, contains, equal, main, say, unique, wait_until

# Python itself reads no longer numbers unasked.
if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(0)

ALTERS = {"IncludeTableAlterOperations": True}


def extensions_here():
    return set(postgres.Database(postgres.superuser_uri()).run("SELECT name FROM pg_available_extensions").split())


def version():
    return int(postgres.Database(postgres.superuser_uri()).query("SHOW server_version_num"))


def known(database, type):
    """Older servers lack some types, and some of their values."""
    try:
        for value in type.values:
            database.run(f"SELECT CAST({value} AS {type.name});")
        return True
    except Failure:
        say(f"this server has no {type.name} of these values")
        return False


ODD_FAMILIES = ("numbers", "times", "bytes", "composed")

# ---- every type: loaded, inserted, touched (matrix 3, 70)

ROLE_DEFAULTS = """
ALTER ROLE {role} SET DateStyle = 'SQL, DMY';
ALTER ROLE {role} SET IntervalStyle = 'iso_8601';
ALTER ROLE {role} SET bytea_output = 'escape';
ALTER ROLE {role} SET TimeZone = 'Asia/Kathmandu';
ALTER ROLE {role} SET extra_float_digits = -15;
ALTER ROLE {role} SET xmlbinary = 'hex';
"""


def check_types(t, name, uri=None, database=None):
    here = extensions_here()
    types = [type for type in types_table.FAMILIES[name] if not type.needs or type.needs in here]
    database = database or t.database()
    database.run("".join(f"CREATE EXTENSION IF NOT EXISTS {e};" for e in {x.needs for x in types if x.needs}) + types_table.PREPARE)
    types = [type for type in types if version() >= 150000 or known(database, type)]
    columns = ", ".join(f"c{n} {type.name}" for n, type in enumerate(types))
    rows = max(len(type.values) for type in types) + 1
    for table in ("loaded", "inserted"):
        database.run(f"CREATE TABLE {table} (id int PRIMARY KEY, {columns}); ALTER TABLE {table} REPLICA IDENTITY FULL;")
    for row in range(rows):
        values = (type.values[row] if row < len(type.values) else "NULL" for type in types)
        database.run(f"INSERT INTO loaded VALUES ({row}, {', '.join(values)});")
    task = Task(t, database, source=uri)
    task.load()
    database.run("INSERT INTO inserted SELECT * FROM loaded ORDER BY id; UPDATE loaded SET id = id; DELETE FROM inserted;")
    task.follow()
    texts = {}
    for message in task.messages():
        metadata = wire.parsed(message)["metadata"]
        if metadata["record-type"] == "data":
            texts.setdefault(metadata["operation"], []).append((wire.parsed(message)["data"]["id"], data_text(message)))
            check("unchanged-columns" not in metadata, f"REPLICA IDENTITY FULL, and yet unchanged: {message.value[:300]}")
    loaded = dict(texts["load"])
    equal(len(loaded), rows, "loaded rows")
    expected = {}
    process = database.copy("SELECT * FROM loaded ORDER BY id")
    for line in process.communicate(timeout=60)[0].rstrip(b"\n").split(b"\n"):
        row = [None if field == rb"\N" else wire.copy_text(field) for field in line.split(b"\t")]
        members = [b'"id":' + row[0]]
        for n, (type, value) in enumerate(zip(types, row[1:])):
            shown = None if value is None else type.rule(value)
            if shown is not None:
                members.append(b'"c%d":%s' % (n, shown))
        expected[int(row[0])] = b"{" + b",".join(members) + b"}"
    for operation in ("load", "insert", "update", "delete"):
        equal(len(texts[operation]), rows, operation + "s")
        for number, text in texts[operation]:
            equal(text, expected[number], f"{operation} of row {number}")


for family_name in types_table.FAMILIES:

    def run(t, name=family_name):
        check_types(t, name)

    run.__name__ = "types_" + family_name
    case(f"{family_name}: loaded, inserted, touched and deleted, the data is psql's, byte for byte")(run)


@case("odd defaults of the role (DateStyle, IntervalStyle, bytea_output, TimeZone …) change no value")
def role_defaults(t):
    server = postgres.Database(postgres.superuser_uri())
    role = unique("role")
    server.run(f"CREATE ROLE {role} LOGIN SUPERUSER REPLICATION;" + ROLE_DEFAULTS.format(role=role))
    t.defer(lambda: server.run(f"DROP ROLE {role}"))
    for name in ODD_FAMILIES:
        database = t.database()
        check_types(t, name, uri=postgres.with_user(database.uri, role), database=database)


# ---- unchanged long values (6)

LONG_TABLE = """
CREATE EXTENSION IF NOT EXISTS hstore;
CREATE TABLE {name} (id int PRIMARY KEY, small int, t text, b bytea, j jsonb, a text[], h hstore, n numeric[]);
ALTER TABLE {name} ALTER t SET STORAGE EXTERNAL, ALTER b SET STORAGE EXTERNAL, ALTER j SET STORAGE EXTERNAL,
  ALTER a SET STORAGE EXTERNAL, ALTER h SET STORAGE EXTERNAL, ALTER n SET STORAGE EXTERNAL;
INSERT INTO {name} SELECT 1, 1, repeat('t', 20000), decode(repeat('ab', 20000), 'hex'),
  jsonb_build_object('k', repeat('j', 20000)), ARRAY[repeat('a', 20000)], hstore('h', repeat('h', 20000)),
  (SELECT array_agg(i * 1.5) FROM generate_series(1, 5000) i);
"""
LONG_COLUMNS = ["t", "b", "j", "a", "h", "n"]


@case("unchanged long values are left out and named, never null; with REPLICA IDENTITY FULL they are there")
def unchanged_values(t):
    if "hstore" not in extensions_here():
        LONG_COLUMNS.remove("h")
    database = t.database(LONG_TABLE.format(name="plain") + LONG_TABLE.format(name="whole") +
                          "ALTER TABLE whole REPLICA IDENTITY FULL;")
    task = Task(t, database)
    task.load()
    loaded = {r["metadata"]["table-name"]: r["data"] for r in task.new_records() if "data" in r}
    database.run("UPDATE plain SET small = 2; UPDATE plain SET t = 'short', id = 2; UPDATE whole SET small = 2;")
    task.follow()
    first, second, whole = task.new_records()
    equal(first["data"], {"id": 1, "small": 2}, "an update of a small column")
    equal(first["metadata"]["unchanged-columns"], LONG_COLUMNS, "unchanged-columns")
    equal(list(first["metadata"])[-1], "unchanged-columns", "the last member")
    equal(second["data"], {"id": 2, "small": 2, "t": "short"}, "an update of one long column and the key")
    equal(second["metadata"]["unchanged-columns"], LONG_COLUMNS[1:], "unchanged-columns of it")
    equal(whole["data"], {**loaded["whole"], "small": 2}, "REPLICA IDENTITY FULL")
    check("unchanged-columns" not in whole["metadata"], "nothing is unknown with REPLICA IDENTITY FULL")


@case("UnchangedToast placeholder; dms-strict leaves out without a word")
def unchanged_settings(t):
    database = t.database(LONG_TABLE.format(name="plain"))
    placeholder = Task(t, database, label="placeholder", UnchangedToast="placeholder")
    strict = Task(t, database, label="strict", Dialect="dms-strict")
    for task in (placeholder, strict):
        task.load()
        task.new_messages()
    database.run("UPDATE plain SET small = 2;")
    for task in (placeholder, strict):
        task.follow()
    record = [r for r in placeholder.new_records() if "data" in r][0]
    equal({record["data"][c] for c in LONG_COLUMNS}, {"__dmskafka_unchanged_value"}, "placeholders")
    record = [r for r in strict.new_records() if "data" in r][0]
    equal(record["data"], {"id": 1, "small": 2}, "dms-strict")
    check("unchanged-columns" not in record["metadata"], "dms-strict names no columns")


@case("UnchangedToast fetch asks for the value that the row has now, and names it all the same; a row that is gone has none")
def unchanged_fetch(t):
    database = t.database(LONG_TABLE.format(name="plain"))
    task = Task(t, database, UnchangedToast="fetch", target={"IncludeNullAndEmpty": True})
    task.load()
    loaded = [r["data"] for r in task.new_records() if "data" in r][0]
    database.run("UPDATE plain SET small = 2; UPDATE plain SET id = 5; INSERT INTO plain SELECT 6, 1, repeat('u', 20000);"
                 "UPDATE plain SET small = 3 WHERE id = 5; UPDATE plain SET small = 4 WHERE id = 6; DELETE FROM plain WHERE id = 6;")
    database.run("UPDATE plain SET t = 'later' WHERE id = 5;")
    task.follow()
    updates = [(r["data"], r["metadata"].get("unchanged-columns")) for r in task.new_records() if r["metadata"]["operation"] == "update"]
    # When the first was read, the row had another key.
    equal(updates[0], ({"id": 1, "small": 2}, LONG_COLUMNS), "of a key that no row has any more")
    now = {**loaded, "id": 5, "t": "later"}
    equal(updates[1], ({**now, "small": 2}, LONG_COLUMNS), "a change of the key")
    equal(updates[2], ({**now, "small": 3}, LONG_COLUMNS), "the values are those of now, and marked")
    equal({name for name in updates[3][0]}, {"id", "small"} | set(LONG_COLUMNS) - {"t"}, "of a row that is gone")
    equal(updates[4], ({**now, "small": 3}, LONG_COLUMNS[1:]), "what the log has is the log's")


# ---- keys and replica identities (23, 24, 25)

@case("a change of the primary key: the record has the new key, the before image the old one")
def key_update(t):
    database = t.database("CREATE TABLE k (id int PRIMARY KEY, v text); INSERT INTO k VALUES (1, 'a'), (5, 'b');")
    plain = Task(t, database, label="plain")
    imaged = Task(t, database, label="imaged", partitions=4,
                  groups={**before_image(columns="pk-only"), "TargetMetadata": {"ParallelApplyThreads": 2}},
                  target={"IncludePartitionValue": True})
    for task in (plain, imaged):
        task.load()
        task.new_messages()
    database.run("UPDATE k SET id = 2 WHERE id = 1; UPDATE k SET v = 'c' WHERE id = 2; UPDATE k SET id = id + 10;")
    for task in (plain, imaged):
        task.follow()
    equal(plain.changes(), [("update", {"id": 2, "v": "a"}), ("update", {"id": 2, "v": "c"}), ("update", {"id": 15, "v": "b"}),
                            ("update", {"id": 12, "v": "c"})], "without before images")
    messages = [m for m in imaged.messages() if not wire.is_control(m)]
    check(all(m.partition == kafka.partition_of(m.key, 4) for m in messages), "every record in the partition of its key")
    updates = [(m.key.decode(), r["data"], r["before-image"], r["metadata"]["partition-key-value"], r["metadata"]["partition-key-type"])
               for m in messages for r in [wire.parsed(m)] if r["metadata"]["operation"] == "update"]
    equal(sorted(updates, key=str), sorted([
        ("2", {"id": 2, "v": "a"}, {"id": 1}, "2", "primary-key"), ("2", {"id": 2, "v": "c"}, {}, "2", "primary-key"),
        ("15", {"id": 15, "v": "b"}, {"id": 5}, "15", "primary-key"), ("12", {"id": 12, "v": "c"}, {"id": 2}, "12", "primary-key")],
        key=str), "with before images")


@case("no primary key: the key is schema.table; duplicates are deleted one record each; an identity is not forced on the application")
def no_key(t):
    database = t.database(
        """CREATE TABLE dup (a int, b text); ALTER TABLE dup REPLICA IDENTITY FULL;
        CREATE TABLE bare (a int, b text); INSERT INTO bare VALUES (1, 'x');""")
    task = Task(t, database, groups={"TargetMetadata": {"ParallelApplyThreads": 2}})
    outcome = task.load()
    task.new_messages()
    # The application's statements must work whatever we made of its tables.
    database.run("""INSERT INTO dup VALUES (1, 'x'), (1, 'x'), (1, 'x'); UPDATE dup SET b = 'y'; DELETE FROM dup;
                 INSERT INTO bare VALUES (2, 'y'); UPDATE bare SET b = 'z' WHERE a = 1; DELETE FROM bare WHERE a = 2;""")
    followed = task.follow()
    messages = task.new_messages()
    records = [(m.key.decode(), wire.parsed(m)) for m in messages]
    dup = [(key, r["metadata"]["operation"], r["data"]) for key, r in records if r["metadata"]["table-name"] == "dup"]
    equal(dup, [("public.dup", "insert", {"a": 1, "b": "x"})] * 3 + [("public.dup", "update", {"a": 1, "b": "y"})] * 3 +
          [("public.dup", "delete", {"a": 1, "b": "y"})] * 3, "the table with REPLICA IDENTITY FULL")
    bare = [(key, r["metadata"]["operation"], r["data"]) for key, r in records if r["metadata"]["table-name"] == "bare"]
    equal(bare, [("public.bare", "insert", {"a": 2, "b": "y"})], "the table without an identity: its inserts")
    contains(outcome.err + followed.err, "public.bare", "the table is named")


@case("each replica identity shows of old rows what it has: updates, key changes, deletes")
def identities(t):
    tables = {"d": "", "i": "REPLICA IDENTITY USING INDEX i_u", "f": "REPLICA IDENTITY FULL", "n": "REPLICA IDENTITY NOTHING"}
    sql = ""
    for name, identity in tables.items():
        sql += f"CREATE TABLE {name} (id int PRIMARY KEY, u int NOT NULL, v text); CREATE UNIQUE INDEX {name}_u ON {name} (u);"
        sql += f"ALTER TABLE {name} {identity};" if identity else ""
        sql += f"INSERT INTO {name} VALUES (1, 1, 'a');"
    database = t.database(sql)
    task = Task(t, database, groups=before_image())
    task.load()
    task.new_messages()
    for name in tables:
        database.run(f"""INSERT INTO {name} VALUES (7, 7, 'z'); UPDATE {name} SET v = 'b' WHERE id = 1;
                     UPDATE {name} SET id = 2 WHERE id = 1; UPDATE {name} SET u = 3 WHERE id = 2; DELETE FROM {name} WHERE id = 2;""")
    task.follow()
    shown = {name: [] for name in tables}
    for r in task.new_records():
        shown[r["metadata"]["table-name"]].append((r["metadata"]["operation"], r["data"], r.get("before-image")))
    insert = ("insert", {"id": 7, "u": 7, "v": "z"}, None)
    rows = [{"id": 1, "u": 1, "v": "a"}, {"id": 1, "u": 1, "v": "b"}, {"id": 2, "u": 1, "v": "b"}, {"id": 2, "u": 3, "v": "b"}]
    equal(shown["f"], [insert] + [("update", rows[i + 1], rows[i]) for i in range(3)] + [("delete", rows[3], None)], "full")
    equal(shown["d"], [insert, ("update", rows[1], {}), ("update", rows[2], {"id": 1}), ("update", rows[3], {}),
                       ("delete", {"id": 2}, None)], "default")
    equal(shown["i"], [insert, ("update", rows[1], {}), ("update", rows[2], {}), ("update", rows[3], {"u": 1}),
                       ("delete", {"u": 3}, None)], "index")
    equal(shown["n"], [insert], "nothing: its inserts")


@case("transaction details: ids, numbers, the transaction before, commit times and positions, also across runs")
def transactions(t):
    database = t.database("CREATE TABLE k (id int PRIMARY KEY); CREATE TABLE hidden (id int PRIMARY KEY);")
    task = Task(t, database, mapping=dmskafka.mapping("public.k"), target={"IncludeTransactionDetails": True})
    task.load()
    task.new_messages()
    ids = []
    for script in ("INSERT INTO k VALUES (1), (2); INSERT INTO k VALUES (3);", "INSERT INTO hidden VALUES (1);", "INSERT INTO k VALUES (4);"):
        ids.append(int(database.query(f"BEGIN; {script} SELECT txid_current(); COMMIT;").split("\n")[-1]))
    task.follow()
    ids.append(int(database.query("BEGIN; DELETE FROM k WHERE id > 2; SELECT txid_current(); COMMIT;").split("\n")[-1]))
    task.follow()
    members = [r["metadata"] for r in task.new_records()]
    equal([(m["transaction-id"], m["transaction-record-id"], m.get("prev-transaction-id"), m.get("prev-transaction-record-id"))
           for m in members],
          [(ids[0], 1, None, None), (ids[0], 2, None, None), (ids[0], 3, None, None), (ids[2], 1, ids[0], 3),
           (ids[3], 1, ids[2], 1), (ids[3], 2, ids[2], 1)], "ids and numbers")
    for m in members:
        position = m["stream-position"].split(".")
        equal((len(position), position[0], position[1]), (3, position[2], str(m["transaction-record-id"] + 1)), "LSN.n.LSN")
        check(len(position[0]) == 17 and position[0][8] == "/" and position[0] == position[0].upper(), m["stream-position"])
    stamps = [m["commit-timestamp"] for m in members]
    equal(stamps, sorted(stamps), "commit times in order")
    equal(stamps[0], stamps[2], "one commit time in a transaction")


# ---- tables that change (38, 39, 67, and the control records of an ALTER)

@case("ALTERs become control records in their order, rows carry the columns of their time")
def alters(t):
    database = t.database("CREATE TABLE a (id int PRIMARY KEY, v int, w text); INSERT INTO a VALUES (1, 1, 'w');")
    task = Task(t, database, target={**ALTERS, "IncludeControlDetails": True})
    task.load()
    task.new_messages()
    database.run("""INSERT INTO a VALUES (2, 2, 'w');
        ALTER TABLE a ADD x int; INSERT INTO a VALUES (3, 3, 'w', 3);
        ALTER TABLE a RENAME v TO y; INSERT INTO a VALUES (4, 4, 'w', 4);
        ALTER TABLE a DROP x; INSERT INTO a VALUES (5, 5, 'w');
        ALTER TABLE a ALTER y TYPE bigint; INSERT INTO a VALUES (6, 6, 'w');
        ALTER TABLE a RENAME TO b; INSERT INTO b VALUES (7, 7, 'w');""")
    task.follow()
    records = task.new_records()
    shown = [(r["metadata"]["operation"], r["metadata"]["table-name"], r.get("data") or r["control"].get("column-names")) for r in records]
    row = lambda i, name, **more: {"id": i, name: i, "w": "w", **more}
    equal(shown, [
        ("insert", "a", row(2, "v")),
        ("add-column", "a", ["x"]), ("insert", "a", row(3, "v", x=3)),
        ("rename-column", "a", ["v", "y"]), ("insert", "a", row(4, "y", x=4)),
        ("drop-column", "a", ["x"]), ("insert", "a", row(5, "y")),
        ("column-type-change", "a", ["y"]), ("insert", "a", row(6, "y")),
        ("rename-table", "b", None), ("insert", "b", row(7, "y"))], "records")
    controls = [r["control"] for r in records if "control" in r]
    equal([list(c["table-def"]["columns"]) for c in controls],
          [["id", "v", "w", "x"], ["id", "y", "w", "x"], ["id", "y", "w"], ["id", "y", "w"], ["id", "y", "w"]], "columns")
    equal(controls[3]["table-def"]["columns"]["y"]["type"], "INT64", "the new type")
    equal(controls[3]["old-table-def"]["columns"]["y"]["type"], "INT32", "the old type")
    equal(controls[4]["old-table-name"], "a", "the old name")
    for before, after in zip(controls, controls[1:]):
        equal(after["old-table-def"], before["table-def"], "each step begins where the last one ended")


@case("truncate: one table, several, CASCADE; nothing where HandleSourceTableTruncated is false")
def truncates(t):
    if version() < 110000:
        say("the log tells truncates from PostgreSQL 11 on")
        return
    database = t.database("""CREATE TABLE one (id int PRIMARY KEY); CREATE TABLE two (id int PRIMARY KEY REFERENCES one);
        CREATE TABLE three (id int PRIMARY KEY); INSERT INTO one VALUES (1); INSERT INTO two VALUES (1); INSERT INTO three VALUES (1);""")
    task = Task(t, database, target=ALTERS, label="on")
    silent = Task(t, database, target=ALTERS, label="off",
                  groups={"ChangeProcessingDdlHandlingPolicy": {"HandleSourceTableTruncated": False}})
    documented = Task(t, database, target=ALTERS, label="documented", Dialect="documented", TaskControlRecords=False)
    for each in (task, silent, documented):
        each.load()
        each.new_messages()
    database.run("TRUNCATE three; TRUNCATE one, two, three; TRUNCATE one CASCADE; INSERT INTO one VALUES (2);")
    for each in (task, silent, documented):
        each.follow()

    def operations(each):
        return [(r["metadata"]["operation"], r["metadata"]["table-name"]) for r in each.new_records()]

    got = operations(task)
    equal((got[0], sorted(got[1:4]), sorted(got[4:6]), got[6:]),
          (("truncate-table", "three"), [("truncate-table", name) for name in ("one", "three", "two")],
           [("truncate-table", "one"), ("truncate-table", "two")], [("insert", "one")]), "truncates")
    equal(operations(silent), [("insert", "one")], "HandleSourceTableTruncated false")
    equal({operation for operation, _ in operations(documented)}, {"TruncateTable", "create"}, "documented")


@case("a partitioned table: changes under the root's name, rows that move, partitions that come and go")
def partitions(t):
    if version() < 130000:
        say("before PostgreSQL 13 leaves are published; their rows stand under the root's name all the same")
    # PostgreSQL 10 has keys of the leaves alone, and does not move rows between them.
    moves = version() >= 110000
    key = "PRIMARY KEY (id, region)"
    of_root, of_leaf = (f", {key}", "") if moves else ("", f"({key})")
    database = t.database(f"""CREATE TABLE p (id int, region text, v int{of_root}) PARTITION BY LIST (region);
        CREATE TABLE p_eu PARTITION OF p {of_leaf} FOR VALUES IN ('eu'); CREATE TABLE p_us PARTITION OF p {of_leaf} FOR VALUES IN ('us');
        INSERT INTO p VALUES (1, 'eu', 1), (2, 'us', 2);""")
    task = Task(t, database, target=ALTERS)
    task.load()
    loaded = [r for r in task.new_records() if "data" in r]
    names = {r["metadata"]["table-name"] for r in loaded}
    move = "UPDATE p SET region = 'us' WHERE id = 1" if moves else "DELETE FROM p WHERE id = 1; INSERT INTO p VALUES (1, 'us', 9)"
    database.run(f"INSERT INTO p VALUES (3, 'eu', 3); UPDATE p SET v = 9 WHERE id = 1; {move}; DELETE FROM p WHERE id = 2;")
    if version() >= 130000:
        database.run("""CREATE TABLE p_as (id int NOT NULL, region text NOT NULL, v int); ALTER TABLE p ATTACH PARTITION p_as FOR VALUES IN ('as');
            INSERT INTO p VALUES (4, 'as', 4);""")
    task.follow()
    records = task.new_records()
    equal({r["metadata"]["table-name"] for r in records}, names, "one name in load and changes")
    changes = [(r["metadata"]["operation"], r["data"]) for r in records]
    moved = changes[2:-2] if version() >= 130000 else changes[2:-1]
    equal(changes[:2], [("insert", {"id": 3, "region": "eu", "v": 3}), ("update", {"id": 1, "region": "eu", "v": 9})], "changes")
    # PostgreSQL itself moves a row by deleting and inserting it.
    equal([(o, d["region"]) for o, d in moved], [("delete", "eu"), ("insert", "us")], "a row that moves")
    contains(str(changes), "'delete', {'id': 2, 'region': 'us'}", "a delete")
    if version() >= 130000:
        equal(changes[-1], ("insert", {"id": 4, "region": "as", "v": 4}), "a partition attached while it is followed")


@case("truncating a partitioned table is one control record")
def partition_truncate(t):
    if version() < 130000:
        say("before PostgreSQL 13 leaves are published")
        return
    database = t.database("""CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);
        CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
        INSERT INTO p VALUES (1), (11);""")
    task = Task(t, database, target=ALTERS)
    task.load()
    task.new_messages()
    database.run("TRUNCATE p; INSERT INTO p VALUES (2);")
    task.follow()
    equal([(r["metadata"]["operation"], r["metadata"]["table-name"]) for r in task.new_records()],
          [("truncate-table", "p"), ("insert", "p")], "records")


# ---- DDL at its place in the log

def capturing(t, database, label="capture", **endpoint):
    parts = postgres.urllib.parse.urlsplit(database.uri)
    source = {"ServerName": parts.hostname, "Port": parts.port, "Username": parts.username, "DatabaseName": parts.path[1:], **endpoint}
    return Task(t, database, mapping=dmskafka.mapping("public.%"), target={**ALTERS, "IncludeControlDetails": True}, label=label,
                source=json.dumps(source))


def told(task):
    """(operation, table, columns after it) of each control record, the operation and data of each data record."""
    out = []
    for r in task.new_records():
        meta = r["metadata"]
        columns = list(r["control"].get("table-def", {}).get("columns", {})) if "control" in r else r["data"]
        out.append((meta["operation"], meta["table-name"], columns))
    return out


@case("CaptureDdls and DdlArtifactsSchema: ALTER, RENAME and DROP are told at their place in the log, with no change behind them")
def capture_ddls(t):
    database = t.database("CREATE SCHEMA ops; CREATE TABLE k (id int PRIMARY KEY, a text); CREATE TABLE gone (id int PRIMARY KEY); CREATE TABLE r (id int PRIMARY KEY);")
    without = capturing(t, database, label="without")
    task = capturing(t, database, CaptureDdls=True, DdlArtifactsSchema="ops")
    for one in (task, without):
        one.load()
        one.new_messages()
    statements = ("ALTER TABLE k ADD b int; INSERT INTO k VALUES (1, 'x', 2); ALTER TABLE k DROP a; ALTER TABLE k ADD c int DEFAULT 7;"
                  "ALTER TABLE k RENAME c TO d; ALTER TABLE k RENAME TO l; ALTER TABLE l ALTER b TYPE bigint; DROP TABLE gone; ALTER TABLE r RENAME TO s;")
    database.run(statements)
    task.follow()
    equal(told(task), [
        ("add-column", "k", ["id", "a", "b"]), ("insert", "k", {"id": 1, "a": "x", "b": 2}), ("drop-column", "k", ["id", "b"]),
        ("add-column", "k", ["id", "b", "c"]), ("rename-column", "k", ["id", "b", "d"]), ("rename-table", "l", ["id", "b", "d"]),
        ("column-type-change", "l", ["id", "b", "d"]), ("drop-table", "gone", []), ("rename-table", "s", ["id"])], "what is told of each statement")
    database.run("INSERT INTO l VALUES (2, 3, 4); UPDATE l SET d = 5 WHERE id = 2;")
    task.follow()
    equal(told(task), [("insert", "l", {"id": 2, "b": 3, "d": 4}), ("update", "l", {"id": 2, "b": 3, "d": 5})], "rows after it")
    equal(database.query("SELECT count(*) FROM ops.awsdms_ddl_audit"), "0", "rows that stay in the table")
    # Without it the ALTERs show with the next change, as one difference.
    without.follow()
    equal([record for record in told(without) if record[0] == "insert"][0], ("insert", "k", {"id": 1, "a": "x", "b": 2}), "without")
    cleaned = task.run("cleanup")
    contains(cleaned.out.decode() + cleaned.err, "awsdms_intercept_ddl", "what cleanup says")
    equal(database.query("SELECT count(*) FROM pg_event_trigger"), "0", "event triggers after cleanup")
    equal(database.query("SELECT count(*) FROM pg_class WHERE relname = 'awsdms_ddl_audit'"), "0", "tables after cleanup")


@case("CaptureDdls without a superuser: said once, and ALTERs are told with the next change")
def capture_without_right(t):
    server = postgres.Database(postgres.superuser_uri())
    role = unique("role")
    server.run(f"CREATE ROLE {role} LOGIN REPLICATION;")
    database = t.database()
    name = database.uri.rsplit("/", 1)[1]
    database.run(f"GRANT CREATE ON DATABASE {name} TO {role}; GRANT ALL ON SCHEMA public TO {role};")
    t.defer(lambda: database.run(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}"))
    postgres.Database(postgres.with_user(database.uri, role)).run("CREATE TABLE k (id int PRIMARY KEY);")
    task = capturing(t, database, CaptureDdls=True, Username=role)
    outcome = task.load()
    contains(outcome.err, "an event trigger takes a superuser", "the warning")
    task.new_messages()
    database.run("ALTER TABLE k ADD b int; INSERT INTO k VALUES (1, 2);")
    task.follow()
    equal(told(task), [("add-column", "k", ["id", "b"]), ("insert", "k", {"id": 1, "b": 2})], "records")
    task.run("cleanup")


# ---- tables that come while a task lives

@case("a table that comes later: named while changes are followed, left out by name after a restart, loaded by full-load --then-cdc")
def late_tables(t):
    database = t.database("CREATE TABLE k (id int PRIMARY KEY); INSERT INTO k VALUES (1);")
    task = Task(t, database)
    task.load()
    process = task.start()
    wait_until(lambda: database.query("SELECT count(*) FROM pg_replication_slots WHERE active AND database = current_database()") == "1", "it follows", 30)
    database.run("CREATE TABLE late (id int PRIMARY KEY, v int); INSERT INTO late SELECT i, 0 FROM generate_series(1, 100) i; INSERT INTO k VALUES (2);")
    wait_until(lambda: "public.late came into the source, and the rules select it" in process.said(), "the new table is named", 60, 0.2)
    process.signal(15)
    process.wait(60).expect(143)
    task.new_messages()
    for _ in range(2):
        database.run("UPDATE late SET v = v + 1 WHERE id = 1; INSERT INTO k SELECT max(id) + 1 FROM k;")
        outcome = task.follow(status=7)
        contains(outcome.err, "public.late", "the table that is left out")
        equal({r["metadata"]["table-name"] for r in task.new_records()}, {"k"}, "tables of what is followed")
    # Written to all the while: nothing between the snapshot and the log is missed.
    writer = database.session(t, "\n".join(f"UPDATE late SET v = v + 1 WHERE id = {i % 100 + 1}; SELECT pg_sleep(0.005);" for i in range(400)))
    task.run("full-load", "--then-cdc", "--until-current")
    wait_until(lambda: database.query("SELECT sum(v) FROM late") == str(400 + 2), "the writer is done", 60, 0.1)
    writer()
    task.follow()
    rows = {}
    for message in task.messages():
        record = wire.parsed(message)
        if record["metadata"]["table-name"] == "late" and "data" in record:
            rows[record["data"]["id"]] = record["data"]["v"]
    expected = dict(map(int, line.split("|")) for line in database.run("SELECT id, v FROM late").split())
    equal(rows, expected, "the late table, folded by key")


# ---- types and names (40, 63, 69)

@case("an enum of one name in two schemas; labels added and renamed while changes are followed")
def enums(t):
    database = t.database("""CREATE SCHEMA other; CREATE TYPE mood AS ENUM ('one'); CREATE TYPE other.mood AS ENUM ('uno');
        CREATE TABLE e (id int PRIMARY KEY, a mood, b other.mood); INSERT INTO e VALUES (1, 'one', 'uno');""")
    task = Task(t, database)
    task.load()
    task.new_messages()
    database.run("ALTER TYPE mood ADD VALUE 'two';")
    database.run("INSERT INTO e VALUES (2, 'two', 'uno');")
    database.run("ALTER TYPE other.mood RENAME VALUE 'uno' TO 'eins'; INSERT INTO e VALUES (3, 'two', 'eins');")
    task.follow()
    got = task.changes()
    equal([data for _, data in got[1:]], [{"id": 3, "a": "two", "b": "eins"}], "after the rename")
    # PostgreSQL keeps a label's number, not its text: a change decoded after a rename has the new label.
    check(got[0][1] in ({"id": 2, "a": "two", "b": "uno"}, {"id": 2, "a": "two", "b": "eins"}), f"before it: {got[0]}")


@case("names: case twins, quotes, blanks, several bytes, 63 bytes")
def names(t):
    long_name = "n" * 63
    tables = ['A', 'a', 'with "quotes"', "日本語 ü", long_name, "dot.ted"]
    quoted = lambda name: '"' + name.replace('"', '""') + '"'
    database = t.database("".join(f"CREATE TABLE {quoted(n)} (\"Id\" int PRIMARY KEY, {quoted(n)} text, \"id\" int);" for n in tables))
    task = Task(t, database)
    task.load()
    task.new_messages()
    for n in tables:
        database.run(f"INSERT INTO {quoted(n)} VALUES (1, 'v', 2); UPDATE {quoted(n)} SET \"Id\" = 3; DELETE FROM {quoted(n)};")
    task.follow()
    got = [(m.key.decode(), r["metadata"]["table-name"], r["metadata"]["operation"], r["data"]) for m in task.new_messages()
           for r in [wire.parsed(m)]]
    expected = []
    for n in tables:
        expected += [(f"public.{n}", n, "insert", {"Id": 1, n: "v", "id": 2}), (f"public.{n}", n, "update", {"Id": 3, n: "v", "id": 2}),
                     (f"public.{n}", n, "delete", {"Id": 3})]
    equal(got, expected, "records")


@case("generated columns: load and changes have one shape")
def generated(t):
    if version() < 120000:
        say("generated columns came with PostgreSQL 12")
        return
    database = t.database("""CREATE TABLE g (id int PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2) STORED);
        ALTER TABLE g REPLICA IDENTITY FULL; INSERT INTO g VALUES (1, 5);""")
    task = Task(t, database)
    loaded = task.load()
    # The application's statements must work whatever we made of its tables.
    database.run("INSERT INTO g VALUES (2, 5); UPDATE g SET a = 5; DELETE FROM g WHERE id = 1;")
    task.follow()
    shapes = {(r["metadata"]["operation"], tuple(r["data"])) for r in task.new_records() if "data" in r}
    equal({shape for _, shape in shapes}, {list(shapes)[0][1]}, "shapes")
    whole = {"load", "insert", "update", "delete"}
    if version() >= 180000:
        contains(loaded.err, "public.g has a generated column in its replica identity", "the warning")
        whole = {"load", "insert"}
    equal({operation for operation, _ in shapes}, whole, "operations")


@case("PostgreSQL 18: the replica identities that a generated column makes unusable do not break the application's statements")
def generated_identities(t):
    if version() < 180000:
        say("older servers publish such tables")
        return
    database = t.database("""
        CREATE TABLE virtual (id int PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2)); ALTER TABLE virtual REPLICA IDENTITY FULL;
        CREATE TABLE keyed (a int, twice int GENERATED ALWAYS AS (a * 2) STORED PRIMARY KEY);
        CREATE TABLE fine (id int PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2) STORED);""")
    task = Task(t, database)
    loaded = task.load()
    for name in ("virtual", "keyed", "fine"):
        database.run(f"INSERT INTO {name} (a{', id' if name != 'keyed' else ''}) VALUES (1{', 1' if name != 'keyed' else ''});"
                     f"UPDATE {name} SET a = 2; DELETE FROM {name};")
    task.follow()
    records = [(r["metadata"]["table-name"], r["metadata"]["operation"]) for r in task.new_records() if "data" in r]
    equal(records, [("virtual", "insert"), ("keyed", "insert"), ("fine", "insert"), ("fine", "update"), ("fine", "delete")], "records")
    check("public.fine has" not in loaded.err, "a table whose identity is usable is warned of")


# ---- the log's other events (7, 66)

@case("logical messages, in a transaction and outside one, harm neither positions nor rows")
def logical_messages(t):
    if version() < 140000:
        say("pgoutput has had messages since PostgreSQL 14")
    database = t.database("CREATE TABLE k (id int PRIMARY KEY);")
    task = Task(t, database)
    task.load()
    task.new_messages()
    database.run("""SELECT pg_logical_emit_message(false, 'x', 'outside');
        BEGIN; INSERT INTO k VALUES (1); SELECT pg_logical_emit_message(true, 'x', 'inside');
        SELECT pg_logical_emit_message(false, 'x', 'ahead of its transaction'); INSERT INTO k VALUES (2); COMMIT;
        BEGIN; SELECT pg_logical_emit_message(true, 'x', 'alone'); COMMIT;
        BEGIN; SELECT pg_logical_emit_message(true, 'x', 'rolled back'); ROLLBACK;""")
    task.follow()
    database.run("SELECT pg_logical_emit_message(false, 'x', 'at the end'); INSERT INTO k VALUES (3);")
    task.follow()
    equal(task.changes(), [("insert", {"id": i}) for i in (1, 2, 3)], "rows")


# ---- rules on changes (filters, names)

@case("filters: a row that leaves them is deleted, one that enters is an update; rules act on changes and before images")
def rules(t):
    database = t.database("""CREATE TABLE o (id int PRIMARY KEY, n int, ssn text); ALTER TABLE o REPLICA IDENTITY FULL;
        INSERT INTO o VALUES (1, 5, '12-34'), (2, 15, '56-78');""")
    mapping = {"rules": [
        {"rule-type": "selection", "rule-id": "1", "rule-name": "1", "rule-action": "include",
         "object-locator": {"schema-name": "public", "table-name": "o"},
         "filters": [{"filter-type": "source", "column-name": "n", "filter-conditions": [{"filter-operator": "gte", "value": "10"}]}]},
        {"rule-type": "transformation", "rule-id": "2", "rule-name": "2", "rule-target": "table", "rule-action": "rename",
         "object-locator": {"schema-name": "public", "table-name": "o"}, "value": "orders"},
        {"rule-type": "transformation", "rule-id": "3", "rule-name": "3", "rule-target": "column",
         "rule-action": "data-masking-digits-mask", "value": "#",
         "object-locator": {"schema-name": "public", "table-name": "o", "column-name": "ssn"}},
        {"rule-type": "transformation", "rule-id": "4", "rule-name": "4", "rule-target": "column",
         "rule-action": "add-before-image-columns", "object-locator": {"schema-name": "public", "table-name": "o"},
         "before-image-def": {"column-prefix": "", "column-suffix": "_was", "column-filter": "all"}}]}
    task = Task(t, database, mapping=json.dumps(mapping))
    task.load()
    equal([data for _, data in task.changes() if data], [{"id": 2, "n": 15, "ssn": "##-##"}], "loaded rows")
    database.run("""UPDATE o SET n = 20 WHERE id = 1; UPDATE o SET n = 6 WHERE id = 2; UPDATE o SET n = 7 WHERE id = 2;
        UPDATE o SET ssn = '99-99' WHERE id = 1; INSERT INTO o VALUES (3, 1, '0'); DELETE FROM o;""")
    outcome = task.follow()
    records = task.new_records()
    equal({r["metadata"]["table-name"] for r in records}, {"orders"}, "the rule's name")
    equal([(r["metadata"]["operation"], r["data"]) for r in records], [
        ("update", {"id": 1, "n": 20, "ssn": "##-##", "id_was": 1, "n_was": 5, "ssn_was": "##-##"}),
        ("delete", {"id": 2, "n": 15, "ssn": "##-##"}),
        ("update", {"id": 1, "n": 20, "ssn": "##-##", "id_was": 1, "n_was": 20, "ssn_was": "##-##"}),
        ("delete", {"id": 1, "n": 20, "ssn": "##-##"})], "changes")
    contains(outcome.err, "filter", "what was left out is told")


@case("ParallelApplyThreads, ParallelApplyQueuesPerThread, ParallelApplyBufferSize: the lanes run, each key's changes stay in order")
def parallel_apply(t):
    database = t.database("CREATE TABLE k (id int PRIMARY KEY, v int); INSERT INTO k SELECT i, 0 FROM generate_series(1, 50) i;")

    def follow(label, **target_metadata):
        task = Task(t, database, label=label, partitions=4, groups={"TargetMetadata": target_metadata})
        task.load()
        database.run("UPDATE k SET v = 0;" + "".join(f"UPDATE k SET v = {round};" for round in range(1, 41)))
        process = task.start()
        wait_until(lambda: kafka.message_count(task.topic) >= 2 + 50 + 41 * 50, "every change has arrived", 60, 0.1)
        threads = len(list(pathlib.Path(f"/proc/{process.pid}/task").iterdir()))
        process.signal(15)
        process.wait(60).expect(143)
        last = {}
        keys = set()
        for message in task.messages():
            record = wire.parsed(message)
            if record["metadata"]["operation"] == "update":
                keys.add((message.key, message.partition))
                last.setdefault(record["data"]["id"], []).append(record["data"]["v"])
        equal(last, {i: list(range(41)) for i in range(1, 51)}, "versions of each row, in their order")
        return threads, keys

    one, table_keys = follow("one")
    lanes, row_keys = follow("lanes", ParallelApplyThreads=8, ParallelApplyQueuesPerThread=16, ParallelApplyBufferSize=2)
    check(lanes >= one + 7, f"{one} threads without lanes, {lanes} with 8")
    equal({key for key, _ in table_keys}, {b"public.k"}, "the key without ParallelApplyThreads")
    equal(row_keys, {(b"%d" % i, kafka.partition_of(b"%d" % i, 4)) for i in range(1, 51)}, "keys with ParallelApplyThreads")


@case("CommitTimeout: how long a kill -9 may throw the position back")
def commit_timeout(t):
    database = t.database("CREATE TABLE k (id int PRIMARY KEY);")
    slots = f"FROM pg_replication_slots WHERE database = '{database.uri.rsplit('/', 1)[1]}' AND active"

    def sent_after_kill(label, number, groups):
        task = Task(t, database, label=label, groups=groups)
        task.load()
        task.new_messages()
        process = task.start()
        database.run(f"INSERT INTO k VALUES ({number});")
        written = database.query("SELECT pg_current_wal_lsn()")
        wait_until(lambda: kafka.message_count(task.topic) > task.seen, "the change has arrived", 30, 0.05)
        if not groups:
            wait_until(lambda: database.query(f"SELECT bool_and(confirmed_flush_lsn >= '{written}'::pg_lsn) {slots}") == "t",
                       "the position is stored and acknowledged", 30, 0.1)
        process.kill()
        wait_until(lambda: database.query(f"SELECT count(*) {slots}") == "0", "the server has noticed", 30, 0.1)
        task.follow()
        return task.changes()

    equal(sent_after_kill("second", 1, None), [("insert", {"id": 1})], "with the default of one second")
    equal(sent_after_kill("hour", 2, {"ChangeProcessingTuning": {"CommitTimeout": 3600}}), [("insert", {"id": 2})] * 2,
          "with an hour it is sent again")


@case("task-start and task-resume with TaskControlRecords; dms-strict announces awsdms_apply_exceptions at every start")
def task_records(t):
    database = t.database("CREATE TABLE k (id int PRIMARY KEY);")
    told = Task(t, database, label="told", TaskControlRecords=True)
    strict = Task(t, database, label="strict", Dialect="dms-strict")
    for number, task in enumerate((told, strict)):
        task.load()
        task.new_messages()
        for round in range(2):
            database.run(f"INSERT INTO k VALUES ({2 * number + round});")
            task.follow()
    task_id = told.args[told.args.index("--task-id") + 1]
    got = [(m.key.decode(), r["metadata"]["operation"]) for m in told.new_messages() for r in [wire.parsed(m)]]
    equal(got, [(task_id, "task-start"), ("public.k", "insert"), (task_id, "task-resume"), ("public.k", "insert")],
          "TaskControlRecords")
    got = [(r["metadata"]["operation"], r["metadata"]["table-name"]) for r in strict.new_records()]
    equal([record for record in got if record[0] != "insert"], [("create-table", "awsdms_apply_exceptions")] * 2, "dms-strict")


if __name__ == "__main__":
    main()

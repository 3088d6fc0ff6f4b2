"""Tables with every kind of key, loaded beside a writer: exactly the rows of one moment, each once; and what stops a load."""

import collections
import hashlib
import json
import pathlib
import re
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, kafka, mysql, servers, sqlite, wire
from lib.harness import check, contains, equal, main, say, unique, wait_until

ROWS = 8_000
TRANSACTIONS = 6_000
FILLER = 600  # bytes: the tables with a common key are more than one range of 16 MB


class Table:
    """A table whose rows are (key..., n, version, filler); `n` tells the rows apart, the key is a function of it."""

    def __init__(self, name, columns, key_of, ending, filler=FILLER, rules=None):
        self.name, self.columns, self.key_of, self.ending, self.filler, self.rules = name, columns, key_of, ending, filler, rules

    def values(self, n, version):
        return f"({', '.join([*self.key_of(n), str(n), str(version)])}, REPEAT('x', {self.filler}))"

    def key(self):
        """The names of the primary key."""
        found = re.search(r"PRIMARY KEY \((.*?)\)", self.ending)
        return found[1].split(", ") if found else []

    def names(self):
        return [*(column.split()[0] for column in self.columns), "n", "version", "filler"]

    def schema(self):
        columns = [*self.columns, "n INT NOT NULL", "version INT NOT NULL", "filler VARCHAR(4000) NOT NULL", "KEY (n)"]
        rows = [self.values(n, 0) for n in range(ROWS)]
        inserts = [f"INSERT INTO {self.name} VALUES {','.join(rows[at:at + 2000])};\n" for at in range(0, ROWS, 2000)]
        return f"CREATE TABLE {self.name} ({', '.join(columns)}{self.ending};\n" + "".join(inserts)


def digest(n):
    return f"X'{hashlib.md5(str(n).encode()).hexdigest()}'"


def label(n):
    """Keys that differ in case, accents and length, and meet at long equal beginnings."""
    return f"'{('Straße', 'strasse', 'ÉTÉ', 'z' * 30, '')[n % 5]} {n // 5:05}'"


RANGES = {"type": "ranges", "columns": ["region", "day"], "boundaries": [["EU", "2020"], ["US", "2021"], ["US", "2024"]]}
PARTITIONS = "PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (2000), PARTITION p1 VALUES LESS THAN (6000), PARTITION p2 VALUES LESS THAN MAXVALUE)"
TABLES = [
    Table("by_text", ["k VARCHAR(60) NOT NULL"], lambda n: [label(n)], ", PRIMARY KEY (k)) COLLATE utf8mb4_bin", 3000),
    Table("by_pair", ["a INT NOT NULL", "b VARCHAR(10) NOT NULL"], lambda n: [str(n % 7), f"'b{n // 7}'"], ", PRIMARY KEY (a, b))"),
    Table("by_bytes", ["k BINARY(16) NOT NULL"], lambda n: [digest(n)], ", PRIMARY KEY (k))", 3000),
    Table("sparse", ["k BIGINT UNSIGNED NOT NULL"], lambda n: [str(min(n**4 * 500, 2**64 - 1 - n))], ", PRIMARY KEY (k))"),
    Table("bare", ["id INT"], lambda n: [str(n)], ")"),
    Table("parted", ["id INT NOT NULL"], lambda n: [str(n)], f", PRIMARY KEY (id)) {PARTITIONS}", rules={"type": "partitions-auto"}),
    Table("ranged", ["id INT NOT NULL", "region VARCHAR(5)", "day INT"],
          lambda n: [str(n), ("'EU'", "'US'", "NULL")[n % 3], ("NULL", str(2018 + n % 8))[n % 5 > 0]], ", PRIMARY KEY (id), KEY (region, day))", rules=RANGES),
]  # fmt: skip
CLOCK = "CREATE TABLE clock (id INT PRIMARY KEY, ticks INT NOT NULL); INSERT INTO clock VALUES (1, 0);\n"


def updated(tick):
    return tick * 7919 % ROWS


def deleted(tick):
    """Each row once, in some order."""
    return tick * 7907 % ROWS if tick < ROWS else None


def transaction(tick):
    """Every transaction touches all tables, so that a torn view shows in any pair of them."""
    yield f"BEGIN; UPDATE clock SET ticks = {tick};"
    for table in TABLES:
        yield f"UPDATE {table.name} SET version = {tick} WHERE n = {updated(tick)};"
        if deleted(tick) is not None:
            yield f"DELETE FROM {table.name} WHERE n = {deleted(tick)};"
        yield f"INSERT INTO {table.name} VALUES {table.values(ROWS + tick, tick)};"
    yield "COMMIT;\n"


def state_at(ticks):
    """What every table holds after so many transactions: n -> version."""
    rows = dict.fromkeys(range(ROWS), 0)
    for tick in range(1, ticks + 1):
        if updated(tick) in rows:
            rows[updated(tick)] = tick
        if deleted(tick) is not None:
            rows.pop(deleted(tick), None)
        rows[ROWS + tick] = tick
    return rows


def mapping(database, tables=TABLES):
    rules = json.loads(dmskafka.mapping(f"{database.name}.%"))
    for number, table in enumerate((table for table in tables if table.rules), 10):
        locator = {"schema-name": database.name, "table-name": table.name}
        rules["rules"].append({"rule-type": "table-settings", "rule-id": str(number), "rule-name": str(number),
                               "object-locator": locator, "parallel-load": table.rules})  # fmt: skip
    return json.dumps(rules)


def start_writer(t, database):
    """A client that works off the transactions until the case ends, or the function that is returned is called."""
    script = t.dir / "transactions.sql"
    with open(script, "w", encoding="utf-8") as out:
        out.write("SET sql_log_bin = 1;\n")
        for tick in range(1, TRANSACTIONS + 1):
            out.writelines(transaction(tick))
    return database.session_of_file(t, script)


def load_all(t, database, topic, **target):
    return dmskafka.run(t, "full-load", "--source", database.url, "--target", dmskafka.kafka_target(topic, **target), "--table-mappings",
                        mapping(database), "--state", t.dir / f"{topic}.dmskafka", "--task-settings", dmskafka.task_settings(3)).expect(0)  # fmt: skip


def printed_rows(database, table):
    """n -> the row as the client prints it."""
    names = table.names()
    hexed = [f"CONCAT('0x', HEX({name}))" if table.name == "by_bytes" and name == "k" else name for name in names]
    rows = {}
    for fields in database.rows(f"SELECT {', '.join(hexed)} FROM {table.name}"):
        row = dict(zip(names, (None if field is None else field.decode() for field in fields), strict=True))
        rows[int(row["n"])] = row
    return rows


def check_values(t, database):
    """Nobody writes: every value is what the client prints, every key its row's."""
    topic = t.topic("values")
    load_all(t, database, topic, IncludeNullAndEmpty=True)
    came = collections.defaultdict(dict)
    for message in kafka.consume(topic):
        value = wire.parsed(message)
        if value["metadata"]["record-type"] == "data":
            name, data = value["metadata"]["table-name"], value["data"]
            check(data.get("n") not in came[name], f"row {data.get('n')} of {name} came twice")
            came[name][data.get("n")] = message.key.decode(), {k: None if v is None else str(v) for k, v in data.items()}
    for table in TABLES:
        expected = printed_rows(database, table)
        equal(set(came[table.name]), set(expected), f"rows of {table.name}")
        for n, row in expected.items():
            key = ".".join(row[name] for name in table.key()) or f"{database.name}.{table.name}"
            equal(came[table.name][n], (key, row), f"row {n} of {table.name}")


def check_moment(t, database):
    """Somebody writes: every table is of the moment that the clock shows, each row once."""
    ticks = lambda: int(database.query("SELECT ticks FROM clock"))
    end_writer = start_writer(t, database)
    wait_until(lambda: ticks() > 20, "the writer is at work")
    topic, before = t.topic("moment"), ticks()
    outcome = load_all(t, database, topic)
    after = ticks()
    end_writer()
    check(before < after < TRANSACTIONS, f"the writer stood still or came to its end: {before}, {after} of {TRANSACTIONS}")
    came, shown = collections.defaultdict(list), []
    for record in wire.data_records(kafka.consume(topic)):
        table, data = record["metadata"]["table-name"], record["data"]
        if table == "clock":
            shown.append(data["ticks"])
        else:
            came[table].append((data["n"], data["version"]))
    equal(len(shown), 1, "rows of clock")
    check(before <= shown[0] <= after, f"the moment shown ({shown[0]}) is not between {before} and {after}")
    expected = sorted(state_at(shown[0]).items())
    for table in TABLES:
        equal(sorted(came[table.name]), expected, f"rows of {table.name} after transaction {shown[0]}")
    say(f"{after - before} transactions in the {outcome.seconds:.1f} s of the load; it shows the moment after {shown[0] - before} of them")


@mysql.on_each_server("tables with every kind of key: all values as the client prints them; beside a writer the rows of one moment, each once")
def keys(t, server):
    database = server.database(t, CLOCK + "".join(table.schema() for table in TABLES))
    check_values(t, database)
    check_moment(t, database)


# --- what stops a load ---------------------------------------------------------------------------------------------------


def load(t, source, *more, target="discard:"):
    return dmskafka.run(t, "full-load", "--source", source, "--target", target, *more, limit_s=60)


@mysql.on_each_server("a wrong password, a missing database, an unknown host and a closed port: exit 4, never the password")
def refused(t, server):
    outcome = load(t, server.as_user(server.user, "secret-that-is-wrong").url).expect(4)
    contains(outcome.err, f"Access denied for user '{server.user}'", "wrong password")
    check("secret-that-is-wrong" not in outcome.err, "the password was printed")
    outcome = load(t, urllib.parse.urlsplit(server.url)._replace(path="/no_such_shop").geturl()).expect(4)
    contains(outcome.err, "Unknown database 'no_such_shop'", "missing database")
    contains(load(t, "mysql://app@no-such-host.invalid/shop").expect(4).err, "no-such-host.invalid", "unknown host")
    port = servers.free_ports(1)
    outcome = load(t, f"mysql://app@127.0.0.1:{port}/shop").expect(4)
    contains(outcome.err, str(port), "closed port")
    check(outcome.seconds < 5, f"a refused connection took {outcome.seconds:.1f} s")


@mysql.on_each_server("a table that is not there: exit 3; one that may not be read: the others are loaded, exit 7, and the right is named")
def missing_and_denied(t, server):
    tables = ("open_1", "secret", "open_2")
    database = server.database(t, "".join(
        f"CREATE TABLE {name} (id INT PRIMARY KEY); INSERT INTO {name} VALUES {','.join(f'({n})' for n in range(1, 101))};"
        for name in tables))  # fmt: skip
    outcome = load(t, database.url, "--table-mappings", dmskafka.mapping(("explicit", f"{database.name}.nowhere"))).expect(3)
    contains(outcome.err, "no tables were found", "a missing table")

    user = unique("u")[:32]
    # Of the table that may not be read the user sees a column, so that it is listed.
    server.run(f"CREATE USER {user}@'%' IDENTIFIED BY 'right'; GRANT SELECT ON {database.name}.open_1 TO {user}@'%';"
               f"GRANT SELECT ON {database.name}.open_2 TO {user}@'%'; GRANT INSERT ON {database.name}.secret TO {user}@'%'")  # fmt: skip
    t.defer(server.run, f"DROP USER {user}@'%'")
    topic, state = t.topic(), t.dir / "denied.dmskafka"
    args = ("--state", state, "--table-mappings", dmskafka.mapping(f"{database.name}.%"), "--task-settings", dmskafka.task_settings(1))
    source = database.as_user(user, "right").url
    outcome = load(t, source, *args, target=dmskafka.kafka_target(topic)).expect(7)
    rows = [(r["metadata"]["table-name"], r["data"]["id"]) for r in wire.data_records(kafka.consume(topic))]
    equal(sorted(rows), [(table, n) for table in ("open_1", "open_2") for n in range(1, 101)], "rows of the readable tables")
    contains(outcome.err, "1 of 3 tables in error", "the summary")
    contains(outcome.err, f"GRANT SELECT ON `{database.name}`.`secret` TO", "the statement that mends it")
    equal(sqlite.query_state(state, "SELECT table_name, state FROM table_load ORDER BY 1;"),
          "open_1|Table completed\nopen_2|Table completed\nsecret|Table error", "the state file")  # fmt: skip
    server.run(f"GRANT SELECT ON {database.name}.secret TO {user}@'%'")
    load(t, source, *args, target=dmskafka.kafka_target(topic)).expect(0)
    equal(len(wire.data_records(kafka.consume(topic))), 300, "rows after the right was granted and the load run again")


if __name__ == "__main__":
    main()

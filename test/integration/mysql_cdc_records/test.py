"""What the changes of MySQL and MariaDB look like in Kafka: values, keys, transactions, statements about tables, kills, gaps, a
failover, and what the preflight says."""

import json
import pathlib
import re
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, mysql, servers, wire
from lib.following import Task, before_image, data_text
from lib.harness import check, contains, equal, main, unique, wait_until

ALTERS = {"IncludeTableAlterOperations": True}
DETAILS = {"IncludeTransactionDetails": True}


class MysqlTask(Task):
    """Of one database; nothing is left in the server."""

    def __init__(self, t, database, **options):
        options.setdefault("mapping", dmskafka.mapping(f"{database.name}.%"))
        super().__init__(t, database, source=database.url, **options)

    def clean_up(self):
        pass


def row_metadata(t, server, value):
    """binlog_row_metadata for the rest of the case, where the server has it."""
    if server.kind == "mysql57":
        return
    before = server.query("SELECT @@GLOBAL.binlog_row_metadata")
    t.defer(server.run, f"SET GLOBAL binlog_row_metadata = {before}")
    server.run(f"SET GLOBAL binlog_row_metadata = {value}")


# ---- values

# Column and its values; the load of each is compared with the server's client by the tests of loading.
COLUMNS = {
    "TINYINT": ["-128", "127"],
    "TINYINT UNSIGNED": ["255", "0"],
    "SMALLINT UNSIGNED": ["65535"],
    "MEDIUMINT UNSIGNED": ["16777215"],
    "MEDIUMINT": ["-8388608", "-1"],
    "INT UNSIGNED": ["4294967295"],
    "INT(8) ZEROFILL": ["42"],
    "BIGINT UNSIGNED": ["18446744073709551615"],
    "BIGINT": ["-9223372036854775808"],
    "DECIMAL(65,30)": ["-99999999999999999999999999999999999.999999999999999999999999999999", "0.000000000000000000000000000001"],
    "DECIMAL(10,2) UNSIGNED": ["1500.00"],
    "FLOAT": ["2.2", "-1e30", "3.4028234e38"],
    "DOUBLE": ["0.23", "-1.7976931348623157e308"],
    "BIT(1)": ["b'1'", "b'0'"],
    "BIT(64)": ["b'1010101010101010101010101010101010101010101010101010101010101010'"],
    "YEAR": ["0", "2155"],
    "DATE": ["'9999-12-31'", "'0000-00-00'", "'2024-00-00'"],
    "TIME": ["'-838:59:59'"],
    "TIME(6)": ["'-838:59:59.000000'", "'-00:00:00.500000'", "'838:59:58.999999'"],
    "DATETIME(3)": ["'1000-01-01 00:00:00.001'", "'0000-00-00 00:00:00.000'"],
    "TIMESTAMP(6) NULL": ["'2038-01-19 03:14:07.999999'", "'1970-01-01 00:00:01.000001'"],
    "CHAR(10)": ["'é  '", "''"],
    "VARCHAR(300) CHARACTER SET latin1": ["'ÿ€'"],
    "VARCHAR(20) CHARACTER SET utf8mb4": ["'🦆'"],
    "VARCHAR(20) CHARACTER SET ucs2": ["'ß'"],
    "BINARY(8)": ["0x0100", "X''"],
    "VARBINARY(300)": ["0x00FF00"],
    "TEXT": ["REPEAT('t', 70000)"],
    "LONGTEXT": ["REPEAT('l', 300000)"],
    "BLOB": ["0x00010203FF"],
    "ENUM('a','b''c','ä')": ["'b''c'", "'ä'", "'no such'"],
    "SET('x','y''z','w')": ["'x,w'", "''"],
    "JSON": ["""'{"a": [1, 2.5, null, true, "ü"], "long key": {"b": {}}}'""", "'[]'", "'\"text\"'", "'1e20'"],
    "GEOMETRY": ["ST_GeomFromText('POINT(1 -2.5)')"],
}
MARIADB_COLUMNS = {"UUID": ["'123e4567-e89b-12d3-a456-426655440000'"], "INET6": ["'2001:db8::ff00:42:8329'", "'::'"]}


def typed_tables(kind):
    columns = COLUMNS | (MARIADB_COLUMNS if kind == "mariadb" else {})
    rows = max(map(len, columns.values())) + 1
    names = ", ".join(f"c{n} {type}" for n, type in enumerate(columns))
    sql = ""
    for table in ("loaded", "inserted"):
        sql += f"CREATE TABLE {table} (id INT PRIMARY KEY, {names}) CHARACTER SET utf8mb4;\n"
    for row in range(rows):
        values = (of[row] if row < len(of) else "NULL" for of in columns.values())
        sql += f"INSERT INTO loaded VALUES ({row}, {', '.join(values)});\n"
    return sql, rows


def check_types(t, server):
    sql, rows = typed_tables(server.kind)
    database = server.database(t, "SET sql_mode = '';" + sql)
    task = MysqlTask(t, database)
    task.load()
    database.run("INSERT INTO inserted SELECT * FROM loaded ORDER BY id; UPDATE loaded SET id = id + 100 ORDER BY id;"
                 "UPDATE loaded SET id = id - 100 ORDER BY id; DELETE FROM inserted ORDER BY id;")  # fmt: skip
    task.follow()
    texts = {}
    for message in task.messages():
        metadata = wire.parsed(message)["metadata"]
        if metadata["record-type"] == "data" and wire.parsed(message)["data"]["id"] < 100:
            texts.setdefault(metadata["operation"], []).append(data_text(message))
    for operation in ("load", "insert", "update", "delete"):
        equal(len(texts[operation]), rows, operation + "s")
        for number, (actual, loaded) in enumerate(zip(sorted(texts[operation]), sorted(texts["load"]))):
            equal(actual, loaded, f"{operation} of row {number}")


@mysql.on_each_server("every type: loaded, inserted, touched and deleted, the data is the same, byte for byte")
def types(t, server):
    row_metadata(t, server, "FULL")
    check_types(t, server)


@mysql.on_each_server("the same where the log does not say what columns are called")
def types_tracked(t, server):
    row_metadata(t, server, "NO_LOG" if server.kind == "mariadb" else "MINIMAL")
    check_types(t, server)


# ---- changes


@mysql.on_each_server("inserts, updates, changes of the key and deletes, with before images of all columns")
def changes(t, server):
    database = server.database(t, "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(9), n INT); INSERT INTO t VALUES (1, 'a', NULL)")
    task = MysqlTask(t, database, groups=before_image(), target={"IncludeNullAndEmpty": True})
    task.load()
    task.new_messages()
    database.run("INSERT INTO t VALUES (2, '', 7); UPDATE t SET v = 'b' WHERE id = 1; UPDATE t SET id = 3 WHERE id = 2;"
                 "DELETE FROM t WHERE id = 3; BEGIN; INSERT INTO t VALUES (9, 'gone', 9); ROLLBACK;")  # fmt: skip
    task.follow()
    records = task.new_records()
    equal([(r["metadata"]["operation"], r["data"], r.get("before-image")) for r in records],
          [("insert", {"id": 2, "v": "", "n": 7}, None),
           ("update", {"id": 1, "v": "b", "n": None}, {"id": 1, "v": "a", "n": None}),
           ("update", {"id": 3, "v": "", "n": 7}, {"id": 2, "v": "", "n": 7}),
           ("delete", {"id": 3, "v": "", "n": 7}, None)], "records")  # fmt: skip


@mysql.on_each_server("transaction ids and stream positions are places of the binary log, as its own statement shows them")
def transactions(t, server):
    database = server.database(t, "CREATE TABLE t (id INT PRIMARY KEY, v INT)")
    task = MysqlTask(t, database, target=DETAILS)
    task.load()
    task.new_messages()
    server.run("FLUSH LOGS")
    database.run("BEGIN; INSERT INTO t VALUES (1, 1), (2, 2); UPDATE t SET v = 3 WHERE id = 1; COMMIT; DELETE FROM t WHERE id = 2;")
    task.follow()
    records = [r["metadata"] for r in task.new_records()]
    file = server.run("SHOW MASTER STATUS").split("\t")[0]
    begin = "Gtid" if server.kind == "mariadb" else "Query"
    events = [line.split("\t") for line in server.run(f"SHOW BINLOG EVENTS IN '{file}'").splitlines()]
    mapped = [at for at, event in enumerate(events) if event[2] == "Table_map" and f"({database.name}.t)" in event[5]]
    equal(len(mapped), 3, "statements")
    number = int(file.rsplit(".", 1)[1])
    expected = []
    for statement, rows, opening in ((mapped[0], 2, mapped[0]), (mapped[1], 1, mapped[0]), (mapped[2], 1, mapped[2])):
        start = next(event[1] for event in reversed(events[:opening]) if event[2] == begin)
        transaction = number << 32 | int(start)
        change = next(event for event in events[statement + 1 :] if "_rows" in event[2])
        expected += [(transaction, f"{file}:{change[1]}:{row}:{change[4]}:{transaction}:{file}:{events[statement][1]}")
                     for row in range(rows)]  # fmt: skip
    equal([(r["transaction-id"], r["stream-position"]) for r in records], expected, "places")
    equal([r["transaction-record-id"] for r in records], [1, 2, 3, 1], "numbers within the transaction")
    equal(records[3]["prev-transaction-id"], records[0]["transaction-id"], "the transaction before")


@mysql.on_each_server("a prepared transaction comes at XA COMMIT, whatever was committed and however often we stopped in between")
def prepared(t, server):
    database = server.database(t, "CREATE TABLE t (id INT PRIMARY KEY)")
    task = MysqlTask(t, database)
    task.load()
    task.new_messages()
    xid = f"'{database.name}'"
    database.run(f"XA START {xid}; INSERT INTO t VALUES (1); XA END {xid}; XA PREPARE {xid};")
    for other in (2, 3, 4):
        database.run(f"INSERT INTO t VALUES ({other})")
        task.follow()
        equal(task.changes(), [("insert", {"id": other})], "before XA COMMIT")
        task.follow()
    database.run(f"XA COMMIT {xid}; INSERT INTO t VALUES (5)")
    task.follow()
    equal(task.changes(), [("insert", {"id": 1}), ("insert", {"id": 5})], "after it")


@mysql.on_each_server("compressed rows, compressed transactions and partial JSON are read", "mariadb", "mysql")
def compressed(t, server):
    database = server.database(t, "CREATE TABLE t (id INT PRIMARY KEY, v LONGTEXT, j JSON)")
    task = MysqlTask(t, database)
    task.load()
    task.new_messages()
    values = json.dumps({"n": 1, "text": "x" * 500, "list": [1, 2, 3]})
    if server.kind == "mariadb":
        t.defer(server.run, "SET GLOBAL log_bin_compress = OFF")
        server.run("SET GLOBAL log_bin_compress = ON")
        on = ""
    else:
        on = "SET SESSION binlog_transaction_compression = ON, binlog_row_value_options = PARTIAL_JSON;"
    database.run(f"{on} BEGIN; INSERT INTO t VALUES (1, REPEAT('v', 100000), '{values}'), (2, 'w', '[]'); "
                 "UPDATE t SET j = JSON_SET(j, '$.n', 2, '$.list[1]', 'two') WHERE id = 1;"
                 "UPDATE t SET j = JSON_REMOVE(j, '$.text') WHERE id = 1; COMMIT; DELETE FROM t WHERE id = 2;")  # fmt: skip
    task.follow()
    records = task.new_records()
    equal([r["metadata"]["operation"] for r in records], ["insert", "insert", "update", "update", "delete"], "operations")
    equal(records[0]["data"]["v"], "v" * 100000, "a long text")
    equal(json.loads(records[2]["data"]["j"]), {"n": 2, "text": "x" * 500, "list": [1, "two", 3]}, "after JSON_SET")
    equal(records[3]["data"]["j"], database.query("SELECT j FROM t WHERE id = 1"), "after JSON_REMOVE, as the client prints it")


@mysql.on_each_server("rows that are logged in part end the task; with AllowPartialImages they come with what the log has")
def partial(t, server):
    database = server.database(t, "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(9), n INT, b LONGTEXT);"
                               "INSERT INTO t VALUES (1, 'a', 1, 'long'), (2, 'b', 2, 'longer'), (3, 'c', 3, 'longest')")  # fmt: skip
    strict = MysqlTask(t, database, label="strict")
    lenient = MysqlTask(t, database, AllowPartialImages=True, groups=before_image(), target={"IncludeNullAndEmpty": True})
    for task in (strict, lenient):
        task.load()
    lenient.new_messages()
    database.run("SET SESSION binlog_row_image = MINIMAL; UPDATE t SET v = 'x' WHERE id = 1; UPDATE t SET id = 20 WHERE id = 2;"
                 "DELETE FROM t WHERE id = 20;"
                 "SET SESSION binlog_row_image = NOBLOB; UPDATE t SET n = 30 WHERE id = 3; UPDATE t SET b = 'new' WHERE id = 3;"
                 "DELETE FROM t WHERE id = 3;")  # fmt: skip
    lenient.follow()
    # Of a deletion DMS shows what the log does not have as null.
    equal([(r["metadata"]["operation"], r["data"], r.get("before-image")) for r in lenient.new_records()],
          [("update", {"id": 1, "v": "x"}, {"id": 1}),
           ("update", {"id": 20}, {"id": 2}),
           ("delete", {"id": 20, "v": None, "n": None, "b": None}, None),
           ("update", {"id": 3, "v": "c", "n": 30}, {"id": 3, "v": "c", "n": 3}),
           ("update", {"id": 3, "v": "c", "n": 30, "b": "new"}, {"id": 3, "v": "c", "n": 30}),
           ("delete", {"id": 3, "v": "c", "n": 30, "b": None}, None)], "records")  # fmt: skip
    outcome = strict.follow(status=4)
    contains(outcome.err, "binlog_row_image", "what is said")
    contains(outcome.err, "AllowPartialImages", "what helps")


@mysql.on_each_server("a change of part of a document that the log does not have leaves the document out", "mysql")
def partial_document(t, server):
    text = "x" * 500
    database = server.database(t, "CREATE TABLE t (id INT PRIMARY KEY, v INT, j JSON);"
                               f"INSERT INTO t VALUES (1, 1, '{{\"n\": 1, \"text\": \"{text}\"}}')")  # fmt: skip
    task = MysqlTask(t, database, AllowPartialImages=True, target={"IncludeNullAndEmpty": True})
    task.load()
    task.new_messages()
    partial_json = "SET SESSION binlog_row_value_options = PARTIAL_JSON, binlog_row_image = "
    database.run(f"{partial_json}MINIMAL; UPDATE t SET v = 2, j = JSON_SET(j, '$.n', 2) WHERE id = 1;"
                 f"{partial_json}FULL; UPDATE t SET v = 3, j = JSON_SET(j, '$.n', 3) WHERE id = 1;")  # fmt: skip
    task.follow()
    first, second = (data for operation, data in task.changes() if operation == "update")
    equal(first, {"id": 1, "v": 2}, "without the old document")
    equal((second["v"], json.loads(second["j"])), (3, {"n": 3, "text": text}), "with it")


# ---- statements about tables


def operations(task):
    return [(r["metadata"]["operation"], r["metadata"]["table-name"], r.get("data")) for r in task.new_records()]


@mysql.on_each_server("ALTER, TRUNCATE, RENAME and DROP give their control records where they were committed")
def statements(t, server):
    row_metadata(t, server, "FULL")
    database = server.database(t, "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(9)); CREATE TABLE other (id INT)")
    task = MysqlTask(t, database, target=ALTERS)
    task.load()
    task.new_messages()
    database.run("ALTER TABLE t ADD COLUMN n INT; INSERT INTO t VALUES (2, 'b', 2); ALTER TABLE t MODIFY n BIGINT;"
                 "INSERT INTO t VALUES (3, 'c', 3); ALTER TABLE t CHANGE n m BIGINT; INSERT INTO t VALUES (4, 'd', 4);"
                 "ALTER TABLE t DROP COLUMN v; INSERT INTO t VALUES (5, 5); TRUNCATE TABLE t; RENAME TABLE t TO u;"
                 "INSERT INTO u VALUES (6, 6); DROP TABLE u;")  # fmt: skip
    task.follow()
    equal(operations(task),
          [("add-column", "t", None), ("insert", "t", {"id": 2, "v": "b", "n": 2}),
           ("column-type-change", "t", None), ("insert", "t", {"id": 3, "v": "c", "n": 3}),
           ("rename-column", "t", None), ("insert", "t", {"id": 4, "v": "d", "m": 4}),
           ("drop-column", "t", None), ("insert", "t", {"id": 5, "m": 5}),
           ("truncate-table", "t", None), ("rename-table", "u", None), ("insert", "u", {"id": 6, "m": 6}),
           ("drop-table", "u", None)], "records")  # fmt: skip


@mysql.on_each_server("without names in the log, columns are tracked through ALTERs, also those of a time when nobody followed")
def tracked(t, server):
    row_metadata(t, server, "NO_LOG" if server.kind == "mariadb" else "MINIMAL")
    database = server.database(t, "CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT)")
    task = MysqlTask(t, database)
    task.load()
    task.new_messages()
    # Both ALTERs lie before the catalogue that the next run sees: a and b changed their places, and look alike in the log.
    database.run("INSERT INTO t VALUES (1, 10, 20); ALTER TABLE t MODIFY a INT AFTER b; INSERT INTO t VALUES (2, 20, 10);"
                 "ALTER TABLE t ADD c INT UNSIGNED FIRST; INSERT INTO t VALUES (4294967295, 3, 20, 10);")  # fmt: skip
    task.follow()
    equal(task.changes(), [("insert", {"id": 1, "a": 10, "b": 20}), ("insert", {"id": 2, "a": 10, "b": 20}),
                           ("insert", {"id": 3, "a": 10, "b": 20, "c": 4294967295})], "records")  # fmt: skip


@mysql.on_each_server("a table that is swapped for another, as gh-ost does, goes on with the other's columns", "mariadb", "mysql")
def swapped(t, server):
    row_metadata(t, server, "FULL")
    database = server.database(t, "CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t VALUES (1, 1)")
    task = MysqlTask(t, database, mapping=dmskafka.mapping(f"{database.name}.t"))
    task.load()
    task.new_messages()
    database.run("CREATE TABLE _t_gho LIKE t; ALTER TABLE _t_gho ADD w INT; INSERT INTO _t_gho SELECT id, v, NULL FROM t;"
                 "INSERT INTO t VALUES (2, 2); INSERT INTO _t_gho VALUES (2, 2, NULL);"
                 "RENAME TABLE t TO _t_del, _t_gho TO t; INSERT INTO t VALUES (3, 3, 3); DROP TABLE _t_del;")  # fmt: skip
    task.follow()
    equal(task.changes(), [("insert", {"id": 2, "v": 2}), ("insert", {"id": 3, "v": 3, "w": 3})], "records")


# ---- kills, gaps, a failover


@mysql.on_each_server("killed again and again, nothing is lost, and the last record of each key is right")
def killed(t, server):
    database = server.database(t, "CREATE TABLE t (id INT PRIMARY KEY, v INT)")
    task = MysqlTask(t, database, groups={"ChangeProcessingTuning": {"CommitTimeout": 1}})
    task.load()
    value = 0
    for _ in range(3):
        process = task.start()
        before = len(task.messages())
        for _ in range(5):
            sql = ""
            for _ in range(10):
                value += 1
                sql += (f"BEGIN; INSERT INTO t VALUES ({value}, 0); UPDATE t SET v = {value} WHERE id % 7 = {value % 7}; COMMIT;"
                        f"DELETE FROM t WHERE id = {value - 30};")  # fmt: skip
            database.run(sql)
        wait_until(lambda: len(task.messages()) > before + 20, "some changes", step_s=0.1)
        process.kill()
        process.wait(30)
    task.follow()
    rows = {}
    for record in wire.data_records(task.messages()):
        if record["metadata"]["operation"] == "delete":
            rows.pop(record["data"]["id"], None)
        else:
            rows[record["data"]["id"]] = record["data"]["v"]
    expected = [line.split("\t") for line in database.run("SELECT id, v FROM t").splitlines()]
    equal(rows, {int(id): int(v) for id, v in expected}, "rows")


@mysql.on_each_server("a purged binlog ends with status 6, says what is missing, and --restart loads again")
def purged(t, server):
    database = server.database(t, "CREATE TABLE t (id INT PRIMARY KEY)")
    task = MysqlTask(t, database)
    task.load()
    database.run("INSERT INTO t VALUES (1)")
    server.run("FLUSH LOGS")
    database.run("INSERT INTO t VALUES (2)")
    last = server.run("SHOW MASTER STATUS").split("\t")[0]

    def purge():
        server.run(f"PURGE BINARY LOGS TO '{last}'")
        return server.run("SHOW BINARY LOGS").split("\t")[0] == last

    wait_until(purge, "the binlog is purged", step_s=0.1)
    outcome = task.follow(status=6)
    contains(outcome.err, "purged", "the message")
    contains(outcome.err, "--restart", "what helps")
    task.run("full-load", "--prepare-cdc", "--restart")
    database.run("INSERT INTO t VALUES (3)")
    task.follow()
    equal(task.changes()[-1], ("insert", {"id": 3}), "the last record")


@mysql.on_each_server("a replica that took over is followed by GTID; the old server, which lacks what it wrote, is a gap", "mariadb", "mysql")
def failover(t, server):
    _, url = servers.own_mysql(t, server.kind)
    first = mysql.Database(url)
    first.run("CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY)")
    _, url = servers.own_mysql(t, server.kind, "server-id=2", "log-slave-updates=ON", label="replica")
    second = mysql.Database(url)
    address = f"MASTER_HOST = '{first.host}', MASTER_PORT = {first.port}, MASTER_USER = 'bench', MASTER_PASSWORD = 'bench'"
    # Both servers have made their own user and database; the replica starts behind that.
    if server.kind == "mariadb":
        position = first.query("SELECT @@GLOBAL.gtid_binlog_pos")
        second.run(f"RESET MASTER; SET GLOBAL gtid_slave_pos = '{position}'; CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY);"
                   f"RESET MASTER; CHANGE MASTER TO {address}, MASTER_USE_GTID = slave_pos; START SLAVE")  # fmt: skip
    else:
        position = first.query("SELECT @@GLOBAL.gtid_executed").replace("\\n", "")
        second.run("CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY);"
                   f"RESET MASTER; SET GLOBAL gtid_purged = '{position}';"
                   f"CHANGE MASTER TO {address}, MASTER_AUTO_POSITION = 1, GET_MASTER_PUBLIC_KEY = 1; START SLAVE")  # fmt: skip
    task = MysqlTask(t, first, mapping=dmskafka.mapping("shop.%"))
    task.load()
    first.run("INSERT INTO shop.t VALUES (1)")
    task.follow()
    equal(task.changes()[-1], ("insert", {"id": 1}), "from the first server")
    first.run("INSERT INTO shop.t VALUES (2)")
    wait_until(lambda: second.query("SELECT COUNT(*) FROM shop.t") == "2", "the replica has it all")
    second.run("STOP SLAVE; INSERT INTO shop.t VALUES (3)")
    old = task.args[1]
    task.args[1] = second.url
    outcome = task.follow()
    contains(outcome.err, "is another server than before", "a warning")
    equal(task.changes(), [("insert", {"id": 2}), ("insert", {"id": 3})], "from the second server")
    task.follow()
    equal(task.changes(), [], "nothing twice")
    task.args[1] = old
    contains(task.follow(status=6).err, "sent already", "the old server")


@mysql.each_kind("a server that hangs is noticed by its silence, and followed again when it wakes")
def hangs(t, kind):
    server, url = servers.own_mysql(t, kind)
    database = mysql.Database(url)
    database.run("CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY)")
    endpoint = {"EngineName": kind, "MySQLSettings": database.endpoint(ExecuteTimeout=2)}
    task = MysqlTask(t, database, mapping=dmskafka.mapping("shop.%"), groups={"ErrorBehavior": {"RecoverableErrorInterval": 1}})
    task.args[1] = json.dumps(endpoint)
    task.load()
    process = task.start()
    database.run("INSERT INTO shop.t VALUES (1)")
    wait_until(lambda: ("insert", {"id": 1}) in task.changes(), "the first row", step_s=0.1)
    server.signal(signal.SIGSTOP)
    wait_until(lambda: "not even a heartbeat" in process.said(), "the silence is told", 30, 0.1)
    server.signal(signal.SIGCONT)
    database.run("INSERT INTO shop.t VALUES (2)")
    wait_until(lambda: ("insert", {"id": 2}) in task.changes(), "the row after it", 60, 0.1)
    process.signal(signal.SIGTERM)
    process.wait(30).expect(143)


def rows_of(records):
    return [(r["metadata"]["operation"], r["data"]["id"]) for r in records if r["metadata"]["record-type"] == "data"]


@mysql.each_kind("without GTIDs a position is a place in a file: kept over a crash and new files, lost with RESET MASTER and elsewhere", "mysql")
def no_gtids(t, kind):
    settings = ("gtid-mode=OFF", "enforce-gtid-consistency=OFF", "binlog-row-metadata=MINIMAL")
    server, url = servers.own_mysql(t, kind, *settings)
    database = mysql.Database(url)
    equal(database.query("SELECT @@GLOBAL.gtid_mode"), "OFF", "gtid_mode")
    database.run("CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY)")
    task = MysqlTask(t, database, mapping=dmskafka.mapping("shop.%"), target=DETAILS)
    task.load()
    task.new_messages()
    database.run("INSERT INTO shop.t VALUES (1); FLUSH LOGS; BEGIN; INSERT INTO shop.t VALUES (2), (3); COMMIT")
    process = task.start()
    wait_until(lambda: len(task.messages()) >= task.seen + 3, "the rows are in Kafka", step_s=0.1)
    server.kill()
    server.start()
    database.run("INSERT INTO shop.t VALUES (4)")
    wait_until(lambda: len(task.messages()) >= task.seen + 4, "a row of the new file", 60, 0.1)
    process.kill()
    process.wait(30)
    database.run("DELETE FROM shop.t WHERE id = 4; FLUSH LOGS; INSERT INTO shop.t VALUES (5)")
    task.follow()
    records = task.new_records()
    operations = rows_of(records)
    equal(list(dict.fromkeys(operations)), [("insert", 1), ("insert", 2), ("insert", 3), ("insert", 4), ("delete", 4), ("insert", 5)],
          "changes, each counted once")  # fmt: skip
    files = {r["metadata"]["stream-position"].split(":")[0] for r in records}
    check(len(files) >= 4, f"only the files {files}")
    task.follow()
    equal(task.changes(), [], "nothing twice")
    stored = task.run("status").out
    check(b"binlog." in stored, f"status shows no place in a file: {stored}")

    _, elsewhere = servers.own_mysql(t, kind, *settings, label="elsewhere")
    mysql.Database(elsewhere).run("CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY)")
    here, task.args[1] = task.args[1], elsewhere
    contains(task.follow(status=6).err, "belongs to another source", "what is said of another server")
    task.args[1] = here
    database.run("RESET MASTER; INSERT INTO shop.t VALUES (6); FLUSH LOGS; FLUSH LOGS; FLUSH LOGS; FLUSH LOGS; FLUSH LOGS")
    contains(task.follow(status=6).err, "reset", "what is said of a log that was begun anew")


# ---- what is needed


@mysql.on_each_server("the preflight names each missing right with the statement that grants it, and then all is well")
def rights(t, server):
    database = server.database(t, "CREATE TABLE p (id INT PRIMARY KEY);"
                               "CREATE TABLE t (id INT PRIMARY KEY, p INT, FOREIGN KEY the_key (p) REFERENCES p (id) ON DELETE CASCADE)")  # fmt: skip
    user = unique("user")[-16:]
    server.run(f"CREATE USER {user}@'%' IDENTIFIED BY 'secret'; GRANT SELECT ON {database.name}.* TO {user}@'%'")
    t.defer(server.run, f"DROP USER {user}@'%'")
    task = MysqlTask(t, database.as_user(user, "secret"))
    outcome = task.run("cdc", "--until-current", status=4)
    statements = re.findall(r"^\s+(GRANT .*;)$", outcome.err, re.MULTILINE)
    equal(len(statements), 2, f"statements in {outcome.err}")
    contains(outcome.err, "ON DELETE CASCADE", "the foreign key")
    for statement in statements:
        server.run(statement)
    task.run("cdc", "--until-current")
    database.run("INSERT INTO p VALUES (1)")
    task.follow()
    check(("insert", {"id": 1}) in task.changes(), "the insert")


if __name__ == "__main__":
    main()

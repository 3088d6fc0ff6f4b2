"""A binlog file beyond 4 GiB, where the positions that its events carry have wrapped around. Servers end a file behind the transaction that
makes it larger than max_binlog_size, so that only one transaction comes so far.

Size: DMSKAFKA_TEST_BINLOG_MB, 4,400 by scripts/soak; a small one shows only that the test works. Takes that much disk, once for the file
and once for the server's cache of the transaction.
"""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, mysql, servers
from lib.following import Task
from lib.harness import check, equal, main, say, wait_until

BINLOG_MB = int(os.environ.get("DMSKAFKA_TEST_BINLOG_MB", "32"))
BYTES_PER_ROW = 1 << 20


def follow_large_file(t, kind, *settings, setup=""):
    _, url = servers.own_mysql(t, kind, *settings)
    database = mysql.Database(url)
    # Nothing of the filling is kept but the log of it.
    database.run(f"{setup} CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY);"
                 "CREATE TABLE bench.filler (id INT PRIMARY KEY, filler LONGBLOB) ENGINE=BLACKHOLE")
    task = Task(t, database, source=url, mapping=dmskafka.mapping("shop.t"),
                target={"IncludeTransactionDetails": True})
    task.clean_up = lambda: None
    task.load()
    task.new_messages()
    database.run("FLUSH LOGS")
    file = database.run("SHOW MASTER STATUS").split("\t")[0]
    database.run("BEGIN; INSERT INTO shop.t VALUES (1);"
                 f"INSERT INTO bench.filler SELECT i, REPEAT('x', {BYTES_PER_ROW}) FROM {mysql.series(BINLOG_MB)};"
                 "INSERT INTO shop.t VALUES (2); COMMIT", 600)
    size = dict(line.split("\t")[:2] for line in database.run("SHOW BINARY LOGS").splitlines())[file]
    say(f"the file is {int(size):,} bytes long")
    check(int(size) > BINLOG_MB * BYTES_PER_ROW, "the file is too short")
    task.follow(limit_s=900)
    records = task.new_records()
    equal(ids(records), [1, 2], "the rows that were followed")
    places = [record["metadata"]["stream-position"].split(":")[:2] for record in records]
    equal({name for name, _ in places}, {file}, "the file of both")
    # The wrapped position would be a small one.
    first, second = (int(offset) for _, offset in places)
    check(first < BYTES_PER_ROW and int(size) - BYTES_PER_ROW < second < int(size), f"their places {first} and {second}")
    # The next start is at the file's end: without GTIDs a place that the command, with its 32 bits, cannot say.
    database.run("INSERT INTO shop.t VALUES (3)")
    process = task.start()
    wait_until(lambda: len(task.messages()) > task.seen, "a row behind it is in Kafka", 600, 0.5)
    process.kill()
    process.wait(30)
    database.run("INSERT INTO shop.t VALUES (4)")
    task.follow(limit_s=900)
    equal(sorted(set(ids(task.new_records()))), [3, 4], "the rows behind it")
    task.follow(limit_s=900)
    equal(task.changes(), [], "nothing twice")


def ids(records):
    return [record["data"]["id"] for record in records if record["metadata"]["record-type"] == "data"]


@mysql.each_kind("a binlog file beyond 4 GiB is followed, and again from a place in it")
def large_file(t, kind):
    follow_large_file(t, kind, setup="INSTALL SONAME 'ha_blackhole';" if kind == "mariadb" else "")


@mysql.each_kind("the same without GTIDs, where the file is asked for from its start", "mysql")
def large_file_without_gtids(t, kind):
    follow_large_file(t, kind, "gtid-mode=OFF", "enforce-gtid-consistency=OFF")


if __name__ == "__main__":
    main()

"""A load that was interrupted goes on where it stopped: nothing missing, finished tables not again, control records once."""

import collections
import pathlib
import random
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, gate, kafka, sqlite, wire
from lib.harness import case, check, contains, equal, main, say, wait_until

TABLE_ROWS = 2000
VIEW_ROWS = 10000
OPEN_ROWS = 5000
TABLES = [f"done_{n}" for n in range(1, 5)]
CONTROLS = ["drop-table", "create-table"]

SCHEMA = (
    gate.FUNCTION
    + gate.view("rest", VIEW_ROWS, OPEN_ROWS)
    + "".join(
        f"CREATE TABLE {name} AS SELECT id, 'row ' || id AS name FROM generate_series(1, {TABLE_ROWS}) id;"
        f"ALTER TABLE {name} ADD PRIMARY KEY (id);"
        for name in TABLES
    )
)
MAPPING = dmskafka.mapping(
    ("include", "public.done%", {"load-order": "2"}),
    ("include", "public.rest", {"load-order": "1", "object-locator": {"table-type": "view"}}),
)


class Load:
    """One task: its inputs, its state file and what its topic holds."""

    def __init__(self, t, database, topic, mapping=MAPPING, **settings):
        self.t, self.topic, self.state = t, topic, t.dir / "task.dmskafka"
        self.args = [
            "full-load",
            "--source",
            database.uri,
            "--target",
            dmskafka.kafka_target(topic),
            "--table-mappings",
            mapping,
            "--state",
            str(self.state),
            "--task-id",
            "RESUME",
            "--task-settings",
            dmskafka.task_settings(3, {"FullLoadSettings": {"MaxFullLoadSubTasks": 1}}, **settings),
        ]

    def start(self, *more):
        return dmskafka.start(self.t, *self.args, *more)

    def run(self, *more):
        return dmskafka.run(self.t, *self.args, *more)

    def tables(self, state):
        found = sqlite.query_state(
            self.state, f"SELECT table_name FROM table_load WHERE state = '{state}' ORDER BY 1;"
        )
        return found.split("\n") if found else []

    def counts(self):
        """For each table, how often each row came and its control records in the order they came."""
        rows, controls = collections.defaultdict(collections.Counter), collections.defaultdict(list)
        for message in kafka.consume(self.topic):
            value = wire.parsed(message)
            table = value["metadata"]["table-name"]
            if value["metadata"]["record-type"] == "control":
                controls[table].append(value["metadata"]["operation"])
            else:
                equal(value["data"]["name"], f"row {value['data']['id']}", f"a row of {table}")
                rows[table][value["data"]["id"]] += 1
        return rows, controls


def half_done(t):
    """A load that has done its tables and stands in the middle of the view."""
    database = t.database(SCHEMA)
    open_gate = gate.shut(t, database)
    load = Load(t, database, t.topic())
    process = load.start()
    wait_until(
        lambda: load.tables("Table completed") == TABLES
        and load.tables("Full load") == ["rest"]
        or not process.running(),
        "the tables are done and the view is begun",
        30,
    )
    check(process.running(), f"dmskafka ended by itself:\n{process.said()}")
    gate.wait_for_reader(database)
    return load, process, open_gate


def check_complete(load):
    rows, controls = load.counts()
    for table in TABLES:
        equal(rows[table], collections.Counter(range(1, TABLE_ROWS + 1)), f"rows of {table}, each once")
    equal(set(rows["rest"]), set(range(1, VIEW_ROWS + 1)), "rows of rest, none missing")
    for table in [*TABLES, "rest"]:
        equal(controls[table], CONTROLS, f"control records of {table}")
    equal(load.tables("Table completed"), [*TABLES, "rest"], "tables done in the state file")
    return rows


@case("kill -9 in the middle of a table: the rerun sends what is missing and no finished table again")
def killed(t):
    load, process, open_gate = half_done(t)
    equal(process.kill().status, -signal.SIGKILL, "status of the killed process")
    open_gate()
    outcome = load.run().expect(0)
    rows = check_complete(load)
    contains(outcome.err, "resuming: 4 of 5 tables were loaded before", "the rerun's own account")
    say(f"{sum(n - 1 for n in rows['rest'].values())} rows of the interrupted table came twice")


def stopped(t, number, status):
    load, process, open_gate = half_done(t)
    asked = time.monotonic()
    process.signal(number)
    outcome = process.wait(20).expect(status)
    seconds = time.monotonic() - asked
    check(seconds < 5, f"it took {seconds:.1f} s to stop")
    # Before anybody else opens it: the sqlite3 shell would make one of its own.
    check(
        not pathlib.Path(f"{load.state}-wal").exists(),
        "the state file was not closed: its -wal is still there",
    )
    equal(load.tables("Table completed"), TABLES, "tables done in the state file")
    equal(load.tables("Table cancelled"), ["rest"], "tables cancelled in the state file")
    say(f"stopped after {seconds:.1f} s: {outcome.err.rstrip().splitlines()[-1]}")
    open_gate()
    load.run().expect(0)
    check_complete(load)


@case("SIGINT: exit 130 within seconds, the progress saved, and the rerun completes the load")
def interrupted(t):
    stopped(t, signal.SIGINT, 130)


@case("SIGTERM: exit 143 within seconds, the progress saved, and the rerun completes the load")
def terminated(t):
    stopped(t, signal.SIGTERM, 143)


@case("a rerun of a finished load sends nothing; --restart sends everything again with new control records")
def restarted(t):
    load = Load(t, t.database(SCHEMA), t.topic())
    load.run().expect(0)
    check_complete(load)
    before = kafka.message_count(load.topic)
    again = load.run().expect(0)
    equal(kafka.message_count(load.topic), before, "messages after a rerun of a finished load")
    contains(again.err, "nothing to do", "the rerun's own account")
    load.run("--restart").expect(0)
    rows, controls = load.counts()
    for table, count in [*((table, TABLE_ROWS) for table in TABLES), ("rest", VIEW_ROWS)]:
        equal(
            rows[table],
            collections.Counter({n: 2 for n in range(1, count + 1)}),
            f"rows of {table}, each twice",
        )
        equal(controls[table], CONTROLS * 2, f"control records of {table}")


@case("kill -9 at five moments in a row: in the end no row is missing, and no table that was done came again")
def killed_repeatedly(t):
    tables = [f"many_{n:02}" for n in range(12)]
    row_count = 15000
    database = t.database(
        "".join(
            f"CREATE TABLE {name} (id int PRIMARY KEY, name text); "
            f"INSERT INTO {name} SELECT i, 'row ' || i FROM generate_series(1, {row_count}) i;"
            for name in tables
        )
    )
    load = Load(t, database, t.topic(), dmskafka.mapping("public.many%"))
    seed = random.randrange(1 << 32)
    moments = random.Random(seed)
    say(f"seed of the moments: {seed}")
    counts_when_done, kills = {}, sorted(moments.sample(range(len(tables) - 1), 5))
    for tables_done in kills:
        process = load.start()
        wait_until(
            lambda: len(load.tables("Table completed")) >= tables_done, f"{tables_done} tables are done"
        )
        # Not a wait for something: every moment from here on is right, also one after the last message.
        time.sleep(moments.uniform(0, 0.2))
        outcome = process.kill()
        check(
            outcome.status in (-signal.SIGKILL, 0), f"it ended by itself with {outcome.status}: {outcome.err}"
        )
        done = load.tables("Table completed")
        if set(done) - set(counts_when_done):
            rows, _ = load.counts()
            for table in done:
                counts_when_done.setdefault(table, rows[table])
    say(f"{len(counts_when_done)} of {len(tables)} tables were done after the last kill")
    load.run().expect(0)
    rows, controls = load.counts()
    for table in tables:
        equal(set(rows[table]), set(range(1, row_count + 1)), f"rows of {table}, none missing")
        # A kill between a control record's arrival and its note in the state file repeats it: at least once, in order.
        equal(list(dict.fromkeys(controls[table])), CONTROLS, f"control records of {table}")
    for table, counts in counts_when_done.items():
        equal(rows[table], counts, f"rows of {table}, which had been done")
    repeated = [table for table in tables if len(controls[table]) > 2]
    check(len(repeated) <= 5, f"control records came again for {repeated}")


if __name__ == "__main__":
    main()

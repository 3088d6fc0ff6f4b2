"""kill -9 at any moment loses nothing: the load resumes at the ranges left and at the rows touched since.

Sizes come from the environment: DMSKAFKA_TEST_ROWS, DMSKAFKA_TEST_KILLS, DMSKAFKA_TEST_SEED (scripts/soak raises them).
"""

import collections
import os
import pathlib
import random
import re
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, kafka, mysql, sqlite
from lib.harness import case, check, equal, main, say, wait_until

ROWS = int(os.environ.get("DMSKAFKA_TEST_ROWS", "200000"))
KILLS = int(os.environ.get("DMSKAFKA_TEST_KILLS", "5"))
SEED = int(os.environ.get("DMSKAFKA_TEST_SEED", "0")) or random.randrange(1, 1 << 32)
SHORTEST_S, LONGEST_S = 0.3, 1.2
CONTROLS = ["drop-table", "create-table"]

# Twelve columns of about 450 bytes: 200,000 rows are six ranges. `version` tells one state of a row from the next.
COLUMNS = (
    "version int NOT NULL, amount numeric(12,2), ratio double precision, name text, note text, code varchar(20), "
    "happened timestamp, born date, flag boolean, digest text, filler text"
)
VALUES = (
    "0, i * 1.25, i / 7.0, 'name ' || i, repeat('note ', 10), 'c' || (i % 1000), timestamp '2024-01-01' + i * interval "
    "'1 second', date '2000-01-01' + i % 5000, i % 2 = 0, md5(i::text), repeat(md5((i * 7)::text), 8)"
)
POSTGRES = f"""
CREATE TABLE things (id bigint PRIMARY KEY, {COLUMNS});
INSERT INTO things SELECT i, {VALUES} FROM generate_series(1, {{rows}}) i;
ANALYZE things;
"""
SQLITE = """
PRAGMA journal_mode = wal;
CREATE TABLE things (id INTEGER PRIMARY KEY, version INT NOT NULL, amount, ratio, name, note, code, happened, born, flag,
  digest, filler);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
INSERT INTO things SELECT i, 0, i * 1.25, i / 7.0, 'name ' || i, 'note', 'c' || (i % 1000), '2024-01-01', '2000-01-01', i % 2,
  hex(i * 7919), printf('%0300d', i) FROM n;
"""
MYSQL = """
CREATE TABLE things (id BIGINT PRIMARY KEY, version INT NOT NULL, amount DECIMAL(12,2), name VARCHAR(20), happened DATETIME, digest CHAR(32),
  filler VARCHAR(300));
INSERT INTO things SELECT i, 0, i * 1.25, CONCAT('name ', i), '2024-01-01' + INTERVAL i SECOND, MD5(i), REPEAT(MD5(i * 7), 8)
  FROM {series} ORDER BY i;
"""
VERSION = re.compile(rb'"version":\s?(\d+)')


class Task:
    """A load of `things`: its inputs, its state file, its topic."""

    def __init__(self, t, source, schema, program=None, readers=8):
        self.t, self.program, self.topic = t, program, t.topic()
        self.state = t.dir / f"{self.topic}.dmskafka"
        self.args = [
            "full-load",
            "--source",
            source,
            "--target",
            dmskafka.kafka_target(self.topic),
            "--table-mappings",
            dmskafka.mapping(f"{schema}.things"),
            "--state",
            self.state,
            "--task-id",
            "KILLED",
            "--task-settings",
            dmskafka.task_settings(3, {"FullLoadSettings": {"MaxFullLoadSubTasks": readers}}),
        ]
        self.sent_before = 0

    def start(self, env=None):
        return dmskafka.start(self.t, *self.args, env=env, program=self.program)

    def newly_sent(self):
        """Messages since the last call."""
        count = kafka.message_count(self.topic)
        new, self.sent_before = count - self.sent_before, count
        return new

    def ranges(self):
        """[(range, done)] of the stored plan; [] when there is none."""
        lines = sqlite.query_state(self.state, "SELECT range, done FROM segment_load ORDER BY segment;")
        return [(line[:-2], line[-1] == "1") for line in lines.splitlines()]

    def plan(self):
        """What tells one stored plan from another."""
        return sqlite.query_state(self.state, "SELECT token FROM segment_plan;")

    def completed(self):
        return (
            sqlite.query_state(self.state, "SELECT state FROM table_load WHERE table_name = 'things';")
            == "Table completed"
        )

    def messages(self):
        """The versions that came for each id, in their order, and the control records in theirs."""
        versions, controls = collections.defaultdict(list), []
        path = self.t.dir / "consumed"
        kafka.consume_lines(self.topic, path)
        with open(path, "rb") as lines:
            for line in lines:
                _, key, value = line.split(b"\t", 2)
                if found := VERSION.search(value):
                    versions[int(key)].append(int(found[1]))
                else:
                    controls.append(re.search(rb'"operation":\s?"([a-z-]+)"', value)[1].decode())
        path.unlink()
        return versions, controls


class PostgresWriter:
    """Changes a part of the rows between a kill and the rerun, and counts what it touched."""

    def __init__(self, database, dice):
        self.database, self.dice = database, dice
        self.touched = 0  # since the plan's first snapshot
        self.version = 0
        self.outdated_plan = None

    def work(self):
        """5 % of the rows: two fifths updated, the others inserted, deleted, re-keyed."""
        self.version += 1
        lowest, highest = map(int, self.database.query("SELECT min(id), max(id) FROM things").split("|"))
        step = 100
        chosen = self.dice.sample(range(step), 4)
        touched = self.database.run(
            f"""
            WITH done AS (UPDATE things SET version = {self.version} WHERE id % {step} IN ({chosen[0]}, {chosen[1]}) RETURNING 1)
              SELECT count(*) FROM done;
            DELETE FROM things WHERE id % {step} = {chosen[2]} AND version < {self.version};
            WITH done AS (UPDATE things SET id = id + {highest - lowest + 1 + step}, version = {self.version}
              WHERE id % {step} = {chosen[3]} AND version < {self.version} RETURNING 1) SELECT count(*) FROM done;
            WITH done AS (INSERT INTO things SELECT -{self.version} * 1000000 - i, {self.version}, {VALUES.split(",", 1)[1]}
              FROM generate_series(1, {max(1, ROWS // 100)}) i RETURNING 1) SELECT count(*) FROM done;
            """
        )
        self.touched += sum(map(int, touched.split()))

    def rewrite(self, task):
        self.database.run("VACUUM FULL things")
        self.outdated_plan = task.plan()

    def settle(self):
        """Until nothing on the server runs that is older than our rows: to a snapshot taken meanwhile they would count as
        written since."""
        wait_until(
            lambda: self.database.query(
                "SELECT (SELECT coalesce(max(xmin::text::bigint), 0) FROM things)"
                " < (txid_snapshot_xmin(txid_current_snapshot()) & 4294967295)"
            )
            == "t",
            "no transaction runs that is older than the rows of the table",
        )

    def rows(self):
        return int(self.database.query("SELECT count(*) FROM things"))

    def rows_at_most(self, task):
        """How many rows the next run may send."""
        plan, ranges = task.plan(), task.ranges()
        if not ranges or plan == self.outdated_plan:
            self.settle()
            self.touched = 0  # the next run's own snapshot sees all that was done so far
            return self.rows()
        left = 0
        for text, done in ranges:
            if not done:
                first, end = re.fullmatch(r"pages (\d+)-(\d*)", text).groups()
                upper = f" AND ctid < '({end},0)'" if end else ""
                left += int(
                    self.database.query(f"SELECT count(*) FROM things WHERE ctid >= '({first},0)'{upper}")
                )
        return left + self.touched

    def versions(self):
        lines = self.database.run("SELECT id, version FROM things").splitlines()
        return {int(key): int(version) for key, version in (line.split("|") for line in lines)}


class KeyWriter:
    """5 % of the rows: two fifths updated, the others inserted, deleted, re-keyed. Where the source keeps no trace of when a row was
    written, what is promised is less: rows that were there all the time under one key arrive; what changed in a finished range is not
    sent again. `run` runs SQL and gives what it prints, `bounds` the first key of a range and the one behind its last, "" for none."""

    def __init__(self, rows, dice, run, bounds):
        self.initial, self.dice, self.run, self.bounds, self.version = rows, dice, run, bounds, 0

    def work(self):
        self.version += 1
        updated, also, deleted, moved = self.dice.sample(range(100), 4)
        self.run(
            f"""
            UPDATE things SET version = {self.version} WHERE id % 100 IN ({updated}, {also});
            DELETE FROM things WHERE id % 100 = {deleted} AND id <= {self.initial};
            UPDATE things SET id = id + {self.version * self.initial * 10}, version = {self.version}
              WHERE id % 100 = {moved} AND id <= {self.initial};
            INSERT INTO things (id, version) SELECT -{self.version * self.initial} - id, {self.version} FROM things
              WHERE id BETWEEN 1 AND {max(1, self.initial // 100)};
            """
        )

    def rows_at_most(self, task):
        ranges = task.ranges()
        if not ranges:
            return int(self.run("SELECT count(*) FROM things;"))
        left = 0
        for text, done in ranges:
            if not done:
                first, end = self.bounds(text)
                lower, upper = f"id >= {first}" if first else "1", f"id < {end}" if end else "1"
                left += int(self.run(f"SELECT count(*) FROM things WHERE {lower} AND {upper};"))
        return left

    def versions(self):
        lines = self.run("SELECT id, version FROM things;").splitlines()
        return {int(key): int(version) for key, version in (re.split(r"[|\t]", line) for line in lines)}


def check_bound(task, at_most, what):
    sent = task.newly_sent()
    check(
        sent <= at_most + len(CONTROLS),
        f"{what} sent {sent} messages; the ranges left and the rows touched since were {at_most}",
    )
    return sent


def kill_until_done(task, writer, dice, kills_left, pace, rewrite_at=None):
    """Runs, kills and changes until the load is complete. Returns the kills made. `pace` shortens the time until a kill, for a
    machine on which the load is over sooner."""
    kills = 0
    while True:
        at_most = writer.rows_at_most(task)
        process = task.start()
        if kills < kills_left:
            time.sleep(pace * dice.uniform(SHORTEST_S, LONGEST_S))  # the moment is the point: any is right
            if process.running():
                outcome = process.kill()
                if outcome.status == -signal.SIGKILL:
                    kills += 1
                    check_bound(task, at_most, f"the run before kill {kills}")
                    if not task.completed():
                        writer.work()
                        if kills == rewrite_at:
                            writer.rewrite(task)
                    continue
        process.wait(300).expect(0)
        check_bound(task, at_most, "the last run")
        return kills


def check_controls(controls, kills):
    # A kill between their arrival and the note in the state file repeats them.
    equal(list(dict.fromkeys(controls)), CONTROLS, "control records")
    check(len(controls) <= len(CONTROLS) * (kills + 1), f"{len(controls)} control records after {kills} kills")


@case(f"PostgreSQL: {ROWS} rows, killed {KILLS} times and changed between: every row's last state is in the topic")
def postgres(t):
    say(f"DMSKAFKA_TEST_SEED={SEED}")
    dice = random.Random(SEED)
    rewrite_at, kills, rounds, pace = dice.randint(1, max(1, min(3, KILLS))), 0, 0, 1.0
    while kills < KILLS:
        rounds += 1
        check(rounds <= KILLS * 3, "loads end before they can be killed: raise DMSKAFKA_TEST_ROWS")
        database = t.database(POSTGRES.format(rows=ROWS))
        task, writer = Task(t, database.uri, "public"), PostgresWriter(database, dice)
        made = kill_until_done(task, writer, dice, KILLS - kills, pace, rewrite_at if rounds == 1 else None)
        pace = pace if made else pace / 2
        kills += made
        versions, controls = task.messages()
        expected = writer.versions()
        missing = [key for key in expected if key not in versions]
        equal(missing[:10], [], f"rows that are in no message, {len(missing)} in all")
        old = [key for key, version in expected.items() if versions[key][-1] != version]
        equal(old[:10], [], f"rows whose last message is not their last state, {len(old)} in all")
        check_controls(controls, made)
        came = sum(map(len, versions.values()))
        states = sum(len(set(of_one)) for of_one in versions.values())
        say(f"{made} kills, {len(expected)} rows in the end, {came} messages, {came - states} of them repeats")


def killed_by_key(t, kills_wanted, make):
    """`make(round)` gives the task and the writer of a new table."""
    say(f"DMSKAFKA_TEST_SEED={SEED}")
    dice = random.Random(SEED)
    kills, rounds, pace = 0, 0, 1.0
    while kills < kills_wanted:
        rounds += 1
        check(rounds <= kills_wanted * 3, "loads end before they can be killed: raise DMSKAFKA_TEST_ROWS")
        task, writer = make(rounds, dice)
        made = kill_until_done(task, writer, dice, kills_wanted - kills, pace)
        kills += made
        pace = pace if made else pace / 2
        versions, controls = task.messages()
        throughout = [key for key in writer.versions() if 0 < key <= writer.initial]
        missing = [key for key in throughout if key not in versions]
        equal(missing[:10], [], f"rows that are in no message, {len(missing)} in all")
        check_controls(controls, made)
        came = sum(map(len, versions.values()))
        say(f"{made} kills, {len(throughout)} rows were there throughout, {came} messages, "
            f"{came - sum(len(set(of_one)) for of_one in versions.values())} of them repeats")


@case(f"SQLite: {ROWS} rows, killed {KILLS} times and changed between: every row that was there throughout is in the topic")
def sqlite_file(t):
    def bounds(text):
        return re.fullmatch(r"rowid (-?\d*)\.\.(-?\d*)", text).groups()

    def make(number, dice):
        path = t.dir / f"things-{number}.db"
        sqlite.run(path, SQLITE.format(rows=ROWS))
        return Task(t, f"sqlite:{path}", "main"), KeyWriter(ROWS, dice, lambda sql: sqlite.run(path, sql), bounds)

    killed_by_key(t, KILLS, make)


@mysql.on_each_server("killed and changed between: every row that was there throughout is in the topic", "mariadb", "mysql")
def key_ranges(t, server):
    rows = max(1000, ROWS // 2)

    def bounds(text):
        return re.fullmatch(r"keys \(.*?\)(?: from \('(-?\d+)'\))?(?: to \('(-?\d+)'\))?", text).groups("")

    def make(number, dice):
        database = server.database(t, MYSQL.format(series=mysql.series(rows)))
        return Task(t, database.url, database.name), KeyWriter(rows, dice, database.run, bounds)

    killed_by_key(t, max(1, KILLS // 2), make)


WINDOWS = {
    "control-delivered": (1, 1),  # the control records arrived, the state file does not know
    "control-saved": (1,),  # it does, no row was read
    "inside-range": (1, 7, 40),
    "ranges-delivered": (1, 2),  # rows reported, not noted
    "ranges-saved": (1, 2),
    "table-delivered": (1, 1),
    "table-saved": (1,),
}


@case("killed in each window between Kafka's answer and the state file: nothing is missing, repeats are bounded")
def windows(t):
    program = dmskafka.binary_with_failpoints()
    few, many = (t.database(POSTGRES.format(rows=rows)) for rows in (min(ROWS, 60000), min(ROWS, 200000)))
    dice = random.Random(SEED)
    kills = collections.Counter()
    for window, counts in WINDOWS.items():
        # One reader and many ranges: they end one after another, and not all between two looks at them.
        database, readers = (many, 1) if window.startswith("ranges") else (few, 8)
        task, writer = Task(t, database.uri, "public", program, readers), PostgresWriter(database, dice)
        for count in counts:
            at_most = writer.rows_at_most(task)
            outcome = task.start(env={"DMSKAFKA_FAILPOINT": f"{window}:{count}"}).wait(120)
            check(
                outcome.status in (-signal.SIGKILL, 0), f"{window}:{count} ended with {outcome.status}:\n{outcome.err}"
            )
            kills[window] += outcome.status == -signal.SIGKILL
            check_bound(task, at_most, f"the run killed at {window}:{count}")
        done = task.completed()
        at_most = 0 if done else writer.rows_at_most(task)
        task.start().wait(120).expect(0)
        check_bound(task, at_most, f"the run after {window}")
        equal(done, outcome.status == 0 or window == "table-saved", f"the table is done after {window}")
        versions, controls = task.messages()
        equal(sorted(versions), list(range(1, writer.rows() + 1)), f"rows after {window}")
        check_controls(controls, len(counts))
    say("kills: " + ", ".join(f"{window} {kills[window]}" for window in WINDOWS))
    missed = [window for window in WINDOWS if kills[window] == 0]
    equal(missed, [], "windows in which no kill happened")


if __name__ == "__main__":
    main()

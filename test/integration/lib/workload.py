"""Random transactions for a source that changes are followed from, and what they did, as the database itself notes it.

Every statement that changes rows has a step, a number that is its own; the rows it writes carry it as their version. In the same
transaction and under the same condition it adds a line to `journal` for each row that it is about to change, so the journal holds
what was committed and nothing else. Each writer has keys of its own (id modulo the number of writers) and counts its steps up:
per key the order of steps is the order of commits. What is written depends on the seed alone.

The SQL is what PostgreSQL, MySQL and MariaDB have in common; the rest is asked of a `Dialect`.
"""

import collections
import threading
import time

Table = collections.namedtuple("Table", "name key whole_rows one_partition shared")
# key: its key columns; whole_rows: the log holds the old row whole; one_partition: its topic has one partition;
# shared: both writers write to it (tables without a key, DDL and truncates are the first writer's).
TABLES = [
    Table("keyed", ("id",), True, False, True),
    Table("plain", ("id",), False, False, True),
    Table("pairs", ("id", "half"), True, False, True),
    Table("loose", (), True, False, False),
    Table("moved", ("id",), True, True, True),
    Table("altered", ("id",), True, True, False),
    Table("emptied", (), True, True, False),
]
BY_NAME = {table.name: table for table in TABLES}
KEYS = 90
HALVES = ("a", "é")
JOURNAL = "CREATE TABLE journal (step bigint, xid {xid}, tab varchar(20), op varchar(10), place varchar(60), old_place varchar(60), " \
          "old_version bigint, columns_then varchar(200));"


class Dialect:
    """What differs between databases; PostgreSQL's here."""

    schema_name = "public"
    transaction_id = "txid_current()"
    xid_type = "bigint"
    big_type, added_type = "text", "text"
    two_phase = True
    truncates = True  # are in the log
    ddl_commits = False  # the transaction around it

    def concat(self, *parts):
        return " || ".join(parts)

    def columns_of(self, table):
        return ("(SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped AND "
                f"attrelid = '{table}'::regclass)")

    def schema(self):
        """The tables, `one` of one row, and `journal`; `loaded` rows of version 0 in each."""
        sql = [JOURNAL.format(xid=self.xid_type), "CREATE TABLE one (x int); INSERT INTO one VALUES (1);"]
        for table in TABLES:
            half = "half varchar(10) NOT NULL, " if "half" in table.key else ""
            key = f", PRIMARY KEY ({', '.join(table.key)})" if table.key else ""
            sql.append(f"CREATE TABLE {table.name} (id int NOT NULL, {half}version bigint NOT NULL, small int, big {self.big_type}{key});")
            sql += self.log_of(table)
            for key in range(1, KEYS // 2):
                values = [str(key), *(["'a'"] if half else []), "0", str(key), f"repeat('loaded ', {key * 20})"]
                sql.append(f"INSERT INTO {table.name} VALUES ({', '.join(values)});")
        return "\n".join(sql)

    def log_of(self, table):
        """What makes the log hold what it is to hold."""
        # Not compressed, so that it is kept out of line.
        external = f"ALTER TABLE {table.name} ALTER big SET STORAGE EXTERNAL;"
        return [f"ALTER TABLE {table.name} REPLICA IDENTITY FULL;", external] if table.whole_rows else [external]

    def drop(self):
        return f"DROP TABLE journal, one, {', '.join(table.name for table in TABLES)};"

    def prepared(self, transaction, name):
        """A transaction that began with BEGIN, prepared."""
        return [*transaction, f"PREPARE TRANSACTION '{name}';"]

    def truncate(self, notes_and_names):
        """Tables truncated in one transaction, each with its line for the journal."""
        return [*(note for note, _ in notes_and_names), f"TRUNCATE TABLE {', '.join(name for _, name in notes_and_names)};"]

    def finish_prepared(self, name, commit):
        return [f"{'COMMIT' if commit else 'ROLLBACK'} PREPARED '{name}';"]

    def settings(self, name):
        """Of a writer's session: whom it cannot get past it gives way to."""
        return f"SET application_name = '{name}'; SET lock_timeout = '1s'; SET deadlock_timeout = '50ms'; SET client_min_messages = fatal;"


class Writer:
    """Makes the transactions of one writer. Thread: one at a time."""

    def __init__(self, number, writers, dice, dialect):
        self.number, self.writers, self.dice, self.dialect = number, writers, dice, dialect
        self.name = f"writer{number}"
        self.step = number
        self.prepared = None  # the name of a transaction left prepared, or perhaps left so
        self.tables = [t for t in TABLES if t.shared or number == 0]

    def chunk(self, transactions):
        statements = [self.dialect.settings(self.name)]
        if self.prepared:
            statements += self.dialect.finish_prepared(self.prepared, self.dice.random() < 0.7)
            self.prepared = None
        for _ in range(transactions):
            statements += self._transaction()
            if self.prepared:
                break
        return "\n".join(statements)

    def touch(self, table):
        """Every row once more, so that its last record shows the columns that the table has now."""
        return "\n".join(["BEGIN;", *self._update_where(BY_NAME[table], "1 = 1", "small = 0"), "COMMIT;"])

    def _transaction(self):
        dice, out = self.dice, ["BEGIN;"]
        for _ in range(dice.choice((1, 1, 2, 3, 5, 8, 20))):
            out += self._savepoint() if dice.random() < 0.07 else self._change()
        fate = dice.random()
        if fate < 0.08:
            return [*out, "ROLLBACK;"]
        if fate < 0.16 and self.dialect.two_phase:
            name = f"{self.name}_{self.step}"
            out = self.dialect.prepared(out, name)
            if dice.random() < 0.3:
                self.prepared = name  # till the next chunk, whatever happens before
                return out
            return out + self.dialect.finish_prepared(name, dice.random() < 0.8)
        return [*out, "COMMIT;"]

    def _savepoint(self):
        inside = [line for _ in range(self.dice.randint(1, 3)) for line in self._change()]
        end = self.dice.choice(("ROLLBACK TO SAVEPOINT s;", "RELEASE SAVEPOINT s;"))
        return ["SAVEPOINT s;", *inside, end]

    def _next(self):
        self.step += self.writers
        return self.step

    def _change(self):
        dice = self.dice
        table = dice.choice(self.tables)
        if table.name == "altered" and dice.random() < 0.08:
            return self._alter()
        if self.dialect.truncates and table.name in ("altered", "emptied") and dice.random() < 0.04:
            return self._truncate(dice.choice((("altered",), ("emptied",), ("altered", "emptied"))))
        if not table.key:
            return dice.choice((self._add, self._add, self._update_some, self._delete))(table)
        ways = [self._insert, self._insert, self._update, self._update, self._update_some, self._move, self._move, self._delete,
                self._replace, *([self._chase] * 3 if table.name == "moved" else [])]
        return dice.choice(ways)(table)

    # --- one statement and its lines in the journal ---

    def _key(self, table):
        # Few keys are busy, so that many things happen to the same row.
        keys = KEYS if self.dice.random() < 0.6 else KEYS // 6
        key = [str(self.dice.randrange(keys // self.writers) * self.writers + self.number + 1)]
        return (*key, *([f"'{self.dice.choice(HALVES)}'"] if len(table.key) > 1 else []))

    @staticmethod
    def _is(table, key):
        return " AND ".join(f"{column} = {value}" for column, value in zip(table.key, key))

    def _place(self, table):
        """The Kafka key of a row, as an expression."""
        if not table.key:
            return f"'{self.dialect.schema_name}.{table.name}'"
        return self.dialect.concat(*[part for column in table.key for part in ("'.'", column)][1:])

    def _note(self, step, table, op, place, old_place, old_version, source):
        columns = self.dialect.columns_of(table.name) if table.name == "altered" else "NULL"
        return (f"INSERT INTO journal SELECT {step}, {self.dialect.transaction_id}, '{table.name}', '{op}', {place}, {old_place}, "
                f"{old_version}, {columns} FROM {source};")

    def _big(self):
        if self.dice.random() < 0.7:
            return f"'{self.dice.random()}'"
        return f"repeat('{self.dice.random()}', {self.dice.choice((150, 300, 1000, 1000, 8000))})"

    def _insert(self, table, key=None):
        step, key = self._next(), key or self._key(table)
        source = f"one WHERE NOT EXISTS (SELECT 1 FROM {table.name} WHERE {self._is(table, key)})"
        columns = ", ".join((*table.key, "version", "small", "big"))
        values = ", ".join((*key, str(step), str(step % 1000), self._big()))
        return [self._note(step, table, "insert", self._literal(key), "NULL", "NULL", source),
                f"INSERT INTO {table.name} ({columns}) SELECT {values} FROM {source};"]

    @staticmethod
    def _literal(key):
        return "'" + ".".join(part.strip("'") for part in key) + "'"

    def _add(self, table):
        """One row twice, without a key."""
        step, number = self._next(), self.dice.randint(1, KEYS)
        row = f"({number}, {step}, {self.dice.randint(0, 9)}, {self._big()})"
        rows = [row] * self.dice.choice((1, 1, 2))
        notes = [self._note(step, table, "insert", self._place(table), "NULL", "NULL", "one") for _ in rows]
        return [*notes, f"INSERT INTO {table.name} (id, version, small, big) VALUES {', '.join(rows)};"]

    def _update_where(self, table, condition, assignments):
        step = self._next()
        place = self._place(table)
        return [self._note(step, table, "update", place, place, "version", f"{table.name} WHERE {condition}"),
                f"UPDATE {table.name} SET version = {step}, {assignments} WHERE {condition};"]

    def _update(self, table):
        assignments = f"small = {self.dice.randint(0, 9)}" if self.dice.random() < 0.6 else f"big = {self._big()}"
        return self._update_where(table, self._is(table, self._key(table)), assignments)

    def _update_some(self, table):
        mine = f"(id - 1) % {self.writers} = {self.number} AND " if table.key else ""
        return self._update_where(table, f"{mine}id % 17 = {self.dice.randrange(17)}", f"small = {self.dice.randint(0, 9)}")

    def _chase(self, table):
        """Long records and short ones of a key that is left and taken again: whoever does not wait comes too early."""
        old, new = self._key(table), self._key(table)
        long, short = f"big = repeat('{self.dice.random()}', 2000)", "big = 'short'"
        return [*self._insert(table, old), *self._update_where(table, self._is(table, old), long), *self._move(table, old, new, short),
                *self._update_where(table, self._is(table, new), long), *self._move(table, new, old, long),
                *self._insert(table, new), *self._delete(table, new)]

    def _move(self, table, old=None, new=None, more=None):
        step, old, new = self._next(), old or self._key(table), new or self._key(table)
        if old == new:
            return self._update(table)
        free = f"NOT EXISTS (SELECT 1 FROM (SELECT {', '.join(table.key)} FROM {table.name}) taken WHERE {self._is(table, new)})"
        condition = f"{self._is(table, old)} AND {free}"
        assignments = ", ".join([*(f"{column} = {value}" for column, value in zip(table.key, new)), *([more] if more else [])])
        return [self._note(step, table, "update", self._literal(new), self._literal(old), "version",
                           f"{table.name} WHERE {condition}"),
                f"UPDATE {table.name} SET version = {step}, {assignments} WHERE {condition};"]

    def _delete(self, table, key=None):
        step = self._next()
        condition = self._is(table, key or self._key(table)) if table.key else f"id = {self.dice.randint(1, KEYS)}"
        place = self._place(table)
        return [self._note(step, table, "delete", place, place, "version", f"{table.name} WHERE {condition}"),
                f"DELETE FROM {table.name} WHERE {condition};"]

    def _replace(self, table):
        return [*self._delete(table), *self._insert(table)]

    def _truncate(self, names):
        return self.dialect.truncate([(self._note(self._next(), BY_NAME[name], "truncate", "NULL", "NULL", "NULL", "one"), name)
                                      for name in names])

    def _alter(self):
        one, other = self.dice.sample(("e1", "e2", "e3"), 2)
        change = self.dice.choice((f"ADD COLUMN {one} {self.dialect.added_type} DEFAULT '{self.step}'", f"ADD COLUMN {one} int DEFAULT 7",
                                   f"DROP COLUMN {one}", f"RENAME COLUMN {one} TO {other}"))
        # A column that is there already, or not, undoes the transaction: one more kind of rollback.
        again = ["BEGIN;"] if self.dialect.ddl_commits else []
        return [f"ALTER TABLE altered {change};", *again, *self._insert(BY_NAME["altered"])]


class Writers:
    """Threads that write until told to stop. `run(script)` runs a script on a connection of its own, passing over errors, and is
    False when the connection was lost on the way; `recover(writer)` then finishes what the writer may have left prepared."""

    def __init__(self, t, writers, run, recover, pause_s=0.2, transactions=15):
        self._writers, self._run, self._recover = writers, run, recover
        self._pause_s, self._transactions = pause_s, transactions
        self._stop, self._threads = threading.Event(), []
        t.defer(self.stop)

    def start(self):
        self._stop.clear()
        self._threads = [threading.Thread(target=self._write, args=(w,), daemon=True) for w in self._writers]
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._threads = []

    def settle(self):
        """Nobody writes any more, and nothing is left prepared."""
        self.stop()
        for writer in self._writers:
            self._recover(writer)

    def _write(self, writer):
        while not self._stop.is_set():
            if not self._run(writer.chunk(self._transactions)):
                self._recover(writer)
            time.sleep(self._pause_s)

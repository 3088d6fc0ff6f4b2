"""MySQL and MariaDB as a source that changes are followed from, with a server of the test's own that may be killed and restarted.

The interface is that of lib/postgres_source.py.
"""

import re

from lib import mysql, servers, workload
from lib.harness import Failure, wait_until


class Dialect(workload.Dialect):
    # The id of a transaction is its place in the log, which no statement knows.
    transaction_id = "NULL"
    big_type, added_type = "longtext", "varchar(20)"
    ddl_commits = True

    def __init__(self, schema_name):
        self.schema_name = schema_name

    def concat(self, *parts):
        return f"CONCAT({', '.join(parts)})"

    def columns_of(self, table):
        return ("(SELECT GROUP_CONCAT(column_name ORDER BY ordinal_position) FROM information_schema.columns "
                f"WHERE table_schema = DATABASE() AND table_name = '{table}')")

    def log_of(self, table):
        return []  # all columns are in the log

    def prepared(self, transaction, name):
        return [f"XA START '{name}';", *transaction[1:], f"XA END '{name}';", f"XA PREPARE '{name}';"]

    def finish_prepared(self, name, commit):
        return [f"XA {'COMMIT' if commit else 'ROLLBACK'} '{name}';"]

    def truncate(self, notes_and_names):
        # It commits what stands before it.
        return [line for note, name in notes_and_names for line in (note, f"TRUNCATE TABLE {name};", "BEGIN;")]

    def settings(self, name):
        # The lock goes with the session. A derived table that is merged would be the table that is changed.
        return (f"DO GET_LOCK('{name}', 60); SET SESSION innodb_lock_wait_timeout = 1, lock_wait_timeout = 5, optimizer_switch = 'derived_merge=off';"
                "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;")


class MysqlSource:
    """`kind`: of lib/mysql.py."""

    def __init__(self, t, kind, *settings):
        self.server, self.url = servers.own_mysql(t, kind, *settings)
        self._database = mysql.Database(self.url)
        self.dialect = Dialect(self._database.name)

    def task_arguments(self):
        return ["--source", self.url]

    def create(self, sql):
        self._database.run(sql)

    def query(self, sql):
        return self._database.query(sql)

    def rows(self, query):
        return [[None if field is None else field.decode() for field in row] for row in self._database.rows(query)]

    def write(self, script):
        """Runs a script up to its first error, with which its transaction is rolled back. False: there was one."""
        return self._database.try_run(script)

    def recover(self, writer):
        """Waits for the server and finishes what the writer left prepared, or a client that was cut off still does."""

        def finished():
            try:
                if self.query(f"SELECT IS_FREE_LOCK('{writer.name}')") != "1":
                    return False
                for row in self.rows("XA RECOVER"):
                    if row[3].startswith(f"{writer.name}_"):
                        self._database.run("\n".join(self.dialect.finish_prepared(row[3], commit=True)))
                return True
            except Failure:
                return False

        writer.prepared = None
        wait_until(finished, "the server has recovered", 60, 0.2)

    def restart(self, hard):
        if hard:
            self.server.kill()
        else:
            self.server.stop()
        self.server.start()

    # --- positions ---

    @staticmethod
    def position_of(text):
        """A number to compare by: of "binlog.000002:345 …", and of a record's stream-position, which begins with its rows' place."""
        file, offset = re.match(r"[^:]*\.(\d+):(\d+)", text).groups()
        return (int(file) << 40) + int(offset)

    def acknowledged(self):
        """The server keeps its log whoever reads it."""
        return 0

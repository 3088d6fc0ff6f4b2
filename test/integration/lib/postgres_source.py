"""PostgreSQL as a source that changes are followed from, with a server of the test's own that may be killed and restarted.

The interface is what lib/workload.py, lib/judge.py and the tests of following need of any database.
"""

import os
import signal
import subprocess

from lib import postgres, servers, workload
from lib.harness import Failure, check, wait_until


class PostgresSource:
    def __init__(self, t, *settings):
        options = [word for setting in ("max_prepared_transactions=20", *settings) for word in ("--set", setting)]
        self.server = servers.own_postgres(t, *options)
        self.uri = self.server.address
        self._database = postgres.Database(self.uri)
        self.dialect = workload.Dialect()
        self.dialect.truncates = int(self.query("SHOW server_version_num")) >= 110000

    def task_arguments(self):
        return ["--source", self.uri]

    def create(self, sql):
        self._database.run(sql)

    def query(self, sql):
        return self._database.query(sql)

    def rows(self, query):
        """The rows of a query as lists of texts; NULL is None. The unit separator parts the fields."""
        done = subprocess.run([postgres.program("psql"), "-XAtq", "-F", "\x1f", "-P", "null=\x1e", "-v", "ON_ERROR_STOP=1", "-c", query, self.uri],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        check(done.returncode == 0, done.stderr.decode(errors="replace"))
        return [[None if field == "\x1e" else field for field in line.split("\x1f")] for line in done.stdout.decode().split("\n")[:-1]]

    def write(self, script):
        """Runs a script past its errors. False: the connection was lost on the way, or there was none."""
        done = subprocess.run([postgres.program("psql"), "-XAtq", self.uri], input=script.encode(), stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, timeout=120)
        return done.returncode == 0

    def recover(self, writer):
        """Waits for the server and finishes what the writer left prepared, or a client that was cut off still does."""
        def finished():
            try:
                if self.query(f"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{writer.name}'") != "0":
                    return False
                for (name,) in self.rows(f"SELECT gid FROM pg_prepared_xacts WHERE gid LIKE '{writer.name}\\_%'"):
                    self._database.run("\n".join(self.dialect.finish_prepared(name, commit=True)))
                return True
            except Failure:
                return False

        writer.prepared = None
        wait_until(finished, "the server has recovered", 60, 0.2)

    def restart(self, hard):
        if hard:  # as after a crash, but without processes that linger
            pid = self.server.pid
            self.server.signal(signal.SIGQUIT)
            wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "the server has gone", 30)
        else:
            self.server.stop()
        self.server.start()

    # --- positions ---

    @staticmethod
    def position_of(text):
        """A number to compare by: of "1A/2B", and of a record's stream-position."""
        high, low = text.split(".")[0].split("/")
        return (int(high, 16) << 32) + int(low, 16)

    def acknowledged(self):
        """Up to where the server may forget its log."""
        return self.position_of(self.query("SELECT confirmed_flush_lsn FROM pg_replication_slots"))

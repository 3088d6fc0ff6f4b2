"""PostgreSQL through its own client, psql."""

import contextlib
import functools
import glob
import os
import shutil
import subprocess
import urllib.parse

from lib.harness import Failure, Skip, unique, wait_until


@functools.lru_cache(maxsize=None)
def program(name):
    """A program of PostgreSQL's, the newest one here. Debian's /usr/bin/psql is written in Perl and looks for the real one, which is
    more work than most of what we ask of it."""
    installed = glob.glob(f"/usr/lib/postgresql/*/bin/{name}")
    found = max(installed, key=lambda path: float(path.split("/")[4])) if installed else shutil.which(name)
    if not found:
        raise Skip(f"{name} is not installed (apt-get install postgresql)")
    return found


class Database:
    def __init__(self, uri):
        self.uri = uri

    def run(self, sql, limit_s=120):
        """Runs a script; any error of it is a failure of the test."""
        return self._psql(["-At", "-f", "-"], sql, limit_s).decode()

    def query(self, sql):
        """The only value of a query, as text."""
        return self.run(sql).rstrip("\n")

    def copy(self, query, stdout=subprocess.PIPE):
        """A process that prints the rows in COPY's text form, times in UTC."""
        return subprocess.Popen(
            [program("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", f"COPY ({query}) TO STDOUT", self.uri],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            env={**os.environ, "PGTZ": "UTC", "PGOPTIONS": "-c bytea_output=hex -c extra_float_digits=3"},
        )

    def session(self, t, sql):
        """A psql in the background that has been given `sql`; it ends, and its transaction with it, when the case does
        or with end(). What it prints is thrown away."""
        process = subprocess.Popen(
            [program("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", self.uri],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        process.stdin.write(sql.encode() + b"\n")
        process.stdin.flush()
        t.defer(_end, process)
        return lambda: _end(process)

    def end_following(self):
        """A slot would keep the database from being dropped."""
        admin = Database(superuser_uri())
        name = self.uri.rsplit("/", 1)[1]
        admin.run(f"SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = '{name}' AND active;"
                  f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '{name}';")

    def _psql(self, args, sql, limit_s):
        done = subprocess.run(
            [program("psql"), "-Xq", "-v", "ON_ERROR_STOP=1", *args, self.uri],
            input=sql.encode(),
            capture_output=True,
            timeout=limit_s,
        )
        if done.returncode:
            raise Failure(f"psql: {done.stderr.decode(errors='replace')}")
        return done.stdout


def superuser_uri():
    """The server all tests share. Skips when there is none."""
    uri = os.environ.get("DMSKAFKA_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:15432/bench")
    _require(uri)
    return uri


@functools.lru_cache(maxsize=None)
def _require(uri):
    done = subprocess.run(
        [program("psql"), "-XAtqc", "select 1", uri], capture_output=True, env={**os.environ, "PGCONNECT_TIMEOUT": "5"}
    )
    if done.returncode:
        raise Skip(
            f"no PostgreSQL at {uri} ({done.stderr.decode().strip()}): "
            "scripts/postgres-up starts one, DMSKAFKA_TEST_POSTGRES names another"
        )


def with_database(uri, name):
    return urllib.parse.urlsplit(uri)._replace(path="/" + name).geturl()


def with_user(uri, user, password=None):
    parts = urllib.parse.urlsplit(uri)
    credentials = user if password is None else f"{user}:{urllib.parse.quote(password, safe='')}"
    return parts._replace(netloc=f"{credentials}@{parts.hostname}:{parts.port or 5432}").geturl()


@contextlib.contextmanager
def temporary_database(label, sql="", server=None):
    server = server or superuser_uri()
    name = unique(label)
    admin = Database(server)
    admin.run(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    try:
        database = Database(with_database(server, name))
        if sql:
            database.run(sql)
        yield database
    finally:
        # WITH (FORCE) is of 13 and later.
        admin.run(f"UPDATE pg_database SET datallowconn = false WHERE datname = '{name}';"
                  f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}';")
        wait_until(lambda: admin.query(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'") == "0",
                   f"nobody uses {name}", 30)
        admin.run(f"DROP DATABASE {name}")


def _end(process):
    if process.poll() is None:
        process.kill()
    process.wait()
    process.stdin.close()

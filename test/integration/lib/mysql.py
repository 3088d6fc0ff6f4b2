"""MySQL and MariaDB through MariaDB's own client, mariadb, which Debian has for both."""

import functools
import os
import shutil
import subprocess
import urllib.parse

from lib import wire
from lib.harness import Failure, Skip, case, unique

NAMES = {"mariadb": "MariaDB", "mysql": "MySQL 8.0", "mysql57": "MySQL 5.7"}
KINDS = tuple(NAMES)
_URLS = {
    "mariadb": "mariadb://bench:bench@127.0.0.1:13306/bench",
    "mysql": "mysql://bench:bench@127.0.0.1:13380/bench",
    "mysql57": "mysql://bench:bench@127.0.0.1:13357/bench",
}
_SCRIPTS = {"mariadb": "mariadb-up", "mysql": "mysql-up", "mysql57": "mysql-up --version 5.7"}


def series(rows):
    """A table expression of the numbers `i` from 1 to `rows` that all servers know."""
    digits = "(SELECT 0 AS n" + "".join(f" UNION SELECT {n}" for n in range(1, 10)) + ")"
    places = range(len(str(rows)))
    value = " + ".join(["1", *(f"{10 ** place} * d{place}.n" for place in places)])
    return f"(SELECT {value} AS i FROM {', '.join(f'{digits} d{place}' for place in places)} HAVING i <= {rows}) AS numbers"


def each_kind(claim, *kinds):
    """Registers the case for some kinds of server, MariaDB and MySQL 8.0 unless told; the function gets the case and the kind."""

    def register(function, name=None):
        for kind in kinds or ("mariadb", "mysql"):

            def run(t, kind=kind):
                function(t, kind)

            run.__name__ = f"{name or function.__name__}_{kind}"
            case(f"{NAMES[kind]}: {claim}")(run)
        return function

    return register


def on_each_server(claim, *kinds):
    """The same for servers that all tests share, all kinds unless told; the function gets the case and a Server."""

    def register(function):
        each_kind(claim, *(kinds or KINDS))(lambda t, kind: function(t, Server(kind)), name=function.__name__)
        return function

    return register


class Database:
    """A database by its URL. Every session of the client has UTC, utf8mb4 and sql_mode ''."""

    def __init__(self, url):
        self.url = url
        parts = urllib.parse.urlsplit(url)
        self.host, self.port, self.user = parts.hostname, parts.port or 3306, parts.username
        self.password = urllib.parse.unquote(parts.password or "")
        self.name = parts.path[1:]

    def run(self, sql, limit_s=120):
        """Runs a script; any error of it is a failure of the test. What it selects comes as lines of fields parted by TABs."""
        done = self._client(["-N", "-B"], sql, limit_s)
        if done.returncode:
            raise Failure(f"mariadb: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode()

    def try_run(self, sql, limit_s=120):
        """Runs a script up to its first error; False when there was one, or no server."""
        return self._client(["-N", "-B"], sql, limit_s).returncode == 0

    def query(self, sql):
        """The only value of a query, as text."""
        return self.run(sql).rstrip("\n")

    def rows(self, query):
        """The rows of a query as lists of bytes, None for NULL. No value may be the text NULL."""
        with self.print(query) as lines:
            rows = [fields(line) for line in lines.stdout]
        if lines.returncode:
            raise Failure(f"the client failed on {query[:300]}")
        return rows

    def print(self, query, stdout=subprocess.PIPE):
        """A process that prints the rows of a query; fields() takes a line of it apart."""
        return subprocess.Popen([*self._command(), "-N", "-B", "--quick", "-e", query, self.name],
                                stdin=subprocess.DEVNULL, stdout=stdout, env=self._environment())  # fmt: skip

    def session(self, t, sql):
        """A client in the background that has been given `sql`; it ends, and its transaction with it, when the case does or
        with end(). What it prints is thrown away."""
        process = self._background(t, subprocess.PIPE)
        process.stdin.write(sql.encode() + b"\n")
        process.stdin.flush()
        return lambda: _end(process)

    def session_of_file(self, t, path):
        """The same with a file of statements, however long."""
        with open(path, "rb") as script:
            process = self._background(t, script)
        return lambda: _end(process)

    def _background(self, t, stdin):
        process = subprocess.Popen([*self._command(), self.name], stdin=stdin, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env=self._environment())  # fmt: skip
        t.defer(_end, process)
        return process

    @property
    def uri(self):
        return self.url

    def end_following(self):
        """Nothing is left in the server."""

    def endpoint(self, **settings):
        """The members of an endpoint's MySQLSettings that name this database's server."""
        return {"ServerName": self.host, "Port": self.port, "Username": self.user, "Password": self.password, **settings}

    def as_user(self, user, password):
        parts = urllib.parse.urlsplit(self.url)
        netloc = f"{user}:{urllib.parse.quote(password, safe='')}@{self.host}:{self.port}"
        return Database(parts._replace(netloc=netloc).geturl())

    def _command(self):
        return ["mariadb", "--no-defaults", "--protocol=tcp", "--skip-ssl", "-h", self.host, "-P", str(self.port), "-u", self.user,
                "--default-character-set=utf8mb4", "--init-command=SET time_zone='+00:00', sql_mode=''",
                "--max-allowed-packet=1G"]  # fmt: skip

    def _environment(self):
        return {**os.environ, "MYSQL_PWD": self.password}

    def _client(self, args, sql, limit_s):
        return subprocess.run([*self._command(), *args, self.name], input=sql.encode(), capture_output=True, timeout=limit_s,
                              env=self._environment())  # fmt: skip


class Server(Database):
    """The server of a kind that all tests share. Skips when there is none."""

    def __init__(self, kind):
        self.kind, self.shown = kind, NAMES[kind]
        variable = f"DMSKAFKA_TEST_{kind.upper()}"
        super().__init__(os.environ.get(variable, _URLS[kind]))
        _require(self.url, f"scripts/{_SCRIPTS[kind]} starts one, {variable} names another")

    def database(self, t, sql="", options="CHARACTER SET utf8mb4"):
        """A database of the case's own."""
        return temporary_database(t, self, sql, options)


def temporary_database(t, server, sql="", options="CHARACTER SET utf8mb4"):
    name = unique(t.name)
    server.run(f"CREATE DATABASE {name} {options}")
    t.defer(server.run, f"DROP DATABASE {name}")
    database = Database(urllib.parse.urlsplit(server.url)._replace(path="/" + name).geturl())
    if sql:
        database.run(sql)
    return database


def fields(line):
    """The fields of a line that the client printed, undone from its escapes; None for NULL."""
    return [None if field == b"NULL" else wire.copy_text(field) for field in line.rstrip(b"\n").split(b"\t")]


@functools.lru_cache(maxsize=None)
def _require(url, how):
    if not shutil.which("mariadb"):
        raise Skip("MariaDB's client is not installed (apt-get install mariadb-client)")
    done = Database(url)._client(["--connect-timeout=5"], "SELECT 1", 30)
    if done.returncode:
        raise Skip(f"no server at {url} ({done.stderr.decode().strip()}): {how}")


def _end(process):
    if process.poll() is None:
        process.kill()
    process.wait()
    if process.stdin:
        process.stdin.close()

"""Servers of a test's own, for what cannot be done to shared ones: passwords, restarts, death."""

import os
import pathlib
import random
import signal
import socket
import subprocess

from lib.harness import ROOT, Failure, Skip, wait_until

SCRIPTS = pathlib.Path(os.environ.get("DMSKAFKA_TEST_SCRIPTS", ROOT / "scripts"))


def script(name):
    path = SCRIPTS / name
    if not os.access(path, os.X_OK):
        raise Skip(f"{path} is not there (DMSKAFKA_TEST_SCRIPTS names another directory)")
    return str(path)


def free_ports(count):
    """The first of `count` neighbouring ports nobody uses, below those that Linux gives to outgoing connections."""
    for _ in range(1000):
        port = random.randrange(20000, 32000)
        if all(_is_free(port + i) for i in range(count)):
            return port
    raise Failure("no free port")


def _is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """A server made by one of the scripts, gone with everything it kept when the case ends."""

    def __init__(self, t, name, port, *options, label=None):
        self.dir = t.dir / (label or name)
        self.port = port
        self._command = [script(name), "--port", str(port), "--dir", str(self.dir), *options]
        self.address = None
        t.defer(self._wipe)
        self.start()

    def start(self):
        self.address = self._run("start")

    def stop(self):
        self._run("stop")

    def kill(self):
        """kill -9, as a machine that loses its power."""
        self.signal(signal.SIGKILL)
        wait_until(lambda: not _listens(self.port), "the killed server's port is closed", 10)

    def signal(self, number):
        os.kill(self.pid, number)

    @property
    def pid(self):
        return int((self.dir / "pid").read_text())

    def _run(self, verb, limit_s=120):
        # Not a pipe for stderr: the server inherits it, and the pipe would stay open as long as the server lives.
        log = open(self.dir.parent / "server-script.log", "ab")
        with log:
            done = subprocess.run(
                [*self._command, verb],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                timeout=limit_s,
            )
        if done.returncode:
            raise Skip(f"{self._command[0]} {verb} failed: {pathlib.Path(log.name).read_text()[-2000:]}")
        return done.stdout.decode().strip()

    def _wipe(self):
        if (self.dir / "pid").exists():
            self._signal_quietly(signal.SIGCONT)
        self._run("wipe")

    def _signal_quietly(self, number):
        try:
            self.signal(number)
        except OSError:
            pass


def own_kafka(t, *options):
    return Server(t, "kafka-up", free_ports(2), "--short-lived", "--heap", "256m", *_version("KAFKA"), *options)


def own_postgres(t, *options, port=None, label=None):
    """`port`: of a server of this case that is stopped, whose place it takes; then it needs a label of its own."""
    return Server(t, "postgres-up", port or free_ports(1), *_version("POSTGRES"), *options, label=label)


def own_mysql(t, kind, *settings, port=None, label=None):
    """A MariaDB or MySQL of a kind of lib/mysql.py, small; `settings`: "name=value"; the rest as of own_postgres(). Gives the server and
    its URL."""
    options = [word for setting in ("innodb-buffer-pool-size=64M", *settings) for word in ("--set", setting)]
    name, scheme = ("mariadb-up", "mariadb") if kind == "mariadb" else ("mysql-up", "mysql")
    if kind == "mariadb":
        options += ["--set", "innodb-log-file-size=64M"]
    if kind == "mysql57":
        options += ["--version", "5.7"]
    server = Server(t, name, port or free_ports(1), *options, label=label or kind)
    return server, f"{scheme}://bench:bench@{server.address}/bench"


def version_of(name):
    """Which version of KAFKA or POSTGRES a test's own servers have; None: the scripts' default."""
    version = os.environ.get(f"DMSKAFKA_TEST_{name}_VERSION")
    return None if version == "default" else version


def _version(name):
    version = version_of(name)
    return ["--version", version] if version else []

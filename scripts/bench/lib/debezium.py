"""Debezium on the same table into the same Kafka: one connector in Connect standalone, tuned as its documentation
advises for large snapshots and much traffic. Its jars come through maven's ordinary client into the user's cache."""
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from lib.servers import TICKS, record_count, run

FILES = Path(__file__).resolve().parent.parent / "debezium"
SNAPSHOT_SECONDS_MAX = 600


def _jars():
    jars = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "bench-debezium"
    if not jars.is_dir():
        run("mvn", "-q", "-B", "-f", FILES / "pom.xml",
            "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies",
            "-DincludeScope=runtime", f"-DoutputDirectory={jars}")
    return jars


def _usage(pid):
    """CPU seconds and peak memory in MB of a process that runs."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    peak = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return (int(fields[11]) + int(fields[12])) / TICKS, int(peak.split()[1]) / 1024


def snapshot(postgres_port, kafka, table, rows, name, directory):
    """Runs it until the topic holds all rows; the time counts from the start of the process, as for every contender."""
    with connector(postgres_port, kafka, table, name, directory, SNAPSHOT="initial_only", SLOT=name, PUBLICATION=name,
                   AUTOCREATE="filtered") as running:
        return running.until(rows)


def changes(postgres_port, kafka, table, count, name, directory, slot, publication):
    """Reads what waits in the slot until the topic holds so many records."""
    with connector(postgres_port, kafka, table, name, directory, SNAPSHOT="no_data", SLOT=slot, PUBLICATION=publication,
                   AUTOCREATE="disabled") as running:
        return running.until(count)


class Running:
    def __init__(self, process, start, kafka, topic, log):
        self._process, self._start, self._kafka, self.topic, self._log = process, start, kafka, topic, log

    def until(self, rows):
        """What it took until the topic held so many records."""
        while time.monotonic() - self._start < SNAPSHOT_SECONDS_MAX:
            if self._process.poll() is not None:
                sys.exit("Debezium ended early:\n" + self._log.read_text()[-4000:])
            try:
                if record_count(self._kafka, self.topic) >= rows:
                    wall = time.monotonic() - self._start
                    cpu, memory = _usage(self._process.pid)
                    return {"seconds": wall, "cpu": cpu, "memory_mb": memory}
            except (subprocess.CalledProcessError, ValueError, IndexError):
                pass  # the topic is not there yet
            time.sleep(0.2)
        sys.exit("Debezium did not finish; the end of its log:\n" + self._log.read_text()[-4000:])


@contextlib.contextmanager
def connector(postgres_port, kafka, table, name, directory, **values):
    """One connector in a Connect of its own, killed at the end."""
    state = directory / name
    state.mkdir()
    values |= {"BOOT": kafka, "STATE": str(state), "NAME": name, "TABLE": table, "PG_PORT": str(postgres_port)}
    for file in ("worker.properties", "connector.properties"):
        text = (FILES / f"{file}.in").read_text()
        for key, value in values.items():
            text = text.replace(f"@{key}@", value)
        (state / file).write_text(text)
    command = ["java", "-Xmx2g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{_jars()}/*",
               "org.apache.kafka.connect.cli.ConnectStandalone", str(state / "worker.properties"),
               str(state / "connector.properties")]
    with open(state / "log", "wb") as log:
        start = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield Running(process, start, kafka, f"{name}.public.{table}", state / "log")
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()

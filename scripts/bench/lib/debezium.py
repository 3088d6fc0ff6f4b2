"""Debezium's snapshot of the same table into the same Kafka: one connector in Connect standalone, tuned as its documentation
advises for large snapshots. Its jars come through maven's ordinary client into the user's cache."""
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
    state = directory / name
    state.mkdir()
    values = {"BOOT": kafka, "STATE": str(state), "NAME": name, "TABLE": table, "PG_PORT": str(postgres_port)}
    for file in ("worker.properties", "connector.properties"):
        text = (FILES / f"{file}.in").read_text()
        for key, value in values.items():
            text = text.replace(f"@{key}@", value)
        (state / file).write_text(text)
    command = ["java", "-Xmx2g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{_jars()}/*",
               "org.apache.kafka.connect.cli.ConnectStandalone", str(state / "worker.properties"),
               str(state / "connector.properties")]
    topic = f"{name}.public.{table}"
    with open(state / "log", "wb") as log:
        start = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            while time.monotonic() - start < SNAPSHOT_SECONDS_MAX:
                if process.poll() is not None:
                    sys.exit("Debezium ended early:\n" + (state / "log").read_text()[-4000:])
                try:
                    if record_count(kafka, topic) >= rows:
                        break
                except (subprocess.CalledProcessError, ValueError, IndexError):
                    pass  # the topic is not there yet
                time.sleep(0.2)
            else:
                sys.exit("Debezium did not finish its snapshot")
            wall = time.monotonic() - start
            cpu, memory = _usage(process.pid)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    return {"seconds": wall, "cpu": cpu, "memory_mb": memory}

"""A peer that runs beside its state's directory until a topic holds enough records."""
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from lib.servers import TICKS, record_count, run

SECONDS_MAX = 600


def jars(name, pom):
    """What the POM names, copied by maven's ordinary client into the user's cache."""
    found = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / f"bench-{name}"
    if not found.is_dir() or found.stat().st_mtime < pom.stat().st_mtime:
        run("mvn", "-q", "-B", "-f", pom, "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies",
            "-DincludeScope=runtime", f"-DoutputDirectory={found}")
        os.utime(found)
    return found


def fill(template, file, values):
    text = template.read_text()
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    file.write_text(text)


class Peer:
    """A running process; what it says is in `log`, what it sends in `topic`."""

    def __init__(self, process, start, kafka, topic, log):
        self._process, self._start, self._kafka, self.topic, self._log = process, start, kafka, topic, log

    def until(self, rows, while_waiting=lambda: None):
        """What it took from the start of the process, as for every contender, until the topic held so many records."""
        while time.monotonic() - self._start < SECONDS_MAX:
            if self._process.poll() is not None:
                sys.exit("a peer ended early:\n" + self._log.read_text()[-4000:])
            while_waiting()
            try:
                if record_count(self._kafka, self.topic) >= rows:
                    wall = time.monotonic() - self._start
                    cpu, memory = _usage(self._process.pid)
                    return {"seconds": wall, "cpu": cpu, "memory_mb": memory}
            except (subprocess.CalledProcessError, ValueError, IndexError):
                pass  # the topic is not there yet
            time.sleep(0.2)
        sys.exit("a peer did not finish; the end of its log:\n" + self._log.read_text()[-4000:])

    def end(self):
        """In order, so that its state is stored."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(SECONDS_MAX)


@contextlib.contextmanager
def peer(command, kafka, topic, log_file):
    """Killed at the end, unless it was asked to end before."""
    with open(log_file, "wb") as log:
        start = time.monotonic()
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield Peer(process, start, kafka, topic, log_file)
        finally:
            process.kill()
            process.wait()


def _usage(pid):
    """CPU seconds and peak memory in MB of a process that runs."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    peak = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return (int(fields[11]) + int(fields[12])) / TICKS, int(peak.split()[1]) / 1024

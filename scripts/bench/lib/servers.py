"""The servers that a benchmark brings along, and what a program and they consumed while it ran."""
import atexit
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
RUN_SECONDS_MAX = 900
TICKS = os.sysconf("SC_CLK_TCK")


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, timeout=RUN_SECONDS_MAX, text=True, **options)


def free_port(count):
    """The first of so many free ports in a row."""
    return int(run(ROOT / "scripts/lib/free_ports.py", count, stdout=subprocess.PIPE).stdout)


def psql(uri, *files, rows):
    for file in files:
        run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-v", f"rows={rows}", "-f", file, uri, stdout=subprocess.DEVNULL)


class Server:
    """A server of scripts/NAME-up in a directory of its own; `address` is what the script prints."""

    def __init__(self, name, directory, *options):
        self.script = ROOT / "scripts" / f"{name}-up"
        self.options = ["--dir", directory / name, *options]
        self.pid_file = directory / name / "pid"
        atexit.register(self.stop)
        self.address = run(self.script, "start", *self.options, stdout=subprocess.PIPE).stdout.strip()

    def stop(self):
        subprocess.run([str(w) for w in (self.script, "stop", *self.options)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def call(self, *words):
        run(self.script, *self.options, *words, stdout=subprocess.DEVNULL)

    def cpu_seconds(self):
        """Of the process and its children, also of those that ended."""
        children, ticks = {}, {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue  # it ended meanwhile
                children.setdefault(int(fields[1]), []).append(int(entry.name))
                ticks[int(entry.name)] = sum(int(field) for field in fields[11:15])
        total, waiting = 0, [int(self.pid_file.read_text().split()[0])]
        while waiting:
            pid = waiting.pop()
            total += ticks.get(pid, 0)
            waiting += children.get(pid, [])
        return total / TICKS


def cpu_of(servers, since=None):
    """What the servers consumed, or consumed since then."""
    return {f"{name}_cpu": server.cpu_seconds() - (since[f"{name}_cpu"] if since else 0) for name, server in servers.items()}


def record_count(kafka, topic, partitions=1):
    """How many records the topic holds, by kcat."""
    queries = [word for partition in range(partitions) for word in ("-t", f"{topic}:{partition}:-1")]
    answer = run("kcat", "-Q", "-b", kafka, *queries, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return sum(int(line.split()[-1]) for line in answer.splitlines())  # "topic [0] offset 123"


def first_append(kafka, topic):
    """When the broker appended the topic's first record, in seconds since 1970; it must stamp them by its own clock."""
    answer = run("kcat", "-C", "-q", "-b", kafka, "-t", topic, "-o", "beginning", "-c", "1", "-e", "-f", "%T", stdout=subprocess.PIPE)
    return int(answer.stdout) / 1000


def peak_kb(pid):
    """The most that a running process ever held; None once it has ended."""
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return None
    return int(found.group(1)) if found else None


class Measured:
    """A program that runs, and what it and the servers consume meanwhile."""

    def __init__(self, command, directory, servers):
        self._command, self._directory, self._servers = [str(word) for word in command], directory, servers
        self._before = cpu_of(servers)
        with open(directory / "out.log", "wb") as out, open(directory / "err.log", "wb") as err:
            self._start, self._started_at = time.monotonic(), time.time()
            self.process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=directory)
        atexit.register(self._abandon)
        # Not ru_maxrss: that begins with what this process held when it forked.
        self._peak_kb = 0
        self._ended = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._sampler.start()

    def _sample(self):
        while True:
            self._peak_kb = peak_kb(self.process.pid) or self._peak_kb
            if self._ended.wait(0.05):
                return

    def wait(self, expected_status=0):
        """Wall and CPU seconds, peak memory, changes between threads, and the CPU seconds of each server."""
        _, status, usage = os.wait4(self.process.pid, 0)
        wall = time.monotonic() - self._start
        self._ended.set()
        self._sampler.join()
        self.process.returncode = os.waitstatus_to_exitcode(status)
        if self.process.returncode != expected_status:
            sys.exit(f"status {self.process.returncode}: {' '.join(self._command)}\n" + (self._directory / "err.log").read_text()[-4000:])
        return {
            "started_at": self._started_at,
            "seconds": wall,
            "cpu": usage.ru_utime + usage.ru_stime,
            "memory_mb": self._peak_kb / 1024,
            "context_switches": usage.ru_nvcsw + usage.ru_nivcsw,
            **cpu_of(self._servers, self._before),
        }

    def _abandon(self):
        if self.process.returncode is None:
            self.process.kill()


def measured(command, directory, servers, expected_status=0):
    """Runs the command once, to its end."""
    return Measured(command, directory, servers).wait(expected_status)

"""The program under test, run as a user runs it: a process with a time limit."""

import json
import os
import pathlib
import signal
import subprocess
import time

from lib.harness import ROOT, Failure, Skip


class Outcome:
    def __init__(self, status, out, err, seconds):
        self.status = status  # the exit status; negative: ended by that signal
        self.out = out  # bytes: data may be anything
        self.err = err  # str: words
        self.seconds = seconds

    def expect(self, status):
        """Returns itself; fails with everything the program said when it ended otherwise."""
        if self.status != status:
            raise Failure(f"exit status {self.status}, expected {status}; it said:\n{self.err[-6000:]}")
        return self

    def lines(self):
        """Standard output as NDJSON."""
        return [json.loads(line) for line in self.out.splitlines()]


class Process:
    """A running dmskafka. Ends with the case that started it."""

    def __init__(self, t, args, env=None, cwd=None, program=None):
        self._out = open(t.dir / f"stdout-{time.monotonic_ns()}", "w+b")
        self._err = open(t.dir / f"stderr-{time.monotonic_ns()}", "w+b")
        self._started = time.monotonic()
        self._popen = subprocess.Popen(
            [str(program or binary()), *map(str, args)],
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._err,
            cwd=cwd or t.dir,
            env=environment(env),
        )
        t.defer(self._end)

    @property
    def pid(self):
        return self._popen.pid

    def running(self):
        return self._popen.poll() is None

    def signal(self, number):
        self._popen.send_signal(number)

    def kill(self):
        """kill -9: nothing can be saved on the way out."""
        self.signal(signal.SIGKILL)
        return self.wait(10)

    def said(self):
        return pathlib.Path(self._err.name).read_text(encoding="utf-8", errors="backslashreplace")

    def wait(self, limit_s=120):
        try:
            status = self._popen.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise Failure(
                f"dmskafka still runs after {limit_s} s; so far it said:\n{self.said()[-6000:]}"
            ) from None
        out = pathlib.Path(self._out.name).read_bytes()
        return Outcome(status, out, self.said(), time.monotonic() - self._started)

    def _end(self):
        if self.running():
            self._popen.kill()
            self._popen.wait()
        self._out.close()
        self._err.close()


def binary():
    """DMSKAFKA_BINARY, else what ctest's build made, else the release build."""
    for path in (
        os.environ.get("DMSKAFKA_BINARY"),
        os.environ.get("DMSKAFKA_BUILT_BINARY"),
        ROOT / "build/release/dmskafka",
    ):
        if path and os.access(path, os.X_OK):
            return pathlib.Path(path).absolute()
    raise Skip("there is no dmskafka binary: build it, or name it in DMSKAFKA_BINARY")


def binary_with_failpoints():
    """The program dmskafka_failpoints: named, beside the one that is tested, or of some build."""
    beside = [pathlib.Path(path).with_name("dmskafka_failpoints") for path in
              (os.environ.get("DMSKAFKA_BINARY"), os.environ.get("DMSKAFKA_BUILT_BINARY")) if path]
    builds = [ROOT / f"build/{preset}/dmskafka_failpoints" for preset in ("release", "debug", "asan")]
    for path in (os.environ.get("DMSKAFKA_FAILPOINT_BINARY"), *beside, *builds):
        if path and os.access(path, os.X_OK):
            # Only it knows the variable's name.
            if b"DMSKAFKA_FAILPOINT" in pathlib.Path(path).read_bytes():
                return pathlib.Path(path).absolute()
    raise Skip("there is no dmskafka_failpoints: build it, or name it in DMSKAFKA_FAILPOINT_BINARY")


def environment(extra=None):
    """The caller's, without what would change the output by accident; None removes a variable."""
    env = {
        k: v
        for k, v in os.environ.items()
        if k not in ("SOURCE_DATE_EPOCH", "PGPASSWORD", "PGPASSFILE", "PGSERVICE")
    }
    for name, value in (extra or {}).items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = value
    return env


def start(t, *args, env=None, cwd=None, program=None):
    return Process(t, args, env, cwd, program)


def run(t, *args, env=None, cwd=None, limit_s=120, program=None):
    return Process(t, args, env, cwd, program).wait(limit_s)


def mapping(*rules):
    """A table mapping from short forms: "public.%", or (rule-action, "schema.table"[, {further members}]).
    The name is split at its first dot."""
    out = []
    for number, rule in enumerate(rules, 1):
        action, name, more = ("include", rule, {}) if isinstance(rule, str) else (*rule, {})[:3]
        schema, table = name.split(".", 1)
        more = dict(more)
        locator = {"schema-name": schema, "table-name": table, **more.pop("object-locator", {})}
        out.append(
            {
                "rule-type": "selection",
                "rule-id": str(number),
                "rule-name": str(number),
                "object-locator": locator,
                "rule-action": action,
                **more,
            }
        )
    return json.dumps({"rules": out}, ensure_ascii=False)


def kafka_target(topic, **settings):
    """The target as JSON; one line a message unless told otherwise."""
    from lib import kafka

    return json.dumps(
        {"Broker": kafka.bootstrap(), "Topic": topic, "MessageFormat": "json-unformatted", **settings}
    )


def task_settings(partitions=None, groups=None, **dmskafka):
    out = dict(groups or {})
    if partitions is not None:
        dmskafka["Topic"] = {"Partitions": partitions}
    if dmskafka:
        out["DmskafkaSettings"] = dmskafka
    return json.dumps(out)

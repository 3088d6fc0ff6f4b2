"""What every integration test shares: cases, checks, limits and visible skips.

A test is a file of cases, each one claim:

    @case("a table without a key is keyed by its name")
    def no_key(t):
        database = t.database()
        ...

    if __name__ == "__main__":
        main()

`t` owns what a case makes (directory, databases, topics, processes) and removes it when the case ends, also after a
failure. The exit status is 0, 1 when a check failed, or 77 (ctest's SKIP_RETURN_CODE) when something the test needs is
not here; with CI=true that is a failure, for there a missing server is a broken pipeline.
"""

import contextlib
import difflib
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time
import traceback
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[3]
SKIPPED = 77

_cases = []


class Skip(Exception):
    """Something the case needs is not on this machine; the text says what, and how to get it."""


class Failure(AssertionError):
    """A check that did not hold."""


def case(claim):
    """Registers a function as a case; `claim` is what it proves."""

    def register(function):
        _cases.append((claim, function))
        return function

    return register


def check(holds, message):
    if not holds:
        raise Failure(message)


def equal(actual, expected, what):
    """Fails with a readable difference; long texts and lists are shown as a diff."""
    if actual == expected:
        return
    raise Failure(f"{what}:\n{_difference(actual, expected)}")


def contains(text, part, what):
    check(part in text, f"{what}: {part!r} is not in:\n{text}")


def wait_until(condition, what, limit_s=30.0, step_s=0.01):
    """Calls `condition` until it returns something true, and returns that."""
    deadline = time.monotonic() + limit_s
    while True:
        outcome = condition()
        if outcome:
            return outcome
        check(time.monotonic() < deadline, f"waited {limit_s:g} s in vain until {what}")
        time.sleep(step_s)


def unique(label):
    """A name no other run uses, short enough for every server, with the label for whoever finds it left behind."""
    return f"dmskafka_{label}_{uuid.uuid4().hex[:10]}"


def say(text):
    print(f"     {text}", flush=True)


class Case:
    """What one case made, and removes again in the reverse order."""

    def __init__(self, name):
        self.name = name
        self._stack = contextlib.ExitStack()
        self._dir = None

    @property
    def dir(self):
        """A directory of this case alone. Others may enter it: a server of our own may run as another user."""
        if self._dir is None:
            self._dir = pathlib.Path(tempfile.mkdtemp(prefix=f"dmskafka-{self.name}-"))
            self._dir.chmod(0o755)
            self.defer(shutil.rmtree, self._dir, ignore_errors=True)
        return self._dir

    def defer(self, function, *args, **kwargs):
        self._stack.callback(function, *args, **kwargs)

    def file(self, name, text):
        path = self.dir / name
        path.write_text(text, encoding="utf-8")
        return path

    def database(self, sql=""):
        from lib import postgres

        return self._stack.enter_context(postgres.temporary_database(self.name, sql))

    def topic(self, label="topic"):
        from lib import kafka

        return self._stack.enter_context(kafka.temporary_topic(f"{self.name}_{label}"))

    def close(self):
        self._stack.close()


def main():
    """Runs the cases (or those whose function name is an argument) and ends the process."""
    # A terminated test must still remove its databases, topics and servers: turn the signal into an exception.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    wanted = sys.argv[1:]
    outcomes = [
        _run(claim, function) for claim, function in _cases if not wanted or function.__name__ in wanted
    ]
    if not outcomes:
        print(f"no case is named {' or '.join(wanted)}")
        sys.exit(2)
    if "failed" in outcomes:
        sys.exit(1)
    sys.exit(SKIPPED if "skipped" in outcomes else 0)


def _run(claim, function):
    started = time.monotonic()
    t = Case(function.__name__)
    outcome, detail = "ok", ""
    try:
        function(t)
    except Skip as reason:
        outcome, detail = (
            ("failed", f"CI=true, and {reason}")
            if os.environ.get("CI") == "true"
            else ("skipped", str(reason))
        )
    except Failure as failure:
        outcome, detail = "failed", f"{failure}\n{_place(failure)}"
    except Exception:
        outcome, detail = "failed", traceback.format_exc()
    finally:
        try:
            t.close()
        except Exception:  # what the case itself showed must be told, too
            outcome, detail = "failed", f"{detail}\n{traceback.format_exc()}"
    print(f"{outcome:7} {time.monotonic() - started:6.1f} s  {function.__name__}: {claim}", flush=True)
    if detail:
        print("\n".join(f"        {line}" for line in detail.rstrip().splitlines()), flush=True)
    return outcome


def _place(failure):
    """Where in the test the check stood, without the frames of this file."""
    frames = [f for f in traceback.extract_tb(failure.__traceback__) if f.filename != __file__]
    return "".join(f"  {f.filename}:{f.lineno}: {f.line}\n" for f in frames[-2:])


def _difference(actual, expected):
    if isinstance(actual, bytes) and isinstance(expected, bytes):
        actual, expected = actual.decode("utf-8", "backslashreplace"), expected.decode(
            "utf-8", "backslashreplace"
        )
    if isinstance(actual, str) and isinstance(expected, str) and "\n" in actual + expected:
        left, right = expected.splitlines(), actual.splitlines()
    elif isinstance(actual, (list, tuple)) and isinstance(expected, (list, tuple)):
        left, right = [repr(e) for e in expected], [repr(a) for a in actual]
    else:
        return f"  expected {expected!r}\n  actual   {actual!r}"
    diff = list(difflib.unified_diff(left, right, "expected", "actual", lineterm="", n=2))
    return "\n".join("  " + line for line in diff[:60])

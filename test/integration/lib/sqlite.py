"""SQLite through its own shell."""

import shutil
import subprocess

from lib.harness import Failure, Skip


def run(path, sql, *flags, limit_s=120):
    """Runs a script in the sqlite3 shell and returns what it printed."""
    if not shutil.which("sqlite3"):
        raise Skip("the sqlite3 shell is not installed (apt-get install sqlite3)")
    done = subprocess.run(
        ["sqlite3", "-batch", "-bail", *flags, str(path)],
        input=sql.encode(),
        capture_output=True,
        timeout=limit_s,
    )
    if done.returncode:
        raise Failure(f"sqlite3: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode()


def query_state(path, sql):
    """A query of a state file while the task may be running. "" before there is one: then nothing is known yet."""
    try:
        return run(f"file:{path}?mode=ro", ".timeout 5000\n" + sql).rstrip("\n")
    except Failure:
        return ""

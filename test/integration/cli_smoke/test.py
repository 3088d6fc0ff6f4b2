"""The command line as a person meets it first: help, version, status."""

import json
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, gate, sqlite
from lib.harness import ROOT, case, check, contains, equal, main, wait_until

COMMANDS = ("validate-mapping", "dry-run", "full-load", "status")


@case("--help of the program and of every command: on standard output, with examples and exit statuses")
def helps(t):
    for args in ((), *((command,) for command in COMMANDS)):
        outcome = dmskafka.run(t, *args, "--help", env={"COLUMNS": None}, limit_s=10).expect(0)
        text, name = outcome.out.decode(), " ".join(args) or "dmskafka"
        equal(outcome.err, "", f"standard error of {name} --help")
        contains(text, "Usage: dmskafka", f"{name} --help")
        contains(text, "Examples:", f"{name} --help")
        contains(text, "Exit status:", f"{name} --help")
    for command in COMMANDS:
        contains(dmskafka.run(t, "--help").out.decode(), command, "dmskafka --help")


@case("--version names the version of the project")
def version(t):
    project = re.search(r"project\(dmskafka VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
    outcome = dmskafka.run(t, "--version", limit_s=10).expect(0)
    equal(outcome.out.decode().splitlines()[0], f"dmskafka {project}", "first line")


@case("without a command: the usage on standard error, exit 2")
def no_command(t):
    outcome = dmskafka.run(t, limit_s=10).expect(2)
    equal(outcome.out, b"", "standard output")
    contains(outcome.err, "dmskafka --help", "standard error")


@case("the first run needs no server: a SQLite file into kafka:embedded")
def first_run(t):
    sqlite.run(
        t.dir / "shop.db",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT); INSERT INTO orders VALUES (1, 'Tee');",
    )
    outcome = dmskafka.run(t, "full-load", "--source", "sqlite:shop.db", "--target", "kafka:embedded").expect(
        0
    )
    keys = [message["key"] for message in outcome.lines()]
    equal(len(keys), 3, "messages")
    check("1" in keys, "the row's key is not there")
    # That Kafka ends with the process: a state file would make the next run send nothing.
    equal(list(t.dir.glob("*.dmskafka*")), [], "state files")


@case("the state file is named by the task id, made in the working directory and readable by its owner alone")
def state_file(t):
    sqlite.run(
        t.dir / "shop.db", "CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1);"
    )
    dmskafka.run(t, "full-load", "--source", "sqlite:shop.db", "--target", "-").expect(0)
    (state,) = t.dir.glob("*.dmskafka*")
    check(
        re.fullmatch(r"[A-Z2-7]{26}\.dmskafka", state.name),
        f"{state.name} is not a task id of 26 base32 characters",
    )
    equal(state.stat().st_mode & 0o777, 0o600, "mode of the state file")


@case("status --json while the load runs, and after it")
def status(t):
    database = t.database(
        gate.FUNCTION
        + gate.view("rest", 3000, 1000)
        + "CREATE TABLE done (id int PRIMARY KEY); INSERT INTO done SELECT generate_series(1, 100);"
    )
    open_gate = gate.shut(t, database)
    state = t.dir / "task.dmskafka"
    mapping = dmskafka.mapping(("include", "public.%", {"object-locator": {"table-type": "all"}}))
    process = dmskafka.start(
        t,
        "full-load",
        "--source",
        database.uri,
        "--target",
        "discard:",
        "--table-mappings",
        mapping,
        "--state",
        state,
        "--task-id",
        "STATUS",
    )

    def states():
        asked = dmskafka.run(t, "status", "--state", state, "--json")
        if asked.status != 0:  # not there yet
            return {}
        return {table["table"]: (table["state"], table["rows"]) for table in json.loads(asked.out)["tables"]}

    during = {}

    def half():
        during.update(states())
        return (
            during.get("done") == ("Table completed", 100)
            and during.get("rest", ("",))[0] == "Full load"
            or not process.running()
        )

    wait_until(half, "status shows one table done and one in work", 30, step_s=0.1)
    check(process.running(), f"dmskafka ended by itself:\n{process.said()}")
    open_gate()
    process.wait(30).expect(0)
    equal(
        states(),
        {"done": ("Table completed", 100), "rest": ("Table completed", 3000)},
        "status --json after the load",
    )
    by_task = dmskafka.run(t, "status", "--state", state).expect(0)
    for text in ("STATUS", "public.done", "public.rest", "Table completed"):
        contains(by_task.out.decode(), text, "status for people")


@case("status shows the threads of a load, its queues and how full they were")
def threads(t):
    database = t.database(
        "CREATE TABLE wide (id int PRIMARY KEY, name text);"
        "INSERT INTO wide SELECT i, repeat(md5(i::text), 20) FROM generate_series(1, 60000) i; ANALYZE wide;"
    )
    state = t.dir / "task.dmskafka"
    metadata = {"ParallelLoadThreads": 4, "ParallelLoadQueuesPerThread": 5, "ParallelLoadBufferSize": 50}
    dmskafka.run(
        t,
        "full-load",
        "--source",
        database.uri,
        "--target",
        "discard:",
        "--table-mappings",
        dmskafka.mapping("public.wide"),
        "--task-settings",
        dmskafka.task_settings(groups={"TargetMetadata": metadata}),
        "--state",
        state,
    ).expect(0)
    asked = json.loads(dmskafka.run(t, "status", "--state", state, "--json").expect(0).out)["threads"]
    high_water = asked.pop("queue_records_high_water")
    # 60,000 rows of 640 bytes are more than two ranges of 16 MB, and fewer than four.
    readers = asked.pop("readers")
    check(2 <= readers <= 4, f"{readers} readers for three ranges and four threads")
    equal(asked, {"senders_per_table": 4, "queues_per_thread": 5, "buffer_records": 50}, "status --json")
    check(1 <= high_water <= 50, f"the fullest queue held {high_water} of 50 records")
    people = dmskafka.run(t, "status", "--state", state).expect(0).out.decode()
    contains(
        people,
        f"threads   {readers} reading; for each table 4 sending with 5 queues of 50 records each, "
        f"the fullest held {high_water}\n",
        "status for people",
    )


@case("status of a state file that is not there: exit 6, and nothing is made")
def no_state_file(t):
    outcome = dmskafka.run(t, "status", "--state", "nowhere.dmskafka").expect(6)
    equal(outcome.out, b"", "standard output")
    contains(outcome.err, "nowhere.dmskafka: there is no such file", "standard error")
    equal(list(t.dir.glob("nowhere*")), [], "files made")


@case("standard output that cannot be written is an error, not silence")
def full_output(t):
    sqlite.run(
        t.dir / "shop.db", "CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1);"
    )
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [dmskafka.binary(), "full-load", "--source", "sqlite:shop.db", "--target", "-"],
            cwd=t.dir,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=30,
        )
    check(done.returncode == 5, f"exit status {done.returncode}, expected 5: {done.stderr.decode()}")
    contains(done.stderr.decode(), "No space left on device", "standard error")


if __name__ == "__main__":
    main()

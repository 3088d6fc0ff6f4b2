"""What goes wrong at night: each failure has its exit status and a text that says what is wrong and what to do.

Our own texts are compared whole, with what differs between runs replaced (see `said`); texts of PostgreSQL and librdkafka are
compared in the part that matters.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, gate, kafka, postgres, servers, sqlite, wire
from lib.harness import Skip, case, check, contains, equal, main, unique, wait_until


def said(t, outcome):
    """Standard error without times and without the lines that only inform, and with the case's directory replaced."""
    lines = [re.sub(r"^\S+Z (?=info:|warning:|error:)", "", line) for line in outcome.err.splitlines()]
    text = "\n".join(line for line in lines if not line.startswith("info:"))
    return re.sub(r" in \S+ m?s \(.*\)", "", text.replace(str(t.dir), "DIR"))


def check_said(t, outcome, status, expected, **replaced):
    """`replaced`: NAME=text, for what differs between runs."""
    outcome.expect(status)
    text = said(t, outcome)
    for name, what in replaced.items():
        text = text.replace(str(what), name)
    equal(text, expected.strip("\n"), f"standard error (exit status {status})")
    equal(outcome.out, b"", "standard output")


def failure(status, text, hint=None):
    """What a load says that ended before its first row."""
    lines = ["failed: 0 tables, 0 rows, 0 B", f"exit status {status}: {text}"]
    return "\n".join(lines if hint is None else [*lines, f"  {hint}"])


def load(t, source, *more, target="discard:"):
    return dmskafka.run(t, "full-load", "--source", source, "--target", target, *more, limit_s=40)


def small_database(t):
    file = t.dir / "shop.db"
    sqlite.run(
        file,
        # Without WAL a load warns that writers wait.
        "PRAGMA journal_mode=WAL; CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT); INSERT INTO orders VALUES (1, 'Tee'), (2, 'Ei');",
    )
    return f"sqlite:{file}"


# --- the source -----------------------------------------------------------------------------------------------------------


def scram_server(t):
    """A server of our own where "app" needs the password "right"; returns a URI with user and password to be filled in."""
    server = servers.own_postgres(t, "--set", "fsync=off", "--set", "shared_buffers=16MB")
    admin = postgres.Database(server.address)
    admin.run("CREATE ROLE app LOGIN PASSWORD 'right'; CREATE DATABASE shop;")
    rules = server.dir / "data" / "pg_hba.conf"
    rules.write_text("host all app 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
    admin.run("SELECT pg_reload_conf();")
    return postgres.with_database(server.address, "shop")


@case(
    "a wrong password, a missing one and a missing database: exit 4, PostgreSQL's own words, never the password"
)
def wrong_password(t):
    shop = scram_server(t)
    wait_until(
        lambda: load(t, postgres.with_user(shop, "app", "wrong")).status == 4, "pg_hba.conf is read", 10
    )
    outcome = load(t, postgres.with_user(shop, "app", "secret-that-is-wrong")).expect(4)
    contains(outcome.err, 'password authentication failed for user "app"', "wrong password")
    check("secret-that-is-wrong" not in outcome.err, "the password was printed")
    contains(load(t, postgres.with_user(shop, "app")).expect(4).err, "no password supplied", "no password")
    outcome = load(
        t, postgres.with_user(postgres.with_database(shop, "no_such_shop"), "app", "right")
    ).expect(4)
    contains(outcome.err, 'database "no_such_shop" does not exist', "missing database")
    check("right" not in outcome.err, "the password was printed")
    postgres.Database(shop).run("CREATE TABLE orders (id int PRIMARY KEY); GRANT SELECT ON orders TO app;")
    load(t, postgres.with_user(shop, "app", "right")).expect(0)
    # From the environment, as every DMS file that is kept in a repository has it.
    source = {
        "ServerName": "127.0.0.1",
        "Port": int(re.search(r":(\d+)/", shop)[1]),
        "Username": "app",
        "Password": "${env:SHOP_PASSWORD}",
        "DatabaseName": "shop",
    }
    args = [
        "full-load",
        "--source",
        json.dumps({"EngineName": "postgres", "PostgreSQLSettings": source}),
        "--target",
        "discard:",
        "--restart",
    ]
    dmskafka.run(t, *args, env={"SHOP_PASSWORD": "right"}).expect(0)
    for state in t.dir.glob("*.dmskafka"):
        check(b"right" not in state.read_bytes(), f"the password is in {state}")


@case("an unknown host and a closed port: exit 4 at once, with host and port")
def unreachable_source(t):
    outcome = load(t, "postgresql://app@no-such-host.invalid/shop").expect(4)
    contains(outcome.err, "no-such-host.invalid", "unknown host")
    port = servers.free_ports(1)
    outcome = load(t, f"postgresql://app@127.0.0.1:{port}/shop").expect(4)
    contains(outcome.err, f"port {port} failed: Connection refused", "connection refused")
    check(outcome.seconds < 5, f"a refused connection took {outcome.seconds:.1f} s")


@case("a SQLite file that is not there, or is no database: exit 4, and nothing is made")
def wrong_sqlite_file(t):
    check_said(
        t,
        load(t, f"sqlite:{t.dir}/nowhere.db"),
        4,
        failure(4, "sqlite:DIR/nowhere.db: No such file or directory"),
    )
    check(not (t.dir / "nowhere.db").exists(), "an empty database was made")
    (t.dir / "text.db").write_text("this is no database, but it is long enough to look at\n" * 100)
    check_said(
        t,
        load(t, f"sqlite:{t.dir}/text.db"),
        4,
        failure(4, "sqlite:DIR/text.db: this is not an SQLite database, or it is encrypted"),
    )


@case("a table that is not there: no tables are found, exit 3; with FailOnNoTablesCaptured false, exit 0")
def missing_table(t):
    source = small_database(t)
    mapping = ("--table-mappings", dmskafka.mapping(("explicit", "main.order")))
    check_said(
        t,
        load(t, source, *mapping),
        3,
        failure(
            3,
            "no tables were found: the selection rules match none of the source's tables, or the user may see none",
            "validate-mapping --source shows what each rule matches",
        ),
    )
    settings = dmskafka.task_settings(groups={"ErrorBehavior": {"FailOnNoTablesCaptured": False}})
    load(t, source, *mapping, "--task-settings", settings, "--restart").expect(0)


@case("one table may not be read: the others are loaded, exit 7, and the error names table and right")
def permission_denied(t):
    role = unique("role")
    postgres.Database(postgres.superuser_uri()).run(f"CREATE ROLE {role} LOGIN;")
    t.defer(lambda: postgres.Database(postgres.superuser_uri()).run(f"DROP ROLE {role};"))
    database = t.database(f"""
        CREATE TABLE open_1 (id int PRIMARY KEY); INSERT INTO open_1 SELECT generate_series(1, 100);
        CREATE TABLE secret (id int PRIMARY KEY); INSERT INTO secret SELECT generate_series(1, 100);
        CREATE TABLE open_2 (id int PRIMARY KEY); INSERT INTO open_2 SELECT generate_series(1, 100);
        GRANT SELECT ON open_1, open_2 TO {role};""")
    topic, state = t.topic(), t.dir / "task.dmskafka"
    source = postgres.with_user(database.uri, role)
    args = ("--state", state, "--table-mappings", dmskafka.mapping("public.%"))
    outcome = load(t, source, *args, target=dmskafka.kafka_target(topic)).expect(7)
    rows = [(r["metadata"]["table-name"], r["data"]["id"]) for r in wire.data_records(kafka.consume(topic))]
    equal(
        sorted(rows),
        [(table, n) for table in ("open_1", "open_2") for n in range(1, 101)],
        "rows of the readable tables",
    )
    contains(outcome.err, f'public.secret: user "{role}" has no permission to read the table', "the error")
    contains(outcome.err, f'GRANT SELECT ON "public"."secret" TO "{role}";', "the statement that mends it")
    contains(outcome.err, "exit status 7: 1 of 3 tables in error", "the summary")
    equal(
        sqlite.query_state(state, "SELECT table_name, state FROM table_load ORDER BY 1;"),
        "open_1|Table completed\nopen_2|Table completed\nsecret|Table error",
        "the state file",
    )
    database.run(f"GRANT SELECT ON secret TO {role};")
    load(t, source, *args, target=dmskafka.kafka_target(topic)).expect(0)
    equal(
        len(wire.data_records(kafka.consume(topic))),
        300,
        "rows after the right was granted and the load run again",
    )


# --- the state file -------------------------------------------------------------------------------------------------------


@case("a second process on the same state file is refused with the pid of the first: exit 6")
def second_process(t):
    database = t.database(gate.FUNCTION + gate.view("rest", 100, 10))
    open_gate = gate.shut(t, database)
    mapping = dmskafka.mapping(("include", "public.rest", {"object-locator": {"table-type": "view"}}))
    args = (
        "full-load",
        "--source",
        database.uri,
        "--target",
        "discard:",
        "--table-mappings",
        mapping,
        "--state",
        t.dir / "task.dmskafka",
    )
    first = dmskafka.start(t, *args)
    gate.wait_for_reader(database)
    second = dmskafka.run(t, *args, limit_s=10)
    check_said(
        t,
        second,
        6,
        failure(
            6,
            "the state file DIR/task.dmskafka is in use by process PID",
            "one process at a time works on a task: wait for it, stop it, or give this one its own --state",
        ),
        PID=first.pid,
    )
    open_gate()
    first.wait(30).expect(0)


@case("a directory that cannot be written: exit 6, and the text says so")
def read_only_directory(t):
    source, directory = small_database(t), t.dir / "closed"
    directory.mkdir()
    if os.geteuid() == 0:  # root may write everywhere, except where nobody can
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(directory)], capture_output=True
        )
        if done.returncode:
            raise Skip(f"root cannot mount here: {done.stderr.decode().strip()}")
        t.defer(subprocess.run, ["umount", str(directory)])
        reason = "Read-only file system"
    else:
        directory.chmod(0o555)
        reason = "Permission denied"
    check_said(
        t,
        load(t, source, "--state", directory / "task.dmskafka"),
        6,
        failure(
            6,
            "cannot lock DIR/closed/task.dmskafka.lock: REASON",
            "the state file needs an existing directory that can be written; choose one with --state",
        ),
        REASON=reason,
    )


@case(
    "a state file of another task, of a changed mapping or of another database is named and left alone: exit 6"
)
def foreign_state_file(t):
    source, state = small_database(t), t.dir / "task.dmskafka"
    args = ("--state", state, "--task-id", "ORDERS")
    load(t, source, *args).expect(0)
    before = sqlite.run(state, ".dump")
    check_said(
        t,
        load(t, source, "--state", state, "--task-id", "OTHER"),
        6,
        failure(
            6,
            "the state file belongs to another task: it has ORDERS, this run has OTHER",
            "use another --state file, or --restart to discard what it holds and load again",
        ),
    )
    mapping = dmskafka.mapping("main.orders", ("include", "main.more", {}))
    check_said(
        t,
        load(t, source, *args, "--table-mappings", mapping),
        6,
        failure(
            6,
            "the table mapping or a setting that shapes messages changed since this task began; "
            "the tables already loaded have the old shape",
            "put the old mapping back, or use --restart to load everything again",
        ),
    )
    sqlite.run(t.dir / "other.db", "CREATE TABLE orders (id INTEGER PRIMARY KEY);")
    outcome = load(t, f"sqlite:{t.dir}/other.db", *args).expect(6)
    contains(outcome.err, "the state file belongs to another source", "another database")
    check_said(
        t,
        load(t, source, *args, target="-"),
        6,
        failure(
            6,
            "the state file belongs to another target: it has discard:, this run has -",
            "use another --state file, or --restart to discard what it holds and load again",
        ),
    )
    equal(sqlite.run(state, ".dump"), before, "the state file after being refused four times")
    load(t, source, "--state", state, "--task-id", "OTHER", "--restart").expect(0)


@case("a state file that is somebody else's database, or no database, is left as it is: exit 6")
def not_a_state_file(t):
    source, state = small_database(t), t.dir / "other.db"
    sqlite.run(state, "CREATE TABLE precious (x);")
    before = state.read_bytes()
    check_said(
        t,
        load(t, source, "--state", state),
        6,
        failure(
            6,
            "state file DIR/other.db: this is not a state file: it is another application's SQLite database",
            "name another file with --state; this one was left as it is",
        ),
    )
    equal(state.read_bytes() == before, True, "somebody else's database is unchanged")
    (t.dir / "notes.txt").write_text("my notes\n" * 1000)
    check_said(
        t,
        load(t, source, "--state", t.dir / "notes.txt"),
        6,
        failure(
            6,
            "state file DIR/notes.txt: this is not a state file: it is not an SQLite database",
            "name another file with --state; this one was left as it is",
        ),
    )
    equal((t.dir / "notes.txt").read_text(), "my notes\n" * 1000, "the notes")


# --- settings and the command line ----------------------------------------------------------------------------------------


@case("broken JSON: exit 3, file, line, column, the line and a caret")
def broken_json(t):
    mapping = t.file(
        "mapping.json", '{\n  "rules": [\n    {"rule-type": "selection", "rule-id": "1",}\n  ]\n}\n'
    )
    check_said(
        t,
        load(t, small_database(t), "--table-mappings", mapping),
        3,
        """
error: DIR/mapping.json:3:46: /rules/0: a comma before the closing }
        {"rule-type": "selection", "rule-id": "1",}
                                                 ^ expected no comma here
""",
    )


@case("a mapping with several mistakes: each is reported with its place, exit 3")
def wrong_mapping(t):
    mapping = t.file(
        "mapping.json",
        """{
  "rules": [
    {"rule-type": "selection", "rule-id": "1", "rule-name": "1", "rule-action": "includes",
     "object-locator": {"schema-name": "%", "table-name": "%"}},
    {"rule-type": "selection", "rule-id": "1", "rule-name": "2", "rule-action": "include",
     "object-locator": {"schema-name": "%"}}
  ]
}
""",
    )
    check_said(
        t,
        dmskafka.run(t, "validate-mapping", "--table-mappings", mapping),
        3,
        """
error: DIR/mapping.json:3:81: /rules/0/rule-action: unknown rule-action "includes"
        {"rule-type": "selection", "rule-id": "1", "rule-name": "1", "rule-action": "includes",
                                                                                    ^ expected "include"
error: DIR/mapping.json:5:43: /rules/1/rule-id: duplicate rule-id 1
        {"rule-type": "selection", "rule-id": "1", "rule-name": "2", "rule-action": "include",
                                              ^ expected an id of its own for each rule of one rule-type
error: DIR/mapping.json:6:24: /rules/1/object-locator: the object-locator has no "table-name"
         "object-locator": {"schema-name": "%"}}
                           ^
checked table mappings DIR/mapping.json: 3 errors
""",
    )


@case("a JSON file that is not there: exit 3")
def missing_json(t):
    check_said(
        t,
        load(t, small_database(t), "--table-mappings", "nowhere.json"),
        3,
        "error: cannot read nowhere.json: No such file or directory",
    )


@case("a wrong flag or command: exit 2, with the nearest right one")
def wrong_flag(t):
    check_said(
        t,
        dmskafka.run(t, "full-load", "--source", "sqlite:x", "--tabel-mappings", "m.json"),
        2,
        """
dmskafka: unknown flag --tabel-mappings; did you mean --table-mappings?
  dmskafka full-load --help shows its flags.
""",
    )
    check_said(
        t,
        dmskafka.run(t, "fullload"),
        2,
        """
dmskafka: unknown command "fullload"; did you mean full-load?
  dmskafka --help lists the commands.
""",
    )
    check_said(
        t,
        dmskafka.run(t, "full-load", "--target", "-"),
        2,
        """
dmskafka: full-load needs --source (or --task)
  dmskafka full-load --help shows examples.
""",
    )


@case("what is not built yet is refused by its name")
def not_built(t):
    source = small_database(t)
    for command in ("cdc", "cleanup"):
        outcome = dmskafka.run(t, command, "--source", source, "--target", "-").expect(3)
        contains(outcome.err, "this source has no log that can be followed", "what is missing")
    outcome = load(t, "mysql://app@127.0.0.1/shop")
    check(outcome.status in (2, 3, 4), f"exit status {outcome.status}")
    contains(outcome.err.lower(), "mysql", "the engine's name")
    rule = {
        "rule-type": "transformation",
        "rule-id": "2",
        "rule-name": "2",
        "rule-action": "rename",
        "rule-target": "table",
        "object-locator": {"schema-name": "%", "table-name": "orders"},
        "value": "auftraege",
    }
    rules = json.loads(dmskafka.mapping("main.%"))["rules"] + [rule]
    outcome = load(t, source, "--table-mappings", json.dumps({"rules": rules}))
    if outcome.status != 0:  # once it is built, it must work; until then it says so
        contains(outcome.expect(3).err, "transformation", "the rule's name")


@case("a topic with characters Kafka does not allow: exit 3 before anything is connected")
def wrong_topic(t):
    target = json.dumps({"Broker": "127.0.0.1:1", "Topic": "my topic!"})
    check_said(
        t,
        load(t, small_database(t), target=target),
        3,
        """
error: --target:1:36: /Topic: Topic "my topic!" has a character Kafka does not allow
    {"Broker": "127.0.0.1:1", "Topic": "my topic!"}
                                       ^ expected letters, digits, ".", "_" and "-"
""",
    )
    equal(list(t.dir.glob("*.dmskafka")), [], "state files made")


if __name__ == "__main__":
    main()

"""Settings that are honoured do what they say: with another value something else happens, on real servers."""

import binascii
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, kafka, postgres, sqlite, wire
from lib.harness import case, check, contains, equal, main, unique, wait_until


def load(t, *args, status=0, env=None, program="full-load"):
    return dmskafka.run(t, program, *args, env=env).expect(status)


def shop(t, sql="CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT); INSERT INTO orders VALUES (1, 'a'), (2, 'b');"):
    file = t.dir / f"{unique('shop')}.db"
    sqlite.run(file, sql)
    return f"sqlite:{file}"


def postgres_endpoint(database):
    parts = postgres.urllib.parse.urlsplit(database.uri)
    return {
        "ServerName": parts.hostname,
        "Port": parts.port,
        "Username": parts.username,
        "DatabaseName": parts.path[1:],
    }


def state(t):
    return ("--state", t.dir / f"{unique('state')}.dmskafka")


def ids(topic):
    return sorted(record["data"]["id"] for record in wire.data_records(kafka.consume(topic)))


# --- the ways in ----------------------------------------------------------------------------------------------------------


@case("the AWS CLI's flags and its shorthand: source, target, task settings and identifier")
def aws_flags(t):
    database = t.database("CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1), (2);")
    topic = t.topic()
    shorthand = ",".join(f"{name}={value}" for name, value in postgres_endpoint(database).items())
    load(
        t, "--postgre-sql-settings", shorthand,
        "--kafka-settings", f"Broker={kafka.bootstrap()},Topic={topic},MessageFormat=json-unformatted",
        "--replication-task-settings", dmskafka.task_settings(1), "--replication-task-identifier", "AWSCLI", *state(t),
    )  # fmt: skip
    equal(ids(topic), [1, 2], "rows")
    equal({m.key for m in kafka.consume(topic) if wire.is_control(m)}, {b"AWSCLI.public.orders"}, "the task's name")


@case("--task holds everything, its parts in files beside it; a flag wins over the file")
def task_file(t):
    topic, other = t.topic(), t.topic("other")
    t.file("target.json", json.dumps({"EngineName": "kafka", "KafkaSettings": json.loads(dmskafka.kafka_target(topic))}))
    t.file("mapping.json", dmskafka.mapping("main.orders"))
    task = t.file(
        "task.json",
        json.dumps(
            {
                "ReplicationTaskIdentifier": "FILE",
                "Source": shop(t),
                "Target": "file://target.json",
                "TableMappings": "mapping.json",
                "ReplicationTaskSettings": dmskafka.task_settings(1),
                "StateFile": "task.dmskafka",
            }
        ),
    )
    load(t, "--task", task)
    equal(ids(topic), [1, 2], "rows")
    check((t.dir / "task.dmskafka").exists(), "the state file is not beside the task file")
    load(t, "--task", task, "--target", dmskafka.kafka_target(other), *state(t))
    equal(ids(other), [1, 2], "rows in the flag's topic")


@case("${env:} and ${file:} in any string of endpoints and task settings, and never in what is said")
def references(t):
    topic = t.topic()
    secret = t.file("topic.txt", topic + "\n")
    target = json.dumps({"Broker": "${env:SETTINGS_BROKER}", "Topic": f"${{file:{secret}}}", "MessageFormat": "json-unformatted"})
    settings = json.dumps(
        {"TargetMetadata": {"TargetSchema": "${env:SETTINGS_SCHEMA}"}, "DmskafkaSettings": {"Topic": {"Partitions": 1}}}
    )
    env = {"SETTINGS_BROKER": kafka.bootstrap(), "SETTINGS_SCHEMA": "from_the_environment"}
    outcome = load(t, "--source", shop(t), "--target", target, "--task-settings", settings, *state(t), env=env)
    equal(ids(topic), [1, 2], "rows")
    equal({r["metadata"]["schema-name"] for r in wire.data_records(kafka.consume(topic))}, {"from_the_environment"}, "schema")
    check("from_the_environment" not in outcome.err, "a value of the environment was said")
    missing = load(t, "--source", shop(t), "--target", target, *state(t), status=3)
    contains(missing.err, "the environment has no variable SETTINGS_BROKER", "a variable that is not there")


@case("validate-mapping says once what a task without IncludeNullAndEmpty leaves out")
def null_and_empty(t):
    said = "columns that are NULL or an empty string are left out of messages (IncludeNullAndEmpty is false)\n"
    for members, expected in (({}, 1), ({"IncludeNullAndEmpty": False}, 1), ({"IncludeNullAndEmpty": True}, 0)):
        target = json.dumps({"Broker": "h:9092", **members})
        outcome = load(t, "--source", shop(t), "--target", target, program="validate-mapping")
        equal(outcome.out.decode().count(said), expected, f"how often it is said with {members}")


# --- the target -----------------------------------------------------------------------------------------------------------


@case("-X and KafkaProperties reach librdkafka: without compression a record is too large for its topic")
def kafka_properties(t):
    source = shop(t, f"CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT); INSERT INTO orders VALUES (1, '{'x' * 50_000}');")
    for args, groups, status in (
        ((), {}, 0),
        (("-X", "compression.codec=none"), {}, 7),
        ((), {"KafkaProperties": {"compression.codec": "none"}}, 7),
        (("-X", "compression.codec=gzip"), {"KafkaProperties": {"compression.codec": "none"}}, 0),  # -X wins
    ):
        topic = t.topic()
        kafka.create_topic(topic, config={"max.message.bytes": "20000"})
        settings = dmskafka.task_settings(groups={"DmskafkaSettings": groups})
        load(t, "--source", source, "--target", dmskafka.kafka_target(topic), "--task-settings", settings, *args, *state(t), status=status)
    outcome = load(t, "--source", source, "--target", dmskafka.kafka_target(topic), "-X", "acks=0", *state(t), status=3)
    contains(outcome.err, "-X cannot set acks", "a property that is ours")


@case("Topic.Partitions, Topic.Config and Topic.ReplicationFactor: how a topic is made that was not there")
def topic_settings(t):
    large = f"CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT); INSERT INTO orders VALUES (1, hex(randomblob(5000)));"

    def made(topic_settings, status=0):
        topic = t.topic()
        settings = json.dumps({"DmskafkaSettings": {"Topic": topic_settings}})
        outcome = load(t, "--source", shop(t, large), "--target", dmskafka.kafka_target(topic), "--task-settings", settings, *state(t), status=status)
        return topic, outcome

    for partitions in (1, 7):
        topic, _ = made({"Partitions": partitions})
        topics = json.loads(kafka._kcat(["-L", "-J"]))["topics"]
        (found,) = (len(entry["partitions"]) for entry in topics if entry["topic"] == topic)
        equal(found, partitions, "partitions")
    made({"Partitions": 1, "Config": {"max.message.bytes": 2000}}, status=7)
    _, outcome = made({"Partitions": 1, "ReplicationFactor": 3}, status=5)
    contains(outcome.err.lower(), "replication factor", "the broker's words")


@case("Partitioner: murmur2_random is Java's choice, consistent_random is CRC-32 of the key")
def partitioner(t):
    source = shop(
        t,
        """CREATE TABLE orders (id INTEGER PRIMARY KEY);
        INSERT INTO orders WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT i FROM n;""",
    )
    for name, partition_of in (
        (None, lambda key: kafka.partition_of(key, 5)),
        ("murmur2_random", lambda key: kafka.partition_of(key, 5)),
        ("consistent_random", lambda key: binascii.crc32(key) % 5),
    ):
        topic = t.topic()
        settings = dmskafka.task_settings(5, **({"Partitioner": name} if name else {}))
        load(t, "--source", source, "--target", dmskafka.kafka_target(topic), "--task-settings", settings, *state(t))
        wrong = [m.key for m in kafka.consume(topic) if m.partition != partition_of(m.key)]
        equal(wrong, [], f"keys that are elsewhere with {name}")


# --- PostgreSQL -----------------------------------------------------------------------------------------------------------

NOTE = "INSERT INTO public.connections VALUES (pg_backend_pid())"


@case("AfterConnectScript runs on every connection, and MaxConnections bounds them")
def connections(t):
    database = t.database(
        "CREATE TABLE connections (pid int);"
        + "".join(f"CREATE TABLE t{n} (id int PRIMARY KEY); INSERT INTO t{n} SELECT generate_series(1, 5000);" for n in range(8))
    )
    mapping = dmskafka.mapping("public.t%")

    def seen(script=NOTE, **ours):
        database.run("TRUNCATE connections")
        source = json.dumps({**postgres_endpoint(database), "AfterConnectScript": script})
        settings = dmskafka.task_settings(**ours) if ours else "{}"
        load(t, "--source", source, "--target", "discard:", "--table-mappings", mapping, "--task-settings", settings)
        return int(database.query("SELECT count(DISTINCT pid) FROM connections"))

    equal(seen("SELECT 1"), 0, "connections that another script noted")
    check(seen(MaxConnections=2) == 2, "MaxConnections 2 was not kept")
    check(2 < seen(MaxConnections=5) <= 5, "MaxConnections 5 was not used, or passed")


@case("ExecuteTimeout bounds what prepares the load, never the reading of rows")
def execute_timeout(t):
    database = t.database("CREATE VIEW slow AS SELECT 1 AS id FROM pg_sleep(2.5);")
    endpoint = {**postgres_endpoint(database), "ExecuteTimeout": 1}
    mapping = dmskafka.mapping(("include", "public.slow", {"object-locator": {"table-type": "view"}}))
    args = ("--target", "-", "--table-mappings", mapping)
    outcome = load(t, "--source", json.dumps(endpoint), *args, *state(t))
    check(outcome.seconds >= 2.5, "the view was not slow")
    equal(len(outcome.lines()), 3, "messages: two control records and the row")
    endpoint["AfterConnectScript"] = "SELECT pg_sleep(60)"
    outcome = load(t, "--source", json.dumps(endpoint), *args, *state(t), status=4)
    contains(outcome.err, "did not answer within ExecuteTimeout (1 s)", "what is said")
    check(outcome.seconds < 30, "it waited longer than ExecuteTimeout")


@case("unboundedVarcharMaxSize is the length that control records give a varchar without one")
def varchar_size(t):
    database = t.database("CREATE TABLE v (id int PRIMARY KEY, free varchar);")
    for more, length in (({}, 8000), ({"unboundedVarcharMaxSize": 10485760}, 10485760)):
        source, topic = json.dumps({**postgres_endpoint(database), **more}), t.topic()
        load(t, "--source", source, "--target", dmskafka.kafka_target(topic, IncludeControlDetails=True), *state(t))
        columns = wire.parsed(kafka.consume(topic)[1])["control"]["table-def"]["columns"]
        equal(columns["free"]["length"], length, "length")


@case("LOBs: whole by default; LimitedSizeLobMode, LobMaxSize, FullLobMode and FailTasksOnLobTruncation; the page's limits met and passed")
def lobs(t):
    database = t.database(
        """CREATE TABLE docs (id int PRIMARY KEY, doc text);
        INSERT INTO docs VALUES (1, repeat('x', 32768)), (2, repeat('x', 32769)), (3, repeat('x', 65536)), (4, repeat('x', 65537));"""
    )
    whole = {1: 32768, 2: 32769, 3: 65536, 4: 65537}
    for members, cut_at, status in (
        ({}, None, 0),
        ({"LimitedSizeLobMode": True}, 32768, 0),
        ({"LimitedSizeLobMode": True, "LobMaxSize": 64}, 65536, 0),
        ({"LobMaxSize": 64}, 65536, 0),
        ({"LimitedSizeLobMode": False, "LobMaxSize": 64}, None, 0),
        ({"FullLobMode": True, "LobMaxSize": 64}, None, 0),
    ):
        topic, file = t.topic(), state(t)
        settings = dmskafka.task_settings(1, {"TargetMetadata": members})
        outcome = load(t, "--source", database.uri, "--target", dmskafka.kafka_target(topic), "--task-settings", settings, *file, status=status)
        sizes = {r["data"]["id"]: len(r["data"]["doc"]) for r in wire.data_records(kafka.consume(topic))}
        equal(sizes, {n: min(size, cut_at or size) for n, size in whole.items()}, f"sizes with {members}")
        equal("cut at LobMaxSize" in outcome.err, cut_at is not None, f"whether a cut is said with {members}")
        cuts = sum(size > (cut_at or size) for size in whole.values())
        shown = load(t, *file, "--json", program="status").out
        equal([table["values_cut"] for table in json.loads(shown)["tables"]], [cuts], f"cuts that status counts with {members}")
        equal(sqlite.query_state(file[1], "SELECT values_cut FROM table_load;"), str(cuts), "cuts in the state file")
    source = json.dumps({**postgres_endpoint(database), "FailTasksOnLobTruncation": True})
    for size, status in ((65, 0), (64, 5)):
        settings = dmskafka.task_settings(1, {"TargetMetadata": {"LobMaxSize": size}})
        load(t, "--source", source, "--target", dmskafka.kafka_target(t.topic()), "--task-settings", settings, *state(t), status=status)


# --- following changes ------------------------------------------------------------------------------------------------------


def follow_task(t, database, groups, source=None):
    topic, file = t.topic(), state(t)
    args = ("--source", source or database.uri, "--target", dmskafka.kafka_target(topic), "--task-id", topic.replace("_", "-")[-30:].strip("-"),
            "--task-settings", dmskafka.task_settings(1, groups), *file)
    t.defer(lambda: dmskafka.run(t, "cleanup", *args))
    return topic, args


@case("StopTaskCachedChangesNotApplied ends with the load, StopTaskCachedChangesApplied with the changes made meanwhile; the next run goes on")
def stop_after_load(t):
    for setting, between in (("StopTaskCachedChangesNotApplied", [1, 2]), ("StopTaskCachedChangesApplied", [1, 2])):
        database = t.database("CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1), (2);")
        topic, args = follow_task(t, database, {"FullLoadSettings": {setting: True}})
        first = load(t, *args, "--then-cdc")
        equal(ids(topic), between, f"rows after the first run with {setting}")
        equal("following up to what is the end" in first.err, setting == "StopTaskCachedChangesApplied", "whether changes were followed")
        database.run("INSERT INTO orders VALUES (3);")
        second = dmskafka.start(t, "full-load", *args, "--then-cdc")
        wait_until(lambda: ids(topic) == [1, 2, 3], "the next run goes on", 60, 0.1)
        check(second.running(), f"{setting} ended a run that loaded nothing")
        second.signal(15)
        second.wait(60).expect(143)


@case("TransactionConsistencyTimeout bounds how long a new slot waits for others' transactions, and names them")
def transaction_timeout(t):
    database = t.database("CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1);")
    open_transaction = database.session(t, "BEGIN; INSERT INTO orders VALUES (9);")
    wait_until(lambda: database.query("SELECT count(*) FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND datname = current_database()") != "0", "it is open", 30)
    _, args = follow_task(t, database, {"FullLoadSettings": {"TransactionConsistencyTimeout": 2}})
    refused = load(t, *args, "--prepare-cdc", status=4)
    contains(refused.err, "could not be made within 2 s (TransactionConsistencyTimeout)", "what is said")
    check(2 <= refused.seconds < 30, f"it took {refused.seconds:.1f} s")
    equal(database.query("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()"), "0", "slots left behind")
    _, args = follow_task(t, database, {"FullLoadSettings": {"TransactionConsistencyTimeout": 60}})
    process = dmskafka.start(t, "full-load", *args, "--prepare-cdc")
    wait_until(lambda: "waits until the transactions that are under way have ended" in process.said() or not process.running(), "it waits", 60)
    open_transaction()
    process.wait(60).expect(0)


@case("Logging: EnableLogging with LogComponents of one Severity says as much, and flags win")
def logging(t):
    def words(severity, *flags, enabled=True):
        components = [{"Id": name, "Severity": f"LOGGER_SEVERITY_{severity}"} for name in ("SOURCE_UNLOAD", "TARGET_LOAD")]
        groups = {"Logging": {"EnableLogging": enabled, "LogComponents": components}}
        outcome = load(t, "--source", shop(t), "--target", "discard:", "--task-settings", dmskafka.task_settings(groups=groups), *flags)
        return "full load of" in outcome.err, " debug: " in outcome.err

    equal(words("DEFAULT"), (True, False), "DEFAULT")
    equal(words("INFO"), (True, False), "INFO")
    equal(words("WARNING"), (False, False), "WARNING")
    equal(words("ERROR"), (False, False), "ERROR")
    equal(words("ERROR", enabled=False), (True, False), "without EnableLogging")
    equal(words("ERROR", "--verbose")[0], True, "--verbose wins")


# --- errors ---------------------------------------------------------------------------------------------------------------

TOO_LARGE = """CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT);
INSERT INTO orders WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
  SELECT i, CASE WHEN i % 10 = 0 THEN hex(randomblob(1000)) ELSE 'small' END FROM n;"""


@case("DataErrorPolicy, DataErrorEscalationCount and DataErrorEscalationPolicy: three of thirty rows are too large")
def data_errors(t):
    for members, status, error in (
        ({}, 7, "Table completed"),
        ({"DataErrorPolicy": "IGNORE_RECORD"}, 7, "Table completed"),
        ({"DataErrorPolicy": "SUSPEND_TABLE"}, 7, "Table error"),
        ({"DataErrorPolicy": "STOP_TASK"}, 5, None),
        ({"DataErrorEscalationCount": 3}, 7, "Table completed"),
        ({"DataErrorEscalationCount": 2}, 7, "Table error"),
        ({"DataErrorEscalationCount": 2, "DataErrorEscalationPolicy": "STOP_TASK"}, 5, None),
    ):
        flag, file = state(t)
        settings = dmskafka.task_settings(1, {"ErrorBehavior": members})
        target = dmskafka.kafka_target(t.topic(), MessageMaxBytes=1000)
        outcome = load(t, "--source", shop(t, TOO_LARGE), "--target", target, "--task-settings", settings, flag, file, status=status)
        if error:
            equal(sqlite.query_state(file, "SELECT state FROM table_load;"), error, f"the table's state with {members}")
        logged = outcome.err.count("main.orders: not delivered: ")
        equal(logged > 0, members.get("DataErrorPolicy") != "IGNORE_RECORD", f"whether it is logged with {members}")


@case("DataErrorBytesMax bounds what is kept of messages that cannot be sent: then the task stops")
def data_error_bytes(t):
    for members, status in (({}, 7), ({"DataErrorBytesMax": 1000}, 6)):
        settings = dmskafka.task_settings(1, **members)
        target = dmskafka.kafka_target(t.topic(), MessageMaxBytes=1000)
        outcome = load(t, "--source", shop(t, TOO_LARGE), "--target", target, "--task-settings", settings, *state(t), status=status)
        equal("DataErrorBytesMax = 1000" in outcome.err, status == 6, "whether the bound is named")


@case("TableErrorPolicy, TableErrorEscalationCount and TableErrorEscalationPolicy: two of three tables cannot be read")
def table_errors(t):
    database = t.database(
        """CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1);
        CREATE VIEW b AS SELECT 1 / 0 AS id; CREATE VIEW c AS SELECT 1 / 0 AS id;"""
    )
    mapping = dmskafka.mapping(("include", "public.%", {"object-locator": {"table-type": "all"}}))
    for members, status, named in (
        ({}, 7, None),
        ({"TableErrorPolicy": "STOP_TASK"}, 4, "TableErrorPolicy is STOP_TASK"),
        ({"TableErrorEscalationCount": 2}, 7, None),
        ({"TableErrorEscalationCount": 1}, 4, "TableErrorEscalationPolicy is STOP_TASK"),
        ({"TableErrorEscalationCount": 1, "TableErrorEscalationPolicy": "SUSPEND_TABLE"}, 7, None),
    ):
        settings = dmskafka.task_settings(groups={"ErrorBehavior": members})
        outcome = dmskafka.run(t, "full-load", "--source", database.uri, "--target", "-", "--table-mappings", mapping,
                               "--task-settings", settings, *state(t))  # fmt: skip
        outcome.expect(status)
        if named:
            contains(outcome.err, named, f"what is said with {members}")
        else:
            check("is STOP_TASK" not in outcome.err, f"the task was stopped with {members}")


# --- threads --------------------------------------------------------------------------------------------------------------


@case("the page's own example, 128 threads with 64 queues of 50 records, is refused with the hint, and runs with MaxThreads 128")
def page_example(t):
    source = shop(
        t,
        """CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT);
        INSERT INTO orders WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i, 'n' || i FROM n;""",
    )
    for kind in ("Apply", "Load"):
        example = {f"Parallel{kind}Threads": 128, f"Parallel{kind}QueuesPerThread": 64, f"Parallel{kind}BufferSize": 50}
        refused = load(
            t, "--source", source, "--target", "-", "--task-settings", json.dumps({"TargetMetadata": example}), *state(t), status=3
        )
        contains(refused.err, f"Parallel{kind}Threads 128 is out of range", "the refusal")
        contains(refused.err, "expected 0 to 32; DmskafkaSettings.MaxThreads raises this bound", "the hint")
        topic, (flag, file) = t.topic(), state(t)
        settings = dmskafka.task_settings(6, {"TargetMetadata": example}, MaxThreads=128)
        load(t, "--source", source, "--target", dmskafka.kafka_target(topic), "--task-settings", settings, flag, file)
        equal(ids(topic), list(range(1, 20001)), f"rows with Parallel{kind}Threads 128")
        threads = json.loads(load(t, "--state", file, "--json", program="status").out)["threads"]
        if kind == "Load":
            equal(
                (threads["senders_per_table"], threads["queues_per_thread"], threads["buffer_records"]), (128, 64, 50), "what ran"
            )
    over = load(
        t, "--source", source, "--target", "-", *state(t), status=3,
        *("--task-settings", json.dumps({"TargetMetadata": {"ParallelLoadThreads": 129}, "DmskafkaSettings": {"MaxThreads": 128}})),
    )  # fmt: skip
    contains(over.err, "expected 0 to 128", "the bound that MaxThreads gives")


if __name__ == "__main__":
    main()

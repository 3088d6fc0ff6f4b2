"""The broker freezes, dies or restarts in the middle of a load: the load waits, goes on, and nothing is lost."""

import collections
import json
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, gate, kafka, servers, sqlite, wire
from lib.harness import case, check, equal, main, say, wait_until

# Enough bytes behind the gate that they cannot all wait inside the program: the reader must be held up by the broker.
ROWS, OPEN_ROWS = 60000, 20000


def load_arguments(t, database, broker):
    target = {"Broker": broker.address, "Topic": "payments", "MessageFormat": "json-unformatted"}
    mapping = dmskafka.mapping(("include", "public.payments", {"object-locator": {"table-type": "view"}}))
    return [
        "full-load",
        "--source",
        database.uri,
        "--target",
        json.dumps(target),
        "--table-mappings",
        mapping,
        "--state",
        t.dir / "task.dmskafka",
        "--task-settings",
        dmskafka.task_settings(2),
    ]


def half_sent(t, broker, rows=ROWS):
    """A load whose first rows are in Kafka, standing before the gate."""
    database = t.database(gate.FUNCTION + gate.view("payments", rows, OPEN_ROWS, "repeat(md5(id::text), 50)"))
    open_gate = gate.shut(t, database)
    process = dmskafka.start(t, *load_arguments(t, database, broker))
    wait_until(
        lambda: kafka.message_count("payments", broker.address) > 1000 or not process.running(),
        "the first rows are in Kafka",
        30,
        step_s=0.1,
    )
    check(process.running(), f"dmskafka ended by itself:\n{process.said()}")
    gate.wait_for_reader(database)
    return database, process, open_gate


def wait_until_held_up(database, process):
    """PostgreSQL itself says so: it cannot write to its client."""
    wait_until(
        lambda: database.query(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
            "wait_event = 'ClientWrite'"
        )
        != "0"
        or not process.running(),
        "the reader is held up by the broker",
        60,
        step_s=0.1,
    )
    check(process.running(), f"dmskafka ended while its broker was away:\n{process.said()}")


def check_all_there(broker, rows=ROWS):
    ids = collections.Counter(
        record["data"]["id"] for record in wire.data_records(kafka.consume("payments", broker.address))
    )
    missing = [n for n in range(1, rows + 1) if n not in ids]
    equal(missing[:10], [], f"missing rows, {len(missing)} in all")
    say(f"{sum(ids.values()) - rows} rows came twice")


@case("a broker that freezes holds the load up; when it wakes the load goes on")
def frozen(t):
    broker = servers.own_kafka(t)
    database, process, open_gate = half_sent(t, broker)
    broker.signal(signal.SIGSTOP)
    open_gate()
    wait_until_held_up(database, process)
    broker.signal(signal.SIGCONT)
    process.wait(60).expect(0)
    check_all_there(broker)


@case("a broker that is killed with messages in flight and started again gets every row")
def killed(t):
    broker = servers.own_kafka(t)
    database, process, open_gate = half_sent(t, broker)
    broker.signal(signal.SIGSTOP)  # so that messages are surely in flight when it dies
    open_gate()
    wait_until_held_up(database, process)
    broker.kill()
    broker.start()
    process.wait(90).expect(0)
    check_all_there(broker)


def memory_kb(process):
    """(now, most ever) of the process's resident memory."""
    fields = dict(
        line.split(":", 1) for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines()
    )
    return int(fields["VmRSS"].split()[0]), int(fields["VmHWM"].split()[0])


@case(
    "a broker that does not answer: the readers wait in bounded memory, the log says so, nothing unanswered is done"
)
def frozen_ranges(t):
    rows = 60000
    # 1.5 KB a row that do not compress: 90 MB in six ranges, of which the program may hold two.
    database = t.database(
        "CREATE TABLE payments (id int PRIMARY KEY, name text);"
        "INSERT INTO payments SELECT id, (SELECT string_agg(md5((id * 64 + k)::text), '') FROM generate_series(1, 48) k)"
        f" FROM generate_series(1, {rows}) id; ANALYZE payments;"
    )
    broker = servers.own_kafka(t)
    target = {"Broker": broker.address, "Topic": "payments", "MessageFormat": "json-unformatted"}
    state = t.dir / "task.dmskafka"
    arguments = [
        "full-load",
        "--source",
        database.uri,
        "--target",
        json.dumps(target),
        "--table-mappings",
        dmskafka.mapping("public.payments"),
        "--state",
        state,
        "--task-settings",
        dmskafka.task_settings(2),
    ]
    process = dmskafka.start(t, *arguments)
    wait_until(
        lambda: kafka.message_count("payments", broker.address) > 100 or not process.running(),
        "the first rows are in Kafka",
        30,
    )
    broker.signal(signal.SIGSTOP)
    resident, later = 0, 0
    for seconds in (10, 20):
        wait_until(
            lambda: f"acknowledged nothing for {seconds} s" in process.said() or not process.running(),
            f"the log says that it waits for {seconds} s",
            40,
            step_s=0.1,
        )
        check(process.running(), f"dmskafka ended while its broker was away:\n{process.said()}")
        resident, (later, most) = later, memory_kb(process)
    say(f"waiting: {resident // 1024} MB, ten seconds later {later // 1024} MB, at most {most // 1024} MB")
    check(most < 120 * 1024, f"it took {most // 1024} MB")
    check(later - resident < 8 * 1024, f"memory grew from {resident} to {later} KB while it waited")
    equal(process.kill().status, -signal.SIGKILL, "status of the killed process")
    broker.kill()
    broker.start()
    noted = int(sqlite.query_state(state, "SELECT coalesce(sum(rows), 0) FROM segment_load WHERE done = 1;"))
    arrived = kafka.message_count("payments", broker.address)
    check(noted <= arrived, f"the state file has {noted} rows as done, Kafka {arrived} messages")
    dmskafka.run(t, *arguments).expect(0)
    check_all_there(broker, rows)


@case(
    "rows that were read and sent but never acknowledged are not done: killed then, the load sends them again"
)
def killed_unacknowledged(t):
    broker, rows = servers.own_kafka(t), OPEN_ROWS + 1000
    database, process, open_gate = half_sent(t, broker, rows)
    broker.signal(signal.SIGSTOP)
    open_gate()
    reading = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()"
    wait_until(lambda: database.query(reading) == "0", "the reader has read the last row", 30, step_s=0.1)
    equal(process.kill().status, -signal.SIGKILL, "status of the killed process")
    state = sqlite.query_state(t.dir / "task.dmskafka", "SELECT table_name, state FROM table_load;")
    equal(state, "payments|Full load", "the state file")
    broker.kill()
    broker.start()
    dmskafka.run(t, *load_arguments(t, database, broker)).expect(0)
    check_all_there(broker, rows)


if __name__ == "__main__":
    main()

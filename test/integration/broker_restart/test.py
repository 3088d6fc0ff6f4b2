"""The broker freezes, dies or restarts in the middle of a load: the load waits, goes on, and nothing is lost."""

import collections
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, gate, kafka, servers, wire
from lib.harness import case, check, equal, main, say, wait_until

# Enough bytes behind the gate that they cannot all wait inside the program: the reader must be held up by the broker.
ROWS, OPEN_ROWS = 60000, 20000
SCHEMA = gate.FUNCTION + gate.view("payments", ROWS, OPEN_ROWS, "repeat(md5(id::text), 50)")


def half_sent(t, broker):
    """A load whose first rows are in Kafka, standing before the gate."""
    database = t.database(SCHEMA)
    open_gate = gate.shut(t, database)
    process = dmskafka.start(
        t,
        "full-load",
        "--source",
        database.uri,
        "--target",
        f'{{"Broker": "{broker.address}", "Topic": "payments", "MessageFormat": "json-unformatted"}}',
        "--table-mappings",
        dmskafka.mapping(("include", "public.payments", {"object-locator": {"table-type": "view"}})),
        "--task-settings",
        dmskafka.task_settings(2),
    )
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


def check_all_there(broker):
    ids = collections.Counter(
        record["data"]["id"] for record in wire.data_records(kafka.consume("payments", broker.address))
    )
    missing = [n for n in range(1, ROWS + 1) if n not in ids]
    equal(missing[:10], [], f"missing rows, {len(missing)} in all")
    say(f"{sum(ids.values()) - ROWS} rows came twice")


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


if __name__ == "__main__":
    main()

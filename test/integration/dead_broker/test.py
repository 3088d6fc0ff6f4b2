"""No broker answers: the load ends within 31 seconds, says which broker, and can be run again."""

import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, servers, sqlite
from lib.harness import case, check, contains, equal, main

LIMIT_S = 31


@case(f"a closed port, a port that never answers, an unknown host: exit 5 within {LIMIT_S} s")
def nobody_answers(t):
    sqlite.run(
        t.dir / "shop.db", "CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1);"
    )
    silent = socket.create_server(("127.0.0.1", 0))
    t.defer(silent.close)
    brokers = {
        "closed": f"127.0.0.1:{servers.free_ports(1)}",
        "silent": f"127.0.0.1:{silent.getsockname()[1]}",
        "unknown": "no-such-host.invalid:9092",
    }
    # Side by side: each of them waits.
    processes = {
        name: dmskafka.start(
            t,
            "full-load",
            "--source",
            f"sqlite:{t.dir}/shop.db",
            "--target",
            f"kafka://{broker}/orders",
            "--state",
            t.dir / f"{name}.dmskafka",
        )
        for name, broker in brokers.items()
    }
    for name, broker in brokers.items():
        outcome = processes[name].wait(LIMIT_S + 15).expect(5)
        check(outcome.seconds <= LIMIT_S, f"{name}: it took {outcome.seconds:.1f} s")
        contains(outcome.err, broker, f"{name}: the broker's address")
        contains(
            outcome.err,
            {"closed": "Connection refused", "silent": "", "unknown": "resolve"}[name],
            f"{name}: the reason",
        )
        equal(
            sqlite.query_state(
                t.dir / f"{name}.dmskafka", "SELECT count(*) FROM table_load WHERE state = 'Table completed';"
            ),
            "0",
            f"{name}: tables completed",
        )


if __name__ == "__main__":
    main()

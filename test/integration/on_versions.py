#!/usr/bin/env python3
"""Runs integration tests with servers of certain versions, which it starts for them and removes afterwards.

    on_versions.py [--postgres VERSION] [--kafka VERSION] [--kills N] TEST[:CASE,...] ...

TEST is a directory here; the version "default" is what the scripts start unasked. What is not named is as the environment says (DMSKAFKA_TEST_POSTGRES, DMSKAFKA_TEST_KAFKA); servers that a test
starts itself have the named versions, too. Ends with the worst status of the tests: 0, 1, or 77 when a server is not to be had.
"""

import argparse
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from lib import servers
from lib.harness import SKIPPED, Case, Skip

HERE = pathlib.Path(__file__).resolve().parent


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--postgres")
    parser.add_argument("--kafka")
    parser.add_argument("--kills", help="DMSKAFKA_TEST_KILLS, where the environment says nothing")
    parser.add_argument("tests", nargs="+", metavar="TEST")
    return parser.parse_args()


def start_servers(t, options):
    if options.kills:
        os.environ.setdefault("DMSKAFKA_TEST_KILLS", options.kills)
    if options.postgres:
        os.environ["DMSKAFKA_TEST_POSTGRES_VERSION"] = options.postgres
        server = servers.own_postgres(t, "--set", "fsync=off")
        os.environ["DMSKAFKA_TEST_POSTGRES"] = server.address
    if options.kafka:
        os.environ["DMSKAFKA_TEST_KAFKA_VERSION"] = options.kafka
        os.environ["DMSKAFKA_TEST_KAFKA"] = servers.own_kafka(t).address


def run_test(name):
    test, _, cases = name.partition(":")
    began = time.monotonic()
    print(f"-- {name}", flush=True)
    status = subprocess.run([sys.executable, HERE / test / "test.py", *filter(None, cases.split(","))]).returncode
    print(f"-- {name}: {'ok' if status == 0 else f'status {status}'} after {time.monotonic() - began:.0f} s", flush=True)
    return status


def main():
    options = parse_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # its servers end with it
    t = Case("versions")
    try:
        start_servers(t, options)
        statuses = [run_test(name) for name in options.tests]
    except Skip as reason:
        print(f"skipped: {reason}")
        sys.exit(1 if os.environ.get("CI") == "true" else SKIPPED)
    finally:
        t.close()
    sys.exit(1 if any(status not in (0, SKIPPED) for status in statuses) else max(statuses))


if __name__ == "__main__":
    main()

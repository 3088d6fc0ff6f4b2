"""A load shows one moment of the database, whatever is written meanwhile."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, kafka, wire
from lib.harness import case, check, equal, main, say, wait_until

ACCOUNTS = 40000

# The load reads the tables one after the other or at once; a transaction always moves an amount from one to the other, so
# in every moment the two rows of an account add up to zero. The rows are wide, so that the load takes its time.
SCHEMA = f"""
CREATE TABLE debit (id int PRIMARY KEY, amount bigint NOT NULL, filler text);
CREATE TABLE credit (id int PRIMARY KEY, amount bigint NOT NULL, filler text);
INSERT INTO debit SELECT i, 0, repeat('x', 400) FROM generate_series(1, {ACCOUNTS}) i;
INSERT INTO credit SELECT i, 0, repeat('x', 400) FROM generate_series(1, {ACCOUNTS}) i;
"""
WRITER = f"""
SET synchronous_commit = off;
DO $$ BEGIN
  FOR i IN 1..100000000 LOOP
    UPDATE debit SET amount = amount + 1 WHERE id BETWEEN i * 7 % {ACCOUNTS} AND i * 7 % {ACCOUNTS} + 9;
    UPDATE credit SET amount = amount - 1 WHERE id BETWEEN i * 7 % {ACCOUNTS} AND i * 7 % {ACCOUNTS} + 9;
    COMMIT;
  END LOOP;
END $$;
"""


def load_beside_writer(t, sub_tasks):
    database = t.database(SCHEMA)
    written = lambda: int(database.query("SELECT sum(amount) FROM debit"))
    end_writer = database.session(t, WRITER)
    wait_until(lambda: written() > 100, "the writer is at work")
    topic, before = t.topic(), written()
    dmskafka.run(
        t,
        "full-load",
        "--source",
        database.uri,
        "--target",
        dmskafka.kafka_target(topic),
        "--task-settings",
        dmskafka.task_settings(2, {"FullLoadSettings": {"MaxFullLoadSubTasks": sub_tasks}}),
    ).expect(0)
    after = written()
    end_writer()
    amounts = {"debit": {}, "credit": {}}
    for record in wire.data_records(kafka.consume(topic)):
        amounts[record["metadata"]["table-name"]][record["data"]["id"]] = record["data"]["amount"]
    equal((len(amounts["debit"]), len(amounts["credit"])), (ACCOUNTS, ACCOUNTS), "rows")
    torn = [n for n in amounts["debit"] if amounts["debit"][n] + amounts["credit"][n] != 0]
    equal(torn[:10], [], f"accounts whose two rows are of different moments, {len(torn)} in all")
    total = sum(amounts["debit"].values())
    check(before <= total <= after, f"the moment shown ({total}) is not between {before} and {after}")
    check(after > before, "the writer stood still: this proves nothing")
    say(
        f"{after - before} changes were committed during the load; it shows the moment after {total - before} of them"
    )


@case("tables loaded one after the other are of one moment")
def one_after_the_other(t):
    load_beside_writer(t, sub_tasks=1)


@case("tables loaded at once, by connections of their own, are of one moment")
def at_once(t):
    load_beside_writer(t, sub_tasks=8)


if __name__ == "__main__":
    main()

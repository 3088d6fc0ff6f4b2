"""Changes are followed while the program is killed and its servers are restarted: what the topics hold is what was committed.

Random transactions go on all the time (lib/workload.py says which). The program ends by kill -9, at random or by failpoint between
delivery and checkpoint, or between checkpoint and acknowledgement; Kafka and the database are stopped or crash under it. Then
lib/judge.py compares topics, journal and tables. Sizes: DMSKAFKA_TEST_KILLS, DMSKAFKA_TEST_SEED; each task is killed at most
KILLS_OF_A_TASK times, then another one begins with the next seed.
"""

import functools
import json
import os
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, judge, kafka, mysql, servers, sqlite, workload
from lib.harness import case, check, equal, main, say, wait_until
from lib.mysql_source import MysqlSource
from lib.postgres_source import PostgresSource

KILLS = int(os.environ.get("DMSKAFKA_TEST_KILLS", "10"))
SEED = int(os.environ.get("DMSKAFKA_TEST_SEED", "0")) or random.randrange(1, 1 << 32)
FAILPOINTS = ["changes-delivered", "checkpoint-saved"]
PARTITIONS, LANES, WRITERS = 8, 4, 2
KILLS_OF_A_TASK = 40
ALIVE_MIN_S, ALIVE_MAX_S = 0.2, 1.5


def mapping(schema, ordered_topic):
    """Every table of the workload; those that have one partition go to a topic of their own."""
    rules = json.loads(dmskafka.mapping(*(f"{schema}.{table.name}" for table in workload.TABLES)))["rules"]
    for table in workload.TABLES:
        if table.one_partition:
            number = str(len(rules) + 1)
            rules.append({"rule-type": "object-mapping", "rule-id": number, "rule-name": number, "rule-action": "map-record-to-record",
                          "object-locator": {"schema-name": schema, "table-name": table.name}, "kafka-target-topic": ordered_topic})
    return json.dumps({"rules": rules})


class Following:
    """A task under test: the program's lives, and where each of them ended."""

    def __init__(self, t, source, broker, seed):
        self.t, self.source, self.broker, self.dice = t, source, broker, random.Random(seed)
        rows, ordered = self.topics = [f"rows{seed}", f"ordered{seed}"]
        self.state = t.dir / f"{seed}.dmskafka"
        kafka.create_topic(ordered, 1, address=broker.address)
        target = {"Broker": broker.address, "Topic": rows, "MessageFormat": "json-unformatted", "IncludeTransactionDetails": True,
                  "IncludeTableAlterOperations": True, "IncludeNullAndEmpty": True}
        groups = {
            "TargetMetadata": {"ParallelApplyThreads": LANES, "ParallelApplyQueuesPerThread": 2},
            "BeforeImageSettings": {"EnableBeforeImage": True, "FieldName": judge.BEFORE, "ColumnFilter": "all"},
            "ErrorBehavior": {"RecoverableErrorInterval": 1, "RecoverableErrorCount": -1, "RecoverableErrorThrottlingMax": 2, "RecoverableErrorStopRetryAfterThrottlingMax": False},
        }
        schema = source.dialect.schema_name
        self.arguments = [*source.task_arguments(), "--target", json.dumps(target), "--table-mappings", mapping(schema, ordered),
                          "--task-id", f"MODEL{seed}", "--state", self.state, "--task-settings", dmskafka.task_settings(PARTITIONS, groups)]
        self.program = dmskafka.binary_with_failpoints()
        self.runs, self.at_failpoint, self.restarts = [], 0, 0

    def run(self, *command):
        return dmskafka.run(self.t, *command, *self.arguments, program=self.program)

    def live_and_die(self, number):
        env = {"DMSKAFKA_FAILPOINT": f"{self.dice.choice(FAILPOINTS)}:{self.dice.randint(1, 2)}"} if number % 2 == 0 else {}
        process = dmskafka.start(self.t, "cdc", *self.arguments, env=env, program=self.program)
        if not env:
            time.sleep(self.dice.uniform(ALIVE_MIN_S, ALIVE_MAX_S))
            self._trouble(number, process)
            check(process.running(), f"the program has ended by itself:\n{process.said()[-4000:]}")
            outcome = process.kill()
        else:
            outcome = process.wait(60)
            self.at_failpoint += 1
        equal(outcome.status, -9, f"the end of a killed run; it said:\n{outcome.err[-3000:]}\n")
        self._note()

    def _trouble(self, number, process):
        """Every fifth life a server goes away and comes back, one after the other, in turn. A program that begins without its servers
        ends at once, so it is waited for."""
        if number % 10 not in (3, 7):
            return
        before = sum(self.runs[-1].ends.values()) if self.runs else 0
        wait_until(lambda: sum(self._ends_now().values()) > before or not process.running(), "the program follows", 60, 0.1)
        self.restarts += 1
        hard = self.dice.random() < 0.5
        if number % 10 == 3:
            self.source.restart(hard)
        else:
            self.broker.kill() if hard else self.broker.stop()
            self.broker.start()
        time.sleep(self.dice.uniform(ALIVE_MIN_S, ALIVE_MAX_S))

    def _note(self):
        """What is stored, and that nothing more than that was acknowledged."""
        stored = sqlite.query_state(self.state, "SELECT position_text FROM checkpoint")
        checkpoint = self.source.position_of(stored)
        acknowledged = self.source.acknowledged()
        check(acknowledged <= checkpoint, f"{acknowledged:X} was acknowledged to the source, {checkpoint:X} is stored")
        self.runs.append(judge.Run(self._ends(), checkpoint))

    def _ends_now(self):
        return {(topic, partition): end for topic in self.topics for partition, end in kafka.ends(topic, self.broker.address)}

    def _ends(self):
        """The topics' ends, once every partition has a leader again and requests of the dead are served."""
        seen = [self._ends_now()]
        wait_until(lambda: seen.append(self._ends_now()) or (seen[-1] == seen[-2] and len(seen[-1]) == PARTITIONS + 1), "nobody sends any more", 30,
                   0.05)
        return seen[-1]


SOURCES = {
    "PostgreSQL": PostgresSource,
    **{mysql.NAMES[kind]: functools.partial(MysqlSource, kind=kind) for kind in ("mariadb", "mysql")},
}


def register(database, make):
    def run(t):
        source, broker = make(t), servers.own_kafka(t)
        kills = KILLS if database == "PostgreSQL" else max(4, KILLS * 2 // 5)
        for task, of_task in enumerate([KILLS_OF_A_TASK] * (kills // KILLS_OF_A_TASK) + [kills % KILLS_OF_A_TASK]):
            if of_task:
                follow_and_judge(t, source, broker, SEED + task, of_task)

    run.__name__ = database.split()[0].lower()
    case(f"{database}: kills, crashes and restarts at any moment: the topics fold to the tables, complete and in order")(run)


for database, make in SOURCES.items():
    register(database, make)


def follow_and_judge(t, source, broker, seed, kills):
    say(f"seed {seed}, {kills} kills")
    source.create(source.dialect.schema())
    following = Following(t, source, broker, seed)
    following.run("full-load", "--prepare-cdc").expect(0)
    writers = [workload.Writer(n, WRITERS, random.Random(f"{seed} {n}"), source.dialect) for n in range(WRITERS)]
    writing = workload.Writers(t, writers, source.write, source.recover)
    writing.start()
    for number in range(kills):
        following.live_and_die(number)
    check(following.at_failpoint * 3 >= kills, f"only {following.at_failpoint} of {kills} kills fell around a checkpoint")
    writing.settle()
    source.write(writers[0].touch("altered"))
    following.run("cdc", "--until-current").expect(0)
    judge_all(following, source, broker)
    following.run("cleanup").expect(0)
    source.create(source.dialect.drop())


def judge_all(following, source, broker):
    records = [record for topic in following.topics for record in judge.read_topic(topic, broker.address)]
    lines = judge.read_journal(source)
    judged = judge.Judge(source, records, lines)
    judged.check_order()
    judged.check_repeats(following.runs, source.position_of)
    judged.check_records(PARTITIONS)
    judged.check_tables()
    transactions = len({record.metadata["transaction-id"] for record in records if "transaction-id" in record.metadata})
    say(f"{len(lines)} changes in {transactions} transactions, {judged.repeats} came again; {following.at_failpoint} of "
        f"{len(following.runs)} kills around a checkpoint, {following.restarts} restarts of servers")


if __name__ == "__main__":
    main()

"""Contenders that take turns at filling a topic, beside each other on one machine."""
import functools
import json
import subprocess
import sys

from lib.report import medians
from lib.servers import first_append, measured, record_count, run


def in_turns(contenders, turns):
    """`contenders`: name -> what runs it once and returns the result. Name -> its results; one turn more that is not counted comes first.
    Each turn another one begins, so that nobody always runs behind the same one."""
    names, results = list(contenders), {name: [] for name in contenders}
    for turn in range(turns + 1):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            result = contenders[name]()
            if turn > 0:
                results[name].append(result)
    return results


class Contender:
    """One thing that is run: `command` for a topic, and how many records it must leave there (None: it sends nothing). Of one that is run
    `to_first`, the time that counts ends with the broker's append of the first record."""

    def __init__(self, name, command, records, rows, makes_topic=False, status=0, to_first=False):
        self.name, self.command, self.records, self.rows = name, command, records, rows
        self.makes_topic, self.status, self.to_first = makes_topic, status, to_first


class Contest:
    """`servers`: by name, "kafka" and the database `database` among them, whose URI is `source`. Every run works in `directory`."""

    def __init__(self, servers, directory, database, source, dmskafka, fastpath):
        self.servers, self.directory, self.database, self.source, self.turn = servers, directory, database, source, 0
        self.kafka = servers["kafka"].address
        self._dmskafka, self._fastpath = dmskafka, fastpath

    def fastpath(self, name, query, rows, *properties, sends=True):
        def command(topic):
            words = [self._fastpath, self.source, query]
            return [*words, self.kafka, topic, *properties] if sends else words

        return Contender(name, command, rows if sends else None, rows)

    def dmskafka(self, name, tables, rows, settings=None, schema="public", target=None, records="rows", properties=(), **more):
        rules = [
            {"rule-type": "selection", "rule-id": str(n), "rule-name": str(n), "rule-action": "include",
             "object-locator": {"schema-name": schema, "table-name": table}}
            for n, table in enumerate(tables, 1)
        ]
        # Control records are switched off, so that the topic holds exactly the rows.
        task = {"FullLoadSettings": {"TargetTablePrepMode": "DO_NOTHING"}, "TargetMetadata": settings or {}}

        def command(topic):
            kafka = {"Broker": self.kafka, "Topic": topic, "MessageFormat": "json-unformatted"}
            endpoint = {"EndpointType": "target", "EngineName": "kafka", "KafkaSettings": kafka}
            return [self._dmskafka, "full-load", "--source", self.source, "--table-mappings", json.dumps({"rules": rules}),
                    "--task-settings", json.dumps(task), "--target", target or json.dumps(endpoint),
                    "--state", "bench.state", "--quiet", *(word for name in properties for word in ("-X", name))]

        return Contender(name, command, None if target else rows if records == "rows" else records, rows, **more)

    def run_once(self, contender):
        self.turn += 1
        topic = f"bench-{self.turn}"
        if contender.records is not None and not contender.makes_topic:
            self.servers["kafka"].call("topic", topic, "1")
        self._forget()
        command = [str(word) for word in contender.command(topic)]
        result = measured(command, self.directory, self.servers, contender.status)
        if contender.records is not None:
            count = record_count(self.kafka, topic)
            if contender.to_first and count:
                result["seconds"] = first_append(self.kafka, topic) - result["started_at"]
            self.servers["kafka"].call("delete-topic", topic)
            if count != contender.records:
                sys.exit(f"{contender.name}: Kafka holds {count} records instead of {contender.records}")
        return result

    def take_turns(self, contenders, turns):
        """As in_turns()."""
        return in_turns({one.name: functools.partial(self.run_once, one) for one in contenders}, turns)

    def medians(self, contenders, results, otherwise):
        rows = {contender.name: contender.rows for contender in contenders}
        return {key: medians(runs, rows.get(key, otherwise), self.database) for key, runs in results.items()}

    def profile(self, contender):
        """Where the instructions of one run go (its time, where the machine does not count them): by library, then by function."""
        self.servers["kafka"].call("topic", "bench-profile", "1")
        self._forget()
        data = self.directory / "perf.data"
        command = [str(word) for word in contender.command("bench-profile")]
        counted = subprocess.run(["perf", "stat", "-e", "instructions", "true"], capture_output=True, text=True)
        event = "cpu-clock" if "<not supported>" in counted.stderr else "instructions"
        print(f"by {event}\n")
        run("perf", "record", "-q", "-e", event, "-o", data, "--", *command, cwd=self.directory)
        for keys in ("dso", "dso,symbol"):
            text = run("perf", "report", "--stdio", "-q", "-i", data, "--sort", keys, "--percent-limit", "0.7",
                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
            print("\n".join(line.rstrip() for line in text.splitlines() if line.strip()) + "\n")

    def _forget(self):
        for leftover in self.directory.glob("bench.state*"):
            leftover.unlink()

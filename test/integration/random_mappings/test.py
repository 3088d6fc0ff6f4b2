"""Random mappings of random tables: a dry run prints exactly what a load sends. DMSKAFKA_TEST_SEED repeats a run."""

import json
import os
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, sqlite
from lib.harness import case, check, equal, main, say

CASES = int(os.environ.get("DMSKAFKA_TEST_CASES", "40"))
NAMES = ["id", "name", "First Name", "größe", "a.b", "total", "x_y", "Photo", '"q"']
VALUES = ["NULL", "0", "-12", "9007199254740993", "1.5", "1e300", "''", "'Ann'", "'a\"b\\c'", "'Zoë ☃'", "x'00ff'", "'2024-02-29'", "'12-34'"]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.columns = self.random.sample(NAMES, self.random.randint(1, 6))
        self.key = self.random.random() < 0.7

    def sql(self):
        quoted = ['"' + name.replace('"', '""') + '"' for name in self.columns]
        kinds = [self.random.choice(["", "TEXT", "INTEGER", "REAL", "BLOB", "NUMERIC"]) for _ in quoted]
        defined = [f"{name} {kind}" for name, kind in zip(quoted, kinds)]
        if self.key:
            defined = ["pk INTEGER PRIMARY KEY"] + defined
            self.columns = ["pk"] + self.columns
        rows = []
        for row in range(self.random.randint(0, 30)):
            values = [self.random.choice(VALUES) for _ in quoted]
            rows.append("(" + ",".join(([str(row * 3)] if self.key else []) + values) + ")")
        insert = f"INSERT INTO t VALUES {','.join(rows)};" if rows else ""
        return f"CREATE TABLE t ({', '.join(defined)}); {insert}"

    def column(self):
        return self.random.choice(self.columns)

    def pattern(self):
        return "%" if self.random.random() < 0.3 else self.column().replace("_", "[_]")

    def rules(self):
        locator = {"schema-name": "main", "table-name": "%"}
        rules = [{"rule-type": "selection", "rule-action": "include", "object-locator": locator}]
        if self.random.random() < 0.4:
            rules[0]["filters"] = [
                {
                    "filter-type": "source",
                    "column-name": self.column(),
                    "filter-conditions": [
                        {"filter-operator": op, "value": value, "start-value": "-5", "end-value": value}
                        if op in ("between", "notbetween")
                        else {"filter-operator": op}
                        if op in ("null", "notnull")
                        else {"filter-operator": op, "value": value}
                    ],
                }
                for op, value in [
                    (
                        self.random.choice(["lte", "gte", "eq", "noteq", "between", "notbetween", "null", "notnull"]),
                        self.random.choice(["0", "5", "1.5", "Ann", "2024-02-29"]),
                    )
                ]
            ]
            for condition in rules[0]["filters"][0]["filter-conditions"]:
                if condition["filter-operator"] in ("between", "notbetween"):
                    del condition["value"]
        for _ in range(self.random.randint(0, 4)):
            rules.append(self.transformation())
        for _ in range(self.random.randint(0, 1)):
            rules.append(self.object_mapping())
        return {"rules": [{**rule, "rule-id": str(i + 1)} for i, rule in enumerate(rules)]}

    def transformation(self):
        target = self.random.choice(["schema", "table", "column"])
        action = self.random.choice(["rename", "add-prefix", "add-suffix", "convert-uppercase", "remove-column", "change-data-type", "data-masking-hash-mask", "add-column"])
        if action in ("remove-column", "change-data-type", "data-masking-hash-mask", "add-column"):
            target = "column"
        rule = {"rule-type": "transformation", "rule-action": action, "rule-target": target, "object-locator": {"schema-name": "%", "table-name": "%"}}
        if target == "column":
            rule["object-locator"]["column-name"] = self.column().replace("_", "[_]") if action == "rename" else self.pattern()
        if action in ("rename", "add-prefix", "add-suffix"):
            rule["value"] = f"n{self.random.randint(0, 99)}"
        if action == "change-data-type":
            rule["data-type"] = {"type": self.random.choice(["string", "int4", "numeric", "boolean", "datetime", "bytes"])}
        if action == "add-column":
            rule |= {"value": f"made{self.random.randint(0, 9)}", "data-type": {"type": "string"}}
            rule["expression"] = self.random.choice(["'constant'", "$AR_M_SOURCE_TABLE_NAME || 1", "hex('a')"])
        return rule

    def object_mapping(self):
        parameters = {
            "exclude-columns": [self.column()] if self.random.random() < 0.5 else [],
            "attribute-mappings": [{"attribute-name": f"attribute{i}", "value": value} for i, value in enumerate(["a ${" + self.column() + '} "b', {"deep": [1, None, {"text": "${" + self.column() + "}"}]}])],
        }
        kind = self.random.randint(0, 3)
        if kind == 0:
            parameters |= {"partition-key-type": "attribute-name", "partition-key-name": self.column()}
        if kind == 1:
            parameters["partition-key"] = {"value": "k-${" + self.column() + "}"}
        return {
            "rule-type": "object-mapping",
            "rule-action": self.random.choice(["map-record-to-record", "map-record-to-document"]),
            "object-locator": {"schema-name": "main", "table-name": "t"},
            "kafka-target-topic": "${schema}-${table}",
            "mapping-parameters": parameters,
        }


def messages(outcome):
    out = []
    for line in outcome.out.splitlines():
        message = json.loads(line)
        out.append((message["topic"], message["partition"], message["key"], line[line.index(b'"value":') : -1]))
    return sorted(out)


@case("random mappings: dry-run is the load")
def property(t):
    first = int(os.environ.get("DMSKAFKA_TEST_SEED", "1"))
    compared = 0
    for seed in range(first, first + CASES):
        generator = Generator(seed)
        file = t.dir / f"{seed}.db"
        sqlite.run(file, generator.sql())
        mapping = t.file(f"{seed}.json", json.dumps(generator.rules(), ensure_ascii=False, indent=1))
        inputs = ("--source", f"sqlite:{file}", "--table-mappings", mapping, "--task-id", "RANDOM", "--task-settings", dmskafka.task_settings(5))
        env = {"SOURCE_DATE_EPOCH": "1700000000"}
        load = dmskafka.run(t, "full-load", *inputs, "--target", "-", "--state", t.dir / f"{seed}.state", env=env)
        preview = dmskafka.run(t, "dry-run", *inputs, "--limit", "1000", "--format", "ndjson", env=env)
        equal(preview.status, load.status, f"exit status with seed {seed}: {preview.err}\nload: {load.err}")
        if load.status != 0:
            continue
        equal(messages(preview), messages(load), f"messages with seed {seed}")
        compared += len(messages(load))
    say(f"{compared} messages of {CASES} mappings compared")
    check(compared > CASES * 3, "the mappings are mostly refused")


if __name__ == "__main__":
    main()

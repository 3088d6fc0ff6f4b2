#!/usr/bin/env python3
"""The golden cases before_*: each mechanism, column filter and dialect of before images, with every operation under each
replica identity in one case. The expected messages are put together here, from the rules of docs/messages.md, not by the
program.

    before_image_cases.py [--check] GOLDEN_DIRECTORY

Writes the cases; with --check only says which files differ.
"""
import json
import sys
from pathlib import Path

COLUMNS = [
    {"name": "id", "type": "INT32", "kind": "integer", "nullable": False},
    {"name": "name", "type": "STRING", "kind": "string"},
    {"name": "age", "type": "INT32", "kind": "integer"},
    {"name": "doc", "type": "STRING", "kind": "string", "lob": True},
]
NAMES = [column["name"] for column in COLUMNS]
KEY, LOB = "id", "doc"
IDENTITIES = ["whole", "full", "key", "other", "nothing"]
FILTERS = ["pk-only", "non-lob", "all"]
DIALECTS = ["dms", "dms-strict", "documented"]
UNCHANGED, ABSENT = {"unchanged": True}, {"absent": True}
TIME, COMMIT = "2024-01-01T00:00:00.000001Z", "2023-12-31T23:59:59.500000Z"


def log_of(identity, before, after):
    """What the log shows of the old row, and of the new one."""
    if identity in ("whole", "full"):
        return before, after
    logged = KEY if identity == "key" else "name"
    if identity == "nothing" or (after is not None and after[logged] == before[logged]):
        old = None
    else:
        old = {name: value if name == logged else ABSENT for name, value in before.items()}
    if after is not None and after[LOB] == before[LOB]:
        after = dict(after, **{LOB: UNCHANGED})
    return old, after


def value(name, raw):
    return int(raw) if raw is not None and name in ("id", "age") else raw


class Case:
    def __init__(self, mechanism, column_filter, dialect, formatted=False):
        self.mechanism, self.filter, self.dialect, self.formatted = mechanism, column_filter, dialect, formatted
        self.nulls = column_filter == "all"
        self.by_key = mechanism == "rule"
        self.number = 0
        self.records, self.expected = [], []

    def name(self):
        words = {"pk-only": "key", "non-lob": "no_lobs", "all": "all"}
        return "before_{}_{}_{}{}".format(self.mechanism, words[self.filter], self.dialect.replace("dms-", ""),
                                          "_formatted" if self.formatted else "")

    def files(self):
        task = {"DmskafkaSettings": {"Dialect": self.dialect}}
        if self.mechanism == "setting":
            task["BeforeImageSettings"] = {"EnableBeforeImage": True, "FieldName": "before-image",
                                           "ColumnFilter": self.filter}
        else:
            task["TargetMetadata"] = {"ParallelApplyThreads": 1}
        yield "task-settings.json", json.dumps(task, indent=2) + "\n"
        settings = {"Broker": "localhost:9092", "MessageFormat": "json" if self.formatted else "json-unformatted",
                    "IncludeTransactionDetails": True, "IncludePartitionValue": True, "IncludeNullAndEmpty": self.nulls}
        yield "settings.json", json.dumps(settings, indent=2) + "\n"
        everything = {"schema-name": "%", "table-name": "%"}
        rules = [{"rule-type": "selection", "rule-id": "1", "rule-name": "1", "rule-action": "include",
                  "object-locator": everything}]
        if self.mechanism == "rule":
            rules.append({"rule-type": "transformation", "rule-id": "2", "rule-name": "2", "rule-target": "column",
                          "rule-action": "add-before-image-columns", "object-locator": everything,
                          "before-image-def": {"column-prefix": "BI_", "column-suffix": "",
                                               "column-filter": self.filter}})
        yield "mapping.json", json.dumps({"rules": rules}, indent=2) + "\n"
        table = self.table(IDENTITIES[0])
        for index, identity in enumerate(IDENTITIES):
            if index != 0:
                self.records.append({"alter": self.table(identity)})
                self.expected.append("-- nothing that a consumer sees\n")
            self.run(identity)
        yield "table.json", json.dumps({"table": table, "records": self.records}, indent=1) + "\n"
        yield "expected.txt", "".join(self.expected)

    def table(self, identity):
        return {"schema": "public", "name": "t", "columns": COLUMNS, "primary-key": ["id"], "old-row": identity}

    def run(self, identity):
        first = dict(id="1", name="a", age="7", doc="{}")
        touched = dict(first, name="b", age=None)
        moved = dict(touched, id="2")
        self.change(identity, "insert", None, first)
        if identity == "nothing":
            return
        self.change(identity, "update", first, touched)
        self.change(identity, "update", touched, moved)
        self.change(identity, "update", moved, dict(moved, doc="[]"))
        self.change(identity, "delete", moved, None)

    def change(self, identity, operation, before, after):
        self.number += 1
        old, new = (None, after) if before is None else log_of(identity, before, after)
        transaction = {"id": 700, "record": self.number, "commit": COMMIT, "position": "P%d" % self.number}
        if self.number > 1:
            transaction.update({"previous": 699, "previous-record": 3})
        row = old if operation == "delete" else new
        record = {operation: [row[name] for name in NAMES]}
        if operation == "update" and old is not None:
            record["before"] = [old[name] for name in NAMES]
        record["transaction"] = transaction
        self.records.append(record)
        self.expect(identity, operation, old, row, transaction)

    def shown(self, members, name, raw, null_for_absent=False):
        if raw == UNCHANGED or (raw == ABSENT and not null_for_absent):
            return
        if raw == ABSENT:
            raw = None
        if raw is None and not self.nulls:
            return
        members[name] = value(name, raw)

    def old_values(self, identity, old, new):
        """The old values that an update shows, by column."""
        key_known = old is not None and old[KEY] != ABSENT
        key_changed = key_known and old[KEY] != new[KEY]
        result = {}
        for name in NAMES:
            passes = {"pk-only": name == KEY, "non-lob": name != LOB,
                      "all": name != LOB or self.dialect != "dms-strict"}[self.filter]
            if not passes:
                continue
            raw = ABSENT if old is None else old[name]
            only_changed = identity == "key" or (identity == "full" and self.filter == "pk-only")
            if only_changed and self.dialect != "documented" and not key_changed:
                continue
            if raw == ABSENT and self.dialect == "documented" and name == KEY and identity == "key":
                raw = new[name]
            result[name] = raw
        return result

    def expect(self, identity, operation, old, row, transaction):
        message = {"data": {}}
        for name in NAMES:
            self.shown(message["data"], name, row[name], operation == "delete")
        if operation == "update":
            old_values = self.old_values(identity, old, row)
            into, prefix = message["data"], "BI_"
            if self.mechanism == "setting":
                into, prefix = message.setdefault("before-image", {}), ""
            for name, raw in old_values.items():
                members = {}
                self.shown(members, name, raw)
                if name in members:
                    into[prefix + name] = members[name]
        words = {"insert": "create"} if self.dialect == "documented" else {}
        metadata = {"timestamp": TIME, "record-type": "data", "operation": words.get(operation, operation),
                    "partition-key-type": "primary-key" if self.by_key else "schema-table"}
        key, incomplete = self.key(row)
        if self.by_key:
            metadata["partition-key-value"] = key
        metadata.update({"schema-name": "public", "table-name": "t", "transaction-id": transaction["id"],
                         "transaction-record-id": transaction["record"]})
        if "previous" in transaction:
            metadata["prev-transaction-id"] = transaction["previous"]
            metadata["prev-transaction-record-id"] = transaction["previous-record"]
        metadata["commit-timestamp"] = COMMIT
        metadata["stream-position"] = transaction["position"]
        unchanged = [name for name in NAMES if row[name] == UNCHANGED]
        if unchanged and self.dialect != "dms-strict":
            metadata["unchanged-columns"] = unchanged
        message["metadata"] = metadata
        if operation == "update" and self.by_key and old is not None and old[KEY] not in (ABSENT, row[KEY]):
            self.expected.append('-- the key was "%s"\n' % old[KEY])
        self.expected.append("-- topic kafka-default-topic, key %s%s\n%s\n" % (
            json.dumps(key), ", the key is incomplete" if incomplete else "", self.text(message)))

    def key(self, row):
        if not self.by_key:
            return ("TASK.public.t" if self.dialect == "documented" else "public.t"), False
        return ("", True) if row[KEY] == ABSENT else (row[KEY], False)

    def text(self, message):
        if not self.formatted:
            return json.dumps(message, separators=(",", ":"), ensure_ascii=False)

        def write(item, depth):
            if isinstance(item, list):
                return "[" + ", ".join(json.dumps(one) for one in item) + "]"
            if not isinstance(item, dict):
                return json.dumps(item, ensure_ascii=False)
            tabs = "\t" * depth
            members = ",\n".join("%s%s:\t%s" % (tabs, json.dumps(name), write(member, depth + 1))
                                 for name, member in item.items())
            return "{\n" + members + ("\n" if members else "") + "\t" * (depth - 1) + "}"

        return write(message, 1)


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--check"]
    check, golden = "--check" in sys.argv, Path(arguments[0])
    cases = [Case(mechanism, column_filter, dialect)
             for mechanism in ("setting", "rule") for column_filter in FILTERS for dialect in DIALECTS]
    cases += [Case("setting", "pk-only", "dms", True), Case("rule", "all", "dms", True)]
    wrong = 0
    for case in cases:
        for name, text in case.files():
            path = golden / case.name() / name
            if check:
                if not path.exists() or path.read_text() != text:
                    print("%s is not what %s says" % (path, Path(__file__).name))
                    wrong += 1
            else:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text)
    print("%d cases, %d files differ" % (len(cases), wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

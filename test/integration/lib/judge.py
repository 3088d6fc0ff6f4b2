"""Judges what the topics hold against the journal and the tables of lib/workload.py, from kcat's output and the database's client alone.

For the records of one Kafka key the journal gives an order. The topic may go back in it, as after a kill, but never skip: what comes
next is the next in the order, or something that was there already. So nothing is missing and nothing is out of order.
"""

import collections
import hashlib
import json

from lib import kafka, workload
from lib.harness import Failure, check, equal

Record = collections.namedtuple("Record", "topic partition offset place table operation data before metadata")
Line = collections.namedtuple("Line", "step xid table operation place old_place old_version columns")
BEFORE = "before"


class Run:
    """One life of the program: where the topics ended behind it, and the position it had stored."""

    def __init__(self, ends, checkpoint):
        self.ends, self.checkpoint = ends, checkpoint


def read_topic(topic, address):
    records = []
    for message in kafka.consume(topic, address):
        value = json.loads(message.value)
        metadata = value["metadata"]
        key, data, before = message.key.decode(), value.get("data"), value.get(BEFORE)
        for row in (data, before):
            if row and row.get("big"):  # as the database is asked, and shorter
                row["big"] = hashlib.md5(row["big"].encode()).hexdigest()
        records.append(Record(topic, message.partition, message.offset, key, metadata.get("table-name"), metadata["operation"],
                              data, before, metadata))
    return records


def read_journal(source):
    lines = []
    for fields in source.rows("SELECT step, xid, tab, op, place, old_place, old_version, columns_then FROM journal ORDER BY step"):
        step, xid, table, operation, place, old_place, old_version, columns = fields
        lines.append(Line(int(step), int(xid) if xid else None, table, operation, place, old_place,
                          int(old_version) if old_version else None, columns))
    return lines


def old_place(record):
    """The key that an update left: its columns that the before image shows as changed."""
    table = workload.BY_NAME[record.table]
    if not table.key or record.operation != "update":
        return record.place
    return ".".join(str(record.before.get(column, record.data[column])) for column in table.key)


class Order:
    """Follows the records of one key along the journal's order. Truncates look all the same, so several places may be meant at once."""

    def __init__(self, expected):
        self.groups = []  # (element, how often)
        for element in expected:
            if self.groups and self.groups[-1][0] == element:
                self.groups[-1] = (element, self.groups[-1][1] + 1)
            else:
                self.groups.append((element, 1))
        self.at = {(-1, 1)}
        self.furthest = (-1, 1)
        self._places = collections.defaultdict(list)
        for number, (element, _) in enumerate(self.groups):
            self._places[element].append(number)

    def _count(self, group):
        return self.groups[group][1] if group >= 0 else 1

    def take(self, element):
        """False: it is neither the next nor one that was there."""
        places = set()
        for group, count in self.at:
            if group >= 0 and self.groups[group][0] == element and count < self._count(group):
                places.add((group, count + 1))
            if count == self._count(group) and group + 1 < len(self.groups) and self.groups[group + 1][0] == element:
                places.add((group + 1, 1))
        for group in self._places[element]:
            if group <= self.furthest[0]:  # once more
                places.update((group, count + 1) for count in range(self._count(group) if element == TRUNCATE else 1))
        self.at = places
        self.furthest = max(self.furthest, *places) if places else self.furthest
        return bool(places)

    def missing(self):
        """Those never seen."""
        group, count = self.furthest
        left = [(self.groups[group][0], self._count(group) - count)] if count < self._count(group) else []
        return left + self.groups[group + 1 :]

    def expected(self):
        return [self.groups[group] for group in sorted({group for group, _ in self.at} | {group + 1 for group, _ in self.at})
                if 0 <= group < len(self.groups)][-4:]


TRUNCATE = ("truncate",)


def line_element(line):
    """What a line of the journal and the record of it have in common."""
    if line.operation == "truncate":
        return TRUNCATE
    if line.operation != "delete":
        return (line.operation, line.place, line.step, line.xid)
    table = workload.BY_NAME[line.table]
    # Without REPLICA IDENTITY FULL a delete shows its key alone; without a key several rows go at once.
    return ("delete", line.place, line.old_version if table.key and table.whole_rows else None, line.xid)


def record_element(record, knows_xid=True):
    if record.operation == "truncate-table":
        return TRUNCATE
    table = workload.BY_NAME[record.table]
    xid = record.metadata["transaction-id"] if knows_xid else None
    version = record.data["version"]
    if record.operation == "delete" and not (table.key and table.whole_rows):
        version = None
    return (record.operation, record.place, version, xid)


class Judge:
    def __init__(self, source, records, lines):
        self.source, self.records, self.lines = source, records, lines
        self._knows_xid = all(line.xid is not None for line in lines)
        # By transaction and number in it: the records that came for the first time.
        self.first = {}
        for record in records:
            if "transaction-record-id" in record.metadata:
                self.first.setdefault((record.metadata["transaction-id"], record.metadata["transaction-record-id"]), record)
        self.repeats = sum("transaction-record-id" in record.metadata for record in records) - len(self.first)

    def is_first(self, record):
        return self.first.get((record.metadata["transaction-id"], record.metadata["transaction-record-id"])) is record

    # --- order and completeness ---

    def _keys_of_line(self, line, keys):
        table = workload.BY_NAME[line.table]
        if line.operation == "truncate":
            return keys[line.table]
        if not table.one_partition or line.old_place in (None, line.place):
            return [line.place]
        return [line.place, line.old_place]  # in one partition the moves away are in order, too

    def check_order(self):
        keys = collections.defaultdict(set)
        for line in self.lines:
            if line.place is not None:
                keys[line.table].update(p for p in (line.place, line.old_place) if p)
        for table in workload.TABLES:
            if not table.key:
                keys[table.name].add(f"{self.source.dialect.schema_name}.{table.name}")
        expected = collections.defaultdict(list)
        for line in self.lines:
            for key in self._keys_of_line(line, keys):
                expected[line.table, key].append(line_element(line))
        orders = {where: Order(elements) for where, elements in expected.items()}
        for record in self.records:
            if record.operation == "load" or record.metadata["record-type"] == "control" and record.operation != "truncate-table":
                continue
            self._follow(record, keys, orders)
        missing = {where: order.missing() for where, order in orders.items() if order.missing()}
        check(not missing, f"{sum(n for groups in missing.values() for _, n in groups)} changes never came, e.g. "
                           f"{list(missing.items())[:3]}")

    def _follow(self, record, keys, orders):
        table = workload.BY_NAME[record.table]
        if record.operation == "truncate-table":
            places = keys[record.table]
        else:
            old = old_place(record) if table.one_partition else record.place
            places = {record.place, old}
        element = record_element(record, self._knows_xid)
        for place in places:
            order = orders.get((record.table, place))
            check(order is not None, f"{record.table} has no changes of the key {place}, and yet: {record}")
            expected = order.expected()
            if not order.take(element):
                raise Failure(f"{record.table}, key {place}: expected one of {expected} or what was there already, not {element}: {record}")

    # --- what repeats ---

    def check_repeats(self, runs, position_of):
        """A record comes again only when its transaction ended behind the position that was stored when the last run began."""
        for record in self.records:
            if record.metadata["record-type"] != "data" or record.operation == "load" or self.is_first(record):
                continue
            checkpoint = None
            for run in runs:
                if record.offset >= run.ends.get((record.topic, record.partition), 0):
                    checkpoint = run.checkpoint
            check(checkpoint is not None, f"sent twice by the first run: {record}")
            check(position_of(record.metadata["stream-position"]) >= checkpoint,
                  f"sent again, although the position {checkpoint:X} behind it was stored: {record}")

    # --- single records ---

    def check_records(self, partitions):
        by_step = collections.defaultdict(list)
        for line in self.lines:
            if line.operation == "update":
                by_step[line.table, line.step].append(line)
        columns = {(line.table, line.step): line.columns for line in self.lines if line.columns}
        before = collections.defaultdict(list)
        for record in self.records:
            if record.metadata["record-type"] != "data":
                continue
            table = workload.BY_NAME[record.table]
            where = kafka.partition_of(record.place.encode(), 1 if table.one_partition else partitions)
            if record.operation != "load":
                equal(record.partition, where, f"the partition of {record}")
                wanted = ".".join(str(record.data[column]) for column in table.key) or record.place
                equal(record.place, wanted, f"the key of {record}")
            if record.operation == "update" and table.whole_rows and self.is_first(record):
                before[record.table, record.data["version"]].append((old_place(record), record.before["version"]))
            if record.operation in ("insert", "update") and (record.table, record.data["version"]) in columns:
                equal(",".join(record.data), columns[record.table, record.data["version"]], f"columns of {record}")
        for (table, step), lines in by_step.items():
            if workload.BY_NAME[table].whole_rows:
                equal(sorted(before[table, step]), sorted((line.old_place, line.old_version) for line in lines),
                      f"before images of {table}, version {step}")

    # --- folding ---

    def check_tables(self):
        for table in workload.TABLES:
            records = [r for r in self.records if r.table == table.name and (r.data or r.operation == "truncate-table")]
            if not table.key:
                rows = self._fold_bag(table, records)
            elif table.one_partition:
                rows = self._fold_in_order(table, records)
            else:
                rows = self._fold_by_key(table, records)
            columns = ", ".join((*table.key, "version", "small", "md5(big)") if table.key else ("id", "version", "small", "md5(big)"))
            expected = sorted(tuple(row) for row in self.source.rows(f"SELECT {columns} FROM {table.name}"))
            equal(sorted(rows), expected, f"the rows of {table.name}")

    @staticmethod
    def _row(table, data):
        columns = table.key or ("id",)
        return (*(str(data[c]) for c in columns), str(data["version"]), str(data["small"]), data["big"])

    def _fold_bag(self, table, records):
        """Without a key: in the journal's order each change adds a row or takes one away."""
        bag = collections.Counter(self._row(table, record.data) for record in records if record.operation == "load")
        sent = collections.defaultdict(list)
        for record in records:
            if record.metadata["record-type"] == "data" and record.operation != "load" and self.is_first(record):
                xid = record.metadata["transaction-id"] if self._knows_xid else None
                sent[record.operation, xid, record.data["version"]].append(record)
        for line in (line for line in self.lines if line.table == table.name):
            if line.operation == "truncate":
                bag.clear()
                continue
            record = sent[line.operation, line.xid, line.old_version if line.operation == "delete" else line.step].pop()
            if line.operation != "insert":
                old = self._row(table, record.before if line.operation == "update" else record.data)
                check(bag[old] > 0, f"no such row to change: {record}")
                bag[old] -= 1
            if line.operation != "delete":
                bag[self._row(table, record.data)] += 1
        return list(bag.elements())

    def _fold_in_order(self, table, records):
        """One partition: as a consumer does it, record by record, repeats and all."""
        rows = {}
        for record in records:
            if record.operation == "truncate-table":
                rows.clear()
                continue
            old = old_place(record) if record.operation == "update" else record.place
            if record.operation == "load":
                rows[".".join(str(record.data[c]) for c in table.key)] = record.data
            elif record.operation == "delete":
                rows.pop(record.place, None)
            else:
                known = rows.pop(old, {})
                rows[record.place] = self._completed(record, known)
        return [self._row(table, data) for data in rows.values()]

    @staticmethod
    def _completed(record, known):
        unchanged = record.metadata.get("unchanged-columns", [])
        return {**record.data, **{column: known[column] for column in unchanged if column in known}}

    def _fold_by_key(self, table, records):
        """Several partitions: the last record of each key, unless the row has moved away since."""
        content, last, moved = {}, {}, collections.defaultdict(lambda: -1)
        for record in records:
            place = ".".join(str(record.data[c]) for c in table.key)
            # Loaded by the same key, perhaps to another partition: before every change.
            if record.operation != "load":
                last[place] = record
            else:
                last.setdefault(place, record)
            if record.operation == "update" and old_place(record) != place:
                moved[old_place(record)] = max(moved[old_place(record)], record.data["version"])
        for record in sorted((r for r in records if r.operation != "delete"), key=lambda r: r.data["version"]):
            place = ".".join(str(record.data[c]) for c in table.key)
            old = old_place(record) if record.operation == "update" else place
            content[place] = self._completed(record, content.get(old, {}))
        rows = []
        for place, record in last.items():
            if record.operation == "delete" or record.data["version"] < moved[place]:
                continue
            equal(content[place]["version"], record.data["version"], f"the version of the last record of {table.name} {place}")
            rows.append(self._row(table, content[place]))
        return rows

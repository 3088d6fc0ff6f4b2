"""Compares every row of a table with every message of its topic, byte for byte, in a stream.

The messages are one line each (partition, TAB, key, TAB, value) in one file; the rows come in the order of `id` from the
database's own client. Several processes share the work, each a range of ids.
"""

import array
import mmap
import multiprocessing
import os
import re

from lib import kafka, wire
from lib.harness import Failure, check

_ABSENT = (1 << 64) - 1
_KEY = re.compile(rb"^(\d+)\t(\d+)\t", re.MULTILINE)


def index_by_id(path, rows):
    """Where each id's message starts. Fails on an id that comes twice, is missing, or that no row has.
    Returns the places and the lines whose key is not a number: the control records."""
    places = array.array("Q", [_ABSENT]) * (rows + 1)
    others, twice, strangers, at = [], [], [], 0
    with open(path, "rb") as file:
        for line in file:
            found = _KEY.match(line)
            if not found:
                others.append(line)
            else:
                number = int(found[2])
                if not 1 <= number <= rows:
                    strangers.append(number)
                elif places[number] != _ABSENT:
                    twice.append(number)
                else:
                    places[number] = at
            at += len(line)
    missing = [number for number in range(1, rows + 1) if places[number] == _ABSENT]
    problems = [
        f"{len(numbers)} rows {what}, e.g. id {numbers[:5]}"
        for what, numbers in (("are missing", missing), ("came twice", twice), ("nobody has", strangers))
        if numbers
    ]
    check(not problems, "; ".join(problems))
    return places, others


def compare(path, places, rows, partitions, open_rows, expected_data, metadata, processes=None):
    """`open_rows(first, last)` gives the database's rows with these ids in order, each as (id, row) in bytes;
    `expected_data(row)` the JSON object each must have become; `metadata` is what wire.metadata() made."""
    processes = processes or max(2, os.cpu_count() or 2)
    bounds = [rows * i // processes for i in range(processes + 1)]
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()

    def work(first, last):
        try:
            results.put(
                (
                    _compare_range(path, places, first, last, partitions, open_rows, expected_data, metadata),
                    None,
                )
            )
        except BaseException as error:  # whatever it is, the parent must hear of it
            results.put((0, f"{type(error).__name__}: {error}"))

    workers = [context.Process(target=work, args=(bounds[i] + 1, bounds[i + 1])) for i in range(processes)]
    for worker in workers:
        worker.start()
    outcomes = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    errors = [error for _, error in outcomes if error]
    if errors:
        raise Failure("\n".join(errors))
    compared = sum(count for count, _ in outcomes)
    check(compared == rows, f"{compared} rows were compared, not {rows}")


def _compare_range(path, places, first, last, partitions, open_rows, expected_data, metadata):
    expected_id = first
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as sent:
        for key, row in open_rows(first, last):
            if int(key) != expected_id:
                raise Failure(f"the database gave id {key} where {expected_id} was due")
            at = places[expected_id]
            line = sent[at : sent.find(b"\n", at)]
            wanted = b'%d\t%s\t{"data":%s,%s' % (
                kafka.partition_of(key, partitions),
                key,
                expected_data(row),
                metadata,
            )
            actual = wire.without_time(line)
            if actual != wanted:
                raise Failure(
                    f"id {expected_id}:\nexpected {wanted.decode()}\nactual   {actual.decode(errors='replace')}"
                )
            expected_id += 1
    return expected_id - first

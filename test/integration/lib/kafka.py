"""A Kafka broker as the tests see it: never through our own code, but through kcat and a few bytes of its protocol."""

import collections
import contextlib
import functools
import json
import os
import shutil
import socket
import struct
import subprocess

from lib.harness import Failure, Skip, unique

Message = collections.namedtuple(
    "Message", "topic partition offset key value"
)  # key and value: bytes or None


def bootstrap():
    """The broker all tests share. Skips when there is none."""
    address = os.environ.get("DMSKAFKA_TEST_KAFKA", "127.0.0.1:19092")
    _require(address)
    return address


@functools.lru_cache(maxsize=None)
def _require(address):
    if not shutil.which("kcat"):
        raise Skip("kcat is not installed (apt-get install kcat)")
    try:
        _request(address, 18, 0, b"")
    except OSError as error:
        raise Skip(
            f"no Kafka broker at {address} ({error}): scripts/kafka-up starts one, DMSKAFKA_TEST_KAFKA names another"
        )


@contextlib.contextmanager
def temporary_topic(label, address=None):
    """A topic name nobody uses; whatever made the topic, it is deleted at the end."""
    address = address or bootstrap()
    name = unique(label)
    try:
        yield name
    finally:
        with contextlib.suppress(OSError):
            delete_topic(name, address)


def create_topic(name, partitions=1, config=None, address=None):
    """CreateTopics v2: the oldest that Kafka 4 still speaks."""
    configs = b"".join(_string(k) + _string(v) for k, v in (config or {}).items())
    topic = (
        _string(name) + struct.pack(">ihi", partitions, 1, 0) + struct.pack(">i", len(config or {})) + configs
    )
    answer = _request(
        address or bootstrap(), 19, 2, struct.pack(">i", 1) + topic + struct.pack(">i?", 30000, False)
    )
    code = struct.unpack_from(">h", answer, 4 + 4 + 2 + len(name))[0]
    if code:
        raise Failure(f"the broker refused to make topic {name}: error code {code}")


def delete_topic(name, address=None):
    """DeleteTopics v1; a topic that is not there is none of our business."""
    _request(address or bootstrap(), 20, 1, struct.pack(">i", 1) + _string(name) + struct.pack(">i", 30000))


def topic_names(address=None):
    return {t["topic"] for t in json.loads(_kcat(["-L", "-J"], address))["topics"]}


def consume(topic, address=None):
    """Everything in the topic as kcat reads it, by partition and offset. Lengths frame it: keys and values may hold anything."""
    out = _kcat(["-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", "%p %o %K %S\n%k%s\n"], address)
    messages, at = [], 0
    while at < len(out):
        end = out.index(b"\n", at)
        partition, offset, key_size, value_size = map(int, out[at:end].split())
        key, at = _take(out, end + 1, key_size)
        value, at = _take(out, at, value_size)
        at += 1  # the newline behind
        messages.append(Message(topic, partition, offset, key, value))
    return sorted(messages, key=lambda m: (m.partition, m.offset))


def consume_lines(topic, path, address=None):
    """The topic into a file, a line a message: partition, TAB, key, TAB, value. For many messages of one line each."""
    with open(path, "wb") as out:
        _kcat(["-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", "%p\t%k\t%s\n"], address, out)


def keys(topic, address=None):
    """The key of every message, none of which may hold a newline."""
    return _kcat(["-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", "%k\n"], address).splitlines()


def message_count(topic, address=None):
    """From the offsets alone. 0 while there is no such topic, or it has no leader yet."""
    return sum(end for _, end in ends(topic, address))


def ends(topic, address=None):
    """(partition, end offset) of each partition; none while there is no such topic, or it has no leader yet."""
    # All topics, not this one: asking a broker for a topic by name makes it.
    described = {t["topic"]: t for t in json.loads(_kcat(["-L", "-J"], address))["topics"]}
    partitions = [p["partition"] for p in described.get(topic, {"partitions": []})["partitions"]]
    if not partitions:
        return []
    try:
        out = _kcat(["-Q", *(a for p in partitions for a in ("-t", f"{topic}:{p}:-1"))], address)
    except Failure as failure:
        if "leader" in str(failure).lower():
            return []
        raise
    return [(int(line.split(b"[")[1].split(b"]")[0]), int(line.rsplit(b" ", 1)[1])) for line in out.splitlines()]


def murmur2(key):
    """org.apache.kafka.common.utils.Utils.murmur2, unsigned; written from its description."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = 0x9747B28C ^ len(key)
    whole = len(key) & ~3
    for (k,) in struct.iter_unpack("<I", key[:whole]):
        k = k * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    rest = key[whole:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


def partition_of(key, partitions):
    """Where every Java producer puts a record with this key."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def _take(out, at, size):
    return (None, at) if size < 0 else (out[at : at + size], at + size)


def _kcat(args, address=None, stdout=subprocess.PIPE):
    # Without these a reader at the end of a partition waits half a second for more.
    command = [
        "kcat",
        "-b",
        address or bootstrap(),
        "-X",
        "fetch.wait.max.ms=10",
        "-X",
        "log_level=3",
        "-X",
        "receive.message.max.bytes=200000000",
        "-X",
        "fetch.message.max.bytes=20000000",
        *args,
    ]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, timeout=180
    )
    if done.returncode:
        raise Failure(f"{' '.join(command)}\n{done.stderr.decode(errors='replace')}")
    return done.stdout


def _string(text):
    data = text.encode()
    return struct.pack(">h", len(data)) + data


def _request(address, api, version, body):
    """One request of Kafka's protocol with header version 1, and the body of its answer."""
    host, port = address.split(",")[0].rsplit(":", 1)
    with socket.create_connection((host, int(port)), 5) as connection:
        connection.settimeout(35)
        message = struct.pack(">hhi", api, version, 1) + _string("dmskafka-test") + body
        connection.sendall(struct.pack(">i", len(message)) + message)
        size = struct.unpack(">i", _receive(connection, 4))[0]
        return _receive(connection, size)[4:]


def _receive(connection, size):
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise ConnectionError("the broker closed the connection")
        data += part
    return data

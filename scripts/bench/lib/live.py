"""How late records are behind the clock in their rows, and the table it is printed in."""
import datetime
import json
import subprocess
import sys
import time

from lib.servers import record_count, run

WAIT_SECONDS_MAX = 120


def wait_for(kafka, topic, count, partitions):
    """Until the topic holds so many records."""
    until = time.monotonic() + WAIT_SECONDS_MAX
    while record_count(kafka, topic, partitions) < count:
        if time.monotonic() > until:
            sys.exit(f"{record_count(kafka, topic, partitions)} of {count} records came")
        time.sleep(0.1)


def delays(kafka, topic):
    """Milliseconds from the clock in each row (updated_at, UTC) to the broker's append, in order."""
    text = run("kcat", "-C", "-b", kafka, "-t", topic, "-o", "beginning", "-e", "-q", "-f", "%T %s\n", stdout=subprocess.PIPE).stdout
    found = []
    for line in text.splitlines():
        appended, value = line.split(" ", 1)
        row = json.loads(value)
        stamp = row["data"]["updated_at"] if "data" in row else row["after"]["updated_at"]
        if isinstance(stamp, int):
            written_ms = stamp / 1_000
        else:
            written_ms = datetime.datetime.fromisoformat(stamp.rstrip("Z")).replace(tzinfo=datetime.timezone.utc).timestamp() * 1_000
        found.append(int(appended) - written_ms)
    return sorted(found)


def print_head(seconds, database):
    print(f"\nlive, {seconds} s each\n")
    print(f"| contender               | asked for | written/s |   p50 ms |   p95 ms |   p99 ms |   max ms | CPU s | {database + chr(39) + 's':>12} | Kafka's | peak memory |")
    print("|-------------------------|----------:|----------:|---------:|---------:|---------:|---------:|------:|-------------:|--------:|------------:|")


def print_line(name, rate, seconds, written, found, result, database):
    """`found`: what delays() returned; `result`: what was consumed. Returns all of it as one run."""
    if len(found) != written:
        sys.exit(f"{name}: {len(found)} records of {written} changes")
    p50, p95, p99 = (found[min(len(found) - 1, int(len(found) * part))] for part in (0.5, 0.95, 0.99))
    print(f"| {name:23} | {rate:7,}/s | {written / seconds:9,.0f} | {p50:8.1f} | {p95:8.1f} | {p99:8.1f} |"
          f" {found[-1]:8.1f} | {result['cpu']:5.2f} | {result[f'{database}_cpu']:12.2f} | {result['kafka_cpu']:7.2f} |"
          f" {result['memory_mb']:8.0f} MB |", flush=True)
    return {**result, "written": written, "p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "max_ms": found[-1]}

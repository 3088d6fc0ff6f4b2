#!/usr/bin/env python3
"""show_messages.py FILE: shows the messages of "full-load --target kafka:embedded" to a person.

One row's message whole, then of every row where its message lies, its key and its data. The file holds them all.
"""
import json
import shutil
import sys
from collections import defaultdict


def shortened(text, width):
    return text if len(text) <= width else text[: width - 1] + "…"


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def read_messages(path):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            message = json.loads(line)
            value = message["value"]
            message["text"] = value if isinstance(value, str) else compact(value)
            message["json"] = json.loads(value) if isinstance(value, str) else value
            message["metadata"] = message["json"]["metadata"]
            yield message


def show_whole(message):
    print(f"\nOne message, as it lies in Kafka: topic {message['topic']}, partition {message['partition']}, "
          f"offset {message['offset']}, key {message['key']}")
    print("\n".join("    " + line.expandtabs(2) for line in message["text"].splitlines()))


def show_table(name, messages, width):
    rows = [m for m in messages if m["metadata"]["record-type"] == "data"]
    control = [m["metadata"]["operation"] for m in messages if m["metadata"]["record-type"] == "control"]
    before = f", announced by {' and '.join(control)}" if control else ""
    print(f"\n{name}: {len(rows)} rows{before}")
    key_width = max(len(m["key"]) for m in rows)
    for message in sorted(rows, key=lambda m: (m["partition"], m["offset"])):
        place = f"  partition {message['partition']} offset {message['offset']:<3} key {message['key']:{key_width}}  "
        print(shortened(place + compact(message["json"]["data"]), width))


def main():
    messages = list(read_messages(sys.argv[1]))
    tables = defaultdict(list)
    for message in messages:
        tables[message["metadata"]["table-name"]].append(message)
    rows = [m for m in messages if m["metadata"]["record-type"] == "data"]
    if not rows:
        sys.exit("show_messages.py: no row came back")
    width = max(80, shutil.get_terminal_size((118, 40)).columns)
    show_whole(next((m for m in rows if m["metadata"]["table-name"] == "orders"), rows[0]))
    for name in sorted(tables):
        show_table(name, tables[name], width)
    print(f"\n{len(messages)} messages were produced, acknowledged and consumed back.")


if __name__ == "__main__":
    main()

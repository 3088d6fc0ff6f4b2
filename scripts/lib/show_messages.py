#!/usr/bin/env python3
"""show_messages.py FILE: shows the messages of "full-load --target kafka:embedded" to a person.

Table by table: the first message whole, of the others where it lies, its key and its data. The file holds them all.
"""
import json
import sys
from collections import defaultdict

LINE_MAX = 118


def shortened(text):
    return text if len(text) <= LINE_MAX else text[: LINE_MAX - 1] + "…"


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def read_messages(path):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            message = json.loads(line)
            value = message["value"]
            message["text"] = value if isinstance(value, str) else compact(value)
            message["json"] = json.loads(value) if isinstance(value, str) else value
            yield message


def show(tables):
    whole = True
    for name, messages in sorted(tables.items()):
        print(f"\n{name}: {len(messages)} messages")
        messages.sort(key=lambda m: (m["partition"], m["offset"]))
        for message in messages:
            place = f"{message['topic']}[{message['partition']}]@{message['offset']}"
            content = message["json"].get("data", message["json"].get("control", {}))
            print(shortened(f"  {place}  key {message['key']}  {compact(content)}"))
            if whole:
                print("    the whole value of this message, byte for byte:")
                print("\n".join("    " + line.expandtabs(2) for line in message["text"].splitlines()))
                whole = False


def main():
    tables = defaultdict(list)
    for message in read_messages(sys.argv[1]):
        metadata = message["json"].get("metadata", {})
        tables[metadata.get("table-name") or "(task)"].append(message)
    if not tables:
        sys.exit("show_messages.py: no message came back")
    show(tables)
    print(f"\n{sum(len(m) for m in tables.values())} messages were produced, acknowledged and consumed back.")


if __name__ == "__main__":
    main()

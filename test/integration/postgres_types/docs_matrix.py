#!/usr/bin/env python3
"""The table of types in docs/types.md, made from types_table.py: `docs_matrix.py` writes it, `docs_matrix.py --check` compares."""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))
sys.path.insert(0, str(HERE.parent))
import types_table

DOCUMENT = HERE.parents[3] / "docs/types.md"
BEGIN = "<!-- made by test/integration/postgres_types/docs_matrix.py -->\n"
END = "<!-- end -->\n"
OWN = {
    "mood": "an enum",
    "positive": "a domain over numeric(12,2)",
    "words": "a domain over text[]",
    "pair": "a composite type",
    "pair[]": "an array of it",
    "floatrange": "a range of one's own",
}


def code(text):
    text = text.replace("|", "\\|")
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def definition(members):
    words = members["type"]
    if "length" in members:
        words += f"({members['length']})"
    if "precision" in members:
        words += f"({members['precision']}" + (f",{members['scale']}" if "scale" in members else "") + ")"
    elif "scale" in members:
        words += f", scale {members['scale']}"
    return words + (", LOB" if members in (types_table.LOB, {"type": "BINARY"}) else "")


def matrix():
    lines = ["| type | control record | value in SQL | JSON |", "| --- | --- | --- | --- |"]
    for types in types_table.FAMILIES.values():
        for type in types:
            name = OWN.get(type.name, type.name)
            lines.append(
                f"| {name} | {definition(type.definition)} | {code(type.values[0])} | {code(type.example)} |"
            )
    return "\n".join(lines) + "\n"


def main():
    text = DOCUMENT.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    wanted = head + BEGIN + matrix() + END + tail
    if sys.argv[1:] == ["--check"]:
        if text != wanted:
            sys.exit(f"{DOCUMENT} is not current: run {HERE.name}")
    else:
        DOCUMENT.write_text(wanted, encoding="utf-8")


main()

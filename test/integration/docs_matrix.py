#!/usr/bin/env python3
"""The tables of types in docs/types.md, made from the types_table.py of postgres_types and mysql_types: `docs_matrix.py` writes them,
`docs_matrix.py --check` compares."""

import importlib.util
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve()
sys.path.insert(0, str(HERE.parent))
DOCUMENT = HERE.parents[2] / "docs/types.md"
END = "<!-- end -->\n"
OWN = {
    "mood": "an enum",
    "positive": "a domain over numeric(12,2)",
    "words": "a domain over text[]",
    "pair": "a composite type",
    "pair[]": "an array of it",
    "floatrange": "a range of one's own",
}
SERVERS = {("mariadb",): " (MariaDB)", ("mysql", "mysql57"): " (MySQL)"}
LONG = 90  # what is longer is shown by its beginning


def begin(test):
    return f"<!-- made by test/integration/docs_matrix.py from {test} -->\n"


def types_table(test):
    spec = importlib.util.spec_from_file_location(f"{test}_table", HERE.parent / test / "types_table.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


def code(text):
    if len(text) > LONG:
        text = text[:LONG] + "…"
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
    lob = {name: value for name, value in members.items() if name != "collation-name"} in ({"type": "STRING"}, {"type": "BINARY"})
    return words + (", LOB" if lob else "")


def title(type):
    name = getattr(type, "title", "") or OWN.get(type.name, type.name)
    if len(name) > LONG:
        name = name[: name.index(",")] + ",…)"
    return name + SERVERS.get(getattr(type, "on", ()), "")


def rows(test):
    seen = set()
    for types in types_table(test).FAMILIES.values():
        for type in types:
            if type.example and getattr(type, "on", ()) != ("mysql57",) and title(type) not in seen:
                seen.add(title(type))
                yield f"| {title(type)} | {definition(type.definition)} | {code(type.values[0])} | {code(type.example)} |"


def matrix(test):
    return "\n".join(["| type | control record | value in SQL | JSON |", "| --- | --- | --- | --- |", *rows(test)]) + "\n"


def main():
    text = DOCUMENT.read_text(encoding="utf-8")
    wanted = text
    for test in ("postgres_types", "mysql_types"):
        head, rest = wanted.split(begin(test))
        wanted = head + begin(test) + matrix(test) + END + rest.split(END, 1)[1]
    if sys.argv[1:] == ["--check"]:
        if text != wanted:
            sys.exit(f"{DOCUMENT} is not current: run {HERE.name}")
    else:
        DOCUMENT.write_text(wanted, encoding="utf-8")


main()

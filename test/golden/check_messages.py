#!/usr/bin/env python3
"""Checks that every text with which the mapping refuses or warns stands, whole, in a golden case, and that the cases cover the
grammar: each rule-action with each rule-target, each filter operator on each family of types, each member of object mapping.

    check_messages.py MAPPING_FOLDER GOLDEN_FOLDER

The texts are read from the sources, so that a new one without a case fails here. Exit status: 0 all there, 1 some are not.
"""
import ast
import json
import re
import sys
from pathlib import Path

# Texts of the sources that are no message of their own, by the reason.
NO_MESSAGE = {
    # parts of a longer text, put together at run time
    " and ", " or ", "or ", ", ", "  ",
    # the digest's first line, and the SQL around an expression
    "dmskafka messages 1\n", "SELECT ({}\n)",
    # an allocation that fails
    "SQLite has no memory",
    # said by other folders' tests: the placeholder of a name that cannot occur
    "unknown",
}
# Files whose texts people see elsewhere, each under a test of its own.
OTHER_TESTS = {"plan_outline.cc", "lob_columns.cc"}

LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"|R"\((.*?)\)"|//[^\n]*|\'(?:[^\'\\]|\\.)\'', re.S)


def texts_of(source):
    """The string literals of a C++ file, adjacent ones joined."""
    texts, end = [], -1
    for match in LITERAL.finditer(source):
        if match[0].startswith(("//", "'")):
            continue
        text = match[2] if match[1] is None else ast.literal_eval('"' + match[1] + '"')
        line_start = source.rfind("\n", 0, match.start()) + 1
        if source[line_start:match.start()].lstrip().startswith("#include"):
            continue
        if end >= 0 and not source[end:match.start()].strip():
            texts[-1] += text
        else:
            texts.append(text)
        end = match.end()
    return texts


def is_message(text):
    words = re.findall(r"[A-Za-z]{2,}", re.sub(r"\{[^}]*\}", "", text))
    return text not in NO_MESSAGE and len(words) >= 2 and " " in text.strip()


def is_said(text, lines):
    """Whether one of `lines` is `text` with something in the place of each {}."""
    parts = [part.replace("{{", "{").replace("}}", "}") for part in re.split(r"\{[0-9a-z:<>]*\}(?!\})", text)]
    pattern, longest = re.compile(".*?".join(map(re.escape, parts))), max(parts, key=len)
    return any(longest in line and pattern.search(line) for line in lines)


def untested_messages(mapping, golden):
    said = [line for expected in sorted(golden.glob("*/expected.txt")) for line in expected.read_text().splitlines()]
    missing = []
    for path in sorted(mapping.glob("*.cc")):
        if path.name.endswith("_test.cc") or path.name in OTHER_TESTS:
            continue
        for text in texts_of(path.read_text()):
            if is_message(text) and not is_said(text, said):
                missing.append(f"{path.name}: no golden case says {text!r}")
    return missing


NAMING = ("rename", "convert-lowercase", "convert-uppercase", "add-prefix", "add-suffix", "remove-prefix", "remove-suffix",
          "replace-prefix", "replace-suffix")
OF_COLUMNS = ("add-column", "include-column", "remove-column", "change-data-type", "add-before-image-columns",
              "data-masking-digits-mask", "data-masking-digits-randomize", "data-masking-hash-mask")
OPERATORS = ("lte", "ste", "gte", "eq", "noteq", "between", "notbetween", "null", "notnull")
FAMILIES = ("integer", "float4", "float8", "decimal", "decimal-as-string", "money", "boolean-as-string", "boolean", "string",
            "blank-trimmed-string", "date", "timestamp", "timestamp-utc", "time", "time-with-zone", "hex-bytes", "dynamic")
OBJECT_MAPPING = ("rule-action=map-record-to-record", "rule-action=map-record-to-document", "target-table-name",
                  "kafka-target-topic", "partition-key", "mapping-parameters", "partition-key-type=primary-key",
                  "partition-key-type=schema-table", "partition-key-type=attribute-name", "partition-key-name",
                  "exclude-columns", "attribute-mappings", "target-attribute-name", "attribute-name", "attribute-type=scalar",
                  "attribute-type=document", "attribute-sub-type=string", "attribute-sub-type=json", "value")


def grammar(golden):
    """What the cases without errors hold, one word for each."""
    for case in sorted(golden.iterdir()):
        if case.name.startswith("fail-") or not (case / "mapping.json").exists() or not (case / "table.json").exists():
            continue
        columns = json.loads((case / "table.json").read_text())["table"]["columns"]
        kinds = {column["name"]: column["kind"] for column in columns}
        for rule in json.loads((case / "mapping.json").read_text())["rules"]:
            if rule["rule-type"] == "transformation":
                yield f"{rule['rule-action']} of a {rule.get('rule-target')}"
            for filter in rule.get("filters") or []:
                for condition in filter["filter-conditions"]:
                    yield f"{condition['filter-operator']} on {kinds.get(filter['column-name'])}"
            if rule["rule-type"] == "object-mapping":
                yield from members(rule)


def members(value):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            if isinstance(inner, str):
                yield f"{name}={inner}"
            yield from members(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from members(inner)


def untested_grammar(golden):
    wanted = [f"{action} of a {target}" for action in NAMING for target in ("schema", "table", "column")]
    wanted += [f"{action} of a column" for action in OF_COLUMNS] + ["define-primary-key of a table"]
    wanted += [f"{operator} on {family}" for operator in OPERATORS for family in FAMILIES]
    wanted += OBJECT_MAPPING
    held = set(grammar(golden))
    return [f"no golden case has {word}" for word in wanted if word not in held]


def main():
    mapping, golden = Path(sys.argv[1]), Path(sys.argv[2])
    missing = untested_messages(mapping, golden) + untested_grammar(golden)
    for line in missing:
        print(line)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Puts the tests of several builds into one folder, so that one ctest run shows all of them in one summary.

    merge_tests.py OUT [--tests PREFIX BUILD_DIR LABEL[,LABEL...]]... [--check NAME COMMAND [ARG...] --]...

--tests takes those tests of a build that carry one of the labels. PREFIX ("" or "asan") goes before their names and, with a
colon, before the names of fixtures, so that builds do not mix; locks stay common to all. --check adds a test of its own; exit status 77 of it
means skipped. The result is OUT/CTestTestfile.cmake.
"""
import json
import subprocess
import sys
from pathlib import Path

SKIPPED = 77
FIXTURES = ("FIXTURES_SETUP", "FIXTURES_REQUIRED", "FIXTURES_CLEANUP")


def quoted(text):
    """A CMake argument that is taken as it stands."""
    return f"[==[{text}]==]"


def as_list(value):
    return [str(v) for v in value] if isinstance(value, list) else [str(value)]


def cmake_value(value):
    if isinstance(value, bool):
        return "ON" if value else "OFF"
    return ";".join(item.replace(";", "\\;") for item in as_list(value))


def test_lines(name, command, properties):
    yield f"add_test({quoted(name)} {' '.join(quoted(word) for word in command)})"
    pairs = " ".join(f"{key} {quoted(cmake_value(value))}" for key, value in sorted(properties.items()))
    yield f"set_tests_properties({quoted(name)} PROPERTIES {pairs})"


def listed_tests(build_dir):
    listing = subprocess.run(
        ["ctest", "--test-dir", build_dir, "--show-only=json-v1"], check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(listing.stdout)["tests"]


def build_tests(prefix, build_dir, labels):
    for test in listed_tests(build_dir):
        properties = {p["name"]: p["value"] for p in test.get("properties", [])}
        if not set(properties.get("LABELS", [])) & set(labels):
            continue
        name = test["name"]
        if prefix:
            name = f"{prefix}.{name}"
            properties["LABELS"] = properties["LABELS"] + [prefix]
            for key in FIXTURES:
                if key in properties:
                    properties[key] = [f"{prefix}:{item}" for item in properties[key]]
            if "DEPENDS" in properties:
                properties["DEPENDS"] = [f"{prefix}.{item}" for item in properties["DEPENDS"]]
        # A test whose program was not built has no command; it must fail, not vanish.
        yield from test_lines(name, test.get("command", ["false"]), properties)


def main(arguments):
    out = Path(arguments.pop(0))
    lines = ["# Made by scripts/lib/merge_tests.py."]
    while arguments:
        option = arguments.pop(0)
        if option == "--tests":
            prefix, build_dir, labels = arguments[:3]
            del arguments[:3]
            tests = list(build_tests(prefix, build_dir, labels.split(",")))
            if not tests:
                sys.exit(f"merge_tests.py: {build_dir} has no test labelled {labels}")
            lines += tests
        elif option == "--check":
            end = arguments.index("--")
            name, *command = arguments[:end]
            del arguments[: end + 1]
            lines += test_lines(name, command, {"LABELS": ["checks"], "TIMEOUT": 300, "SKIP_RETURN_CODE": SKIPPED})
        else:
            sys.exit(f"merge_tests.py: unknown option {option}")
    out.mkdir(parents=True, exist_ok=True)
    (out / "CTestTestfile.cmake").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

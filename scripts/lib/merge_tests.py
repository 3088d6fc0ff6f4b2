#!/usr/bin/env python3
"""Puts the tests of several builds into one folder, so that one ctest run shows all of them in one summary.

    merge_tests.py OUT [--tests PREFIX BUILD_DIR LABEL[,LABEL...]]... [--build PREFIX COMMAND [ARG...] --]...
                       [--check NAME COMMAND [ARG...] --]...

--tests takes those tests of a build that carry one of the labels. PREFIX ("" or "asan") goes before their names and, with a
colon, before the names of fixtures, so that builds do not mix; locks stay common to all. --build adds a test that builds PREFIX's
programs; the tests of that PREFIX wait for it. --check adds a test of its own; exit status 77 of it means skipped. The result is OUT/CTestTestfile.cmake.
"""
import json
import re
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


def require(properties, fixture):
    """The test waits for what sets the fixture up, and is not run when that fails."""
    properties["FIXTURES_REQUIRED"] = as_list(properties.get("FIXTURES_REQUIRED", [])) + [fixture]


def build_tests(prefix, build_dir, labels, builds):
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
        if prefix in builds:
            require(properties, f"{prefix}:built")
        # ctest tells no command of a program that is not built yet: a ctest of its own finds it then, or fails.
        command = test.get("command") or nested_ctest(build_dir, test["name"])
        yield from test_lines(name, command, properties)


def nested_ctest(build_dir, name):
    return ["ctest", "--test-dir", build_dir, "--no-tests=error", "--output-on-failure", "-R", f"^{re.escape(name)}$"]


def build_properties(prefix):
    """First of all, one build at a time. Not with PROCESSORS 2: ctest then lets a build wait while single places get free."""
    return {
        "LABELS": [prefix],
        "FIXTURES_SETUP": [f"{prefix}:built"],
        "RESOURCE_LOCK": ["compiler"],
        "COST": 10000,
        "TIMEOUT": 3600,
    }


def main(arguments):
    out = Path(arguments.pop(0))
    lines = ["# Made by scripts/lib/merge_tests.py."]
    builds = {name for option, name in zip(arguments, arguments[1:]) if option == "--build"}
    while arguments:
        option = arguments.pop(0)
        if option == "--tests":
            prefix, build_dir, labels = arguments[:3]
            del arguments[:3]
            tests = list(build_tests(prefix, build_dir, labels.split(","), builds))
            if not tests:
                sys.exit(f"merge_tests.py: {build_dir} has no test labelled {labels}")
            lines += tests
        elif option in ("--build", "--check"):
            end = arguments.index("--")
            name, *command = arguments[:end]
            del arguments[: end + 1]
            if option == "--build":
                lines += test_lines(f"{name}.build", command, build_properties(name))
                continue
            lines += test_lines(name, command, {"LABELS": ["checks"], "TIMEOUT": 300, "SKIP_RETURN_CODE": SKIPPED})
        else:
            sys.exit(f"merge_tests.py: unknown option {option}")
    out.mkdir(parents=True, exist_ok=True)
    (out / "CTestTestfile.cmake").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

"""The documents that AWS's own tools write are accepted unchanged, and what is wrong in them is named, whichever member it is.

task-settings.json is the complete default (describe-replication-tasks with every group), describe-endpoints.json a reply with
source and target, cloudformation.json a template, create-replication-task.json a request with JSON inside strings.
"""

import copy
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka
from lib.harness import case, check, equal, main

HERE = pathlib.Path(__file__).resolve().parent
TASK_SETTINGS = HERE / "task-settings.json"
ENDPOINTS = HERE / "describe-endpoints.json"
TEMPLATE = HERE / "cloudformation.json"
REQUEST = HERE / "create-replication-task.json"


def validate(t, *args, status=0):
    return dmskafka.run(t, "validate-mapping", "--offline", *args, cwd=HERE).expect(status)


def problems(t, *args, status=3):
    return json.loads(validate(t, *args, "--json", status=status).out)["problems"]


@case("each document is accepted unchanged, without an error or a warning; the whole of what is said")
def accepted(t):
    says = lambda *args: validate(t, *args).err
    equal(
        says("--task-settings", "task-settings.json"),
        "checked task settings task-settings.json: no problem found\n",
        "about the complete default task settings",
    )
    endpoints = (
        "source postgresql://dms@db.example:5432/shop, "
        "target kafka://b-1.example:9094,b-2.example:9094/shop-changes"
    )
    for name in ("describe-endpoints.json", "cloudformation.json"):
        equal(
            says("--source", name, "--target", name), f"checked {endpoints}: no problem found\n", f"about {name}"
        )
    equal(
        says("--task", "cloudformation.json", "--source", "cloudformation.json", "--target", "cloudformation.json"),
        f"checked task file cloudformation.json, {endpoints}, task settings, table mappings: no problem found\n",
        "about the whole template",
    )
    for flag, what in (("--task-settings", "task settings"), ("--table-mappings", "table mappings")):
        equal(
            says(flag, "create-replication-task.json"),
            f"checked {what} create-replication-task.json: no problem found\n",
            f"about the request as {flag}",
        )
    said = problems(t, "--task", "create-replication-task.json", "--source", "sqlite:x", "--target", "-", status=0)
    equal(
        [(p["severity"], p["message"]) for p in said],
        [
            ("notice", f"{name} has a meaning only within AWS")
            for name in ("SourceEndpointArn", "TargetEndpointArn", "ReplicationInstanceArn", "Tags")
        ],
        "about the request as a task",
    )


def members(value, path=()):
    """The path of every member of a group of settings."""
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield from members(inner, (*path, name))
        elif inner is not None and path:
            yield (*path, name)


def changed(document, path, change):
    """A copy in which `change` was done to the object that holds the last member of `path`."""
    out = copy.deepcopy(document)
    holder = out
    for name in path[:-1]:
        holder = holder[name]
    change(holder)
    return json.dumps(out)


def misspelt(name):
    """Two letters in the middle are swapped, or the last is lost."""
    at = len(name) // 2
    swapped = name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    return swapped if swapped != name else name[:-1]


def rename(old, new):
    def change(holder):
        entries = [(new if name == old else name, value) for name, value in holder.items()]
        holder.clear()
        holder.update(entries)

    return change


@case("any member of the task settings, misspelt, is an error at its place that names the right one")
def misspelt_task(t):
    document = json.loads(TASK_SETTINGS.read_text())
    for path in members(document):
        wrong = misspelt(path[-1])
        (problem,) = problems(t, "--task-settings", changed(document, path, rename(path[-1], wrong)))
        equal(problem["pointer"], "/" + "/".join((*path[:-1], wrong)), "place")
        equal(problem["message"], f'{path[-2]} has no setting "{wrong}"', "message")
        # Spelt alike but for case, so either is right.
        near = {"HistoryTimeslotInMinutes", "historyTimeslotInMinutes"}
        names = near if path[-1] in near else {path[-1]}
        check(problem["expected"] in {f'"{name}"' for name in names}, f"{wrong}: {problem['expected']}")
    for group, value in document.items():
        if value is None or not isinstance(value, dict):
            continue
        wrong = misspelt(group)
        (problem,) = problems(t, "--task-settings", changed(document, (group,), rename(group, wrong)))
        equal((problem["pointer"], problem["expected"]), (f"/{wrong}", f'"{group}"'), f"{wrong}")


@case("any member of the task settings, in another group, is an error that names the group it belongs to")
def misplaced_task(t):
    document = json.loads(TASK_SETTINGS.read_text())
    for path in members(document):
        group, name = path
        other = "Logging" if group != "Logging" else "TTSettings"
        moved = copy.deepcopy(document)
        moved[other][name] = moved[group].pop(name)
        (problem,) = problems(t, "--task-settings", json.dumps(moved))
        equal(problem["message"], f'{other} has no setting "{name}"', "message")
        equal(problem["expected"], f"it in {group}: {name} belongs to {group}", "expected")


@case("any member of the task settings, with another kind of value, is an error that says what is expected")
def mistyped_task(t):
    document = json.loads(TASK_SETTINGS.read_text())
    for path in members(document):
        value = document[path[0]][path[1]]
        wrong = {} if isinstance(value, list) else [value]
        said = problems(t, "--task-settings", changed(document, path, lambda h: h.update({path[-1]: wrong})))
        # A notice may stand beside it: a buffer without threads has no effect, whatever is wrong with it.
        (problem,) = [one for one in said if one["severity"] == "error"]
        equal(problem["pointer"], "/" + "/".join(path), "place")
        refused = path[-1] in ("EnableValidation", "ValidationOnly", "EnableTT")
        check(refused or problem["expected"], f"{path[-1]}: nothing is said to be expected")
        kind = "an object" if isinstance(value, list) else "an array"
        text = f"{path[-1]} is not supported" if refused else f"{path[-1]} is {kind}"
        equal(problem["message"], text, "message")


@case("the same for endpoints: misspelt, of the wrong engine, of another kind")
def endpoints(t):
    document = json.loads(ENDPOINTS.read_text())
    for number, (flag, group, other) in enumerate(
        (("--source", "PostgreSQLSettings", "KafkaSettings"), ("--target", "KafkaSettings", "PostgreSQLSettings"))
    ):
        one = document["Endpoints"][number]
        foreign = document["Endpoints"][1 - number][other]
        for name, value in one[group].items():
            if value is None:
                continue
            wrong = misspelt(name)
            (problem,) = problems(t, flag, changed(one, (group, name), rename(name, wrong)))
            equal(problem["message"], f'{group} has no setting "{wrong}"', "message")
            if name != "Port":  # "Prot" and "Pot" may be meant for others as well
                equal(problem["expected"], f'"{name}"', wrong)
            (problem,) = problems(t, flag, changed(one, (group, name), lambda h: h.update({name: [value]})))
            refused = name == "DatabaseMode"
            text = f"{name} is not supported" if refused else f"{name} is an array"
            equal(problem["message"], text, "message")
            check(problem["hint" if refused else "expected"], f"{name}: nothing is said to be expected")
        for name, value in foreign.items():
            if value is None or name in one[group] or name == "MaxFileSize":
                continue
            (problem,) = problems(t, flag, changed(one, (group, name), lambda h: h.update({name: value})))
            equal(problem["expected"], f"it in {other}: {name} belongs to {other}", name)


@case("a mistake inside a string of JSON tells the string's place and the place within; the whole text")
def inside_a_string(t):
    settings = json.loads(json.loads(REQUEST.read_text())["ReplicationTaskSettings"])
    settings["FullLoadSettings"]["MaxFullLoadSubTasks"] = 50
    text = json.dumps({"FullLoadSettings": settings["FullLoadSettings"]})
    request = json.dumps({"ReplicationTaskSettings": text}, indent=1)
    column = text.index("50") + 1
    shown = 4 + column  # four blanks stand before the quoted line
    said = validate(t, "--task-settings", request, status=3).err
    # The quoted line is cut around the caret where it is long: its beginning is there.
    head = (
        f"error: --task-settings:2:29, in the string /ReplicationTaskSettings:1:{column}: "
        "/FullLoadSettings/MaxFullLoadSubTasks: MaxFullLoadSubTasks 50 is out of range\n"
    )
    check(said.startswith(head), f"it begins otherwise:\n{said}")
    lines = said[len(head) :].splitlines()
    equal(lines[1].lstrip(), "^ expected 1 to 49; AWS's bound", "what is expected")
    at = lines[1].index("^")
    equal(lines[0][at : at + 2], "50", f"what the caret points at (column {shown})")
    equal(lines[2], "checked task settings: 1 error", "the verdict")


if __name__ == "__main__":
    main()

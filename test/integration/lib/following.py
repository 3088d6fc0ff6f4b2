"""A task that loads a database once and then follows its changes, run as a user runs it, in steps that a test controls."""

import json

from lib import dmskafka, kafka, wire


class Task:
    """Loads with --prepare-cdc, then follows up to the log's end as often as a test wants."""

    def __init__(self, t, database, mapping=None, groups=None, partitions=1, target=None, source=None, label="topic",
                 **dmskafka_settings):
        self.t, self.database = t, database
        self.topic = t.topic(label)
        self.state = t.dir / f"{self.topic}.dmskafka"
        self.args = [
            "--source", source or database.uri,
            "--target", dmskafka.kafka_target(self.topic, **(target or {})),
            "--task-id", self.topic.replace("_", "-")[-30:].strip("-"),
            "--state", self.state,
            "--task-settings", dmskafka.task_settings(partitions, groups, **dmskafka_settings),
        ]
        if mapping is not None:
            self.args += ["--table-mappings", mapping]
        self.seen = 0
        dmskafka.binary()  # skips where there is none
        t.defer(self.clean_up)

    def run(self, command, *more, status=0, limit_s=180):
        return dmskafka.run(self.t, command, *self.args, *more, limit_s=limit_s).expect(status)

    def load(self, **options):
        return self.run("full-load", "--prepare-cdc", **options)

    def follow(self, *more, **options):
        """Up to what the log holds now."""
        return self.run("cdc", "--until-current", *more, **options)

    def start(self, *more):
        return dmskafka.start(self.t, "cdc", *self.args, *more)

    def clean_up(self):
        dmskafka.run(self.t, "cleanup", *self.args, limit_s=60)
        self.database.end_following()

    def messages(self):
        """All of the topic, which has one partition unless told otherwise."""
        return kafka.consume(self.topic)

    def new_messages(self):
        """What came since the last call."""
        messages = self.messages()
        fresh, self.seen = messages[self.seen :], len(messages)
        return fresh

    def new_records(self):
        return [wire.parsed(m) for m in self.new_messages()]

    def changes(self):
        """(operation, data) of what came since the last call; a control record is its operation and None."""
        return [(r["metadata"]["operation"], r.get("data")) for r in self.new_records()]


def data_text(message):
    """The JSON text of `data`, byte for byte."""
    value = message.value
    end = max(value.rfind(b',"metadata":{'), 0)
    return value[len(b'{"data":') : end]


def before_image(field="before-image", columns="all"):
    return {"BeforeImageSettings": {"EnableBeforeImage": True, "FieldName": field, "ColumnFilter": columns}}


def settings_json(**members):
    return json.dumps(members)

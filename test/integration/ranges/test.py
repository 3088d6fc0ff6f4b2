"""Tables are cut as table-settings rules say: every row comes, those with NULL in a boundary column included."""

import collections
import json
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import dmskafka, kafka, sqlite, wire
from lib.harness import case, check, equal, main

ROWS = 12_000


def mapping(schema, **parallel_load):
    rules = json.loads(dmskafka.mapping(f"{schema}.things"))
    rules["rules"].append(
        {
            "rule-type": "table-settings",
            "rule-id": "9",
            "rule-name": "9",
            "object-locator": {"schema-name": schema, "table-name": "things"},
            "parallel-load": parallel_load,
        }
    )
    return json.dumps(rules)


class Load:
    def __init__(self, t, source, rules):
        self.t, self.topic = t, t.topic()
        self.state = t.dir / f"{self.topic}.dmskafka"
        self.args = ["full-load", "--source", source, "--target", dmskafka.kafka_target(self.topic), "--table-mappings", rules]
        self.args += ["--state", self.state, "--task-settings", dmskafka.task_settings(3)]

    def run(self, failpoint=None):
        program = dmskafka.binary_with_failpoints() if failpoint else None
        env = {"DMSKAFKA_FAILPOINT": failpoint} if failpoint else None
        return dmskafka.run(self.t, *self.args, env=env, program=program)

    def ranges(self):
        return sqlite.query_state(self.state, "SELECT range FROM segment_load ORDER BY segment;").splitlines()

    def ids(self):
        """How often each row came."""
        came = collections.Counter()
        for message in kafka.consume(self.topic):
            value = wire.parsed(message)
            if value["metadata"]["record-type"] == "data":
                came[value["data"]["id"]] += 1
        return came


def check_ranges(t, source, schema):
    rules = mapping(schema, type="ranges", columns=["region", "year"], boundaries=[["US", "2021"], ["EU", "2020"]])
    load = Load(t, source, rules)
    # Killed while it reads, so that the state file shows the ranges.
    load.run(failpoint="inside-range").expect(-signal.SIGKILL)
    equal(
        load.ranges(),
        [
            """keys ("region","year") to ('EU','2020')""",
            """keys ("region","year") from ('EU','2020') to ('US','2021')""",
            """keys ("region","year") from ('US','2021')""",
            """keys ("region","year") null""",
        ],
        "the user's ranges",
    )
    done = load.run().expect(0)
    check("rows with NULL in a column of the ranges are loaded too, which DMS leaves out" in done.err, done.err)
    equal(sorted(load.ids()), list(range(1, ROWS + 1)), "rows")
    fresh = Load(t, source, rules)
    fresh.run().expect(0)
    equal(fresh.ids(), collections.Counter(range(1, ROWS + 1)), "rows of a load that was not interrupted, each once")


REGIONS = "('EU', 2019), ('EU', 2020), ('US', 2020), ('US', 2021), (NULL, 2020), ('EU', NULL)"


@case("PostgreSQL: ranges of two columns")
def postgres_ranges(t):
    database = t.database(f"""
        CREATE TABLE things (id int PRIMARY KEY, region varchar(10), year int);
        INSERT INTO things SELECT i, r.region, r.year FROM generate_series(1, {ROWS}) i
          JOIN (SELECT row_number() OVER () - 1 AS n, * FROM (VALUES {REGIONS}) v(region, year)) r ON r.n = i % 6;""")
    check_ranges(t, database.uri, "public")


@case("SQLite: ranges of two columns")
def sqlite_ranges(t):
    path = t.dir / "things.db"
    sqlite.run(path, f"""
        PRAGMA journal_mode = wal;
        CREATE TABLE things (id INTEGER PRIMARY KEY, region VARCHAR(10), year INT);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}),
          r(n, region, year) AS (SELECT row_number() OVER () - 1, column1, column2 FROM (VALUES {REGIONS}))
        INSERT INTO things SELECT i, region, year FROM n JOIN r ON r.n = i % 6;""")
    check_ranges(t, f"sqlite:{path}", "main")


@case("PostgreSQL: a boundary that is no value of its column is an error with the rule's place: exit 3")
def wrong_boundary(t):
    database = t.database("CREATE TABLE things (id int PRIMARY KEY); INSERT INTO things VALUES (1)")
    load = Load(t, database.uri, mapping("public", type="ranges", columns=["id"], boundaries=[["many"]]))
    outcome = load.run().expect(3)
    check("/rules/1/parallel-load/type: the boundaries of the ranges do not fit the columns id" in outcome.err, outcome.err)


@case("PostgreSQL: partitions, those listed first, and those that are not listed too")
def partitions(t):
    database = t.database(f"""
        CREATE TABLE things (id int, region varchar(10)) PARTITION BY LIST (region);
        CREATE TABLE things_eu PARTITION OF things FOR VALUES IN ('EU');
        CREATE TABLE things_us PARTITION OF things FOR VALUES IN ('US');
        INSERT INTO things SELECT i, CASE WHEN i % 2 = 0 THEN 'EU' ELSE 'US' END FROM generate_series(1, {ROWS}) i;""")
    rules = mapping("public", type="partitions-list", partitions=["things_us"])
    load = Load(t, database.uri, rules)
    load.run(failpoint="inside-range").expect(-signal.SIGKILL)
    names = [text.split(":")[0] for text in load.ranges()]
    equal(names, ['partition "public"."things_us"', 'partition "public"."things_eu"'], "ranges")
    load.run().expect(0)
    equal(sorted(load.ids()), list(range(1, ROWS + 1)), "rows")
    outcome = Load(t, database.uri, mapping("public", type="partitions-list", partitions=["things_asia"])).run().expect(3)
    check('public.things has no partition "things_asia"' in outcome.err, outcome.err)


if __name__ == "__main__":
    main()

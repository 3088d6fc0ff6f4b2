"""Debezium on the same table into the same Kafka: one connector in Connect standalone, tuned as its documentation
advises for large snapshots and much traffic."""
import shutil
from pathlib import Path

from lib.peer import fill, jars, peer

FILES = Path(__file__).resolve().parent.parent / "debezium"
SCHEMAS = {"postgres": "public", "mariadb": "bench"}


def connector(database, port, kafka, table, name, directory, **values):
    """A peer: one connector in a Connect of its own. `name`: of its topics, and of its state in `directory`, which may be there."""
    state = directory / name
    state.mkdir(exist_ok=True)
    values |= {"BOOT": kafka, "STATE": state, "NAME": name, "TABLE": table, "PORT": port}
    fill(FILES / "worker.properties.in", state / "worker.properties", values)
    fill(FILES / f"{database}.properties.in", state / "connector.properties", values)
    command = ["java", "-Xmx2g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{jars('debezium', FILES / 'pom.xml')}/*",
               "org.apache.kafka.connect.cli.ConnectStandalone", state / "worker.properties", state / "connector.properties"]
    return peer(command, kafka, f"{name}.{SCHEMAS[database]}.{table}", state / "log")


def postgres(port, kafka, table, name, directory, slot, publication):
    """Follows what waits in the slot."""
    return connector("postgres", port, kafka, table, name, directory, SNAPSHOT="no_data", SLOT=slot, PUBLICATION=publication,
                     AUTOCREATE="disabled")


def mariadb(port, kafka, table, name, directory):
    """Follows the log from where its state is, or from its end."""
    return connector("mariadb", port, kafka, table, name, directory, SNAPSHOT="no_data")


def snapshot(database, port, kafka, table, rows, name, directory):
    """Runs it until the topic holds all rows."""
    with connector(database, port, kafka, table, name, directory, SNAPSHOT="initial_only", SLOT=name, PUBLICATION=name,
                   AUTOCREATE="filtered") as running:
        result = running.until(rows)
    shutil.rmtree(directory / name)
    return result
